"""One's own password: changed by whoever knows it, or chosen anew by whoever reads the account's mail."""

from __future__ import annotations

from functools import partial
from uuid import UUID

import msgspec

from devmesh.access import Caller
from devmesh.accounts.form import email_of
from devmesh.accounts.later import Later
from devmesh.accounts.links import Links
from devmesh.accounts.mails import Mails
from devmesh.accounts.model import RESET, LinkInvalid
from devmesh.audit.model import Visitor
from devmesh.audit.service import Audit
from devmesh.crypto.passwords import Passwords
from devmesh.crypto.ring import KeyRing
from devmesh.db.changes import Changes
from devmesh.db.pool import Database, Tx
from devmesh.directory.model import USER_CHANGED, Organization, User, Whereabouts
from devmesh.directory.service import Directory
from devmesh.directory.users import Users
from devmesh.errors import Fault, Invalid, MeshError, PersonGone
from devmesh.login import form
from devmesh.login.entry import Networks
from devmesh.login.model import PasswordChange, PasswordReset, PasswordWrong
from devmesh.login.throttle import Throttle, account_of
from devmesh.mail.outbox import Outbox
from devmesh.sessions.service import Sessions

# One person may be in several organizations; nobody is in hundreds. Whom nobody verified are not counted: strangers
# register as many as they like under anybody's address.
_MOST_MAILED = 20
_CHANGE = "user.password.change"
_ASK = "user.password.ask_reset"
_RESET = "user.password.reset"
_AGAIN = "Ask for a new mail: POST /api/v1/auth/password/reset with your email."


class OwnPassword:
    """Changes and resets passwords; each ends the sessions that the old one began."""

    def __init__(
        self,
        db: Database,
        ring: KeyRing,
        directory: Directory,
        users: Users,
        sessions: Sessions,
        networks: Networks,
        throttle: Throttle,
        passwords: Passwords,
        changes: Changes,
        outbox: Outbox,
        audit: Audit,
        public_url: str,
    ) -> None:
        self._db = db
        self._directory = directory
        self._users = users
        self._sessions = sessions
        self._networks = networks
        self._throttle = throttle
        self._passwords = passwords
        self._changes = changes
        self._audit = audit
        self._links = Links(ring)
        self._mails = Mails(directory, self._links, outbox, public_url)
        self._later = Later()
        self._writing: set[str] = set()

    async def change(self, caller: Caller, sent: PasswordChange) -> None:
        """Keep the new password and end the person's other sessions.

        Raises PasswordWrong, Invalid naming each rule that the new one does not meet, and TooManyFailures.
        """
        caller.require_session()
        try:
            kept, fresh = await self._prove(caller, sent)
            async with self._db.acting(caller.organization_id) as tx:
                if await self._users.lock(tx, caller.organization_id, caller.user_id) != kept:
                    raise PasswordWrong
                person = await self._person(tx, caller.organization_id, caller.user_id, PersonGone)
                await self._keep(tx, *person, fresh, but=caller.session_id)
                await self._sessions.note_authenticated(tx, caller)
                await self._audit.record_in(tx, caller, _CHANGE, str(caller.user_id))
        except MeshError as refusal:
            self._audit.refused(caller, _CHANGE, refusal.code)
            raise

    def ask_reset(self, visitor: Visitor, email: str) -> None:
        """Write to every verified, active user with that address, after the reply: nothing tells whether one is.

        Each mail that is written is recorded, so strangers add no more to an organization's audit than they have sent.
        """
        faults: list[Fault] = []
        address = email_of(email, "email", faults)
        if faults:
            raise Invalid(faults)
        self._later.do("a mail for a new password", partial(self._write, visitor, address))

    async def reset(self, visitor: Visitor, sent: PasswordReset) -> None:
        """Keep the new password, and end every session of the person to whom the token was mailed.

        Of many with one token at once one succeeds. Raises LinkInvalid, and Invalid, which leaves the token good.
        """
        who: Visitor = visitor
        try:
            async with self._db.routing() as tx:
                organization_id, token_id = await self._links.find(tx, sent.token)
            who = msgspec.structs.replace(visitor, organization_id=organization_id)
            async with self._db.acting(organization_id) as tx:
                user_id = await self._links.peek(tx, organization_id, token_id, RESET)
                _, organization = await self._person(tx, organization_id, user_id, LinkInvalid)
            who = msgspec.structs.replace(who, user_id=user_id)
            fresh = await self._passwords.hash(form.chosen(sent.new_password, "new_password", organization))
            async with self._db.acting(organization_id) as tx:
                await self._users.lock(tx, organization_id, user_id)
                await self._links.spend(tx, organization_id, token_id, RESET)
                user, organization = await self._person(tx, organization_id, user_id, LinkInvalid)
                await self._keep(tx, user, organization, fresh)
                # Whoever reads the account's mail is no stranger, whatever strangers have tried.
                await self._networks.note(tx, organization_id, user_id, visitor.address)
                await self._audit.record_in(tx, who, _RESET, str(user_id))
        except MeshError as refusal:
            self._audit.refused(who, _RESET, refusal.code)
            if isinstance(refusal, LinkInvalid):
                raise LinkInvalid(hint=_AGAIN) from None
            raise
        await self._throttle.forget("login", account_of(user.email), visitor.address)

    async def settle(self) -> None:
        """Wait until no mail is under way any more; before the database closes."""
        await self._later.settle()

    async def _prove(self, caller: Caller, sent: PasswordChange) -> tuple[str, str]:
        """Return the hash that is kept and the new one, if the present password is right."""
        given = form.current(sent.current_password, "current_password")
        async with self._db.acting(caller.organization_id) as tx:
            _, organization = await self._person(tx, caller.organization_id, caller.user_id, PersonGone)
            kept = await self._users.password_hash(tx, caller.organization_id, caller.user_id)
            known = await self._networks.knows(tx, caller.organization_id, caller.user_id, caller.address)
        new = form.chosen(sent.new_password, "new_password", organization)
        if kept is None or not self._passwords.is_hash(kept):
            raise PasswordWrong
        async with self._passwords.place() as place:
            attempt = await self._throttle.take("password", caller.user_id.bytes, caller.address, known=known)
            if not await place.matches(given, kept):
                raise PasswordWrong
            fresh = await place.hash(new)
        await self._throttle.forgive(attempt, proven=True)
        return kept, fresh

    async def _keep(
        self, tx: Tx, user: User, organization: Organization, fresh: str, *, but: UUID | None = None
    ) -> None:
        """Let the new hash stand in for the old one everywhere; the user is locked."""
        await self._users.set_password(tx, organization.id, user.id, fresh)
        await self._links.forget(tx, organization.id, user.id, RESET)
        await self._sessions.end_all(tx, organization.id, user.id, but=but)
        await self._changes.announce(tx, USER_CHANGED, str(user.id))
        await self._mails.password_changed(tx, user, organization)

    async def _person(
        self, tx: Tx, organization_id: UUID, user_id: UUID, gone: type[MeshError]
    ) -> tuple[User, Organization]:
        user = await self._directory.user(tx, organization_id, user_id)
        organization = await self._directory.organization(tx, organization_id)
        if user is None or organization is None or not user.is_active:
            raise gone
        return user, organization

    async def _write(self, visitor: Visitor, email: str) -> None:
        # Whoever asks again meanwhile is answered by the mails that are being written.
        if email in self._writing:
            return
        self._writing.add(email)
        try:
            await self._write_to_all(visitor, email)
        finally:
            self._writing.discard(email)

    async def _write_to_all(self, visitor: Visitor, email: str) -> None:
        async with self._db.routing() as tx:
            found = await self._directory.users_of(tx, email)
        mailed = 0
        for place in found:
            mailed += await self._write_to(visitor, place)
            if mailed == _MOST_MAILED:
                break

    async def _write_to(self, visitor: Visitor, place: Whereabouts) -> bool:
        """Write to the user if they may be written to; return whether they may."""
        async with self._db.acting(place.organization_id) as tx:
            user = await self._directory.user(tx, place.organization_id, place.user_id)
            organization = await self._directory.organization(tx, place.organization_id)
            if not (user and organization and user.is_active and user.verified_at is not None):
                return False
            if await self._mails.reset(tx, user, organization):
                who = msgspec.structs.replace(visitor, organization_id=organization.id)
                await self._audit.record_in(tx, who, _ASK, str(user.id))
            return True
