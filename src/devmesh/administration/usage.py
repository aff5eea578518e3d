"""What an organization uses of its plan, over all its tenants."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from devmesh.access import Caller
from devmesh.administration.model import Usage, Used
from devmesh.contexts.service import Contexts
from devmesh.credentials.service import Credentials
from devmesh.db.pool import Database, Tx
from devmesh.directory.plans import Plans
from devmesh.directory.service import Directory
from devmesh.directory.tenants import Tenants
from devmesh.directory.users import Users
from devmesh.errors import InvalidKey
from devmesh.keys.service import Keys

# How many invitations of the caller's organization are pending: they live in a room beside this one.
Pending = Callable[[Tx, Caller], Awaitable[int]]


class Uses:
    """Counts what the caller's organization has."""

    def __init__(
        self,
        db: Database,
        directory: Directory,
        tenants: Tenants,
        users: Users,
        keys: Keys,
        credentials: Credentials,
        contexts: Contexts,
        pending: Pending,
        plans: Plans,
    ) -> None:
        self._db = db
        self._directory = directory
        self._tenants = tenants
        self._users = users
        self._keys = keys
        self._credentials = credentials
        self._contexts = contexts
        self._pending = pending
        self._plans = plans

    async def usage(self, caller: Caller) -> Usage:
        """Return what the organization has, beside what its plan allows."""
        caller.require("organization:read")
        organization_id = caller.organization_id
        async with self._db.acting(organization_id) as tx:
            organization = await self._directory.organization(tx, organization_id)
            if organization is None:
                raise InvalidKey  # removed while this request was under way
            plan = self._plans.of(organization.plan)
            users = await self._users.count(tx, organization_id)
            pending = await self._pending(tx, caller)
            live = await self._keys.live(tx, caller)
            contexts = await self._contexts.count(tx, caller)
            tenants = await self._tenants.of(tx, organization_id, None)
            credentials = 0
            for tenant in tenants:
                await tx.turn_to(tenant.id)
                credentials += await self._credentials.count(tx, caller, tenant.id)
        return Usage(
            plan=plan.name,
            users=Used(users, plan.max_users),
            invitations=Used(pending),
            agents=Used(live.agents, plan.max_agents),
            keys=Used(live.keys, plan.max_keys),
            credentials=Used(credentials),
            contexts=Used(contexts, plan.max_contexts),
            tenants=Used(len(tenants), plan.max_tenants),
        )
