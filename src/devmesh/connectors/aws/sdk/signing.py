"""Signature Version 4 by botocore, over the very bytes that the sender writes.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from types import SimpleNamespace

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.credentials import ReadOnlyCredentials

from devmesh.connectors.aws.call import Call
from devmesh.upstream.origin import base_of
from devmesh.upstream.outgoing import host_of

DIGEST = "x-amz-content-sha256"
# Under this name botocore looks for the body's digest before it makes one.
_DIGEST_OF_BOTOCORE = "X-Amz-Content-SHA256"
_TIME = "%Y%m%dT%H%M%SZ"


def signature(call: Call, fields: Mapping[str, str], base_url: str) -> dict[str, str]:
    """Return the headers that sign the complete call for `base_url`: the signature, its time, and a session's token.

    Signed are the method, path, query and host as they are sent, every header of the request's own, and the body.
    """
    if call.signing is None:
        return {}
    base = base_of(base_url)
    added = {"x-amz-date": datetime.now(UTC).strftime(_TIME)}
    token = fields.get("session_token")
    if token:
        added["x-amz-security-token"] = token
    headers = {**call.headers, **added, "host": host_of(base.origin)}
    if DIGEST in headers:
        headers[_DIGEST_OF_BOTOCORE] = headers.pop(DIGEST)
    request = SimpleNamespace(
        method=call.method,
        url=base.text + base.target(call.path, call.query),
        params=None,
        headers=headers,
        body=call.content,
        context={"timestamp": added["x-amz-date"]},
    )
    kind = S3SigV4Auth if call.signing.plain_path else SigV4Auth
    credentials = ReadOnlyCredentials(fields["access_key"], fields["secret_key"], token)
    signer = kind(credentials, call.signing.name, call.signing.region)
    signed = signer.string_to_sign(request, signer.canonical_request(request))
    parts = (
        f"Credential={signer.scope(request)}",
        f"SignedHeaders={signer.signed_headers(signer.headers_to_sign(request))}",
        f"Signature={signer.signature(signed, request)}",
    )
    return {"authorization": f"AWS4-HMAC-SHA256 {', '.join(parts)}", **added}
