"""DEVMESH_REDIS_URL: the Redis or Valkey through which processes hold the rate limits together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import SplitResult, unquote, urlsplit

SHAPE = "write redis://user:password@redis.example.com:6379/0, or rediss:// for TLS"
_ENCODE = "write / as %2F, # as %23 and ? as %3F in a password"
_SCHEMES = ("redis", "rediss")
_PORT = 6379
_HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9_-]{0,62})(\.[a-z0-9_]([a-z0-9_-]{0,62}))*\.?")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_HIGHEST_DATABASE = 9999


@dataclass(frozen=True, slots=True)
class RedisUrl:
    """A Redis; with `cluster`, any one node of a cluster. With `tls` its certificate is checked."""

    host: str
    port: int = _PORT
    database: int = 0
    tls: bool = False
    cluster: bool = False
    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        shown = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'rediss' if self.tls else 'redis'}://{shown}:{self.port}/{self.database}"


def redis_url(text: str) -> RedisUrl:
    """Return what the address says; raise ValueError with everything that is wrong, and no secret."""
    if _CONTROL.search(text):
        raise ValueError(f"it holds a control character; {SHAPE}.")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError(f"it is no address, or has no port from 1 to 65535; {_ENCODE}; {SHAPE}.") from None
    if parts.scheme not in _SCHEMES:
        raise ValueError(f"it begins with neither redis:// nor rediss://; {SHAPE}.")
    problems = list(_problems(parts))
    if problems:
        raise ValueError("; ".join(problems) + ".")
    return RedisUrl(
        host=parts.hostname or "",
        port=port or _PORT,
        database=int(parts.path.strip("/") or 0),
        tls=parts.scheme == "rediss",
        cluster=parts.query == "cluster=true",
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
    )


def _problems(parts: SplitResult) -> Iterator[str]:
    host, database = parts.hostname or "", parts.path.strip("/")
    if not _HOST.fullmatch(host) and not _is_ip(host):
        yield "it names no host, like redis.example.com"
    if parts.port == 0:
        yield "it has no port from 1 to 65535"
    if parts.fragment or (database and not (database.isascii() and database.isdecimal())):
        yield f"after the host only a database's number may stand; {_ENCODE}"
    elif database and int(database) > _HIGHEST_DATABASE:
        yield "its database's number is too high"
    if parts.query not in {"", "cluster=true", "cluster=false"}:
        yield "the one option is cluster=true"
    if parts.query == "cluster=true" and database.strip("0"):
        yield "a cluster has only the database 0"
    if parts.username and not parts.password:
        yield "it names a user without a password"


def _is_ip(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
