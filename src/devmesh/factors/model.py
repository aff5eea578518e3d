"""What is kept of second factors, what is shown of them, and what can go wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol
from uuid import UUID

from devmesh.access import Caller
from devmesh.crypto.sealing import place
from devmesh.db.pool import Tx
from devmesh.errors import Conflict, Fault, Invalid, NotFound, Unavailable
from devmesh.http.body import Body

Method = Literal["totp", "recovery_code", "passkey"]


class Standing(Protocol):
    """What the sessions' room says of a session and does with it; factors stand beside it, not above."""

    async def authenticated_within(self, tx: Tx, caller: Caller, within: timedelta, /) -> bool:
        """Return whether the person proved within that time who they are."""

    async def raise_to_mfa(self, tx: Tx, caller: Caller, /) -> None:
        """Note that a second factor was proved in the caller's session."""

    async def end_all(self, tx: Tx, organization_id: UUID, user_id: UUID, /, *, but: UUID | None = None) -> int:
        """End the user's sessions but one; return how many."""


@dataclass(frozen=True, slots=True)
class Totp:
    """A secret for one-time codes, sealed for its place."""

    id: UUID
    organization_id: UUID
    user_id: UUID
    data_key_id: UUID
    last_step: int
    secret: bytes = field(repr=False)

    @property
    def place(self) -> bytes:
        """What the sealing is bound to."""
        return place("totp", self.organization_id, self.user_id, self.id, self.data_key_id)


@dataclass(frozen=True, slots=True)
class Begun:
    """A secret for one-time codes, open; exists only in the one response that shows it."""

    secret: str = field(repr=False)
    otpauth_url: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Made:
    """What an authenticator says of a passkey: when it is made all of it is kept, later the second half.

    `sign_count` is 0 for good where the authenticator does not count.
    """

    credential_id: bytes
    public_key: bytes
    transports: list[str]
    backup_eligible: bool
    backed_up: bool
    sign_count: int


@dataclass(frozen=True, slots=True)
class Passkey:
    """A registered passkey; nothing of it is secret."""

    id: UUID
    credential_id: bytes
    public_key: bytes
    sign_count: int
    name: str
    transports: list[str]
    backup_eligible: bool
    backed_up: bool
    created_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Added:
    """A new passkey and, if it is the person's first factor, recovery codes, shown once."""

    passkey: Passkey
    recovery_codes: list[str] = field(repr=False)


class NewPasskey(Body, frozen=True):
    """The body of POST /auth/passkeys: `credential` is what the browser's `credential.toJSON()` gives."""

    credential: dict[str, Any]
    name: str = "Passkey"


class CodeWrong(Invalid):
    """The code is not one of this moment, or has been used."""

    code = "code_wrong"
    hint = "Send the six digits that the authenticator app shows now; check that the device's clock is right."

    def __init__(self) -> None:
        super().__init__([Fault("code", "is wrong, has expired, or was used already")])


class TotpNotBegun(Conflict):
    """No secret waits to be confirmed."""

    code = "totp_not_begun"
    hint = "POST /api/v1/auth/mfa/totp gives a secret; confirm it within 15 minutes."


class TotpNotFound(NotFound):
    """The caller has no confirmed one-time codes."""

    code = "totp_not_found"
    hint = "POST /api/v1/auth/mfa/totp sets them up."
    detail = "You have no authenticator app set up."


class NoSecondFactor(Conflict):
    """Recovery codes stand in for a second factor, and there is none."""

    code = "no_second_factor"
    hint = "Add one first: POST /api/v1/auth/mfa/totp, or POST /api/v1/auth/passkeys/options."


class SecondFactorRequired(Conflict):
    """The organization requires a second factor, and this is the caller's last one."""

    code = "second_factor_required"
    hint = "Add another one first. POST /api/v1/auth/mfa/totp also replaces an authenticator app by a new one."


class PasskeyNotFound(NotFound):
    """The caller has no such passkey."""

    code = "passkey_not_found"
    hint = "GET /api/v1/auth/passkeys lists your passkeys."
    detail = "You have no passkey with this id."


class PasskeyRefused(Invalid):
    """What the browser sent does not prove a passkey for this server."""

    code = "passkey_refused"
    hint = "Begin again with POST /api/v1/auth/passkeys/options, on a page of this server's public URL."

    def __init__(self, reason: str) -> None:
        super().__init__([Fault("credential", reason)])


class PasskeyKnown(Conflict):
    """The passkey is registered already."""

    code = "passkey_known"
    hint = "GET /api/v1/auth/passkeys lists your passkeys; use another authenticator for another one."


class TooManyPasskeys(Conflict):
    """The person has as many passkeys as one may have."""

    code = "too_many_passkeys"
    hint = "Remove one that you no longer use: DELETE /api/v1/auth/passkeys/{id}."


class PasskeysUnavailable(Conflict):
    """Browsers make passkeys for domains over https (or for localhost), and the public URL is no such address."""

    code = "passkeys_unavailable"
    hint = "Set DEVMESH_PUBLIC_URL to https:// and a domain name; on your own machine to http://localhost:PORT."


class FactorDamaged(Unavailable):
    """The stored bytes do not open in their place: altered, moved, or of another master key."""

    code = "factor_damaged"
    hint = "Use a passkey or a recovery code. Tell your administrator: the database was altered."
