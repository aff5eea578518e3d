"""AWS's refusals in words, each with the next step: of `{"Error": {"Code", "Message"}}`, as replies are translated."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from devmesh.upstream.model import Failure, Reply, bounded

CLOCK = "This server's clock is more than five minutes off: its operator has to set it (NTP)."
# Those that botocore, too, takes for a matter of waiting; they come with 400, 429 and 503.
_LIMITED = frozenset(
    {
        *("Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled", "RequestThrottledException"),
        *("TooManyRequestsException", "RequestLimitExceeded", "BandwidthLimitExceeded", "EC2ThrottledException"),
        *("ProvisionedThroughputExceededException", "PriorRequestNotComplete", "SlowDown"),
    }
)
_EARLIER_OR_LATER = ("RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture")
_SKEWED = re.compile("^Signature (?:expired|not yet current)", re.IGNORECASE)
# AWS names no time; its clients begin with less than a second and double it.
_WAIT = 5.0
# A refused signature is told with all that was signed, a session's token in it.
_SIGNED = re.compile("(?:The Canonical String|The String-to-Sign|'AWS4-HMAC).*", re.DOTALL)
_ANEW = 'Store the key anew: POST /api/v1/credentials with "service_type": "aws".'
_KEY = f"The stored access key is mistyped, inactive or of another account. {_ANEW}"
_CODES: Mapping[str, str] = {
    "InvalidClientTokenId": _KEY,
    "UnrecognizedClientException": _KEY,
    "InvalidAccessKeyId": _KEY,
    "AuthFailure": _KEY,
    "SignatureDoesNotMatch": f"The stored secret_key is not the one of the access_key. {_ANEW}",
    "InvalidSignatureException": f"The stored secret_key is not the one of the access_key. {_ANEW}",
    "ExpiredToken": f"The stored session has expired. {_ANEW}",
    "ExpiredTokenException": f"The stored session has expired. {_ANEW}",
    "RequestExpired": CLOCK,
    "OptInRequired": "The account has not signed up for this service, or not enabled the region: its owner can.",
}
_STEPS: Mapping[int, str] = {
    400: "Correct the arguments and call again.",
    401: _KEY,
    404: "Check the names and the region; a list tool shows what there is in the credential's region.",
    409: "The state has changed or conflicts: read it again before another try.",
    412: "The condition does not hold (the object exists already?): read the present state.",
    413: "Send less in one call.",
}
_DENIED = (
    "The key is good, but its identity may not do this: whoever administers the AWS account has to allow the action in "
    "a policy of that user or role."
)


def explain(reply: Reply) -> Failure:
    """Return what AWS said, bounded, the next step, and how long to wait if it is a matter of waiting."""
    message = _SIGNED.sub("", str(_error(reply).get("Message") or "")).strip()
    said = f"AWS answered {' '.join(part for part in (str(reply.status), code_of(reply)) if part)}"
    said = f"{said}: {bounded(message)}" if message else f"{said}."
    if is_clock(reply):
        return Failure(said, CLOCK)
    if is_limited(reply):
        wait = max(reply.retry_after() or 0.0, _WAIT)
        return Failure(said, f"AWS is asked too much just now. Call again after {math.ceil(wait)} seconds.", wait)
    if reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        step = "AWS has trouble. Call again in a moment; before repeating a write, read whether it took effect."
        return Failure(said, step, reply.retry_after())
    return Failure(said, _step(reply))


def code_of(reply: Reply) -> str:
    """Return the error's code, bounded; empty if there is none."""
    code = _error(reply).get("Code")
    return bounded(code, 100) if isinstance(code, str) else ""


def is_limited(reply: Reply) -> bool:
    """Whether it is a matter of waiting: AWS says so with 400 and 503 as well as with 429."""
    return reply.status == HTTPStatus.TOO_MANY_REQUESTS or code_of(reply) in _LIMITED


def is_clock(reply: Reply) -> bool:
    """Whether the request's time was refused: codes of their own at some services, at others only the words."""
    message = _error(reply).get("Message")
    return code_of(reply) in _EARLIER_OR_LATER or (isinstance(message, str) and _SKEWED.match(message) is not None)


def _error(reply: Reply) -> Mapping[str, Any]:
    body = reply.json()
    error = body.get("Error") if isinstance(body, dict) else None
    return error if isinstance(error, dict) else {}


def _step(reply: Reply) -> str:
    code, region = code_of(reply), _error(reply).get("Region")
    if isinstance(region, str) and region:
        return f"It lies in {bounded(region, 40)}: store a credential for that region, or give call_api the region."
    if code in _CODES:
        return _CODES[code]
    if reply.status == HTTPStatus.FORBIDDEN or code.startswith(("AccessDenied", "UnauthorizedOperation")):
        return _DENIED
    if "NotFound" in code or code.startswith("NoSuch"):
        return _STEPS[404]
    return _STEPS.get(reply.status, _STEPS[400])
