"""What somebody does who owns the database: rows of the audit changed by hand."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import asyncpg

from devmesh.db.embedded import Embedded


async def alter_row(
    postgres: Embedded, organization_id: UUID, condition: str, assignments: str, *arguments: Any
) -> None:
    """Change the one row of the organization for which the condition holds; `arguments` are $2 and so on."""
    owner = await asyncpg.connect(**postgres.owner_dsn)
    try:
        async with owner.transaction():
            await owner.execute("alter table audit_events no force row level security")
            update = f"update audit_events set {assignments} where organization_id = $1 and {condition}"
            done = await owner.execute(update, organization_id, *arguments)
            await owner.execute("alter table audit_events force row level security")
        assert done == "UPDATE 1"
    finally:
        await owner.close()
