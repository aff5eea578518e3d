"""Whether what a call began with still stands while it waits: its key or session, its person, its credential."""

from __future__ import annotations

import time
from collections import deque

from devmesh.access import Caller
from devmesh.credentials.vault import CREDENTIAL_CHANGED
from devmesh.db.changes import Changes
from devmesh.directory.model import ORGANIZATION_CHANGED, TENANT_CHANGED, USER_CHANGED
from devmesh.keys.verify import KEY_CHANGED
from devmesh.sessions.model import SESSION_CHANGED

_KINDS = (KEY_CHANGED, SESSION_CHANGED, USER_CHANGED, TENANT_CHANGED, ORGANIZATION_CHANGED, CREDENTIAL_CHANGED)
# More than come in during one call; after more than that, none is sure.
_KEPT = 1000


class Recalls:
    """Hears of every change, and tells a call whether one since it began may concern it.

    Any change counts, a key's new name as well as its revocation: what is spared is a repetition, and the caller
    can call again.
    """

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._heard: deque[str] = deque(maxlen=_KEPT)
        self._count = 0
        for kind in _KINDS:
            changes.subscribe(kind, self._hear)
        changes.missed(self._miss)

    def now(self) -> int:
        """Return the moment, for `stand`."""
        return self._count

    def stand(self, caller: Caller, since: int) -> bool:
        """Return whether nothing that the caller's rights or credentials come from has ended or changed since then."""
        new = self._count - since
        if new > len(self._heard) or not self._changes.fresh():
            return False
        if caller.expires is not None and caller.expires <= time.time():
            return False
        concerned = _concerned(caller)
        return not any(self._heard[-place] in concerned for place in range(1, new + 1))

    def _hear(self, text: str) -> None:
        self._heard.append(text)
        self._count += 1

    def _miss(self) -> None:
        self._heard.clear()
        self._count += 1


def _concerned(caller: Caller) -> set[str]:
    """Return what the notices that concern the caller say."""
    organization, tenant, user = caller.organization_id, caller.tenant_id, caller.user_id
    ids = (organization, tenant, user, caller.key_id, caller.bounds.owner_id)
    return {*map(str, ids), f"{organization}:{tenant}:{user}", f"{organization}:{tenant}:"}
