"""Conditional requests: ETag, If-Match and If-None-Match (RFC 9110, section 13)."""

from __future__ import annotations

import re

from devmesh.errors import BadRequest
from devmesh.http.plan import Request

_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
_TAGS = re.compile(rf"[ \t,]*{_TAG}(?:[ \t]*,[ \t,]*{_TAG})*[ \t,]*")
_EACH = re.compile(_TAG)


def etag(version: int) -> str:
    """Return the strong tag of a thing's version."""
    return f'"{version}"'


def if_match(request: Request) -> frozenset[str] | None:
    """Return the strong tags of which the present one must be one; None if any is right (no If-Match, or `*`).

    A weak tag is none of them: it says that two are alike, not that they are the same. Raises BadRequest.
    """
    sent = _sent(request, b"if-match")
    if sent in (None, "*"):
        return None
    return frozenset(tag for tag in _tags(sent or "", "If-Match") if not tag.startswith("W/"))


def if_match_versions(request: Request) -> list[int] | None:
    """Return the versions whose tags If-Match names, as `etag` spells them; None if any is right."""
    tags = if_match(request)
    if tags is None:
        return None
    numbers = (int(tag[1:-1]) for tag in tags if re.fullmatch(r'"[1-9][0-9]{0,8}"', tag))
    return sorted(numbers)


def is_known(request: Request, tag: str) -> bool:
    """Return whether If-None-Match names `tag`, weakly or strongly: then 304 is the reply. Raises BadRequest."""
    sent = _sent(request, b"if-none-match")
    if sent is None:
        return False
    return sent == "*" or tag in {each.removeprefix("W/") for each in _tags(sent, "If-None-Match")}


def only_new(request: Request) -> bool:
    """Return whether If-None-Match is `*`: what is there already is not to be replaced, and 412 is the reply.

    Any other tag is none of what has no tags, and forbids nothing. Raises BadRequest.
    """
    sent = _sent(request, b"if-none-match")
    if sent not in (None, "*"):
        _tags(sent or "", "If-None-Match")
    return sent == "*"


def _sent(request: Request, name: bytes) -> str | None:
    values = [value.decode("latin-1") for sent, value in request.pairs if sent == name]
    return ", ".join(values).strip(" \t") if values else None


def _tags(text: str, header: str) -> list[str]:
    if not _TAGS.fullmatch(text):
        raise BadRequest(
            f"{header} holds no entity tags.",
            hint=f'Send the ETag of a reply as it stands, quotes and all ({header}: "3"), several with commas, or *.',
        )
    return _EACH.findall(text)
