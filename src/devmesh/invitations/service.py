"""The rules of invitations: who may invite whom, and how the one who was invited joins."""

from __future__ import annotations

import re
from uuid import UUID

import msgspec

from devmesh.access import Caller, Role
from devmesh.accounts import budget
from devmesh.audit.model import Visitor
from devmesh.audit.service import Audit
from devmesh.crypto.passwords import Passwords
from devmesh.crypto.ring import KeyRing
from devmesh.db.pool import Database, Tx
from devmesh.directory.model import EmailTaken, Organization, User
from devmesh.directory.plans import Plans
from devmesh.directory.service import Directory
from devmesh.directory.tenants import EVERYWHERE
from devmesh.directory.users import Users
from devmesh.errors import InvalidKey, TenantNotAllowed
from devmesh.ids import new_id
from devmesh.invitations import form, store
from devmesh.invitations.mails import KIND, LIFETIME, Mails
from devmesh.invitations.model import (
    Acceptance,
    EmailNotVerified,
    Invitation,
    InvitationInvalid,
    InvitationNotFound,
    Newcomer,
    NewInvitation,
    Preview,
    UserLimitReached,
)
from devmesh.login.entry import Entry, SignedIn
from devmesh.mail.outbox import Outbox
from devmesh.settings import Settings

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
# For whoever accepts: they can do none of what makes room.
_NO_PLACE = "Tell whoever invited you. Once they have made room, this link works, until it expires."


class Invitations:
    """Invites people into the caller's organization, and lets them in by the token that was mailed to them."""

    def __init__(
        self,
        db: Database,
        ring: KeyRing,
        directory: Directory,
        users: Users,
        entry: Entry,
        audit: Audit,
        plans: Plans,
        passwords: Passwords,
        outbox: Outbox,
        settings: Settings,
    ) -> None:
        self._db = db
        self._ring = ring
        self._directory = directory
        self._users = users
        self._entry = entry
        self._audit = audit
        self._plans = plans
        self._passwords = passwords
        self._mails_are_sent = settings.smtp_url is not None
        self._mails = Mails(ring, directory, outbox, settings.public_url)

    async def invite(self, caller: Caller, new: NewInvitation) -> Invitation:
        """Invite somebody by mail; whoever is invited already gets a new link and new days, the old link is dead."""
        # Who administers is decided with users:write; a key that may merely invite must not give more than it has.
        caller.require("invitations:write", *(("users:write",) if new.role == Role.ADMIN else ()))
        wanted = form.checked(new)
        try:
            async with self._db.acting(caller.organization_id) as tx:
                return await self._invite(tx, caller, wanted, new.tenant_id)
        except (EmailTaken, UserLimitReached) as refusal:
            self._audit.refused(caller, "invitation.create", refusal.code)
            raise

    async def page(self, caller: Caller, limit: int, after: UUID | None) -> list[Invitation]:
        """Return the organization's invitations that stand, the oldest first."""
        caller.require("invitations:read")
        async with self._db.acting(caller.organization_id) as tx:
            return await store.page(tx, caller.organization_id, limit, after)

    async def pending(self, tx: Tx, caller: Caller) -> int:
        """Return how many invitations of the caller's organization stand."""
        return await store.count_others(tx, caller.organization_id, "")

    async def withdraw(self, caller: Caller, invitation_id: UUID) -> None:
        """End the invitation: its link is dead from the commit on; raise InvitationNotFound."""
        caller.require("invitations:write")
        async with self._db.acting(caller.organization_id) as tx:
            removed = await store.remove(tx, caller.organization_id, invitation_id)
            if removed is None:
                raise InvitationNotFound
            await self._audit.record_in(tx, caller, "invitation.withdraw", str(invitation_id), email=removed.email)

    async def look_up(self, visitor: Visitor, token: str) -> Preview:
        """Return what the token's holder is invited to, changing nothing; raise InvitationInvalid."""
        try:
            organization, invitation = await self._find(token)
        except InvitationInvalid as refusal:
            self._audit.refused(visitor, "invitation.lookup", refusal.code)
            raise
        return Preview(organization.name, invitation.email, invitation.role, invitation.expires_at)

    async def accept(self, visitor: Visitor, accepted: Acceptance, user_agent: str) -> SignedIn:
        """Make the token's holder a user of the organization that invited them, verified and logged in.

        The token is spent by that alone: raises InvitationInvalid, Invalid (the token stays good) or UserLimitReached.
        """
        seen = visitor
        try:
            organization, invitation = await self._find(accepted.token)
            seen = msgspec.structs.replace(visitor, organization_id=organization.id, tenant_id=invitation.tenant_id)
            name, password = form.accepted(accepted, invitation, organization)
            newcomer = Newcomer(name, await self._passwords.hash(password))
            async with self._db.acting(invitation.organization_id, invitation.tenant_id) as tx:
                return await self._let_in(tx, seen, organization.id, accepted.token, newcomer, user_agent)
        except (InvitationInvalid, EmailTaken, UserLimitReached) as refusal:
            self._audit.refused(seen, "invitation.accept", refusal.code)
            raise

    async def _invite(self, tx: Tx, caller: Caller, wanted: form.Form, tenant: str | None) -> Invitation:
        # Whoever counts users and invitations waits for whoever else adds one.
        organization = await self._directory.lock(tx, caller.organization_id)
        inviter = await self._directory.user(tx, caller.organization_id, caller.user_id)
        if organization is None or inviter is None or not inviter.is_active:
            raise InvalidKey  # removed or suspended while this request was under way
        if inviter.role not in EVERYWHERE:
            raise caller.lacks(["invitations:write"])
        if self._mails_are_sent and inviter.verified_at is None:
            raise EmailNotVerified("Your own e-mail address is not verified yet.")
        await budget.spend_of(tx, self._directory, caller.organization_id, KIND)
        tenant_id = await self._tenant(tx, caller, tenant)
        await store.forget_fallen(tx, caller.organization_id)
        places = await self._directory.users_of(tx, wanted.email)
        if any(place.organization_id == caller.organization_id for place in places):
            raise EmailTaken("Your organization has a user with this e-mail address.")
        others = await store.count_others(tx, caller.organization_id, wanted.email)
        await self._check_room(tx, organization, others)
        invitation_id = new_id()
        invitation = await store.keep(
            tx,
            caller.organization_id,
            tenant_id,
            invitation_id,
            LIFETIME,
            email=wanted.email,
            name=wanted.name,
            role=wanted.role,
            invited_by=caller.user_id,
        )
        did = "invitation.create" if invitation.id == invitation_id else "invitation.renew"
        facts = {"email": invitation.email, "role": invitation.role, "tenant_id": str(tenant_id)}
        await self._audit.record_in(tx, caller, did, str(invitation.id), **facts)
        await self._mails.invitation(tx, invitation, organization, inviter)
        return invitation

    async def _tenant(self, tx: Tx, caller: Caller, named: str | None) -> UUID:
        if named is None:
            return caller.tenant_id
        tenant = await self._directory.tenant_named(tx, caller.organization_id, named)
        if tenant is None:
            raise TenantNotAllowed(
                "Your organization has no tenant with this id or slug.",
                hint="Leave tenant_id out, or name a tenant of your organization (GET /api/v1/tenants).",
            )
        return tenant.id

    async def _check_room(self, tx: Tx, organization: Organization, invited: int, *, hint: str | None = None) -> None:
        """Raise UserLimitReached if there is no place for one more beside the users and those `invited`."""
        plan = self._plans.of(organization.plan)
        if plan.max_users is not None and await self._users.count(tx, organization.id) + invited >= plan.max_users:
            raise UserLimitReached(
                f"The plan '{plan.name}' has places for {plan.max_users} users, pending invitations among them.",
                hint=hint,
            )

    async def _find(self, token: str) -> tuple[Organization, Invitation]:
        async with self._db.routing() as tx:
            organization_id, invitation_id = await self._route(tx, token)
        async with self._db.acting(organization_id) as tx:
            organization = await self._directory.organization(tx, organization_id)
            invitation = await store.get(tx, organization_id, invitation_id)
        if organization is None or invitation is None:
            raise InvitationInvalid
        return organization, invitation

    async def _route(self, tx: Tx, token: str) -> tuple[UUID, UUID]:
        digests = self._ring.digests("mail", token.encode()) if _TOKEN.fullmatch(token) else []
        found = await store.route(tx, digests) if digests else None
        if found is None:
            raise InvitationInvalid
        return found

    async def _let_in(
        self, tx: Tx, visitor: Visitor, organization_id: UUID, token: str, newcomer: Newcomer, user_agent: str
    ) -> SignedIn:
        organization = await self._directory.lock(tx, organization_id)
        # Asked again under the lock: meanwhile it may be spent, renewed or withdrawn.
        _, invitation_id = await self._route(tx, token)
        invitation = await store.get(tx, organization_id, invitation_id)
        if organization is None or invitation is None or not await store.remove(tx, organization_id, invitation_id):
            raise InvitationInvalid
        await self._check_room(tx, organization, 0, hint=_NO_PLACE)
        user = await self._add(tx, invitation, newcomer)
        actor = msgspec.structs.replace(visitor, user_id=user.id, role=user.role)
        await self._audit.record_in(tx, actor, "invitation.accept", str(invitation_id), email=user.email)
        return await self._entry.enter(tx, user, organization, actor, mfa=False, user_agent=user_agent)

    async def _add(self, tx: Tx, invitation: Invitation, newcomer: Newcomer) -> User:
        added = await self._directory.add_user(
            tx,
            invitation.organization_id,
            invitation.tenant_id,
            email=invitation.email,
            name=newcomer.name,
            role=invitation.role,
            password_hash=newcomer.password_hash,
        )
        # The mail proved the address.
        await self._directory.set_verified(tx, invitation.organization_id, added.id)
        user = await self._directory.user(tx, invitation.organization_id, added.id)
        return user or added
