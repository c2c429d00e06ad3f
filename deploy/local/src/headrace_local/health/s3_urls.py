"""Presigned URLs of the S3 server on loopback, with which its health is checked.

Source: AWS Signature Version 4, query string authentication.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime
from urllib.parse import quote, urlencode

from headrace_local.programs import BUCKET, REGION


def presigned(method: str, host: str, object_key: str, key: str, secret: str, now: datetime) -> str:
    """The path and query of a request for an object of the bucket, valid for a day, so
    that a server whose clock is ahead takes it."""
    day, moment = f"{now:%Y%m%d}", f"{now:%Y%m%dT%H%M%SZ}"
    scope = f"{day}/{REGION}/s3/aws4_request"
    query = urlencode(
        {
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Credential": f"{key}/{scope}",
            "X-Amz-Date": moment,
            "X-Amz-Expires": "86400",
            "X-Amz-SignedHeaders": "host",
        },
        quote_via=quote,
        safe="",
    )
    path = f"/{BUCKET}/{object_key}"
    canonical = "\n".join((method, path, query, f"host:{host}\n", "host", "UNSIGNED-PAYLOAD"))
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    signing = f"AWS4{secret}".encode()
    for part in (day, REGION, "s3", "aws4_request"):
        signing = hmac.digest(signing, part.encode(), "sha256")
    to_sign = "\n".join(("AWS4-HMAC-SHA256", moment, scope, digest))
    signature = hmac.digest(signing, to_sign.encode(), "sha256").hex()
    return f"{path}?{query}&X-Amz-Signature={signature}"
