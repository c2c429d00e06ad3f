"""Connects a command to the gateway, and turns the client's errors into the command's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from headrace.cli.errors import CommandFailed
from headrace.cli.options import Context
from headrace.client.discovery import find_gateway

if TYPE_CHECKING:
    from headrace.client import Client

_ATTEMPTS = 5
"""With the pauses less than two seconds, because a person waits for the result."""


@contextmanager
def connected(context: Context) -> Iterator[Client]:
    """A client of the gateway.

    Raises:
        CommandFailed: a request was rejected or got no response, or a file cannot be written.
    """
    from headrace.client import Client, ClientError, Patience

    try:
        url, token = find_gateway(context.host, context.token, context.data)
        with Client(url, token, patience=Patience(attempts=_ATTEMPTS)) as client:
            yield client
    except ClientError as error:
        hint = "; pass --token or set HEADRACE_TOKEN" if error.code == "UNAUTHENTICATED" else ""
        raise CommandFailed(error.code, error.message + hint) from None
    except TimeoutError as error:
        raise CommandFailed("TIMEOUT", str(error)) from None
