"""Page tokens: a place in a list, in text that only this deployment can have written."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from typing import Any

from headrace_contracts.failures import RejectionCode

from headrace_runtime.errors import RejectedError

_SIGNATURE_BYTES = 16


class TokenSigner:
    """Writes tokens and reads them back. A token tells no secret; it cannot be made by hand."""

    def __init__(self, secret: str) -> None:
        self._key = hashlib.sha256(b"headrace page tokens\0" + secret.encode()).digest()

    def write(self, content: dict[str, Any]) -> str:
        """The token of a JSON value."""
        body = json.dumps(content, separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(self._signature(body) + body).decode().rstrip("=")

    def read(self, token: str) -> dict[str, Any]:
        """The value that was written.

        Raises:
            RejectedError: nobody here wrote this token.
        """
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), b"-_", validate=True)
        except (ValueError, binascii.Error):
            raise _unknown() from None
        signature, body = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, self._signature(body)):
            raise _unknown()
        content: dict[str, Any] = json.loads(body)
        return content

    def _signature(self, body: bytes) -> bytes:
        return hmac.new(self._key, body, hashlib.sha256).digest()[:_SIGNATURE_BYTES]


def _unknown() -> RejectedError:
    return RejectedError.because(
        RejectionCode.MALFORMED, "page_token is not one that a list gave", "page_token"
    )
