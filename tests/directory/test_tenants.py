"""Tenants and memberships as data, within one organization."""

from __future__ import annotations

import pytest

from devmesh.access import Role
from devmesh.crypto.ring import KeyRing
from devmesh.db.pool import Database
from devmesh.directory.model import Organization, Policies, TenantSlugTaken, User
from devmesh.directory.plans import Plans
from devmesh.directory.service import Directory
from devmesh.directory.tenants import Tenants
from devmesh.directory.users import Users
from devmesh.ids import new_id

tenants = Tenants()
PLAN = Plans.load().of("free")


@pytest.fixture
def directory(ring: KeyRing) -> Directory:
    return Directory(ring)


async def founded(directory: Directory, db: Database) -> Organization:
    organization_id = new_id()
    async with db.acting(organization_id) as tx:
        return await directory.add_organization(
            tx, organization_id, name="Acme", slug=f"acme-{organization_id.hex[-12:]}", plan="free"
        )


async def person(directory: Directory, db: Database, organization: Organization, role: Role = Role.MEMBER) -> User:
    async with db.acting(organization.id) as tx:
        return await directory.add_user(
            tx,
            organization.id,
            organization.id,
            email=f"{new_id().hex}@example.com",
            name="Ada",
            role=role,
            password_hash="none",
        )


@pytest.mark.parametrize(
    ("role", "everywhere"), [("owner", True), ("admin", True), ("member", False), ("readonly", False)]
)
async def test_who_may_act_where_goes_by_role_start_and_membership(
    directory: Directory,
    db: Database,
    role: str,
    everywhere: bool,  # noqa: FBT001
):
    organization = await founded(directory, db)
    user = await person(directory, db, organization, Role(role))
    async with db.acting(organization.id) as tx:
        blue = await tenants.add(tx, organization.id, PLAN, "Blue", "blue")
        assert await tenants.allowed(tx, organization.id, user, organization.id)
        assert await tenants.allowed(tx, organization.id, user, blue.id) is everywhere
        assert not await tenants.allowed(tx, organization.id, user, new_id())
        assert [found.slug for found in await tenants.of(tx, organization.id, user)][1:] == ["blue"] * everywhere
        assert await tenants.add_member(tx, organization.id, blue.id, user.id)
        assert not await tenants.add_member(tx, organization.id, blue.id, user.id)
        assert await tenants.allowed(tx, organization.id, user, blue.id)
        assert len(await tenants.of(tx, organization.id, user)) == 2
        assert await tenants.remove_member(tx, organization.id, blue.id, user.id)
        assert await tenants.allowed(tx, organization.id, user, blue.id) is everywhere


async def test_a_slug_is_one_tenants_of_an_organization(directory: Directory, db: Database):
    organization = await founded(directory, db)
    async with db.acting(organization.id) as tx:
        made = await tenants.get_or_add(tx, organization.id, PLAN, "blue")
        assert await tenants.get_or_add(tx, organization.id, PLAN, "blue") == (made[0], False)
        assert made[1]
        with pytest.raises(TenantSlugTaken):
            await tenants.add(tx, organization.id, PLAN, "Other", "blue")
        assert await tenants.count(tx, organization.id) == 2


async def test_nobody_and_no_tenant_of_another_organization_is_joined_or_removed(directory: Directory, db: Database):
    mine, theirs = await founded(directory, db), await founded(directory, db)
    stranger = await person(directory, db, theirs)
    async with db.acting(theirs.id) as tx:
        blue = await tenants.add(tx, theirs.id, PLAN, "Blue", "blue")
    async with db.acting(mine.id) as tx:
        assert not await tenants.add_member(tx, mine.id, mine.id, stranger.id)
        assert not await tenants.add_member(tx, mine.id, blue.id, stranger.id)
        assert not await tenants.remove(tx, mine.id, blue.id)
        assert not await tenants.hold(tx, mine.id, blue.id)
        # Even under the other one's id the database shows nothing.
        assert not await tenants.remove(tx, theirs.id, blue.id)
        assert not await directory.remove(tx, theirs.id)
        assert await directory.lock(tx, theirs.id) is None


async def test_an_organization_is_renamed_governed_and_removed(directory: Directory, db: Database, ring: KeyRing):
    organization = await founded(directory, db)
    await person(directory, db, organization, Role.OWNER)
    policies = Policies(require_mfa=True, password_policy="nist")
    async with db.acting(organization.id) as tx:
        assert (await directory.rename(tx, organization.id, "Blue")).name == "Blue"
        assert (await directory.set_policies(tx, organization.id, policies)).policies == policies
        assert (await directory.organization(tx, organization.id)).policies == policies
        assert (await Users(ring).count(tx, organization.id), await Users(ring).owners(tx, organization.id)) == (1, 1)
        assert await directory.remove(tx, organization.id)
        assert await directory.organization(tx, organization.id) is None
    async with db.routing() as tx:
        assert await directory.organization_of(tx, organization.slug) is None
