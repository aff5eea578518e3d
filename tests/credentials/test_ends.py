"""Owners are written that a credential ends: in time, once, and only those whom it concerns."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from credentials.asking import ADA, Service, mails, sql, sweep
from devmesh.credentials import store_standing
from running import Mesh, Organization
from sessions_people import until


@pytest.mark.parametrize("ends_by", ["the service", "the person"])
async def test_the_owner_is_told_seven_days_and_one_day_before_the_end_once_each(
    verified: Organization, service: Service, mesh: Mesh, ends_by: str
):
    await verified.connect(service.github, ADA)
    await sweep(verified)
    column = "credential_standing set token_expires_at" if ends_by == "the service" else "credentials set expires_at"
    await sql(verified, "update credentials set updated_at = now() - interval '90 days'")
    for left, told in (("8 days", 0), ("6 days", 1), ("6 days", 1), ("20 hours", 2), ("19 hours", 2)):
        # Of one end, as time goes by: the moment stays, the rest of what is known of it moves.
        await sql(verified, f"update {column} = date_trunc('hour', now()) + interval '{left}'")
        await sql(
            verified,
            "update credential_standing s set warned_of = least(s.token_expires_at, c.expires_at) "
            "from credentials c where c.id = s.credential_id and s.warned_of is not null",
        )
        await sweep(verified)
        assert len(mails(mesh, verified.slug)) == told, left
    # Another end is told of anew.
    await sql(verified, f"update {column} = now() + interval '5 days'")
    await sweep(verified)
    assert len(mails(mesh, verified.slug)) == 3
    assert "A credential for GitHub ends soon" in mails(mesh, verified.slug)[0]


async def test_of_two_processes_that_find_an_end_at_once_one_writes_about_it(verified: Organization, service: Service):
    await verified.connect(service.github, ADA)
    await sweep(verified)
    await sql(verified, "update credentials set updated_at = now() - interval '90 days'")
    await sql(verified, "update credential_standing set token_expires_at = now() + interval '5 days'")
    of, database = UUID(verified.id), verified.mesh.app.database

    async def take() -> int:
        async with database.acting(of, of) as tx:
            return len(await store_standing.take_ending(tx, of, of, 100))

    async def waits() -> bool:
        (row,) = await sql(
            verified,
            "select exists (select from pg_stat_activity a join pg_locks l using (pid) where not l.granted "
            "and l.locktype = 'transactionid' and a.query like '%warned_of%') as is_so",
        )
        return row["is_so"]

    async with database.acting(of, of) as tx:
        assert len(await store_standing.take_ending(tx, of, of, 100)) == 1
        other = asyncio.create_task(take())
        await until(waits, 10)
    assert await other == 0


async def test_an_end_that_is_told_as_seconds_from_now_is_written_about_once(
    verified: Organization, service: Service, mesh: Mesh
):
    await verified.connect(service.github, ADA)
    await sweep(verified)
    await sql(verified, "update credentials set updated_at = now() - interval '90 days'")
    # Of one moment, also if an hour begins meanwhile.
    (row,) = await sql(verified, "select date_trunc('hour', now()) + interval '5 days 12 hours' as ends")
    for moved in ("0 seconds", "40 seconds", "-90 seconds", "20 minutes"):
        change = f"update credential_standing set token_expires_at = $1::timestamptz + interval '{moved}'"
        await sql(verified, change, row["ends"])
        await sweep(verified)
        assert len(mails(mesh, verified.slug)) == 1, moved


async def test_what_was_meant_to_be_short_lived_and_who_is_not_verified_are_not_written_about(
    organization: Organization, service: Service, mesh: Mesh
):
    await organization.connect(service.github, ADA)
    await sweep(organization)
    await sql(organization, "update credential_standing set token_expires_at = now() + interval '3 days'")
    await sweep(organization)
    await sql(organization, "update credentials set updated_at = now() - interval '90 days'")
    await sweep(organization)
    await sql(organization, "update users set verified_at = now()")
    await sql(organization, "update credential_standing set token_expires_at = now() + interval '2 days'")
    assert mails(mesh, organization.slug) == []
    await sweep(organization)
    assert len(mails(mesh, organization.slug)) == 1
