import pytest

from devmesh.access import Role
from devmesh.directory.model import EmailTaken, SlugTaken
from devmesh.directory.service import Directory
from devmesh.ids import new_id


@pytest.fixture
def directory(ring):
    return Directory(ring)


@pytest.fixture
async def organization(directory, db):
    organization_id = new_id()
    async with db.acting(organization_id) as tx:
        return await directory.add_organization(
            tx, organization_id, name="Acme", slug=f"acme-{organization_id.hex[-12:]}", plan="free"
        )


async def add(directory, db, organization, **fields):
    usual = {"email": "ada@example.com", "name": "Ada", "role": Role.MEMBER, "password_hash": "$argon2id$"}
    async with db.acting(organization.id) as tx:
        return await directory.add_user(tx, organization.id, organization.id, **{**usual, **fields})


async def test_the_first_tenant_has_the_organizations_id_name_and_slug(directory, db, organization):
    async with db.acting(organization.id) as tx:
        tenant = await directory.tenant(tx, organization.id, organization.id)
        assert (tenant.id, tenant.name, tenant.slug) == (organization.id, "Acme", organization.slug)
        for name in (str(organization.id), str(organization.id).upper(), organization.slug.upper()):
            assert await directory.tenant_named(tx, organization.id, name) == tenant
        assert await directory.tenant_named(tx, organization.id, "nowhere") is None


async def test_an_organization_is_found_by_its_slug(directory, db, organization):
    async with db.routing() as tx:
        assert await directory.organization_of(tx, organization.slug) == organization.id
        assert not await directory.is_empty(tx)


async def test_a_slug_belongs_to_one_organization(directory, db, organization):
    other = new_id()
    with pytest.raises(SlugTaken):
        async with db.acting(other) as tx:
            await directory.add_organization(tx, other, name="Other", slug=organization.slug, plan="free")
    async with db.acting(other) as tx:
        assert await directory.organization(tx, other) is None


async def test_a_user_is_added_and_found_by_address(directory, db, organization):
    email = f"Ada@{organization.slug}.example.com"
    user = await add(directory, db, organization, email=email)
    assert (user.role, user.is_active, user.verified_at) == (Role.MEMBER, True, None)
    async with db.acting(organization.id) as tx:
        assert await directory.user(tx, organization.id, user.id) == user
    async with db.routing() as tx:
        (place,) = await directory.users_of(tx, email.lower())
    assert (place.organization_id, place.user_id) == (organization.id, user.id)


async def test_an_address_belongs_to_one_user_of_an_organization(directory, db, organization):
    await add(directory, db, organization)
    with pytest.raises(EmailTaken):
        await add(directory, db, organization, email="ADA@Example.com")


async def test_no_user_is_added_under_what_is_no_address(directory, db, organization):
    with pytest.raises(ValueError, match="must"):
        await add(directory, db, organization, email="ada")


async def test_an_address_is_verified_once(directory, db, organization):
    user = await add(directory, db, organization)
    async with db.acting(organization.id) as tx:
        assert await directory.set_verified(tx, organization.id, user.id)
        assert not await directory.set_verified(tx, organization.id, user.id)
        assert (await directory.user(tx, organization.id, user.id)).verified_at is not None


async def test_another_organization_finds_none_of_it(directory, db, organization):
    user = await add(directory, db, organization)
    other = new_id()
    async with db.acting(other) as tx:
        assert await directory.organization(tx, organization.id) is None
        assert await directory.tenant(tx, organization.id, organization.id) is None
        assert await directory.user(tx, organization.id, user.id) is None
        assert not await directory.set_verified(tx, organization.id, user.id)
