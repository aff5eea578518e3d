"""What a call can end with: one class for each kind of fault, all of them DeveloperMeshError."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class FieldFault:
    """A field that was refused, and why."""

    field: str
    message: str


class DeveloperMeshError(Exception):
    """A call did not succeed; its text says what happened and what to do next, and holds no secret.

    `code` is stable and meant for programs, `status` the HTTP status where there was a reply, `retry_after` in seconds.
    `details` holds whatever else the server told, by its names (`required_scopes`, `nearest`, `id`, …).
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = "error",
        status: int | None = None,
        hint: str = "",
        request_id: str | None = None,
        retry_after: float | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.status = status
        self.hint = hint
        self.request_id = request_id
        self.retry_after = retry_after
        self.details = dict(details or {})

    def __str__(self) -> str:
        # What a service or a field says need be no sentence; the hint begins one.
        stop = "." if self.hint and self.message[-1:] not in ("", ".", "!", "?") else ""
        said = " ".join(part for part in (self.message + stop, self.hint) if part)
        return f"{said} [{self.code}]" if self.request_id is None else f"{said} [{self.code}, {self.request_id}]"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"


class UsageError(DeveloperMeshError, ValueError):
    """An option or argument cannot be right; nothing was sent. The text does not tell what was given."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message, code="usage", hint=hint)


class AuthenticationError(DeveloperMeshError):
    """The credential is missing, wrong, expired or revoked, or the login was refused."""


class MfaRequiredError(AuthenticationError):
    """The login waits for a second factor, one of `methods`; `auth.login_mfa` takes `mfa_token`, five times at most."""

    mfa_token: str = ""
    methods: Sequence[str] = ()

    def __init__(self, message: str = "The login waits for a second factor.") -> None:
        hint = "Call auth.login_mfa with this error's mfa_token and a code."
        super().__init__(message, code="mfa_required", hint=hint)

    @classmethod
    def of(cls, reply: Mapping[str, Any]) -> MfaRequiredError:
        """Return the error for a login's reply that asks for the factor."""
        error = cls()
        error.mfa_token, error.methods = str(reply.get("mfa_token", "")), list(reply.get("methods", ()))
        return error


class PermissionDeniedError(DeveloperMeshError):
    """The caller is known and may not do this."""


class NotFoundError(DeveloperMeshError):
    """There is no such thing for this caller."""


class ConflictError(DeveloperMeshError):
    """What is there already stands against it, or has changed since it was read."""


class ValidationError(DeveloperMeshError):
    """The request is not one that the server takes; `fields` are all that are wrong with it."""

    @property
    def fields(self) -> Sequence[FieldFault]:
        """The fields that were refused, all at once."""
        faults = self.details.get("errors")
        named = [fault for fault in faults if isinstance(fault, dict)] if isinstance(faults, list) else []
        return [FieldFault(str(fault.get("field", "")), str(fault.get("message", ""))) for fault in named]


class RequestError(DeveloperMeshError):
    """The server refused in another way (any other 4xx)."""


class RateLimitError(DeveloperMeshError):
    """A limit is used up for `retry_after` seconds; nothing was done."""


class ServerError(DeveloperMeshError):
    """The server, or a service behind it, failed."""


class ConnectionFailedError(DeveloperMeshError):
    """No connection came about, or it was lost before the whole reply was there."""


class TimedOutError(DeveloperMeshError):
    """The time that the call had is over."""


class MalformedReplyError(DeveloperMeshError):
    """What answered is not Developer Mesh: the reply is no JSON of its."""


class ToolError(DeveloperMeshError):
    """The tool ran and failed, as the service says; `result` is what it answered, `meta` what MCP tells of it."""

    @property
    def result(self) -> Any:
        """What the tool answered."""
        return self.details.get("result")

    @property
    def meta(self) -> Mapping[str, Any]:
        """The `_meta` of the result."""
        meta: Mapping[str, Any] = self.details.get("meta") or {}
        return meta
