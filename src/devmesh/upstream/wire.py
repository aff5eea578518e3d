"""What travels: the Request that a tool wants sent, the Reply that comes back, and how a path is built safely."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from string import Formatter
from typing import Any, Literal
from urllib.parse import quote, unquote

import msgspec

from devmesh.errors import Fault, Invalid
from devmesh.upstream.room import Held

Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]

# C0, DEL, C1, and lone surrogates: no service has such a name, and UTF-8 cannot carry the last.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_DOTS = (".", "..")
# RFC 3986, 2.3: the same encoded or not. Most arguments are nothing else, and spare the rest of the work.
_UNRESERVED = re.compile("[A-Za-z0-9._~-]+")
# RFC 3986, 3.3: what may stand in a path as it is; `%` only before two hexadecimal digits.
_PATH_CHARACTERS = "/!$&'()*+,;=:@-._~"
# A name with a slash in it is encoded twice by Jenkins; nobody wants more.
_MOST_DECODINGS = 3
# Of a content type: no JSON has a longer one, and what is remembered must be small.
_LONGEST_TYPE = 200
_STRAY_PERCENT = re.compile("%(?![0-9A-Fa-f]{2})")


def url(template: str, /, **arguments: object) -> str:
    """Return `template` with each `{name}` replaced by the argument percent-encoded, `{+name}` with its slashes kept.

    An argument can therefore never change the route. Raises Invalid, naming the argument, for one that is empty,
    holds a control character or a `.` or `..` segment, which no encoding can carry (RFC 3986, 5.2.4), or has an
    empty segment where slashes are kept.
    """
    path = ""
    for literal, name, keeps_slashes in _pieces(template):
        path += literal
        if name:
            value = arguments[name]
            path += str(value) if type(value) is int else _encoded(name, str(value), keeps_slashes=keeps_slashes)
    return path


@lru_cache(maxsize=2048)
def _pieces(template: str) -> tuple[tuple[str, str, bool], ...]:
    """Return what the template consists of: a literal, the argument that follows, and whether its slashes are kept."""
    return tuple(
        (literal, (name or "").removeprefix("+"), (name or "").startswith("+"))
        for literal, name, _, _ in Formatter().parse(template)
    )


def _encoded(name: str, text: str, *, keeps_slashes: bool) -> str:
    if _UNRESERVED.fullmatch(text) and text not in _DOTS:
        return text
    segments = text.split("/") if keeps_slashes else [text]
    # Also where slashes are encoded: some servers decode before they route.
    dotted = any(segment in _DOTS for segment in re.split(r"[/\\]", text))
    if dotted or "" in segments or _CONTROL.search(text):
        raise Invalid([Fault(name, "must not be empty or hold control characters, or '.' or '..' as a segment")])
    return "/".join(quote(segment, safe="") for segment in segments)


def plain_path(path: str, argument: str = "path") -> str:
    """Return the whole path that an agent gave, encoded where it must be; escapes such as `%2F` are kept.

    The result stays below the base URL on the service's own origin. Raises Invalid, naming `argument`, for one
    that does not start with a single `/`, holds `?`, `#`, a backslash or a control character, or an empty, `.`
    or `..` segment under any number of decodings (`%252e`), also before `;`, which some servers cut off; and for
    one that is encoded more than three times over.
    """
    decoded = _decoded(path, argument)
    if not path.startswith("/") or re.search(r"[?#\\]", path) or _CONTROL.search(decoded) or "\\" in decoded:
        fault = "must be a plain path that starts with '/', without '?', '#', '\\' or control characters"
        raise Invalid([Fault(argument, f"{fault}; query parameters go in 'query'")])
    segments = [segment.partition(";")[0] for segment in decoded[1:].removesuffix("/").split("/")]
    if path != "/" and any(segment in ("", *_DOTS) for segment in segments):
        raise Invalid([Fault(argument, "must not hold an empty, '.' or '..' segment, encoded or not")])
    return quote(_STRAY_PERCENT.sub("%25", path), safe=_PATH_CHARACTERS + "%")


def _decoded(path: str, argument: str) -> str:
    """Return `path` with its escapes undone until none is left: servers behind proxies may decode more than once."""
    for _ in range(_MOST_DECODINGS + 1):
        if (once := unquote(path, errors="replace")) == path:
            return path
        path = once
    raise Invalid([Fault(argument, f"must not be percent-encoded more than {_MOST_DECODINGS} times over")])


def given(**values: object) -> dict[str, Any]:
    """Return the values that are not None: an argument left out is left out on the wire."""
    return {name: value for name, value in values.items() if value is not None}


def bounded(text: str, limit: int = 300) -> str:
    """Return `text` on one line, without control characters and cut to `limit`: fit to quote in a message."""
    line = " ".join(_CONTROL.sub(" ", text[: limit * 4]).split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What a tool wants sent, relative to the service's base URL; it holds no credential.

    `path` is already encoded (see `url`). In `query` None is left out, a list repeats its name and
    a bool is `true` or `false`. At most one of `json`, `form` and `content` is set. `headers` come
    before the connector's own of the same name (both in lower case). `follows` is False where a
    redirect is the service's answer, and not the way to it.
    """

    method: Method
    path: str
    query: Mapping[str, Any] = {}
    json: Any = None
    form: Mapping[str, str] | None = None
    content: bytes | None = None
    headers: Mapping[str, str] = {}
    follows: bool = True


def get(path: str, /, **query: object) -> Request:
    """Return a GET of `path` with the query arguments that are not None."""
    return Request(method="GET", path=path, query=given(**query) if query else query)


def send(method: Method, path: str, json: Any = None, /, **query: object) -> Request:
    """Return a request with a JSON body (None: without a body)."""
    return Request(method=method, path=path, json=json, query=given(**query))


@lru_cache(maxsize=256)
def _names_json(content_type: str) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    return kind == "application/json" or kind.endswith("+json")


class Reply(msgspec.Struct, frozen=True):
    """What the service answered: headers in lower case, the body after decompression.

    `held` is what a long one holds of its organization's room: whatever is made of the reply keeps it.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    host: str = ""
    held: Held | None = None

    @property
    def is_json(self) -> bool:
        """Whether the reply says that its body is JSON."""
        return _names_json(self.headers.get("content-type", "")[:_LONGEST_TYPE])

    @property
    def is_page(self) -> bool:
        """Whether the reply says that its body is a web page."""
        return self.headers.get("content-type", "")[:9].lower() == "text/html"

    def json(self) -> Any:
        """Return the decoded body; None if it is no JSON."""
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.DecodeError, RecursionError):
            return None

    def retry_after(self) -> float | None:
        """Return the seconds that `Retry-After` asks for, as such or as a date (RFC 9110, 10.2.3); None without."""
        value = self.headers.get("retry-after", "").strip()
        if re.fullmatch("[0-9]{1,9}", value):
            return float(value)
        try:
            at = parsedate_to_datetime(value)
        except (ValueError, OverflowError):
            return None
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        return max(0.0, (at - datetime.now(UTC)).total_seconds())
