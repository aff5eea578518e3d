"""The rules of one's own second factors: who has logged in just now adds and removes them, and hears of it by mail."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from devmesh.access import Caller
from devmesh.audit.service import Audit
from devmesh.crypto.datakeys import DataKeys
from devmesh.crypto.ring import KeyRing
from devmesh.crypto.sealing import seal
from devmesh.db.pool import Database, Tx
from devmesh.directory import names
from devmesh.directory.model import Organization, User
from devmesh.directory.service import Directory
from devmesh.directory.users import Users
from devmesh.errors import Fault, Invalid, PersonGone, ReauthenticationRequired
from devmesh.factors import notices, recovery, store, store_passkeys, totp
from devmesh.factors.ceremony import LIFETIME_SECONDS, Refused, RelyingParty
from devmesh.factors.model import (
    Added,
    Begun,
    CodeWrong,
    NewPasskey,
    NoSecondFactor,
    Passkey,
    PasskeyKnown,
    PasskeyNotFound,
    PasskeyRefused,
    SecondFactorRequired,
    Standing,
    TooManyPasskeys,
    Totp,
    TotpNotBegun,
    TotpNotFound,
)
from devmesh.factors.notices import Change
from devmesh.factors.service import RECOVERY, Factors
from devmesh.ids import new_id
from devmesh.mail.outbox import Outbox

_RECENT = timedelta(minutes=15)
_TO_CONFIRM = timedelta(minutes=15)
_MOST_PASSKEYS = 20
_LONGEST_NAME = 64
_CHALLENGE_BYTES = 32


@dataclass(frozen=True, slots=True)
class _Changing:
    """A transaction in which one person's factors change, and nobody else's of the organization meanwhile."""

    tx: Tx
    caller: Caller
    user: User
    organization: Organization
    session_id: UUID


class Enrolment:
    """Sets up, shows and removes the caller's own factors.

    Each change is audited, told the person by mail, and ends the person's other sessions (ASVS 5.0, 7.4.3: they were
    begun with less, or with what is no longer good). A new factor makes the caller's session one with a second factor.
    """

    def __init__(
        self,
        db: Database,
        ring: KeyRing,
        data_keys: DataKeys,
        directory: Directory,
        users: Users,
        audit: Audit,
        outbox: Outbox,
        standing: Standing,
        factors: Factors,
        public_url: str,
    ) -> None:
        self._db = db
        self._ring = ring
        self._data_keys = data_keys
        self._directory = directory
        self._users = users
        self._audit = audit
        self._outbox = outbox
        self._standing = standing
        self._factors = factors
        self._party = RelyingParty(public_url)
        self._public_url = public_url

    async def begin_totp(self, caller: Caller) -> Begun:
        """Return a secret, shown once; it counts, and replaces a former one, once a code confirms it."""
        async with self._changing(caller) as change:
            key_id, key = await self._data_keys.of(change.tx, change.organization.id, change.user.id)
            secret = totp.new_secret()
            bare = Totp(new_id(), change.organization.id, change.user.id, key_id, 0, b"")
            row = Totp(bare.id, bare.organization_id, bare.user_id, key_id, 0, seal(key, secret, bare.place))
            await store.begin_totp(change.tx, row, change.organization.id)
            await self._audit.record_in(change.tx, caller, "totp.begin", str(row.id))
            issuer = f"Developer Mesh {change.organization.slug}"
            return Begun(totp.written(secret), totp.url(secret, issuer, change.user.email))

    async def confirm_totp(self, caller: Caller, code: str) -> list[str]:
        """Put the begun secret in force, which the code proves to be in the app; return new recovery codes."""
        async with self._changing(caller) as change:
            row = await store.begun_totp(change.tx, change.organization.id, change.user.id, _TO_CONFIRM)
            if row is None:
                raise TotpNotBegun("There is no secret to confirm, or it is older than 15 minutes.")
            step = await self._factors.proved_step(change.tx, row, code)
            if step is None:
                self._audit.refused(caller, "totp.add", CodeWrong.code)
                raise CodeWrong
            await store.confirm_totp(change.tx, change.organization.id, change.user.id, row.id, step)
            codes = await self._renew_codes(change)
            await self._done(change, "totp.add", row.id)
        return codes

    async def renew_recovery_codes(self, caller: Caller) -> list[str]:
        """Return ten new recovery codes, shown once; the former ones are worth nothing."""
        async with self._changing(caller) as change:
            if not await self._factors.methods(change.tx, change.organization.id, change.user.id):
                raise NoSecondFactor("You have no second factor.")
            codes = await self._renew_codes(change)
            await self._done(change, "recovery_codes.renew", change.user.id)
        return codes

    async def remove_totp(self, caller: Caller) -> None:
        """Destroy the secret of the one-time codes; without another factor the recovery codes go too."""
        async with self._changing(caller) as change:
            row = await store.lock_totp(change.tx, change.organization.id, change.user.id)
            if row is None:
                raise TotpNotFound
            if not await store_passkeys.passkeys(change.tx, change.organization.id, change.user.id):
                await self._leave_none(change)
            await store.remove_totp(change.tx, change.organization.id, change.user.id)
            await self._done(change, "totp.remove", row.id)

    async def passkey_options(self, caller: Caller) -> Any:
        """Return what the browser needs to make a passkey within five minutes; the former challenge is void."""
        async with self._changing(caller) as change:
            organization_id, user = change.organization.id, change.user
            known = await store_passkeys.passkeys(change.tx, organization_id, user.id)
            _check_room(known)
            challenge = os.urandom(_CHALLENGE_BYTES)
            options = self._party.creation(user.id, user.email, user.name, challenge, known)
            lifetime = timedelta(seconds=LIFETIME_SECONDS)
            await store_passkeys.set_challenge(change.tx, organization_id, user.id, challenge, lifetime)
            await self._audit.record_in(change.tx, caller, "passkey.begin", str(user.id))
        return options

    async def add_passkey(self, caller: Caller, new: NewPasskey) -> Added:
        """Register the passkey that the browser made for the last challenge, which is spent whatever comes of it.

        If it is the person's first factor, recovery codes are made with it.
        """
        name = _checked_name(new.name)
        async with self._changing(caller) as change:
            challenge = await store_passkeys.take_challenge(change.tx, change.organization.id, change.user.id)
        try:
            made = self._party.made(new.credential, challenge)
        except Refused as refusal:
            self._audit.refused(caller, "passkey.add", PasskeyRefused.code)
            raise PasskeyRefused(str(refusal)) from None
        async with self._changing(caller) as change:
            organization_id, user_id = change.organization.id, change.user.id
            _check_room(await store_passkeys.passkeys(change.tx, organization_id, user_id))
            is_first = not await self._factors.methods(change.tx, organization_id, user_id)
            passkey = await store_passkeys.add_passkey(change.tx, organization_id, user_id, new_id(), name, made)
            if passkey is None:
                raise PasskeyKnown("This passkey is registered already.")
            codes = await self._renew_codes(change) if is_first else []
            await self._done(change, "passkey.add", passkey.id)
        return Added(passkey, codes)

    async def passkeys(self, caller: Caller) -> list[Passkey]:
        """Return the caller's passkeys, the oldest first."""
        caller.require_session()
        async with self._db.acting(caller.organization_id) as tx:
            return await store_passkeys.passkeys(tx, caller.organization_id, caller.user_id)

    async def remove_passkey(self, caller: Caller, passkey_id: UUID) -> None:
        """Remove the passkey; without another factor the recovery codes go too."""
        async with self._changing(caller) as change:
            organization_id, user_id = change.organization.id, change.user.id
            known = {passkey.id for passkey in await store_passkeys.passkeys(change.tx, organization_id, user_id)}
            if passkey_id not in known:
                raise PasskeyNotFound
            if known == {passkey_id} and not await store.has_totp(change.tx, organization_id, user_id):
                await self._leave_none(change)
            await store_passkeys.remove_passkey(change.tx, organization_id, user_id, passkey_id)
            await self._done(change, "passkey.remove", passkey_id)

    @asynccontextmanager
    async def _changing(self, caller: Caller) -> AsyncIterator[_Changing]:
        session_id = caller.require_session()
        async with self._db.acting(caller.organization_id) as tx:
            # Locked: neither the policy nor another factor changes while the last one is counted, and a login that has
            # seen no factor yet has its session before this ends it.
            organization = await self._directory.lock(tx, caller.organization_id)
            active = await self._users.lock(tx, caller.organization_id, caller.user_id)
            user = await self._directory.user(tx, caller.organization_id, caller.user_id)
            if organization is None or user is None or active is None:
                raise PersonGone
            if not await self._standing.authenticated_within(tx, caller, _RECENT):
                raise ReauthenticationRequired("Changing a second factor needs a login within the last 15 minutes.")
            yield _Changing(tx, caller, user, organization, session_id)

    async def _renew_codes(self, change: _Changing) -> list[str]:
        codes = recovery.new_codes()
        digests = [self._ring.digest(RECOVERY, recovery.content(change.user.id, code)) for code in codes]
        await store.set_recovery_codes(change.tx, change.organization.id, change.user.id, digests)
        return codes

    async def _leave_none(self, change: _Changing) -> None:
        """Destroy what stands in for the last factor; raise SecondFactorRequired if there must be one."""
        if change.organization.policies.require_mfa:
            raise SecondFactorRequired("Your organization requires a second factor, and this is your last one.")
        await store.set_recovery_codes(change.tx, change.organization.id, change.user.id, [])

    async def _done(self, change: _Changing, what: Change, target: UUID) -> None:
        tx, caller = change.tx, change.caller
        if what.endswith(".add"):
            await self._standing.raise_to_mfa(tx, caller)
        ended = await self._standing.end_all(tx, change.organization.id, change.user.id, but=change.session_id)
        await self._audit.record_in(tx, caller, what, str(target), sessions_ended=ended)
        await notices.tell(tx, self._outbox, self._public_url, change.user, change.organization, what)


def _check_room(known: list[Passkey]) -> None:
    if len(known) >= _MOST_PASSKEYS:
        raise TooManyPasskeys(f"You have {_MOST_PASSKEYS} passkeys, as many as one may have.")


def _checked_name(text: str) -> str:
    try:
        name = names.name(text)
    except ValueError as fault:
        raise Invalid([Fault("name", str(fault))]) from None
    if len(name) > _LONGEST_NAME:
        raise Invalid([Fault("name", f"must have at most {_LONGEST_NAME} characters")])
    return name
