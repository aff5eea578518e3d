"""The mails of accounts: what they say, in words of ours alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from devmesh.accounts import budget
from devmesh.accounts.links import Links
from devmesh.accounts.model import RESET, VERIFY
from devmesh.db.pool import Tx
from devmesh.directory.model import Organization, User
from devmesh.directory.service import Directory
from devmesh.ids import new_id
from devmesh.mail.message import Mail
from devmesh.mail.outbox import Outbox

VERIFY_WITHIN = timedelta(hours=24)
RESET_WITHIN = timedelta(minutes=30)
_NOTICE_LIFETIME = timedelta(days=2)


def otherwise(public_url: str) -> str:
    """Return what to do for a person who is told of something that was none of their doing."""
    return (
        f"If it was not you: ask for a new password at {public_url}/reset, log in, look at your sessions, your "
        "passkeys and your API keys, remove what is not yours, and tell your administrator."
    )


class Mails:
    """Writes to people; each link's token exists only in the mail and, as a digest, in the database."""

    def __init__(self, directory: Directory, links: Links, outbox: Outbox, public_url: str) -> None:
        self._directory = directory
        self._links = links
        self._outbox = outbox
        self._public_url = public_url

    async def verification(self, tx: Tx, user: User, organization_slug: str) -> None:
        """Have a mail sent, and its link valid, once `tx` is committed; or withhold it in silence."""
        if not await budget.spend(tx, self._directory, user.organization_id, user.email, VERIFY):
            return
        minted = await self._links.mint(tx, user.organization_id, user.id, VERIFY, VERIFY_WITHIN)
        # Only the slug, no name: text of strangers' choosing in a mail from us would be a gift to phishers.
        mail = Mail(
            to=user.email,
            subject="Verify your e-mail address",
            before=(
                f"This address was registered for the organization '{organization_slug}' at {self._public_url}.",
                "To confirm that the address is yours, open this link within 24 hours and press the button:",
            ),
            link=f"{self._public_url}/verify#token={minted.token}",
            action="Verify this address",
            after=("If it was not you, do nothing: without the link the address stays unconfirmed.",),
        )
        await self._outbox.put(tx, mail, event=f"{VERIFY}:{minted.id}", lifetime=VERIFY_WITHIN)

    async def reset(self, tx: Tx, user: User, organization: Organization) -> bool:
        """Have a mail sent, and its link valid, once `tx` is committed; or withhold it and return False."""
        if not await budget.spend(tx, self._directory, user.organization_id, user.email, RESET):
            return False
        minted = await self._links.mint(tx, user.organization_id, user.id, RESET, RESET_WITHIN)
        mail = Mail(
            to=user.email,
            subject="Choose a new password",
            before=(
                f"Somebody asked for a new password in the organization '{organization.slug}' at {self._public_url}.",
                "If it was you, open this link within 30 minutes and choose one:",
            ),
            link=f"{self._public_url}/reset#token={minted.token}",
            action="Choose a new password",
            after=("If it was not you, do nothing: your password stays as it is.",),
        )
        await self._outbox.put(tx, mail, event=f"{RESET}:{minted.id}", lifetime=RESET_WITHIN)
        return True

    async def password_changed(self, tx: Tx, user: User, organization: Organization) -> None:
        """Have the person told once `tx` commits; nobody is written to under an address that was never verified."""
        if user.verified_at is None:
            return
        when = f"{datetime.now(UTC):%d %B %Y at %H:%M} UTC"
        where = f"in the organization '{organization.slug}' at {self._public_url}"
        mail = Mail(
            to=user.email,
            subject="Your password was changed",
            before=(
                f"Your password {where} was changed on {when}.",
                "Your other sessions were ended. If it was you, there is nothing to do.",
                otherwise(self._public_url),
            ),
        )
        await self._outbox.put(tx, mail, event=f"password:{new_id()}", lifetime=_NOTICE_LIFETIME)
