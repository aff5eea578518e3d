"""The mail that invites: what it says, and the token that exists in it alone."""

from __future__ import annotations

from datetime import timedelta

from devmesh.access import Role
from devmesh.accounts import budget
from devmesh.crypto import tokens
from devmesh.crypto.ring import KeyRing
from devmesh.db.pool import Tx
from devmesh.directory.model import Organization, User
from devmesh.directory.service import Directory
from devmesh.ids import new_id
from devmesh.invitations import store
from devmesh.invitations.model import Invitation
from devmesh.mail.message import Mail
from devmesh.mail.outbox import Outbox

KIND = "invite"
LIFETIME = timedelta(days=7)
_AS = {Role.ADMIN: "an administrator", Role.MEMBER: "a member", Role.READONLY: "a member who only reads"}


class Mails:
    """Writes to those who are invited."""

    def __init__(self, ring: KeyRing, directory: Directory, outbox: Outbox, public_url: str) -> None:
        self._ring = ring
        self._directory = directory
        self._outbox = outbox
        self._public_url = public_url

    async def invitation(self, tx: Tx, invitation: Invitation, organization: Organization, inviter: User) -> None:
        """Have the mail sent once this is committed, its link the only one that leads to the invitation from then on.

        A mail that is withheld, as its address had too many, leaves the link of the mail before it alive.
        """
        if not await budget.spend(tx, self._directory, invitation.organization_id, invitation.email, KIND):
            return
        token = tokens.new_mail_token()
        digest = self._ring.digest("mail", token.encode())
        await store.set_route(tx, invitation.organization_id, invitation.id, digest)
        # No name of strangers' choosing in a mail from us, it would be a gift to phishers: the organization is told by
        # its slug, and who invites by an address that is proved to be theirs.
        who = inviter.email if inviter.verified_at else "An administrator"
        mail = Mail(
            to=invitation.email,
            subject="You are invited to an organization on Developer Mesh",
            before=(
                f"{who} invites you to the organization '{organization.slug}' as {_AS[invitation.role]}.",
                f"To join it at {self._public_url}, open this link within {LIFETIME.days} days and choose a password:",
            ),
            link=f"{self._public_url}/accept#token={token}",
            action="Look at the invitation",
            after=("If you do not know them, do nothing: without the link nobody joins under your address.",),
        )
        await self._outbox.put(tx, mail, event=f"{KIND}:{new_id()}", lifetime=LIFETIME)
