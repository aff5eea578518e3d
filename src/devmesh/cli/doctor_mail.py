"""What the doctor looks at where mail leaves."""

from __future__ import annotations

from devmesh.cli.doctor_finding import Finding, good, wrong
from devmesh.mail.model import Undelivered
from devmesh.mail.smtp import Smtp
from devmesh.settings import Settings

_MEND = (
    "correct DEVMESH_SMTP_URL, or what stands in the way to that server; for an authority of your own, name its bundle "
    "in SSL_CERT_FILE. Until then mails wait, and are given up when their links have expired."
)


async def look(settings: Settings) -> Finding:
    """Connect to the mail server and log in, without sending anything."""
    if settings.smtp_url is None:
        return good(f"mail: written as files into {settings.data_dir / 'outbox'}, as DEVMESH_SMTP_URL is not set")
    what = f"mail by {settings.smtp_url}"
    smtp = Smtp(settings.smtp_url, settings.public_url)
    try:
        await smtp.check()
    except Undelivered as failure:
        return wrong(f"{what}: {failure}", _MEND)
    return good(f"{what}: takes our connection{' and our password' if settings.smtp_url.username else ''}")
