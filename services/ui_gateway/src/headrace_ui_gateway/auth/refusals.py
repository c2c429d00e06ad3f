"""Error responses of the gate, in the format of the API that was called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from headrace_contracts.failures import RejectionCode
from headrace_runtime.http import RETRY_AFTER, STATUS, problem
from starlette.responses import FileResponse, Response

from headrace_ui_gateway.auth.authenticator import RequestInfo
from headrace_ui_gateway.auth.rules.principals import Fault

_SIGN_IN = Path(__file__).parents[1] / "static" / "sign_in.html"
UNAVAILABLE = "UNAVAILABLE"

ErrorFormat = Callable[[int, str, str], Response]
"""An error response from its HTTP status, its code (of `RejectionCode`, or `UNAVAILABLE`) and its
message."""


class Refusals:
    """Makes error responses. A path without a format of its own gets problems (RFC 9457)."""

    def __init__(self, formats: Mapping[str, ErrorFormat] | None = None) -> None:
        """`formats` are by path prefix."""
        self._formats = dict(formats or {})

    def refusal(self, path: str, code: RejectionCode, message: str) -> Response:
        """A refused request."""
        return self._response(path, STATUS[code], code, message)

    def unavailable(self, path: str, message: str) -> Response:
        """The caller cannot be authenticated at the moment."""
        response = self._response(path, 503, UNAVAILABLE, message)
        response.headers.update(RETRY_AFTER)
        return response

    def unauthenticated(self, request: RequestInfo, path: str, fault: Fault) -> Response:
        """The caller is not known. A person who opens a page gets the sign-in form."""
        wants_page = request.page and "text/html" in request.headers.get("accept", "")
        response: Response
        if wants_page and request.method in ("GET", "HEAD"):
            headers = {"Cache-Control": "no-store"}
            response = FileResponse(_SIGN_IN, 401, headers=headers, media_type="text/html")
        else:
            response = self.refusal(path, RejectionCode.UNAUTHENTICATED, fault.value)
        detail = ""
        if fault is not Fault.MISSING:
            detail = f', error="invalid_token", error_description="{fault}"'
        response.headers["WWW-Authenticate"] = f'Bearer realm="headrace"{detail}'
        return response

    def _response(self, path: str, status: int, code: str, message: str) -> Response:
        for prefix, error_format in self._formats.items():
            if path.startswith(prefix):
                return error_format(status, code, message)
        return problem(status, code, message)
