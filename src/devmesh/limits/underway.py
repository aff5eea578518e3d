"""How many calls a tenant may have under way at once: a slow service of one tenant's must not fill every place."""

from __future__ import annotations

from uuid import UUID

from devmesh.errors import RateLimited

_MOST = 256
_TRY_AGAIN = 1.0


class UnderWay:
    """Counts the calls that wait for a service, by tenant; `take` before one is sent and `give` back after."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._counts: dict[UUID, int] = {}

    def take(self, tenant_id: UUID) -> None:
        """Count one more; raise RateLimited if the tenant has as many under way as it may."""
        count = self._counts.get(tenant_id, 0)
        if count >= self._most:
            raise RateLimited(
                f"Your tenant has {count} calls under way, as many as it may at once.", retry_after=_TRY_AGAIN
            )
        self._counts[tenant_id] = count + 1

    def give(self, tenant_id: UUID) -> None:
        """Count one less."""
        count = self._counts.pop(tenant_id) - 1
        if count:
            self._counts[tenant_id] = count
