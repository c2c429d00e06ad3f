"""Page tokens: a position in a list, signed by the deployment."""

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
    """Signs and verifies page tokens. Their content is not secret, but cannot be forged."""

    def __init__(self, secret: str) -> None:
        self._key = hashlib.sha256(b"headrace page tokens\0" + secret.encode()).digest()

    def write(self, content: dict[str, Any]) -> str:
        """The token with a JSON value."""
        body = json.dumps(content, separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(self._signature(body) + body).decode().rstrip("=")

    def read(self, token: str) -> dict[str, Any]:
        """The JSON value of a token.

        Raises:
            RejectedError: the token was not issued by this deployment.
        """
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), b"-_", validate=True)
        except (ValueError, binascii.Error):
            raise _invalid() from None
        signature, body = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, self._signature(body)):
            raise _invalid()
        content: dict[str, Any] = json.loads(body)
        return content

    def _signature(self, body: bytes) -> bytes:
        return hmac.new(self._key, body, hashlib.sha256).digest()[:_SIGNATURE_BYTES]


def _invalid() -> RejectedError:
    return RejectedError.because(
        RejectionCode.MALFORMED,
        "page_token is invalid; use next_page_token of the page before",
        "page_token",
    )
