"""Who is registered: the steps that registration, invitations and login are made of.

Each happens within the transaction that it is given, and none asks for rights: that is done by the services above.
"""

from __future__ import annotations

from uuid import UUID

from devmesh.access import Role
from devmesh.crypto.ring import KeyRing
from devmesh.db.pool import Tx
from devmesh.directory import store, store_tenants, store_users
from devmesh.directory.model import EmailTaken, Organization, Policies, SlugTaken, Tenant, User, Whereabouts
from devmesh.ids import new_id
from devmesh.mail import address


class Directory:
    """Organizations, tenants and users, found by id, by slug or by e-mail address."""

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring

    async def is_empty(self, tx: Tx) -> bool:
        """Return whether no organization is registered."""
        return not await store.any_organization(tx)

    async def organization_of(self, tx: Tx, slug: str) -> UUID | None:
        """Return the id of the organization with that slug."""
        return await store.organization_of_slug(tx, self._ring.digests("slugs", slug.encode()))

    async def organizations(self, tx: Tx, after: UUID | None = None, limit: int = 200) -> list[UUID]:
        """Return the ids of the organizations there are, the oldest first, those after `after`; for the operator."""
        return await store.organizations(tx, after, limit)

    async def add_organization(self, tx: Tx, organization_id: UUID, *, name: str, slug: str, plan: str) -> Organization:
        """Register the organization with its first tenant, which has its id, name and slug; raise SlugTaken."""
        digest = self._ring.digest("slugs", slug.encode())
        added = await store.add_organization(tx, organization_id, digest, name, slug, plan)
        if added is None:
            raise SlugTaken(f"The organization_slug '{slug}' is taken.")
        await store_tenants.add(tx, organization_id, organization_id, name, slug)
        return added

    async def organization(self, tx: Tx, organization_id: UUID) -> Organization | None:
        """Return the organization."""
        return await store.organization(tx, organization_id)

    async def lock(self, tx: Tx, organization_id: UUID) -> Organization | None:
        """Return the organization; nobody else locks it until `tx` ends."""
        return await store.lock(tx, organization_id)

    async def set_plan(self, tx: Tx, organization_id: UUID, plan: str) -> Organization | None:
        """Put the organization on another plan; announcing it is the caller's part."""
        return await store.set_plan(tx, organization_id, plan)

    async def rename(self, tx: Tx, organization_id: UUID, name: str) -> Organization | None:
        """Give the organization another name; announcing it is the caller's part."""
        return await store.rename(tx, organization_id, name)

    async def set_policies(self, tx: Tx, organization_id: UUID, policies: Policies) -> Organization | None:
        """Keep the policies in place of the former ones; announcing it is the caller's part."""
        return await store.set_policies(tx, organization_id, policies)

    async def remove(self, tx: Tx, organization_id: UUID) -> bool:
        """Remove the organization with everything of it but its audit; the slug is free again."""
        return await store.remove(tx, organization_id)

    async def tenant(self, tx: Tx, organization_id: UUID, tenant_id: UUID) -> Tenant | None:
        """Return the organization's tenant."""
        return await store_tenants.get(tx, organization_id, tenant_id)

    async def tenant_named(self, tx: Tx, organization_id: UUID, name: str) -> Tenant | None:
        """Return the organization's tenant with that id or slug."""
        return await store_tenants.named(tx, organization_id, name)

    async def add_user(
        self,
        tx: Tx,
        organization_id: UUID,
        tenant_id: UUID,
        *,
        email: str,
        name: str,
        role: Role,
        password_hash: str,
    ) -> User:
        """Add an active, unverified user who is found by the address from now on; raise EmailTaken.

        ValueError if `email` is none. Asks for no right and counts no plan's `max_users`: that is the caller's part.
        """
        email = address.parse(email)
        user_id = new_id()
        added = await store_users.add(
            tx, organization_id, tenant_id, user_id, email=email, name=name, role=role, password_hash=password_hash
        )
        if added is None:
            raise EmailTaken("Your organization has a user with this e-mail address.")
        await store_users.add_route(tx, organization_id, user_id, self.digest_of(email))
        return added

    async def user(self, tx: Tx, organization_id: UUID, user_id: UUID) -> User | None:
        """Return the organization's user."""
        return await store_users.get(tx, organization_id, user_id)

    async def users_of(self, tx: Tx, email: str) -> list[Whereabouts]:
        """Return where the users with that checked address are, in whatever organizations, the oldest first."""
        return await store_users.of_email(tx, self._ring.digests("emails", _folded(email)))

    async def set_verified(self, tx: Tx, organization_id: UUID, user_id: UUID) -> bool:
        """Note that the user has proved the e-mail address; return whether this was new."""
        return await store_users.set_verified(tx, organization_id, user_id)

    def digest_of(self, email: str) -> bytes:
        """Return the digest under which that checked address is kept where no organization is known."""
        return self._ring.digest("emails", _folded(email))


def _folded(email: str) -> bytes:
    # Few servers tell upper from lower case before the @, and people do not.
    return email.lower().encode()
