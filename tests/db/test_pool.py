"""Transactions, and whose error is whose."""

from __future__ import annotations

import asyncio

import pytest

from devmesh.db.pool import Database, DatabaseAway


@pytest.mark.parametrize("kind", [OSError, TimeoutError, ConnectionResetError])
async def test_what_the_body_raises_passes_unchanged_and_the_connection_serves_on(db: Database, kind: type[OSError]):
    raised, used = kind("the body's own"), 0

    async def body() -> None:
        nonlocal used
        async with db.routing() as tx:
            used = await tx.value("select pg_backend_pid()")
            raise raised

    with pytest.raises(kind) as caught:
        await body()
    assert caught.value is raised
    async with db.routing() as tx:
        assert await tx.value("select pg_backend_pid()") == used


async def test_a_body_that_gives_up_waiting_for_a_statement_hears_of_its_own_time(db: Database):
    with pytest.raises(TimeoutError):
        async with db.routing() as tx, asyncio.timeout(0.05):
            await tx.value("select pg_sleep(10)")
    async with db.routing() as tx:
        assert await tx.value("select 1") == 1


async def test_a_connection_that_is_ended_within_a_transaction_is_a_database_that_is_away(db: Database):
    with pytest.raises(DatabaseAway):
        async with db.routing() as tx:
            await tx.value("select pg_terminate_backend(pg_backend_pid())")
    async with db.routing() as tx:
        assert await tx.value("select 1") == 1
