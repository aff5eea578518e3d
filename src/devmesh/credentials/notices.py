"""What owners of credentials are written: that one ends soon, or is no longer accepted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from devmesh.credentials import store_standing as store
from devmesh.db.pool import Record, Tx
from devmesh.mail.message import Mail
from devmesh.mail.outbox import Outbox

_SHORTEST_LIFETIME = timedelta(minutes=10)
_INVALID_LIFETIME = timedelta(days=3)
_AT_ONCE = 100


class Notices:
    """Puts the mails, each within the transaction that marks it as told."""

    def __init__(self, outbox: Outbox, titles: dict[str, str], public_url: str) -> None:
        self._outbox = outbox
        self._titles = titles
        self._public_url = public_url

    async def tell_ending(self, tx: Tx, organization_id: UUID, tenant_id: UUID) -> int:
        """Write about what ends within 7 days, or one, once each; return how many there were, at most a hundred."""
        due = await store.take_ending(tx, organization_id, tenant_id, _AT_ONCE)
        for row in due:
            end = f"{row['ends_at']:%d %B %Y at %H:%M} UTC"
            said = f"{self._which(row)} ends on {end}. From then on no tool is called with it."
            event = f"token-expiry:{row['id']}:{int(row['ends_at'].timestamp())}:{row['days']}"
            lifetime = max(row["ends_at"] - datetime.now(UTC), _SHORTEST_LIFETIME)
            subject = f"A credential for {self._title(row)} ends soon"
            await self._put(tx, organization_id, row, (subject, said), event, lifetime)
        return len(due)

    async def tell_invalid(self, tx: Tx, organization_id: UUID, tenant_id: UUID, credential_id: UUID) -> bool:
        """Write, once, that a credential which was accepted is so no longer; return whether there was that to tell."""
        row = await store.take_invalid(tx, organization_id, tenant_id, credential_id)
        if row is None:
            return False
        said = f"{self._which(row)} is no longer accepted. {row['reason']} It stays stored until you replace it."
        event = f"token-invalid:{row['id']}:{int(row['checked_at'].timestamp() * 1000)}"
        subject = f"A credential for {self._title(row)} is no longer accepted"
        await self._put(tx, organization_id, row, (subject, said), event, _INVALID_LIFETIME)
        return True

    async def _put(
        self, tx: Tx, organization_id: UUID, row: Record, text: tuple[str, str], event: str, lifetime: timedelta
    ) -> None:
        subject, said = text
        step = (
            f"Make a new one at {self._title(row)} and store it in its place: "
            f"POST {self._public_url}/api/v1/credentials. If it is no longer needed, there is nothing to do."
        )
        mails: dict[str, Mail] = {}
        for person in await store.concerned(tx, organization_id, row["user_id"]):
            where = f"It is stored in the organization '{person['slug']}' at {self._public_url}."
            mails[f"{event}:{len(mails)}"] = Mail(to=person["email"], subject=subject, before=(said, where, step))
        await self._outbox.put_all(tx, mails, lifetime=lifetime)

    def _which(self, row: Record) -> str:
        whose = "A credential of yours" if row["user_id"] else "The organization's service account"
        label = f", labeled '{row['label']}'," if row["label"] else ""
        return f"{whose} for {self._title(row)}{label}"

    def _title(self, row: Record) -> str:
        service: str = row["service"]
        return self._titles.get(service, service)
