"""The commands of docs/howto/http-api.md print what the page says."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.support.deployment import ROOT, Deployment

pytestmark = pytest.mark.e2e

PAGE = ROOT / "docs" / "howto" / "http-api.md"
BLOCK = re.compile(r"^```sh\n(?P<code>.*?)^```\n(?:```text\n(?P<says>.*?)^```\n)?", re.M | re.S)
_MARK = "--- block {} ---"


def test_the_commands_print_what_the_page_says(deployment: Deployment, tmp_path: Path) -> None:
    blocks = list(BLOCK.finditer(PAGE.read_text()))
    assert len(blocks) > 8
    script = "set -euo pipefail\n" + "".join(
        f"{block['code']}\necho '{_MARK.format(at)}'\n" for at, block in enumerate(blocks)
    )
    connection = json.loads((deployment.data / "connection.json").read_text())
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env={
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "URL": deployment.url,
            "TOKEN": connection.get("token", ""),
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    rest = done.stdout
    for at, block in enumerate(blocks):
        said, mark, rest = rest.partition(_MARK.format(at) + "\n")
        assert mark, (block["code"], said, done.stderr)
        if block["says"] is not None:
            wanted = ".*?".join(map(re.escape, block["says"].strip().split("...")))
            assert re.fullmatch(wanted, said.strip(), re.S), (block["code"], said)
    assert done.returncode == 0, done.stderr
