"""Secrets and config maps without a cluster: folders of the deployment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from headrace_executor.backends.process.secret_folders import read_key_folders
from headrace_executor.core.platform import (
    KeyFolder,
    Mount,
    PlatformError,
    mounted_paths,
    provision,
    requested_key_folders,
)

from tests.support.launches import launch_command

KNOWN = {("secrets", "s"): KeyFolder("/data/secrets/default/s", {"k": "v"})}


def test_a_requested_name_cannot_be_a_path_out_of_its_folder() -> None:
    names = ["s", "../x", "", ".", "a/b", "a.b-1"]
    platform = {
        "secretAsEnv": [{"secretName": name} for name in names],
        "configMapAsVolume": [{"configMapNameParameter": {"runtimeValue": {"constant": "m"}}}],
    }
    assert requested_key_folders(launch_command(platform=platform)) == [
        ("secrets", "s"),
        ("secrets", "a.b-1"),
        ("config-maps", "m"),
    ]


def test_key_folders_are_read_from_their_namespace(tmp_path: Path) -> None:
    folder = tmp_path / "secrets" / "team" / "s"
    folder.mkdir(parents=True)
    (folder / "k").write_text("v")
    names = [("secrets", "s"), ("secrets", "t"), ("config-maps", "s")]
    assert read_key_folders(tmp_path, "team", names) == {
        ("secrets", "s"): KeyFolder(str(folder), {"k": "v"})
    }
    assert read_key_folders(tmp_path, "other", names) == {}


def test_keys_become_variables() -> None:
    entry = {"secretName": "s", "keyToEnv": [{"secretKey": "k", "envVar": "K"}]}
    provided = provision(launch_command(platform={"secretAsEnv": [entry]}), "host", KNOWN)
    assert provided.env == {"K": "v"}
    entry["keyToEnv"] = [{"secretKey": "other", "envVar": "K"}]
    with pytest.raises(PlatformError, match="the key 'other', which the secret 's'"):
        provision(launch_command(platform={"secretAsEnv": [entry]}), "host", KNOWN)
    optional = {"secretAsEnv": [entry | {"optional": True}]}
    assert provision(launch_command(platform=optional), "host", KNOWN).env == {}


ENV = {"A": "/keys/a.json", "B": "/keys", "C": "/keys-of-others", "D": "words"}


@pytest.mark.parametrize(
    ("known", "env"),
    [
        (
            KNOWN,
            ENV | {"A": "/data/secrets/default/s/a.json", "B": "/data/secrets/default/s"},
        ),
        ({}, {"C": "/keys-of-others", "D": "words"}),
    ],
)
def test_paths_in_variables_become_paths_of_the_files(known: Any, env: dict[str, str]) -> None:
    entry = {"secretName": "s", "mountPath": "/keys/", "optional": True}
    provided = provision(launch_command(platform={"secretAsVolume": [entry]}), "host", known)
    assert mounted_paths(ENV, provided.mounts) == env


def test_required_files_without_a_variable_are_refused() -> None:
    mount = Mount("/keys", "/data", "the secret 's' (secretAsVolume)", is_needed=True)
    with pytest.raises(PlatformError, match="in an environment variable"):
        mounted_paths({"D": "words"}, (mount,))
