"""Runs the calls of a script and reports failures in a JSON file, since the SDK prints links."""

import json
import os
import time
import traceback
from collections.abc import Callable
from typing import Any

Case = Callable[[], Any]


def run(folder: str, cases: dict[str, Case], **more: Any) -> None:
    """Run the cases in order, also after one has failed, and write ``report.json``. `more`: its
    further fields."""
    failures = {}
    for name, case in cases.items():
        try:
            case()
        except BaseException:
            failures[name] = traceback.format_exc()
    with open(os.path.join(folder, "report.json"), "w") as file:
        json.dump({"ran": list(cases), "failures": failures, **more}, file)


def soon(holds: Callable[[], Any], seconds: float = 180.0) -> Any:
    """Wait for a true value, since reads may lag behind writes."""
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline, f"still {found!r} after {seconds:.0f} s"
        time.sleep(0.05)
    return found
