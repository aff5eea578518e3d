"""Whether an access key is good, from the answer of STS to GetCallerIdentity, which every key may ask."""

from __future__ import annotations

from http import HTTPStatus

from devmesh.connectors.aws.refusals import CLOCK, code_of, is_clock, is_limited
from devmesh.upstream.model import Identity, Reply, Verdict

# https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
_REFUSED = {
    "InvalidClientTokenId": (
        "AWS does not know the access_key: it is mistyped, deleted or inactive, its session_token is missing, or the "
        "region belongs to another partition or is not enabled in the account."
    ),
    "SignatureDoesNotMatch": "The secret_key is not the one of this access_key.",
    "ExpiredToken": "The session has expired: its access_key, secret_key and session_token are of no use any more.",
}


def judge(reply: Reply) -> Verdict:
    """Return valid for a key that AWS knows, invalid only where AWS says so, else unknown."""
    if reply.status == HTTPStatus.OK:
        return _known(reply)
    if is_clock(reply):
        return Verdict("unknown", f"AWS did not look at the key. {CLOCK}")
    if reply.status in (HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN) and code_of(reply) in _REFUSED:
        return Verdict("invalid", _REFUSED[code_of(reply)])
    if is_limited(reply):
        return Verdict("unknown", "AWS is asked too much just now, and did not look at the key. Validate later.")
    if reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Verdict("unknown", f"AWS failed with {reply.status}. Validate later.")
    code = code_of(reply) or "no reason given"
    return Verdict("unknown", f"AWS answered {reply.status} ({code}), which says nothing of the key: check base_url.")


def _known(reply: Reply) -> Verdict:
    body = reply.json()
    arn = body.get("Arn") if isinstance(body, dict) else None
    if not isinstance(arn, str) or not arn.startswith("arn:"):
        return Verdict("unknown", "The server answered, but not as AWS does: check base_url.")
    return Verdict("valid", f"The key belongs to {arn}.", Identity(arn))
