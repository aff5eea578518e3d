"""One HTTP message, ready for the wire: what is sent, and what a redirect makes of it."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

import msgspec
from pyreqwest.http import Url

from devmesh.errors import Fault, Invalid
from devmesh.upstream.errors import RedirectRefused
from devmesh.upstream.origin import Base, Origin, origin_of
from devmesh.upstream.wire import Reply, Request, bounded

READS = frozenset({"GET", "HEAD"})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
# The connection's business, not the connector's.
_NOT_OURS = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


class Message(msgspec.Struct, frozen=True):
    """A request to `root`, a base URL without path; `credential` are the headers that stay with the first origin.

    `writes` says that it may change something at the service.
    """

    method: str
    root: str
    target: str
    origin: Origin
    headers: Mapping[str, str]
    credential: Mapping[str, str]
    body: bytes | None
    writes: bool

    def __repr__(self) -> str:
        return f"Message({self.method} {self.origin.place})"

    @property
    def url(self) -> Url:
        """The whole URL."""
        return Url(self.root + self.target)


def message_of(request: Request, base: Base, headers: Mapping[str, str], *, writes: bool | None = None) -> Message:
    """Return the request as it travels to `base`, `headers` under its own; raises Invalid for what cannot travel.

    Whether it writes is told by its method (RFC 9110, 9.2.1) unless `writes` knows better.
    """
    own = {name.lower(): value for name, value in request.headers.items()} if request.headers else {}
    credential = headers if "".join(headers).islower() else {name.lower(): value for name, value in headers.items()}
    if not (_NOT_OURS.isdisjoint(own) and _NOT_OURS.isdisjoint(credential)):
        raise Invalid([Fault("headers", f"must not hold {' or '.join(sorted(_NOT_OURS & (own.keys() | credential)))}")])
    try:
        body, kind = _body(request)
        target = base.target(request.path, request.query)
    except UnicodeEncodeError:
        raise Invalid([Fault("", "the arguments hold half of a surrogate pair, which is no character")]) from None
    if kind is not None:
        own.setdefault("content-type", kind)
    if writes is None:
        writes = request.method not in READS
    return Message(request.method, base.text, target, base.origin, own, credential, body, writes)


def _body(request: Request) -> tuple[bytes | None, str | None]:
    if request.json is not None:
        return msgspec.json.encode(request.json), "application/json"
    if request.form is not None:
        return urlencode(request.form).encode(), "application/x-www-form-urlencoded"
    if request.content is not None:
        return request.content, "application/octet-stream"
    return None, None


def redirected(message: Message, reply: Reply) -> Message | None:
    """Return the message that follows the reply's redirect; None if it is none.

    Only reads follow, and the one read that a 303 asks for after a write. The credential stays with
    its origin. Raises RedirectRefused where following would be wrong or less safe.
    """
    if reply.status not in _REDIRECTS:
        return None
    location = reply.headers.get("location", "")
    try:
        origin, url = origin_of(message.url.join(location))
    except ValueError as error:
        raise RedirectRefused(f"{message.origin.host} redirects to an address that is none: {error}.") from None
    if not location:
        raise RedirectRefused(f"{message.origin.host} redirects without saying where to.")
    if (message.writes or message.method not in READS) and reply.status != 303:  # noqa: PLR2004 - See Other (RFC 9110, 15.4.4)
        place = bounded(f"{url.origin_ascii}{url.path}")
        raise RedirectRefused(f"{message.origin.host} says that this is now at {place}.")
    if message.origin.scheme == "https" and origin.scheme != "https":
        raise RedirectRefused(f"{message.origin.host} redirects from https to plain http.")
    credential = message.credential if origin == message.origin else {}
    method = message.method if message.method in READS else "GET"
    headers = {name: value for name, value in message.headers.items() if name != "content-type"}
    target = url.path if url.query_string is None else f"{url.path}?{url.query_string}"
    return Message(method, url.origin_ascii, target, origin, headers, credential, None, writes=False)
