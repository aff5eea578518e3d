"""The database's own walls: row-level security on every table but a written list, and an app role that owns nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import asyncpg
import pytest

if TYPE_CHECKING:
    from devmesh.db.embedded import Embedded
    from devmesh.db.pool import Database

# Tables without row-level security: keyed digests and ids that must be found before the organization is known,
# and what belongs to the installation itself.
WITHOUT_ROW_SECURITY = {
    "ring_keys": "the installation's own keys, wrapped by the master key",
    "master_keys": "the master key's versions, each wrapped by what keeps it",
    "route_keys": "key digest -> organization, tenant, key",
    "route_mail_tokens": "mailed token's digest -> organization, token",
    "route_organizations": "slug's digest -> organization",
    "route_emails": "e-mail's digest -> organization, user",
    "route_refresh_tokens": "refresh token's digest -> organization, token",
    "route_login_challenges": "token of a half-made login -> organization, challenge",
    "route_invitations": "invitation's digest -> organization, invitation",
    "mail_budgets": "e-mail's digest -> how many mails within an hour",
    "login_failures": "digest of an account or an address -> how many logins failed",
    "sprayed_accounts": "digests of an address and of the accounts that it failed with",
    "mail_outbox": "mails that wait, each sealed whole by the installation's key",
    "schema_migrations": "which migrations were applied; the app role cannot read it",
}
APPEND_ONLY = {"audit_events"}

TABLES = """
select c.relname as name, c.relrowsecurity as secured, c.relforcerowsecurity as forced,
    pg_get_userbyid(c.relowner) as owner,
    (select array_agg(p.polname::text) from pg_policy p where p.polrelid = c.oid) as policies
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and n.nspname = 'public' order by 1
"""


@pytest.fixture
async def owner(postgres: Embedded):
    connection = await asyncpg.connect(**postgres.owner_dsn)
    yield connection
    await connection.close()


async def test_every_table_forces_row_level_security_or_is_on_the_list(owner: asyncpg.Connection):
    tables = {row["name"]: row for row in await owner.fetch(TABLES)}
    assert set(WITHOUT_ROW_SECURITY) <= set(tables)
    for name, table in tables.items():
        if name not in WITHOUT_ROW_SECURITY:
            assert (table["secured"], table["forced"]) == (True, True), name
            assert table["policies"], name


async def test_a_routing_table_holds_digests_and_ids_and_no_more(owner: asyncpg.Connection):
    rows = await owner.fetch(
        "select table_name, column_name, data_type from information_schema.columns "
        "where table_schema = 'public' and table_name like 'route_%'"
    )
    assert rows
    assert {
        (row["table_name"], row["column_name"]) for row in rows if row["data_type"] not in ("bytea", "uuid")
    } == set()


async def test_the_app_role_owns_nothing_and_bypasses_nothing(owner: asyncpg.Connection, postgres: Embedded):
    role = await owner.fetchrow("select * from pg_roles where rolname = $1", postgres.app_dsn["user"])
    forbidden = ("rolsuper", "rolbypassrls", "rolcreaterole", "rolcreatedb", "rolreplication")
    assert [name for name in forbidden if role[name]] == []
    assert {row["owner"] for row in await owner.fetch(TABLES)} == {postgres.owner_dsn["user"]}
    members = await owner.fetch("select 1 from pg_auth_members where member = $1", role["oid"])
    assert members == []


async def test_the_app_role_truncates_nothing_and_only_appends_to_the_audit(
    owner: asyncpg.Connection, postgres: Embedded
):
    for table in [row["name"] for row in await owner.fetch(TABLES)]:
        held = {
            right
            for right in ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "TRIGGER", "REFERENCES")
            if await owner.fetchval("select has_table_privilege($1, $2, $3)", postgres.app_dsn["user"], table, right)
        }
        assert not held & {"TRUNCATE", "TRIGGER", "REFERENCES"}, table
        if table in APPEND_ONLY:
            assert held == {"SELECT", "INSERT"}
        if table == "schema_migrations":
            assert held == set()


async def test_a_policy_reads_the_setting_so_that_none_means_no_row(owner: asyncpg.Connection):
    policies = await owner.fetch(
        "select tablename, policyname, cmd, qual, with_check from pg_policies where schemaname = 'public'"
    )
    for policy in policies:
        if policy["cmd"] == "INSERT" and policy["tablename"] in APPEND_ONLY:
            continue  # one group commit holds rows of several organizations; reading them is what is isolated
        condition = policy["qual"] or policy["with_check"]
        assert "NULLIF(current_setting('app.organization_id'" in condition, policy["tablename"]


async def test_a_setting_ends_with_its_transaction(db: Database, mesh):
    organization = await mesh.organization()
    async with db.acting(UUID(organization.id)) as tx:
        assert len(await tx.all("select * from organizations")) == 1
    for _ in range(10):
        async with db.routing() as tx:
            assert await tx.all("select * from organizations") == []
            assert await tx.value("select coalesce(current_setting('app.organization_id', true), '')") == ""
