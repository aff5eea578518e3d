"""What a connector's declaration is made of: fields, verdicts, refusals, pages, and the ways to send a credential."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from devmesh.upstream.wire import Reply, Request


@dataclass(frozen=True, slots=True)
class Field:
    """One value that a credential consists of, under the name that users send it by.

    A `metadata` field (`base_url`) is kept readable beside the sealed ones and sent under `metadata`.
    A field of one of the connector's `forms` is not `required` by itself.
    """

    name: str
    description: str = ""
    secret: bool = False
    metadata: bool = False
    required: bool = True


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom the service says that a credential belongs to, and what the service tells of it.

    `scopes` is None where the service does not say, `()` where it says that there are none.
    """

    account: str
    scopes: tuple[str, ...] | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """A credential's standing: `unknown` when the service could not say (time-out, 5xx, 429)."""

    status: Literal["valid", "invalid", "unknown"]
    reason: str
    identity: Identity | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """An upstream refusal in words for an agent: what the vendor said, and the next step.

    `retry_after` is in seconds, never less than the real wait.
    """

    message: str
    next_step: str
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list; `next_cursor` is None on the last.

    `rest` is what the service said beside the items (a search's `total_count`); it joins the result.
    """

    items: Any
    next_cursor: str | None
    rest: Mapping[str, Any] = field(default_factory=dict)


class Paging(Protocol):
    """A service's way of paging, behind the arguments `limit` and `cursor` that all list tools share."""

    max_limit: int

    def ask(self, request: Request, limit: int | None, cursor: str | None) -> Request:
        """Return the request for that page; raise Invalid for a cursor that this service never gave."""
        ...

    def read(self, reply: Reply, items: str, request: Request) -> Page | None:
        """Return the page in `reply` to `request`; `items` is the key that holds it, `""` for a bare array.

        None for a reply that holds no page, which then is the result whole.
        """
        ...


# Headers that carry the credential, from the complete request, the credential's fields and the base URL.
Auth = Callable[[Request, Mapping[str, str], str], Mapping[str, str]]


def bearer(name: str) -> Auth:
    """Return the auth that sends the field as `Authorization: Bearer` (RFC 6750)."""
    return lambda _request, fields, _base_url: {"authorization": f"Bearer {fields[name]}"}


def basic(user: str, password: str) -> Auth:
    """Return the auth that sends the two fields as `Authorization: Basic` (RFC 7617)."""

    def headers(_request: Request, fields: Mapping[str, str], _base_url: str) -> Mapping[str, str]:
        pair = f"{fields[user]}:{fields[password]}".encode()
        return {"authorization": f"Basic {base64.b64encode(pair).decode()}"}

    return headers
