"""How the routes of ``/api/v1`` read requests and write responses.

Every refusal is a problem (RFC 9457) that names the field at fault. What a route does not know is
rejected, not ignored: with a mistyped filter ignored, the answer would be to another question.
"""
