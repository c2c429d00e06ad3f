"""An OpenID Connect issuer for tests, with its own keys, served on loopback."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

AUDIENCE = "headrace"


class SigningKey:
    """A key pair with an id."""

    def __init__(self, key_id: str, algorithm: str = "ES256") -> None:
        self.id = key_id
        self.algorithm = algorithm
        self.private: Any
        if algorithm.startswith("ES"):
            self.private = ec.generate_private_key(ec.SECP256R1())
            described = ECAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        else:
            self.private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
            described = RSAAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        self.public = {**described, "kid": key_id, "use": "sig", "alg": algorithm}
        self.public.pop("key_ops", None)


class FakeIssuer:
    """An issuer: its documents and tokens. `requests` counts the requests for its keys."""

    def __init__(self, url: str = "https://issuer.example") -> None:
        self.url = url
        self.key = SigningKey("first")
        self.published = [self.key.public]
        self.requests = 0
        self.away = False

    def rotate(self, key_id: str, publish: bool = True) -> None:
        """Sign with a new key. `publish`: whether the issuer publishes it."""
        self.key = SigningKey(key_id)
        if publish:
            self.published = [*self.published, self.key.public]

    def claims(self, user: str, groups: Any = (), **more: Any) -> dict[str, Any]:
        """The claims of a valid token; a value of None removes a claim."""
        now = time.time()
        claims = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": user,
            "groups": groups,
            "iat": int(now),
            "exp": int(now) + 300,
            **more,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, user: str, groups: Any = (), **more: Any) -> str:
        """A signed token for a user."""
        headers = {"kid": self.key.id}
        claims = self.claims(user, groups, **more)
        return jwt.encode(claims, self.key.private, self.key.algorithm, headers=headers)

    def document(self, path: str) -> Any:
        """The document at a path; None when there is none."""
        if self.away:
            return None
        if path == "/.well-known/openid-configuration":
            return {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}
        if path == "/keys":
            self.requests += 1
            return {"keys": self.published}
        return None


@contextmanager
def serving() -> Iterator[FakeIssuer]:
    """An issuer that listens on loopback."""
    issuer = FakeIssuer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = issuer.document(self.path)
            body = json.dumps(found).encode()
            self.send_response(503 if found is None else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    issuer.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
