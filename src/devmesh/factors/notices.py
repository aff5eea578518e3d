"""What a person is written when the own factors change: whoever did it, the person hears of it (ASVS 5.0, 6.3.7)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal

from devmesh.db.pool import Tx
from devmesh.directory.model import Organization, User
from devmesh.ids import new_id
from devmesh.mail.message import Mail
from devmesh.mail.outbox import Outbox

Change = Literal["totp.add", "totp.remove", "passkey.add", "passkey.remove", "recovery_codes.renew"]

_LIFETIME = timedelta(days=2)
_SAID: dict[Change, str] = {
    "totp.add": "An authenticator app was set up for your account",
    "totp.remove": "The authenticator app was removed from your account",
    "passkey.add": "A passkey was added to your account",
    "passkey.remove": "A passkey was removed from your account",
    "recovery_codes.renew": "New recovery codes were made for your account",
}
_OTHERWISE = (
    "If it was not you: ask for a new password at {}/reset, log in, look at your sessions, your passkeys and your API "
    "keys, remove what is not yours, and tell your administrator."
)


async def tell(tx: Tx, outbox: Outbox, public_url: str, user: User, organization: Organization, change: Change) -> None:
    """Have the person told once `tx` commits; nobody is written to under an address that was never verified."""
    # Whoever registers with a stranger's address could otherwise have us write to the stranger without end.
    if user.verified_at is None:
        return
    said, when = _SAID[change], f"{datetime.now(UTC):%d %B %Y at %H:%M} UTC"
    mail = Mail(
        to=user.email,
        subject=said,
        before=(
            f"{said} in the organization '{organization.slug}' at {public_url}, on {when}.",
            "Your other sessions were ended. If it was you, there is nothing to do.",
            _OTHERWISE.format(public_url),
        ),
    )
    await outbox.put(tx, mail, event=f"factor:{new_id()}", lifetime=_LIFETIME)
