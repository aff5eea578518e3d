"""The body of a context: any JSON object, of which a few members have a meaning."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Self
from uuid import UUID

import msgspec
from msgspec import Meta, Raw

from devmesh.contexts.model import LONGEST_NAME, LONGEST_TAG, MOST_TAGS, Draft
from devmesh.errors import Fault, Invalid
from devmesh.http.body import Document, shape

Name = Annotated[str, Meta(min_length=1, max_length=LONGEST_NAME)]
Tag = Annotated[str, Meta(min_length=1, max_length=LONGEST_TAG)]
_NOTHING = Raw(b"{}")
_CONTENT = "content"


class _Facts(msgspec.Struct, frozen=True):
    name: Name | None = None
    tags: Annotated[list[Tag], Meta(max_length=MOST_TAGS)] | None = None
    agent_id: Name | None = None
    expires_at: Annotated[datetime, Meta(tz=True)] | None = None


class _OfOurs(msgspec.Struct, frozen=True):
    """What a reply of ours holds beside what a body says."""

    id: UUID
    tenant_id: UUID
    version: Annotated[int, Meta(ge=1)]
    created_at: datetime
    updated_at: datetime


class ContextBody(Document, frozen=True):
    """The body of POST and PUT: any JSON object.

    `name`, `tags`, `agent_id`, `expires_at` and `content` are read if present; every other member is kept under
    `content`, beside the members that `content` has itself. A member that stands in both is refused. If `content` is no
    object, it is kept as the member `content` beside the others. A whole reply of a GET may be sent back as it came:
    its `id`, `tenant_id`, `version`, `created_at` and `updated_at` are not kept in `content`.
    """

    name: Name | None = None
    tags: list[Tag] = []
    agent_id: Name | None = None
    expires_at: datetime | None = None
    # Made each time: what describes the routes asks each default for its hash, and a Raw has none.
    content: Any = msgspec.field(default_factory=lambda: _NOTHING)

    @classmethod
    def of(cls, members: Mapping[str, Raw]) -> Self:
        """Return the body that these members are; raise Invalid naming every fault."""
        known = {name: msgspec.json.decode(members[name]) for name in _Facts.__struct_fields__ if name in members}
        facts = shape(known, _Facts)
        tags = list(dict.fromkeys(facts.tags or []))
        rest = _rest(members)
        faults = [*_faults(facts), *_clashes(members.get(_CONTENT), rest)]
        if faults:
            raise Invalid(faults)
        return cls(
            name=facts.name,
            tags=tags,
            agent_id=facts.agent_id,
            expires_at=facts.expires_at,
            content=_content(members.get(_CONTENT), rest),
        )

    def draft(self) -> Draft:
        """Return what is to be stored."""
        expires_at = self.expires_at and self.expires_at.astimezone(UTC)
        return Draft(self.content, self.name, tuple(self.tags), self.agent_id, expires_at)


def _rest(members: Mapping[str, Raw]) -> dict[str, Raw]:
    """Return the members that have no meaning of their own."""
    rest = {name: raw for name, raw in members.items() if name not in _Facts.__struct_fields__ and name != _CONTENT}
    ours = _OfOurs.__struct_fields__
    if _CONTENT not in members or not rest.keys() >= set(ours):
        return rest
    try:
        msgspec.convert({name: msgspec.json.decode(rest[name]) for name in ours}, _OfOurs)
    except msgspec.ValidationError:
        return rest
    return {name: raw for name, raw in rest.items() if name not in ours}


def _content(content: Raw | None, rest: Mapping[str, Raw]) -> Raw:
    if not rest:
        return _NOTHING if content is None else Raw(bytes(content))
    inner = {} if content is None else _inside(content)
    if inner is None:
        inner = {_CONTENT: content}
    return Raw(msgspec.json.encode({**inner, **rest}))


def _inside(content: Raw) -> dict[str, Any] | None:
    """Return the content's own members; None if it is no object."""
    return msgspec.json.decode(content, type=dict[str, Raw]) if bytes(content)[:1] == b"{" else None


def _clashes(content: Raw | None, rest: Mapping[str, Raw]) -> Iterator[Fault]:
    if content is None or not rest:
        return
    for name in (_inside(content) or {}).keys() & rest.keys():
        yield Fault(name, "stands in content too; leave one of them out")


def _faults(facts: _Facts) -> Iterator[Fault]:
    texts = {"name": facts.name, "agent_id": facts.agent_id}
    texts |= {f"tags[{place}]": tag for place, tag in enumerate(facts.tags or [])}
    for field, text in texts.items():
        if text is not None and not _is_plain(text):
            yield Fault(field, "must hold something beside blanks, and no control characters")
    if facts.expires_at is not None and not _is_to_come(facts.expires_at):
        yield Fault("expires_at", "must be a time to come")


def _is_plain(text: str) -> bool:
    return not text.isspace() and not any(unicodedata.category(letter) == "Cc" for letter in text)


def _is_to_come(at: datetime) -> bool:
    try:
        return at.astimezone(UTC) > datetime.now(UTC)
    except OverflowError:  # the last hours of the year 9999, west of Greenwich, are not in the calendar any more
        return False
