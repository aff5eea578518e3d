"""Row-level security must not keep a search from its index: an operator that is not leakproof would."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from uuid import UUID

import asyncpg
import pytest

from devmesh.contexts import store
from devmesh.contexts.model import Filters

if TYPE_CHECKING:
    from devmesh.db.embedded import Embedded
    from devmesh.db.pool import Tx
    from running import Mesh, Organization

MANY = """
with made as (
    insert into contexts (organization_id, tenant_id, id, name, folded, tags, agent_id, version, created_by, created_at,
        updated_at)
    select $1::uuid, $1, gen_random_uuid(), 'name ' || n, 'name ' || n, array['tag ' || n % 500], 'agent ' || n % 500,
        1, $1, now(), now() from generate_series(1, 5000) n returning id, tags
)
insert into context_tags (organization_id, tenant_id, tag, context_id) select $1, $1, tags[1], id from made
"""


class Explained:
    """Stands before a transaction, and asks how a statement would be run in place of running it."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self.plan = ""

    async def all(self, sql: str, *arguments: object) -> list[Any]:
        rows = await self._tx.all(f"explain {sql}", *arguments)
        self.plan = "\n".join(row["QUERY PLAN"] for row in rows)
        return []


@pytest.fixture(scope="module")
async def crowded(mesh: Mesh, postgres: Embedded) -> UUID:
    """An organization with 5,000 contexts, of which PostgreSQL knows, as it does of itself after a minute."""
    organization: Organization = await mesh.organization()
    own = UUID(organization.id)
    async with mesh.app.database.acting(own, own) as tx:
        await tx.run(MANY, own)
    owner = await asyncpg.connect(**postgres.owner_dsn)
    await owner.execute("analyze contexts, context_tags")
    await owner.close()
    return own


@pytest.mark.parametrize(
    ("filters", "condition"),
    [
        (Filters(tags=("tag 7",)), r"tag = "),
        (Filters(tags=("tag 7", "tag 8")), r"tag = "),
        (Filters(agent_id="agent 7"), r"agent_id = "),
        (Filters(name="name 7"), r"name = "),
        (Filters(before=UUID(int=2**127)), r"id < "),
    ],
)
async def test_a_search_reads_what_it_looks_for_by_index(mesh: Mesh, crowded: UUID, filters: Filters, condition: str):
    async with mesh.app.database.acting(crowded, crowded) as tx:
        explained = Explained(tx)
        await store.page(explained, crowded, crowded, filters)  # type: ignore[arg-type]
    assert re.search(rf"Index Cond: .*\b{condition}", explained.plan), explained.plan
    assert "Seq Scan" not in explained.plan
