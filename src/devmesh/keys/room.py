"""How many keys an organization, and each of its people, may have at once: what the plan says."""

from __future__ import annotations

from devmesh.access import Caller, KeyType
from devmesh.db.pool import Tx
from devmesh.directory.plans import Plans
from devmesh.directory.service import Directory
from devmesh.errors import InvalidKey
from devmesh.keys import store
from devmesh.keys.model import AgentLimitReached, KeyLimitReached


class Room:
    """Counts the keys of the caller's organization that are neither revoked nor expired, in all its tenants."""

    def __init__(self, directory: Directory, plans: Plans) -> None:
        self._directory = directory
        self._plans = plans

    async def check(self, tx: Tx, caller: Caller, key_type: KeyType) -> None:
        """Return if there is a place for one more key of the caller's person; nobody else counts until `tx` ends.

        Raises AgentLimitReached and KeyLimitReached.
        """
        organization = await self._directory.lock(tx, caller.organization_id)
        if organization is None:
            raise InvalidKey  # removed while this request was under way
        plan = self._plans.of(organization.plan)
        live = await store.live(tx, organization.id, caller.user_id)
        if key_type is KeyType.AGENT and plan.max_agents is not None and live.agents >= plan.max_agents:
            raise AgentLimitReached(f"The plan '{plan.name}' has places for {plan.max_agents} agent keys.")
        if plan.max_keys_per_user is not None and live.of_user >= plan.max_keys_per_user:
            raise KeyLimitReached(f"The plan '{plan.name}' has places for {plan.max_keys_per_user} keys of one person.")
        if plan.max_keys is not None and live.keys >= plan.max_keys:
            raise KeyLimitReached(f"The plan '{plan.name}' has places for {plan.max_keys} keys.")
