"""The rules of registration and of verified e-mail addresses."""

from __future__ import annotations

import hmac
from functools import partial

import msgspec

from devmesh.access import Role
from devmesh.accounts import store
from devmesh.accounts.form import Form, checked, email_of
from devmesh.accounts.later import Later
from devmesh.accounts.links import Links
from devmesh.accounts.mails import Mails
from devmesh.accounts.model import VERIFY, LinkInvalid, NewOrganization, Registration, RegistrationClosed
from devmesh.audit.model import Visitor
from devmesh.audit.service import Audit
from devmesh.crypto.passwords import Passwords
from devmesh.crypto.ring import KeyRing
from devmesh.db.pool import Database, Tx
from devmesh.directory.model import SlugTaken, Whereabouts
from devmesh.directory.plans import Plans
from devmesh.directory.service import Directory
from devmesh.errors import Fault, Invalid
from devmesh.ids import new_id
from devmesh.keys.service import Keys
from devmesh.mail.outbox import Outbox
from devmesh.settings import Settings

# One person may be in several organizations; nobody is in hundreds.
MOST_MAILED = 20


class Accounts:
    """Registers organizations and verifies e-mail addresses; nobody needs to be known for either."""

    def __init__(
        self,
        db: Database,
        ring: KeyRing,
        directory: Directory,
        keys: Keys,
        audit: Audit,
        plans: Plans,
        passwords: Passwords,
        outbox: Outbox,
        settings: Settings,
    ) -> None:
        self._db = db
        self._directory = directory
        self._keys = keys
        self._audit = audit
        self._plans = plans
        self._passwords = passwords
        self._settings = settings
        self._links = Links(ring)
        self._mails = Mails(directory, self._links, outbox, settings.public_url)
        self._later = Later()

    async def register(self, visitor: Visitor, new: NewOrganization, registration_token: str = "") -> Registration:
        """Register an organization with its tenant, owner, admin key and verification mail: all of them or nothing."""
        try:
            self._admit(registration_token)
            form = checked(new)
            await self._check_free(form.slug)
            return await self._found(visitor, form, await self._passwords.hash(form.password))
        except (RegistrationClosed, SlugTaken) as refusal:
            self._audit.refused(visitor, "organization.register", refusal.code)
            raise

    async def verify(self, visitor: Visitor, token: str) -> None:
        """Note that whoever was mailed the token reads mail under the address; raise LinkInvalid."""
        try:
            async with self._db.routing() as tx:
                organization_id, token_id = await self._links.find(tx, token)
            async with self._db.acting(organization_id) as tx:
                user_id = await self._links.peek(tx, organization_id, token_id, VERIFY)
            async with self._db.acting(organization_id) as tx:
                # The user before the tokens, as whoever removes the user locks them.
                await self._directory.set_verified(tx, organization_id, user_id)
                await self._links.spend(tx, organization_id, token_id, VERIFY)
                actor = msgspec.structs.replace(visitor, organization_id=organization_id, user_id=user_id)
                await self._audit.record_in(tx, actor, "user.verify", str(user_id))
        except LinkInvalid as refusal:
            self._audit.refused(visitor, "user.verify", refusal.code)
            raise

    def resend(self, email: str) -> None:
        """Write to every unverified user with that address, after the reply: nothing tells whether there is one."""
        faults: list[Fault] = []
        address = email_of(email, "email", faults)
        if faults:
            raise Invalid(faults)
        self._later.do("a new verification mail", partial(self._resend, address))

    async def settle(self) -> None:
        """Wait until no mail is under way any more; before the database closes."""
        await self._later.settle()

    async def _check_free(self, slug: str) -> None:
        # What is refused here costs no password hash, which is 20 ms and 19 MiB; the transaction checks again.
        async with self._db.routing() as tx:
            await self._admit_first(tx)
            if await self._directory.organization_of(tx, slug):
                raise SlugTaken(f"The organization_slug '{slug}' is taken.")

    async def _found(self, visitor: Visitor, form: Form, password_hash: str) -> Registration:
        organization_id = new_id()
        async with self._db.acting(organization_id, organization_id) as tx:
            if self._settings.registration == "first":
                await store.lock_registration(tx)
                await self._admit_first(tx)
            organization = await self._directory.add_organization(
                tx,
                organization_id,
                name=form.organization_name,
                slug=form.slug,
                plan=self._settings.default_plan,
            )
            owner = await self._directory.add_user(
                tx,
                organization_id,
                organization_id,
                email=form.email,
                name=form.name,
                role=Role.OWNER,
                password_hash=password_hash,
            )
            issued = await self._keys.issue_first(tx, organization_id, organization_id, owner.id)
            actor = msgspec.structs.replace(
                visitor, organization_id=organization_id, tenant_id=organization_id, user_id=owner.id, role=Role.OWNER
            )
            await self._audit.record_in(tx, actor, "organization.register", str(organization_id))
            await self._mails.verification(tx, owner, organization.slug)
        return Registration(organization, self._plans.of(organization.plan), owner, issued.secret)

    def _admit(self, registration_token: str) -> None:
        """Raise RegistrationClosed unless registration is open, or open to whoever holds the token."""
        mode, token = self._settings.registration, self._settings.registration_token or ""
        if mode == "closed":
            raise RegistrationClosed("This installation takes no new organizations.")
        if mode == "token" and not hmac.compare_digest(registration_token.encode(), token.encode()):
            raise RegistrationClosed(
                "This installation takes new organizations by a token only.",
                hint="Send the token that the operator gave you in the header X-Registration-Token.",
            )

    async def _admit_first(self, tx: Tx) -> None:
        if self._settings.registration == "first" and not await self._directory.is_empty(tx):
            raise RegistrationClosed("This installation has its organization and takes no other.")

    async def _resend(self, email: str) -> None:
        async with self._db.routing() as tx:
            found = await self._directory.users_of(tx, email)
        # The latest first: strangers who registered the address before its person did must not come before them.
        for place in reversed(found[-MOST_MAILED:]):
            await self._write_to(place)

    async def _write_to(self, place: Whereabouts) -> None:
        async with self._db.acting(place.organization_id) as tx:
            user = await self._directory.user(tx, place.organization_id, place.user_id)
            organization = await self._directory.organization(tx, place.organization_id)
            if user and organization and user.is_active and user.verified_at is None:
                await self._mails.verification(tx, user, organization.slug)
