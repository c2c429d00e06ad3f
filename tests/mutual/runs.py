"""Runs both packages of a source on one deployment, and compares the results."""

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
    """The comparison of both runs of a source."""

    name: str
    ended: str
    """The state, with the code of a failure; or REJECTED."""
    message: str
    """Why it failed or was rejected."""
    differences: list[Difference]
    """Differences that are not allowed."""
    known: set[str]
    """The reasons of allowed differences."""


def compare_all(client: Client, found: Iterable[Source]) -> list[Comparison]:
    """The comparisons, in the order of the sources."""
    by_name = {source.name: source for source in found}
    return check_all(lambda name: compare(client, by_name[name]), by_name)


def compare(client: Client, source: Source) -> Comparison:
    """Run a source's packages, and compare."""
    theirs, ours = (_result(client, source, sdk) for sdk in SDKS)
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


def _result(client: Client, source: Source, sdk: str) -> dict[str, Any]:
    request = {**source.request(sdk), "parameters": arguments(source.arguments)}
    try:
        return result(client, run(client, request.pop("package"), request))
    except ClientError as error:
        # faults are listed in the order of the IR, which is random in kfp's
        return {
            "state": "REJECTED",
            "error": {"message": "; ".join(sorted(str(error).split("; ")))},
        }
    except TimeoutError as error:
        return {"state": "TIMEOUT", "error": {"message": str(error)}}
