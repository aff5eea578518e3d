import asyncio
import json

import pytest

from devmesh.accounts.model import RegistrationClosed
from devmesh.audit.model import Visitor
from devmesh.crypto.tokens import is_api_key
from devmesh.directory.model import SlugTaken
from devmesh.errors import Invalid
from devmesh.ids import new_id

VISITOR = Visitor(address="192.0.2.7", request_id="r-1")


async def rows_of(db, organization_id, table):
    key = "id" if table == "organizations" else "organization_id"
    async with db.acting(organization_id, organization_id) as tx:
        return await tx.all(f"select * from {table} where {key} = $1", organization_id)


async def faults(accounts, new):
    with pytest.raises(Invalid) as refusal:
        await accounts.register(VISITOR, new)
    return [(fault.field, fault.message) for fault in refusal.value.faults]


async def test_registration_makes_the_organization_its_tenant_its_owner_and_its_first_key(accounts, db, new):
    form = new(organization_name="My Company", admin_name="Admin User")

    made = await accounts.register(VISITOR, form)

    assert (made.organization.name, made.organization.slug) == ("My Company", form.organization_slug)
    assert (made.organization.plan, made.plan.max_users, made.plan.max_agents) == ("free", 5, 10)
    assert (made.owner.email, made.owner.name, made.owner.role) == (form.admin_email, "Admin User", "owner")
    assert made.owner.verified_at is None
    assert is_api_key(made.api_key)
    assert made.api_key.startswith("adm_")
    (tenant,) = await rows_of(db, made.organization.id, "tenants")
    assert (tenant["id"], tenant["slug"]) == (made.organization.id, form.organization_slug)
    (key,) = await rows_of(db, made.organization.id, "api_keys")
    assert (key["name"], key["scopes"]) == ("Initial Admin Key", ["read", "write", "admin"])
    (user,) = await rows_of(db, made.organization.id, "users")
    assert user["password_hash"].startswith("$argon2id$")


async def test_the_password_is_hashed_in_the_form_that_every_keyboard_types(accounts, db, passwords, new):
    made = await accounts.register(VISITOR, new(admin_password="A\u0308pfelwein 12"))
    (user,) = await rows_of(db, made.organization.id, "users")
    assert await passwords.matches("\u00c4pfelwein 12", user["password_hash"])
    assert not await passwords.matches("Apfelwein 12", user["password_hash"])


async def test_nothing_that_a_registration_holds_shows_its_secrets(accounts, new):
    form = new()
    made = await accounts.register(VISITOR, form)
    assert made.api_key not in repr(made)
    assert form.admin_password not in repr(form)


async def test_a_registration_is_recorded_with_its_owner_as_actor(accounts, db, new):
    made = await accounts.register(VISITOR, new())
    (row,) = await rows_of(db, made.organization.id, "audit_events")
    record = json.loads(row["record"])
    assert (record["action"], record["target"]) == ("organization.register", str(made.organization.id))
    assert (record["user_id"], record["role"], record["address"]) == (str(made.owner.id), "owner", "192.0.2.7")


async def test_a_slug_is_one_spelling_of_all_that_look_alike(accounts, new):
    wanted = new().organization_slug
    alike = "  " + wanted.upper().replace("M", "\N{FULLWIDTH LATIN CAPITAL LETTER M}") + " "
    made = await accounts.register(VISITOR, new(organization_slug=alike))
    assert made.organization.slug == wanted


async def test_a_taken_slug_is_told(accounts, new):
    form = new()
    await accounts.register(VISITOR, form)
    with pytest.raises(SlugTaken):
        await accounts.register(VISITOR, new(organization_slug=form.organization_slug))


async def test_of_many_registrations_of_one_slug_at_once_one_succeeds(accounts, db, outbox, new):
    slug = new().organization_slug
    forms = [new(organization_slug=slug) for _ in range(12)]

    found = await asyncio.gather(*(accounts.register(VISITOR, form) for form in forms), return_exceptions=True)

    won = [one for one in found if not isinstance(one, BaseException)]
    assert len(won) == 1
    assert {type(one) for one in found if isinstance(one, BaseException)} == {SlugTaken}
    assert len(await outbox.files()) == 1
    async with db.routing() as tx:
        emails = await tx.value("select count(*) from route_emails where organization_id = $1", won[0].organization.id)
    assert emails == 1


async def test_every_fault_of_every_field_is_told_at_once(accounts, new):
    form = new(
        organization_name=" ",
        organization_slug="-x",
        admin_email="admin@",
        admin_name="Ad\nmin",
        admin_password="short",
    )
    found = await faults(accounts, form)
    assert [field for field, _ in found] == [
        "organization_name",
        "organization_slug",
        "admin_email",
        "admin_name",
        "admin_password",
        "admin_password",
        "admin_password",
    ]


async def test_a_reserved_slug_is_refused(accounts, new):
    ((field, message),) = await faults(accounts, new(organization_slug=" Admin"))
    assert field == "organization_slug"
    assert "reserved" in message


async def test_a_password_must_not_be_the_organizations_name(accounts, new):
    form = new(organization_name="Initech 2000 Limited", admin_password="Initech-2000-Limited")
    assert await faults(accounts, form) == [("admin_password", "must not be the organization's name")]


async def test_one_person_may_own_several_organizations(accounts, db, directory, new):
    form = new()
    first = await accounts.register(VISITOR, form)
    second = await accounts.register(VISITOR, new(admin_email=form.admin_email.upper()))
    async with db.routing() as tx:
        found = await directory.users_of(tx, form.admin_email)
    assert [place.user_id for place in found] == [first.owner.id, second.owner.id]


async def test_the_database_holds_no_address_where_no_organization_is_known(accounts, db, new):
    form = new()
    await accounts.register(VISITOR, form)
    async with db.routing() as tx:
        rows = [await tx.all(f"select * from {table}") for table in ("route_emails", "mail_budgets", "users")]
    assert rows[0]
    assert rows[1]
    assert rows[2] == []
    assert form.admin_email not in str(rows)


async def test_a_closed_installation_takes_nobody(accounts_with, new):
    with pytest.raises(RegistrationClosed) as refusal:
        await accounts_with(registration="closed").register(VISITOR, new())
    assert "DEVMESH_REGISTRATION" in refusal.value.hint


@pytest.mark.parametrize("sent", ["", "wrong", "a-token-of-the-operator!", "\xff"])
async def test_registration_by_token_refuses_whoever_lacks_it(accounts_with, new, sent):
    accounts = accounts_with(registration="token", registration_token="a-token-of-the-operator")
    with pytest.raises(RegistrationClosed) as refusal:
        await accounts.register(VISITOR, new(), sent)
    assert "X-Registration-Token" in refusal.value.hint


async def test_registration_by_token_takes_whoever_has_it(accounts_with, new):
    accounts = accounts_with(registration="token", registration_token="a-token-of-the-operator")
    assert await accounts.register(VISITOR, new(), "a-token-of-the-operator")


async def test_of_many_first_registrations_at_once_one_succeeds(accounts_with, db, new):
    async with db.routing() as tx:
        await tx.run("delete from route_organizations")
    accounts = accounts_with(registration="first")

    found = await asyncio.gather(*(accounts.register(VISITOR, new()) for _ in range(8)), return_exceptions=True)

    refused = [one for one in found if isinstance(one, BaseException)]
    assert [type(one) for one in refused] == [RegistrationClosed] * 7


async def test_a_mail_that_cannot_be_written_waits_and_keeps_nobody_from_registering(accounts, db, outbox, new):
    outbox.folder.parent.mkdir()
    outbox.folder.write_text("in the way")
    assert await accounts.register(VISITOR, new())
    await outbox.outbox.settled()
    outbox.folder.unlink()
    async with db.routing() as tx:
        await tx.run("update mail_outbox set next_at = now() where folder = $1", str(outbox.folder))
    assert len(await outbox.files()) == 1


async def test_another_organization_sees_nothing_of_a_registration(accounts, db, new):
    made = await accounts.register(VISITOR, new())
    for table in ("organizations", "tenants", "users", "mail_tokens", "api_keys"):
        key = "id" if table == "organizations" else "organization_id"
        other = new_id()
        async with db.acting(other, other) as tx:
            assert await tx.all(f"select * from {table} where {key} = $1", made.organization.id) == []
        assert await rows_of(db, made.organization.id, table)
