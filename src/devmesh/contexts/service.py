"""The rules of contexts: they belong to the tenant, and whoever may read or write contexts there may so with each."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from devmesh.access import Caller
from devmesh.audit.service import Audit
from devmesh.contexts import store, store_versions
from devmesh.contexts.model import (
    LARGEST,
    Context,
    ContextChanged,
    ContextLimitReached,
    ContextNotFound,
    ContextTooLarge,
    Draft,
    Filters,
    Listed,
    Version,
    VersionNotFound,
)
from devmesh.db.pool import Database, Tx
from devmesh.directory.plans import Plan, Plans
from devmesh.directory.service import Directory
from devmesh.directory.tenants import Tenants
from devmesh.errors import InvalidKey
from devmesh.ids import new_id

# What one who stores a context clears away of what has expired; the rest is for the job.
_PURGED_AT_ONCE = 50


class Contexts:
    """Store, find, change and delete the tenant's contexts. Who stored one is on record and gives no more rights."""

    def __init__(self, db: Database, directory: Directory, plans: Plans, audit: Audit) -> None:
        self._db = db
        self._directory = directory
        self._tenants = Tenants()
        self._plans = plans
        self._audit = audit

    async def create(self, caller: Caller, draft: Draft) -> Context:
        """Keep a new context, at version 1; raise ContextTooLarge or ContextLimitReached."""
        caller.require("contexts:write")
        of = (caller.organization_id, caller.tenant_id)
        async with self._db.acting(*of) as tx:
            plan = await self._plan(tx, caller)
            _check_size(plan, draft)
            await self._make_room(tx, caller, plan)
            context_id = new_id()
            await store.add(tx, *of, context_id, caller.user_id, draft)
            await store.count(tx, *of, 1)
            await store_versions.add(tx, *of, context_id, 1, caller.user_id, draft)
            size = len(bytes(draft.content))
            await self._audit.record_in(tx, caller, "context.create", str(context_id), version=1, size=size)
            return await _present(tx, caller, context_id)

    async def page(self, caller: Caller, filters: Filters) -> list[Listed]:
        """Return the tenant's contexts that match, the newest first."""
        caller.require("contexts:read")
        async with self._db.acting(caller.organization_id, caller.tenant_id) as tx:
            return await store.page(tx, caller.organization_id, caller.tenant_id, filters)

    async def get(self, caller: Caller, context_id: UUID) -> Context:
        """Return the context as it is now."""
        caller.require("contexts:read")
        async with self._db.acting(caller.organization_id, caller.tenant_id) as tx:
            return await _present(tx, caller, context_id)

    async def replace(
        self, caller: Caller, context_id: UUID, draft: Draft, versions: Sequence[int] | None = None
    ) -> Context:
        """Put the draft in the context's place, as its next version; the former one is kept among the versions.

        With `versions` only if it is at one of them: of many at the same time one is, and for the others it is
        ContextChanged. Without, each is done, one after another.
        """
        caller.require("contexts:write")
        of = (caller.organization_id, caller.tenant_id)
        async with self._db.acting(*of) as tx:
            plan = await self._plan(tx, caller)
            _check_size(plan, draft)
            version = await store.change(tx, *of, context_id, draft, versions)
            if version is None:
                raise await _why_not(tx, caller, context_id)
            await store_versions.add(tx, *of, context_id, version, caller.user_id, draft)
            await store_versions.trim(tx, *of, context_id, version, _largest(plan))
            size = len(bytes(draft.content))
            await self._audit.record_in(tx, caller, "context.update", str(context_id), version=version, size=size)
            return await _present(tx, caller, context_id)

    async def remove(self, caller: Caller, context_id: UUID, versions: Sequence[int] | None = None) -> None:
        """Delete the context with all its versions; `versions` as in `replace`."""
        caller.require("contexts:write")
        async with self._db.acting(caller.organization_id, caller.tenant_id) as tx:
            gone = await store.remove(tx, caller.organization_id, caller.tenant_id, context_id, versions)
            if gone is None:
                raise await _why_not(tx, caller, context_id)
            await self._audit.record_in(tx, caller, "context.delete", str(context_id), version=gone)

    async def versions(self, caller: Caller, context_id: UUID, before: int | None, limit: int) -> list[Version]:
        """Return those of the context's versions that are kept, the newest first."""
        caller.require("contexts:read")
        of = (caller.organization_id, caller.tenant_id)
        async with self._db.acting(*of) as tx:
            if await store.get(tx, *of, context_id) is None:
                raise ContextNotFound
            return await store_versions.page(tx, *of, context_id, before, limit)

    async def version(self, caller: Caller, context_id: UUID, version: int) -> Context:
        """Return the context as that version has it."""
        caller.require("contexts:read")
        of = (caller.organization_id, caller.tenant_id)
        async with self._db.acting(*of) as tx:
            present = await store.get(tx, *of, context_id)
            if present is None:
                raise ContextNotFound
            is_one = 0 < version <= present.version
            found = await store_versions.get(tx, *of, context_id, version) if is_one else None
        if found is None:
            raise VersionNotFound
        return found

    async def count(self, tx: Tx, caller: Caller) -> int:
        """Return how many contexts all tenants of the caller's organization have, just expired ones among them."""
        return await store.counted(tx, caller.organization_id)

    async def _plan(self, tx: Tx, caller: Caller) -> Plan:
        organization = await self._directory.organization(tx, caller.organization_id)
        if organization is None:  # removed while this was on its way
            raise InvalidKey
        return self._plans.of(organization.plan)

    async def _make_room(self, tx: Tx, caller: Caller, plan: Plan) -> None:
        """Clear away what has expired, and raise ContextLimitReached unless there is room for one more."""
        if plan.max_contexts is not None:
            # Held until the commit: of many at the same time each sees those before it. Before the tenant, as whoever
            # removes the tenant locks them.
            await self._directory.lock(tx, caller.organization_id)
        if not await self._tenants.hold(tx, caller.organization_id, caller.tenant_id):
            raise InvalidKey
        await store.purge(tx, caller.organization_id, caller.tenant_id, _PURGED_AT_ONCE)
        if plan.max_contexts is not None and await store.counted(tx, caller.organization_id) >= plan.max_contexts:
            raise ContextLimitReached(
                f"The plan '{plan.name}' has room for {plan.max_contexts} contexts in all tenants of the organization.",
                extra={"limit": plan.max_contexts},
            )


async def _present(tx: Tx, caller: Caller, context_id: UUID) -> Context:
    found = await store_versions.get(tx, caller.organization_id, caller.tenant_id, context_id, None)
    if found is None:
        raise ContextNotFound
    return found


async def _why_not(tx: Tx, caller: Caller, context_id: UUID) -> ContextNotFound | ContextChanged:
    present = await store.get(tx, caller.organization_id, caller.tenant_id, context_id)
    return ContextNotFound() if present is None else ContextChanged(present.version)


def _largest(plan: Plan) -> int:
    return min(LARGEST, plan.max_context_bytes or LARGEST)


def _check_size(plan: Plan, draft: Draft) -> None:
    size, largest = len(bytes(draft.content)), _largest(plan)
    if size > largest:
        raise ContextTooLarge(
            f"The content has {size} bytes; the plan '{plan.name}' allows {largest}.", extra={"limit": largest}
        )
