"""A message: plain text and HTML, one recipient, ready to be written down or sent."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime
from ipaddress import ip_address
from urllib.parse import urlsplit
from uuid import UUID

_PAGE = """\
<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{title}</title></head>
<body style="font-family: sans-serif; max-width: 36em">
{body}
</body>
</html>
"""


@dataclass(frozen=True, slots=True)
class Mail:
    """What one person is written: paragraphs of text, and the one link among them, which is a secret."""

    to: str
    subject: str
    before: tuple[str, ...]
    link: str = field(repr=False)
    action: str
    after: tuple[str, ...] = ()


def compose(mail: Mail, mail_id: UUID, sent_from: str) -> bytes:
    """Return the message (RFC 5322 with the line ends of a file); its sender is at the host of the URL `sent_from`."""
    host = _mail_host(sent_from)
    message = EmailMessage(policy.default)
    message["From"] = f"Developer Mesh <no-reply@{host}>"
    message["To"] = mail.to
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = f"<{mail_id}@{host}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office replies
    text = "\n\n".join((*mail.before, mail.link, *mail.after)) + "\n"
    page = _html(mail)
    message.set_content(text, cte=_encoding(text))
    message.add_alternative(page, subtype="html", cte=_encoding(page))
    return message.as_bytes()


def _encoding(text: str) -> str | None:
    # 7bit keeps the link in one piece, also for whoever reads the file itself: quoted-printable would break it.
    return "7bit" if text.isascii() else None


def _html(mail: Mail) -> str:
    link = f'<a href="{html.escape(mail.link)}">{html.escape(mail.action)}</a>'
    paragraphs = (*map(html.escape, mail.before), link, *map(html.escape, mail.after))
    body = "\n".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    return _PAGE.format(title=html.escape(mail.subject), body=body)


def _mail_host(url: str) -> str:
    host = urlsplit(url).hostname or "localhost"
    try:
        found = ip_address(host)
    except ValueError:
        return host
    return f"[{'IPv6:' if found.version == 6 else ''}{found}]"  # noqa: PLR2004 - RFC 5321, section 4.1.3
