"""Generated requests cause no server error, and no response that the OpenAPI documents do not
describe."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.schemathesis import DOCUMENTS, PROGRAM, Fuzz
from tests.fuzz.things import client_of, make_things
from tests.support.deployment import Deployment

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not PROGRAM.exists(), reason="`make fuzz-setup` installs schemathesis"),
]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_generated_requests_find_no_fault(
    deployment: Deployment, tmp_path: Path, document: str
) -> None:
    with client_of(deployment.url) as client:
        things = make_things(client)
    done = Fuzz(deployment.url, document, seconds=25).run(things, tmp_path)
    assert done.returncode == 0, done.stdout
