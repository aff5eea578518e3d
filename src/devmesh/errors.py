"""What can go wrong, in the words of the HTTP contract: `code` for programs, `hint` for the next step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

# Of what is wrong with one request.
MOST_FAULTS: Final = 50
_LONGEST_FIELD: Final = 200
_LONGEST_MESSAGE: Final = 1000


class MeshError(Exception):
    """Base of every error that a caller may see; never holds a secret.

    `status` is the HTTP status, `code` the stable name, `error` the short text of the guides,
    `hint` the next step. `detail` says what happened, this time or, where nothing is said of it,
    always; `extra` joins the problem document as it is (`required_scopes`, `id`, …); `retry_after`
    is in seconds. `may_have_happened` says whether what was asked may have taken effect all the same.
    """

    status: ClassVar[int] = 500
    may_have_happened: bool = False
    code: str = "internal_error"
    error: str = "Internal Server Error"
    hint: str = "Try again; if it persists, give the request_id to your administrator."
    detail: str = ""

    def __init__(
        self,
        detail: str = "",
        *,
        hint: str | None = None,
        code: str | None = None,
        retry_after: float | None = None,
        extra: Mapping[str, object] | None = None,
    ) -> None:
        self.detail = detail or self.detail or self.error
        super().__init__(self.detail)
        self.retry_after = retry_after
        self.extra: Mapping[str, object] = extra or {}
        if hint is not None:
            self.hint = hint
        if code is not None:
            self.code = code


@dataclass(frozen=True, slots=True)
class Fault:
    """One wrong field: `field` is its dotted path in the body or arguments."""

    field: str
    message: str


class BadRequest(MeshError):
    """The request cannot be understood."""

    status = 400
    code = "bad_request"
    error = "Bad Request"
    hint = "Correct the request and send it again."
    detail = "The request cannot be read."


class Unauthenticated(MeshError):
    """No credential, or one that is not valid (any more)."""

    status = 401
    code = "authentication_required"
    error = "Authentication required"
    hint = "Send a key: 'Authorization: Bearer YOUR_API_KEY'."
    detail = "The request carries no credential."


class PersonGone(Unauthenticated):
    """The credential's person was suspended or removed while the request was under way."""

    hint = "Ask an administrator of your organization."
    detail = "Whom this credential stands for was suspended or removed just now."


class InvalidKey(Unauthenticated):
    """An unknown, malformed, revoked or expired API key: which of them is never told."""

    code = "invalid_api_key"
    error = "Invalid API Key"
    hint = "Check that the key is copied whole, and has been neither revoked nor expired; otherwise create a new one."
    detail = "No key that is accepted now has this value."


class Forbidden(MeshError):
    """The caller is known and may not do this."""

    status = 403
    code = "forbidden"
    error = "Forbidden"
    hint = "Ask an administrator of your organization."
    detail = "You may not do this."


class InsufficientScope(Forbidden):
    """`required_scopes` names every scope that the request needs."""

    code = "insufficient_scope"
    error = "Insufficient Scope"
    hint = "Use a key that holds the scopes in required_scopes, and whose type and owner's role allow them."

    def __init__(self, required: Sequence[str], *, hint: str | None = None) -> None:
        super().__init__(
            f"This needs the scope {' and '.join(required)}.", hint=hint, extra={"required_scopes": list(required)}
        )


class SessionRequired(Forbidden):
    """Only a person who has logged in may do this: no key, however much it may do."""

    code = "session_required"
    error = "Session Required"
    hint = "Log in (POST /api/v1/auth/login) and send the access_token instead of an API key."
    detail = "This is for a person who has logged in, and the request came with an API key."


class ReauthenticationRequired(Forbidden):
    """The session's person has proved who they are, but too long ago for this."""

    code = "reauthentication_required"
    error = "Reauthentication Required"
    hint = "Log in again (POST /api/v1/auth/login) and repeat the request with the new access_token within 15 minutes."


class TenantNotAllowed(Forbidden):
    """The named tenant is not one that the caller may act in."""

    code = "tenant_not_allowed"
    error = "Tenant Not Allowed"
    hint = "Leave X-Tenant-ID out, or name a tenant of your own."
    detail = "The tenant that the request names is none that you may act in."


class AddressNotAllowed(Forbidden):
    """The key is bound to addresses, and the call comes from another one."""

    code = "address_not_allowed"
    error = "Address Not Allowed"
    hint = "Call from one of the key's allowed_ips, or have them changed: PATCH /api/v1/api-keys/{id}."


class ServiceNotAllowed(Forbidden):
    """The key is bound to services, and this is another one."""

    code = "service_not_allowed"
    error = "Service Not Allowed"
    hint = "Use a key whose allowed_services hold the service, or have them changed: PATCH /api/v1/api-keys/{id}."


class NotFound(MeshError):
    """No such thing for this caller; also said of what belongs to another tenant."""

    status = 404
    code = "not_found"
    error = "Not Found"
    hint = "Check the address and the id."
    detail = "There is nothing at this address that you may see."


class Conflict(MeshError):
    """What exists already stands against it."""

    status = 409
    code = "conflict"
    error = "Conflict"
    hint = "Read the present state and decide anew."


class PreconditionFailed(MeshError):
    """What the request expects by If-Match or If-None-Match is not so."""

    status = 412
    code = "precondition_failed"
    error = "Precondition Failed"
    hint = "Read the present state, decide anew, and send its ETag as If-Match."


class TooLarge(MeshError):
    """The body is larger than the limit."""

    status = 413
    code = "body_too_large"
    error = "Payload Too Large"
    hint = "Send a smaller body."
    detail = "The body is larger than is taken here."


class UnsupportedMediaType(MeshError):
    """The body's content type is not served here."""

    status = 415
    code = "unsupported_media_type"
    error = "Unsupported Media Type"
    hint = "Send JSON with 'Content-Type: application/json'."


class WrongHost(MeshError):
    """The Host header names a host that this server does not answer for."""

    status = 421
    code = "wrong_host"
    error = "Misdirected Request"
    hint = "Add the host to DEVMESH_ALLOWED_HOSTS, or set DEVMESH_PUBLIC_URL."


class Invalid(MeshError):
    """The request is well formed and some of its fields are not; `errors` in the reply names all of them.

    More than 50 nobody reads, and what was sent is repeated in so far as a reader needs it to find the place.
    """

    status = 422
    code = "validation_failed"
    error = "Validation Failed"
    hint = "Correct the fields in 'errors' and send the request again."

    def __init__(self, faults: Sequence[Fault], detail: str = "") -> None:
        self.faults = tuple(
            Fault(_cut(fault.field, _LONGEST_FIELD), _cut(fault.message, _LONGEST_MESSAGE))
            for fault in faults[:MOST_FAULTS]
        )
        super().__init__(
            detail
            or "; ".join(f"{fault.field}: {fault.message}" if fault.field else fault.message for fault in self.faults),
            extra={"errors": [{"field": fault.field, "message": fault.message} for fault in self.faults]},
        )


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


class RateLimited(MeshError):
    """A limit is used up; `retry_after` is never less than the real wait."""

    status = 429
    code = "rate_limit_exceeded"
    error = "Rate Limit Exceeded"
    hint = "Wait retry_after seconds, then send the request again."


class BadGateway(MeshError):
    """An upstream service answered wrongly or not at all."""

    status = 502
    may_have_happened = True
    code = "upstream_failed"
    error = "Upstream Failed"
    hint = "Try again later."


class Unavailable(MeshError):
    """A part that the request cannot do without is away for the moment."""

    status = 503
    code = "unavailable"
    error = "Service Unavailable"
    hint = "Try again in a moment."
