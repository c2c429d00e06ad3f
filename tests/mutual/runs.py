"""Runs both packages of a source on one deployment, and compares what they come to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from headrace.client import Client, ClientError

from tests.conformance.runs import arguments, check_all, run
from tests.mutual.results import Difference, differences, result
from tests.mutual.sources import SDKS, Source


@dataclass
class Comparison:
    """How both runs of a source ended."""

    name: str
    ended: str
    """The state, with the code of a failure; or REFUSED."""
    said: str
    """Why it failed or was refused."""
    differences: list[Difference]
    """Those that must not be."""
    known: set[str]
    """Reasons of those that may be."""


def compare_all(client: Client, found: Iterable[Source]) -> list[Comparison]:
    """The comparisons, in the order of the sources."""
    by_name = {source.name: source for source in found}
    return check_all(lambda name: compare(client, by_name[name]), by_name)


def compare(client: Client, source: Source) -> Comparison:
    """Run a source's packages, and compare."""
    theirs, ours = (_came_to(client, source, sdk) for sdk in SDKS)
    error = theirs.get("error") or {}
    code = error.get("code")
    ended = f"{theirs['state']} {code}" if code else theirs["state"]
    found = list(differences(theirs, ours))
    return Comparison(
        source.name,
        ended,
        error.get("message", ""),
        [each for each in found if each.reason is None],
        {each.reason for each in found if each.reason is not None},
    )


def _came_to(client: Client, source: Source, sdk: str) -> dict[str, Any]:
    request = {**source.request(sdk), "parameters": arguments(source.arguments)}
    try:
        return result(client, run(client, request.pop("package"), request))
    except ClientError as error:
        # the faults come in the order of the IR, which is by chance in kfp's
        return {"state": "REFUSED", "error": {"message": "; ".join(sorted(str(error).split("; ")))}}
    except TimeoutError as error:
        return {"state": "TIMEOUT", "error": {"message": str(error)}}
