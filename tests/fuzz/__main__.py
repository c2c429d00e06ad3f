"""``python -m tests.fuzz``: fuzz both APIs of a new or a running deployment."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from pathlib import Path

from tests.fuzz.schemathesis import DOCUMENTS, Fuzz
from tests.fuzz.things import client_of, make_things
from tests.support.deployment import Deployment


def main() -> int:
    """Returns 0 when no fault was found."""
    parser = argparse.ArgumentParser(prog="make fuzz ARGS=")
    parser.add_argument("--seconds", type=int, default=300, help="for each document")
    parser.add_argument("--seed", type=int, default=random.randrange(2**31))
    parser.add_argument("--url", help="a gateway; without it a deployment is started")
    parser.add_argument("--token", help="the bearer token")
    parser.add_argument("--document", choices=DOCUMENTS, action="append")
    asked = parser.parse_args()
    if asked.url:
        return _all(asked, asked.url)
    deployment = Deployment()
    try:
        deployment.up()
        return _all(asked, deployment.url)
    finally:
        deployment.remove()


def _all(asked: argparse.Namespace, url: str) -> int:
    with client_of(url, asked.token) as client:
        things = make_things(client)
    clean = True
    for document in asked.document or DOCUMENTS:
        with tempfile.TemporaryDirectory() as folder:
            fuzz = Fuzz(url, document, asked.seconds, asked.token, asked.seed)
            done = fuzz.run(things, Path(folder))
        print(done.stdout)
        clean &= done.returncode == 0
    return 0 if clean else 1


sys.exit(main())
