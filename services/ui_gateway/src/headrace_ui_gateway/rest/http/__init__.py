"""How the routes of ``/api/v1`` read requests and write responses.

Every refusal is a problem (RFC 9457) that names the field at fault. An unknown
parameter is rejected: if a mistyped filter were ignored, the response would have the wrong items.
"""
