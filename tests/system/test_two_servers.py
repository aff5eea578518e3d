"""Two processes on one database share nothing but it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from system.revocation import Pair

if TYPE_CHECKING:
    from devmesh.demo.github import GitHub
    from system.cluster import Address, Cluster
    from system.conftest import Machine


async def test_what_one_revokes_the_other_refuses_within_a_second(machine: Machine, database: Address, github: GitHub):
    pair = Pair(await machine.serve(database.url()), await machine.serve(database.url()), github)
    for _ in range(3):
        await pair.refuses_a_revoked_key(within=1)
        await pair.refuses_to_use_a_deleted_credential(within=1)


async def test_a_server_whose_ear_is_cut_off_asks_the_database(
    machine: Machine, cluster: Cluster, database: Address, github: GitHub
):
    pair = Pair(await machine.serve(database.url()), await machine.serve(database.url()), github)
    await pair.refuses_a_revoked_key(within=1)
    cut = asyncio.create_task(_cut_off(cluster, database))
    for _ in range(3):
        await pair.refuses_a_revoked_key(within=1)
        await pair.refuses_to_use_a_deleted_credential(within=1)
    cut.cancel()


async def _cut_off(cluster: Cluster, database: Address) -> None:
    while True:
        await asyncio.to_thread(
            cluster.sql,
            "select pg_terminate_backend(pid) from pg_stat_activity where usename = $1 and query like 'notify%'",
            database.app_role,
        )
        await asyncio.sleep(0.05)
