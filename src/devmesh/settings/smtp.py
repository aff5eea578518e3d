"""DEVMESH_SMTP_URL: which server takes our mail, how it is spoken to, and who the mail is from."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Literal
from urllib.parse import SplitResult, unquote

from devmesh.settings import url

Encryption = Literal["starttls", "tls", "none"]

SHAPE = "write smtp://user:password@mail.example.com:587?from=Developer Mesh <mesh@example.com>"
_PORTS = {"smtp": 587, "smtps": 465}
_HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]{0,62})(\.[a-z0-9]([a-z0-9-]{0,62}))*")
_SENDER = re.compile(r'(?:"?(?P<name>[^<>"]*?)"?\s*<(?P<address>[^<>]*)>|(?P<bare>[^<>]*))')
_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@([a-z0-9-]{1,63}\.)+[a-z][a-z0-9-]{0,62}", re.IGNORECASE)
_OPTIONS = ("from", "starttls")


@dataclass(frozen=True, slots=True)
class SmtpUrl:
    """A mail server. Credentials go over an encrypted connection, or to this machine itself, and nowhere else."""

    host: str
    port: int
    encryption: Encryption
    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    sender_name: str = "Developer Mesh"
    sender_address: str | None = None

    def __str__(self) -> str:
        return f"{'smtps' if self.encryption == 'tls' else 'smtp'}://{url.shown(self.host)}:{self.port}"


def smtp_url(text: str) -> SmtpUrl:
    """Return what the address says; raise ValueError with everything that is wrong, and no secret."""
    parts = url.split(text, _PORTS, SHAPE)
    options = _options(parts.query)
    problems = [*_on_address(parts), *_on_options(parts, options), *_on_credentials(parts, options)]
    if problems:
        raise ValueError("; ".join(problems) + ".")
    name, address = _sender(options["from"]) if "from" in options else ("", None)
    username, password = url.login(parts)
    encryption: Encryption = "starttls" if parts.scheme == "smtp" else "tls"
    return SmtpUrl(
        host=parts.hostname or "",
        port=parts.port or _PORTS[parts.scheme],
        encryption="none" if options.get("starttls") == "never" else encryption,
        username=username,
        password=password,
        sender_name=name or "Developer Mesh",
        sender_address=address,
    )


def is_mail_domain(host: str) -> bool:
    """Whether mail servers elsewhere would take an address at that host for one."""
    return _ADDRESS.fullmatch(f"a@{host}") is not None


def _options(query: str) -> dict[str, str]:
    # Not parse_qsl: it takes the plus of an address for a blank.
    pairs = (item.partition("=") for item in query.split("&") if item)
    return {unquote(name): unquote(value).strip() for name, _, value in pairs}


def _on_address(parts: SplitResult) -> Iterator[str]:
    yield from url.problems(parts, "mail.example.com", _HOST)
    if parts.path.strip("/") or parts.fragment:
        yield f"it holds a path or a #; {url.ENCODE}"


def _on_options(parts: SplitResult, options: dict[str, str]) -> Iterator[str]:
    for name in sorted(set(options) - set(_OPTIONS)):
        yield f"there is no option '{name}'; the options are {' and '.join(_OPTIONS)}"
    if "from" in options and _sender(options["from"])[1] is None:
        yield "the option from is no sender; write from=mesh@example.com or from=Developer Mesh <mesh@example.com>"
    if options.get("starttls", "never") != "never":
        yield "the option starttls takes only 'never'; without it STARTTLS is required"
    if "starttls" in options and parts.scheme == "smtps":
        yield "the option starttls goes with smtp://; smtps:// is encrypted from the start"


def _on_credentials(parts: SplitResult, options: dict[str, str]) -> Iterator[str]:
    if bool(parts.username) != bool(parts.password):
        yield "user and password belong together; give both or neither"
    if any(url.has_control(text or "") for text in url.login(parts)):
        yield "user or password holds a control character"
    if "starttls" in options and (parts.username or parts.password) and not _is_loopback(parts.hostname or ""):
        yield "with starttls=never the password would be sent in the clear; remove starttls=never, or the password"


def _sender(text: str) -> tuple[str, str | None]:
    """Return the name and the address; None for an address that is none."""
    found = _SENDER.fullmatch(text)
    if found is None or url.has_control(text):
        return "", None
    address = (found["address"] or found["bare"] or "").strip()
    return (found["name"] or "").strip(), address if _ADDRESS.fullmatch(address) else None


def _is_loopback(host: str) -> bool:
    return host == "localhost" or (url.is_ip(host) and ip_address(host).is_loopback)
