"""The one sender: every request that leaves this server goes through here."""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

from devmesh.errors import MeshError
from devmesh.settings import AllowEntry
from devmesh.upstream.clients import CONNECT_SECONDS, TOTAL_SECONDS, Clients
from devmesh.upstream.connection import BrokenError
from devmesh.upstream.errors import (
    OutcomeUnknown,
    RedirectRefused,
    ResponseTooLarge,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from devmesh.upstream.guard import Guard, Resolve
from devmesh.upstream.message import Message, message_of, redirected
from devmesh.upstream.origin import base_of
from devmesh.upstream.wire import Reply, Request

_MAX_BYTES = 8 * 1024 * 1024
_MAX_REDIRECTS = 5


class Sender:
    """Sends requests to checked addresses only, and tells what was certainly not sent from what perhaps was."""

    def __init__(
        self,
        allow: Sequence[AllowEntry] = (),
        *,
        resolve: Resolve | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._guard = Guard(allow, resolve=resolve, clock=clock)
        self._clients = Clients()

    def send(
        self,
        request: Request,
        *,
        base_url: str,
        organization: str,
        headers: Mapping[str, str] | None = None,
        max_bytes: int = _MAX_BYTES,
        timeout: float = TOTAL_SECONDS,
        writes: bool | None = None,
    ) -> Coroutine[Any, Any, Reply]:
        """Await the service's answer, whatever its status; `timeout` (seconds) bounds the whole of it.

        `headers` (the connector's and the credential's; the request's own come before them) do not follow
        a redirect to another origin. `writes` tells whether it may change something, where its method does not
        (Slack writes by GET, AWS reads by POST). No write is sent twice; a read is, where the
        service closed a kept connection under it without a word.
        Raises Invalid and AddressRefused before anything is sent, UpstreamUnreachable (NameNotResolved)
        when provably nothing was, OutcomeUnknown (UpstreamTimeout) when perhaps it was,
        ResponseTooLarge and RedirectRefused when the service did answer.
        """
        message = message_of(request, base_of(base_url), headers or {}, writes=writes)
        return self._deliver(message, organization, max_bytes, time.monotonic() + timeout, follows=request.follows)

    async def check(self, base_url: str, organization: str) -> None:
        """Raise what `send` would raise for this base URL before sending; nothing is connected to."""
        await self._guard.admit(base_of(base_url).origin, organization)

    async def close(self) -> None:
        """End every connection; a request still under way raises OutcomeUnknown."""
        self._guard.close()
        await self._clients.close()

    async def _follow(self, first: Message, reply: Reply, organization: str, max_bytes: int, until: float) -> Reply:
        message = redirected(first, reply)
        followed = 0
        while message is not None:
            followed += 1
            if followed > _MAX_REDIRECTS:
                raise RedirectRefused(f"{first.origin.host} redirects more than {_MAX_REDIRECTS} times.")
            try:
                reply = await self._deliver(message, organization, max_bytes, until, follows=False)
            except MeshError as error:
                if first.writes:
                    raise OutcomeUnknown(
                        f"{first.origin.host} took the request and pointed elsewhere for its result: {error.detail}",
                        wrote=True,
                    ) from error
                raise
            message = redirected(message, reply)
        return reply

    async def _deliver(
        self, message: Message, organization: str, max_bytes: int, until: float, *, follows: bool
    ) -> Reply:
        """Return the answer of the first address that takes the message, or the one that it redirects to."""
        origin = message.origin
        target = self._guard.known(origin, organization) or await self._guard.admit(origin, organization)
        for address in target.addresses:
            try:
                answer = await self._clients.to(origin, address, organization).exchange(message, max_bytes, until)
            except BrokenError as error:
                last = address == target.addresses[-1] or until - time.monotonic() < CONNECT_SECONDS
                if last or not error.unsent:
                    raise _explained(error, message, max_bytes) from error
            else:
                if address != target.addresses[0]:
                    self._guard.prefer(target, organization, address)
                reply = Reply(answer.status, answer.headers, answer.body, origin.host, answer.held)
                if follows and 300 <= reply.status < 400:  # noqa: PLR2004 - the 3xx class (RFC 9110, 15.4)
                    return await self._follow(message, reply, organization, max_bytes, until)
                return reply
        raise UpstreamUnreachable(f"{origin.place} has no address.")


def _explained(error: BrokenError, message: Message, max_bytes: int) -> MeshError:
    place = message.origin.place
    if error.unsent:
        return UpstreamUnreachable(f"{place} {'did not take' if error.late else 'refused'} the connection.")
    if error.too_much:
        return ResponseTooLarge(f"{message.origin.host} answered {error.status} with more than {max_bytes} bytes.")
    if error.no_room:
        detail = f"{message.origin.host} answered {error.status} at length, and your organization's calls hold as much"
        hint = None if message.writes else "Wait a moment, then send it again, or ask for less at a time."
        return ResponseTooLarge(f"{detail} of long answers as they may at once.", hint=hint, retry_after=1.0)
    what = f"answered {error.status}, but" if error.status else "took the request, it seems, but"
    how = "gave no whole answer in time" if error.late else "closed the connection before its answer was whole"
    return (UpstreamTimeout if error.late else OutcomeUnknown)(f"{place} {what} {how}.", wrote=message.writes)
