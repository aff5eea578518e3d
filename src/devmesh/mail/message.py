"""A message: plain text and HTML, one recipient, ready to be written down or sent."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime
from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit
from uuid import UUID

from devmesh.mail import address

# What may end a line anywhere: in a header, a log, a mail client.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_LONGEST_LINE = 998  # RFC 5322, section 2.1.1
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
    """What one person is written: paragraphs of text, and at most one link among them, which is a secret.

    `to` is an address as `address.parse` returns it, `action` what the link is called. Raises ValueError for what
    could become another header: a recipient in any other form, or a subject of more than one line.
    """

    to: str = field(repr=False)
    subject: str
    before: tuple[str, ...] = field(repr=False)
    link: str | None = field(default=None, repr=False)
    action: str | None = None
    after: tuple[str, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        if address.parse(self.to) != self.to:
            raise ValueError("a mail's recipient must be a parsed address")
        if _CONTROL.search(self.subject):
            raise ValueError("a mail's subject must be one line")


def compose(mail: Mail, mail_id: UUID, sender: str, host: str) -> bytes:
    """Return the message (RFC 5322, with CR LF), from `sender`; the same bytes each time for one mail.

    `host`, a mail domain or an address literal, is where its Message-ID is unique.
    """
    message = EmailMessage(policy.SMTP)
    message["From"] = sender
    message["To"] = mail.to
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(made_at(mail_id))
    message["Message-ID"] = f"<{mail_id}@{host}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office replies
    text = "\n\n".join((*mail.before, *([mail.link] if mail.link else ()), *mail.after)) + "\n"
    page = _html(mail)
    message.set_content(text, cte=_encoding(text))
    message.add_alternative(page, subtype="html", cte=_encoding(page))
    message.set_boundary(f"={mail_id.hex}=")  # no line of quoted-printable or of ours begins like that
    return message.as_bytes()


def made_at(mail_id: UUID) -> datetime:
    """Return when the mail with that id (UUIDv7) was made."""
    return datetime.fromtimestamp((mail_id.int >> 80) / 1000, UTC)


def mail_host(url: str) -> str:
    """Return the host of the URL as it stands in addresses and greetings (RFC 5321, section 4.1.3)."""
    host = urlsplit(url).hostname or "localhost"
    try:
        found = ip_address(host)
    except ValueError:
        return host
    return f"[{'IPv6:' if isinstance(found, IPv6Address) else ''}{found}]"


def _encoding(text: str) -> str | None:
    # 7bit keeps the link in one piece, also for whoever reads the file itself: quoted-printable would break it.
    return "7bit" if text.isascii() and max(map(len, text.splitlines())) <= _LONGEST_LINE else "quoted-printable"


def _html(mail: Mail) -> str:
    paragraphs = [html.escape(paragraph) for paragraph in mail.before]
    if mail.link:
        paragraphs.append(f'<a href="{html.escape(mail.link)}">{html.escape(mail.action or mail.link)}</a>')
    paragraphs += [html.escape(paragraph) for paragraph in mail.after]
    body = "\n".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    return _PAGE.format(title=html.escape(mail.subject), body=body)
