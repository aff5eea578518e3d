"""What people are written when their password was used where it never was before (ASVS 5.0, 6.3.5)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from devmesh.accounts import budget
from devmesh.accounts.mails import otherwise
from devmesh.audit.model import Visitor
from devmesh.db.pool import Tx
from devmesh.directory.model import Organization, User
from devmesh.directory.service import Directory
from devmesh.ids import new_id
from devmesh.mail.message import Mail
from devmesh.mail.outbox import Outbox

_KIND = "login"
_LIFETIME = timedelta(days=2)


class Notices:
    """Writes to people about logins that may be none of theirs."""

    def __init__(self, directory: Directory, outbox: Outbox, public_url: str) -> None:
        self._directory = directory
        self._outbox = outbox
        self._public_url = public_url

    async def new_place(
        self, tx: Tx, user: User, organization: Organization, visitor: Visitor, *, factor_follows: bool
    ) -> None:
        """Have the person told once `tx` commits: at most five times an hour, and under a verified address only."""
        if user.verified_at is None or not await budget.spend(
            tx, self._directory, user.organization_id, user.email, _KIND
        ):
            return
        used = (
            f"Your password in the organization '{organization.slug}' at {self._public_url} was used on "
            f"{datetime.now(UTC):%d %B %Y at %H:%M} UTC from the address {visitor.address}, from which you had not "
            "logged in before."
        )
        # Of what the visitor says, such as the name of a browser, nothing stands in a mail from us.
        mail = Mail(
            to=user.email,
            subject="Your password was used in a new place",
            before=(
                used,
                "A second factor was asked for." if factor_follows else "It opened a session.",
                "If it was you, there is nothing to do.",
                otherwise(self._public_url),
            ),
        )
        await self._outbox.put(tx, mail, event=f"{_KIND}:{new_id()}", lifetime=_LIFETIME)
