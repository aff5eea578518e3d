"""One's own second factors over HTTP; all of it by a session, never by a key."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from devmesh.access import Caller
from devmesh.factors.enrolment import Enrolment
from devmesh.factors.model import Begun, NewPasskey, Passkey
from devmesh.http.body import Body
from devmesh.http.routing import Repeat, delete, get, post


class TotpBegun(Struct, frozen=True):
    """A secret for an authenticator app, shown once; `otpauth_url` is what its QR code holds."""

    secret: str
    otpauth_url: str

    @classmethod
    def of(cls, begun: Begun) -> TotpBegun:
        """Return the secret as the reply shows it."""
        return cls(begun.secret, begun.otpauth_url)

    def __repr__(self) -> str:
        return "TotpBegun()"


class TotpCode(Body, frozen=True):
    """The body of POST /auth/mfa/totp/confirm: the six digits that the app shows."""

    code: str

    def __repr__(self) -> str:
        return "TotpCode()"


class RecoveryCodes(Struct, frozen=True):
    """Ten codes, shown once; each logs in once in place of the second factor."""

    recovery_codes: list[str]

    def __repr__(self) -> str:
        return "RecoveryCodes()"


class RelyingPartyShown(Struct, frozen=True):
    """This server, as authenticators show it."""

    id: str
    name: str


class PasskeyUser(Struct, frozen=True, rename="camel"):
    """For whom the passkey is made."""

    id: str
    name: str
    display_name: str


class Algorithm(Struct, frozen=True):
    """A kind of signature that is accepted, by its COSE number."""

    type: str
    alg: int


class KnownPasskey(Struct, frozen=True):
    """A passkey that the person has already."""

    id: str
    type: str
    transports: list[str] = []


class Selection(Struct, frozen=True, rename="camel"):
    """Which authenticators will do."""

    resident_key: str
    require_resident_key: bool
    user_verification: str


class CreationOptions(Struct, frozen=True, rename="camel"):
    """What `PublicKeyCredential.parseCreationOptionsFromJSON` takes (WebAuthn Level 3); good for five minutes."""

    rp: RelyingPartyShown
    user: PasskeyUser
    challenge: str
    pub_key_cred_params: list[Algorithm]
    timeout: int
    exclude_credentials: list[KnownPasskey]
    authenticator_selection: Selection
    attestation: str


class PasskeyShown(Struct, frozen=True):
    """A registered passkey; `backed_up` says whether its maker keeps a copy, so that it outlives the device."""

    id: UUID
    name: str
    transports: list[str]
    backed_up: bool
    created_at: datetime
    last_used_at: datetime | None

    @classmethod
    def of(cls, passkey: Passkey) -> PasskeyShown:
        """Return the passkey as replies show it."""
        return cls(
            passkey.id,
            passkey.name,
            passkey.transports,
            passkey.backed_up,
            passkey.created_at,
            passkey.last_used_at,
        )


class PasskeyAdded(Struct, frozen=True):
    """A new passkey; `recovery_codes`, shown once, come with a person's first factor and are empty otherwise."""

    id: UUID
    name: str
    created_at: datetime
    recovery_codes: list[str]

    def __repr__(self) -> str:
        return f"PasskeyAdded({self.id})"


class PasskeyList(Struct, frozen=True):
    """The caller's passkeys."""

    passkeys: list[PasskeyShown]
    count: int
    next_cursor: str | None = None


_BEGIN_ANEW = Repeat(
    shown_once="Begin anew with a new Idempotency-Key: the reply shows another secret, which counts alone."
)
_NEW_CODES = Repeat(shown_once="POST /api/v1/auth/mfa/recovery-codes shows new codes, which replace those not seen.")


@post("/auth/mfa/totp", scope="session", repeat=_BEGIN_ANEW)
async def begin_totp(enrolment: Enrolment, caller: Caller) -> TotpBegun:
    """Get a secret for an authenticator app."""
    return TotpBegun.of(await enrolment.begin_totp(caller))


@post("/auth/mfa/totp/confirm", scope="session", repeat=_NEW_CODES)
async def confirm_totp(enrolment: Enrolment, caller: Caller, data: TotpCode) -> RecoveryCodes:
    """Put the app in force by a code of it."""
    return RecoveryCodes(await enrolment.confirm_totp(caller, data.code))


@delete("/auth/mfa/totp", scope="session", status=204)
async def remove_totp(enrolment: Enrolment, caller: Caller) -> None:
    """Remove the authenticator app."""
    await enrolment.remove_totp(caller)


@post("/auth/mfa/recovery-codes", scope="session", repeat=_NEW_CODES)
async def renew_recovery_codes(enrolment: Enrolment, caller: Caller) -> RecoveryCodes:
    """Get new recovery codes; the old ones end."""
    return RecoveryCodes(await enrolment.renew_recovery_codes(caller))


@post("/auth/passkeys/options", scope="session")
async def passkey_options(enrolment: Enrolment, caller: Caller) -> CreationOptions:
    """Get what a browser needs to make a passkey."""
    options: Any = await enrolment.passkey_options(caller)
    return msgspec.convert(options, CreationOptions)


@post("/auth/passkeys", scope="session", status=201, repeat=_NEW_CODES)
async def add_passkey(enrolment: Enrolment, caller: Caller, data: NewPasskey) -> PasskeyAdded:
    """Register the passkey that the browser made."""
    added = await enrolment.add_passkey(caller, data)
    return PasskeyAdded(added.passkey.id, added.passkey.name, added.passkey.created_at, added.recovery_codes)


@get("/auth/passkeys", scope="session")
async def list_passkeys(enrolment: Enrolment, caller: Caller) -> PasskeyList:
    """List your passkeys."""
    found = [PasskeyShown.of(passkey) for passkey in await enrolment.passkeys(caller)]
    return PasskeyList(found, len(found))


@delete("/auth/passkeys/{passkey_id:uuid}", scope="session", status=204)
async def remove_passkey(enrolment: Enrolment, caller: Caller, passkey_id: UUID) -> None:
    """Remove a passkey."""
    await enrolment.remove_passkey(caller, passkey_id)


ROUTES = [
    begin_totp, confirm_totp, remove_totp, renew_recovery_codes, passkey_options, add_passkey, list_passkeys,
    remove_passkey,
]  # fmt: skip
