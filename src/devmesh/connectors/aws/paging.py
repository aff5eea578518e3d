"""AWS's lists: a token leads on; some take a size, within bounds of their own, and some give pages of a fixed one."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, cast

import msgspec
from msgspec import structs

from devmesh.connectors.aws.call import Call
from devmesh.upstream.model import Page, Reply, Request, cursor_of, place_in, strange_cursor

_USUAL = 50


class Tokens:
    """The parameters of one list: `token` leads on, as told in the reply's `following`; `size` asks for so many.

    A `limit` below what the service gives (its `least`, or pages without a size) is kept by cutting the page: the
    cursor then holds the page's own token and how many of its items were seen. With the parameter `alone` the service
    wants to hear of no size.
    """

    def __init__(
        self,
        token: str,
        following: str = "",
        *,
        size: str = "",
        least: int = 1,
        most: int = 100,
        alone: str = "",
    ) -> None:
        """Note the names; `following` is `token` unless said otherwise."""
        self.token = token
        self.following = following or token
        self.size = size
        self.least = least
        self.max_limit = most
        self.alone = alone

    def ask(self, request: Request, limit: int | None, cursor: str | None) -> Call:
        """Return the call for that page; raises Invalid for a cursor that was never given."""
        call = cast("Call", request)
        place = place_in(cursor, {"token"}, {"skip"}, {"token", "skip"}) if cursor is not None else {}
        skip = place.get("skip", "0")
        if not re.fullmatch("0|[1-9][0-9]{0,4}", skip):
            raise strange_cursor()
        asked: dict[str, Any] = dict(call.parameters)
        if "token" in place:
            asked[self.token] = self._opened(place["token"])
        if self.size and not (self.alone and self.alone in asked):
            wanted = int(skip) + (limit or min(_USUAL, self.max_limit))
            asked[self.size] = min(max(wanted, self.least), self.max_limit)
        return structs.replace(call, parameters=asked, limit=limit, skip=int(skip))

    def read(self, reply: Reply, items: str, request: Request) -> Page:
        """Return the page, cut to the limit asked for, and what else the reply says."""
        call, body = cast("Call", request), reply.json()
        if not isinstance(body, dict):
            return Page(body, None)
        found = body.get(items)
        listed = found if isinstance(found, list) else []
        end = call.skip + call.limit if call.limit is not None else len(listed)
        rest = {name: value for name, value in body.items() if name not in (items, self.token, self.following)}
        return Page(listed[call.skip : end], self._next(call, body, end if end < len(listed) else None), rest)

    def _next(self, call: Call, body: dict[str, Any], cut: int | None) -> str | None:
        if cut is None:
            following = self._told(call, body)
            return cursor_of(token=self._closed(following)) if following else None
        if self.token in call.parameters:
            return cursor_of(token=self._closed(call.parameters[self.token]), skip=cut)
        return cursor_of(skip=cut)

    def _told(self, _call: Call, body: dict[str, Any]) -> Any:
        return body.get(self.following)

    def _opened(self, token: str) -> Any:
        return token

    def _closed(self, token: Any) -> str:
        return str(token)


class KeyTokens(Tokens):
    """DynamoDB's: the place is the key of the last item, itself an object."""

    def _opened(self, token: str) -> Any:
        try:
            key = msgspec.json.decode(token)
        except (msgspec.DecodeError, RecursionError):
            raise strange_cursor() from None
        if not isinstance(key, dict):
            raise strange_cursor()
        return key

    def _closed(self, token: Any) -> str:
        return msgspec.json.encode(token).decode()


class BackwardTokens(Tokens):
    """CloudWatch Logs' within a stream: from the newest page back, until it tells the very token that was sent.

    The other token, which leads forward, is for events that came in since.
    """

    def read(self, reply: Reply, items: str, request: Request) -> Page:
        """Return the page without the token that leads forward."""
        page = super().read(reply, items, request)
        return replace(page, rest={name: value for name, value in page.rest.items() if name != "nextForwardToken"})

    def _told(self, call: Call, body: dict[str, Any]) -> Any:
        following = super()._told(call, body)
        return following if following != call.parameters.get(self.token) else None
