"""Checks that the bucket exists. The S3 server creates it shortly after it starts to respond, and
a service's key may not create it.

Source: AWS Signature Version 4, query string authentication.
"""

from __future__ import annotations

import hashlib
import hmac
import urllib.error
import urllib.request
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

from headrace_local.programs import BUCKET, REGION


def has_bucket(port: int, secret: str) -> bool:
    """Whether the S3 server on loopback has the bucket. `secret` is the operator's secret key."""
    url = presigned(f"127.0.0.1:{port}", "headrace", secret, datetime.now(UTC))
    request = urllib.request.Request(url, method="HEAD")  # noqa: S310  # loopback
    try:
        with urllib.request.urlopen(request, timeout=0.5) as response:  # noqa: S310
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def presigned(host: str, key: str, secret: str, now: datetime) -> str:
    """A URL for a HEAD request for the bucket, valid for a minute."""
    day, moment = f"{now:%Y%m%d}", f"{now:%Y%m%dT%H%M%SZ}"
    scope = f"{day}/{REGION}/s3/aws4_request"
    query = urlencode(
        {
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Credential": f"{key}/{scope}",
            "X-Amz-Date": moment,
            "X-Amz-Expires": "60",
            "X-Amz-SignedHeaders": "host",
        },
        quote_via=quote,
        safe="",
    )
    parts = ("HEAD", f"/{BUCKET}", query, f"host:{host}\n", "host", "UNSIGNED-PAYLOAD")
    canonical = "\n".join(parts)
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    signing = f"AWS4{secret}".encode()
    for part in (day, REGION, "s3", "aws4_request"):
        signing = hmac.digest(signing, part.encode(), "sha256")
    to_sign = "\n".join(("AWS4-HMAC-SHA256", moment, scope, digest))
    signature = hmac.digest(signing, to_sign.encode(), "sha256").hex()
    return f"http://{host}/{BUCKET}?{query}&X-Amz-Signature={signature}"
