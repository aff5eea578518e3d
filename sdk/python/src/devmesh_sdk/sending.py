"""Sends one request with httpx2, and says in the core's words what came of it."""

from __future__ import annotations

import asyncio
import time

import httpx2

from devmesh_sdk.steps import Lost, Outcome, Reply, Send

# A host that is away is noticed before the whole call's time is over.
_CONNECT_SECONDS = 5.0
# The server's largest results are shorter by far: what is longer is not its.
_MOST_BYTES = 64 * 1024 * 1024
_UNSENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.UnsupportedProtocol)


def send(http: httpx2.Client, request: Send) -> Outcome:
    """Send the request and return what came of it, in its time.

    Of a reply's head only each wait for bytes is bounded, not their sum: none of it is seen before all of it.
    """
    received = _Received(time.monotonic() + request.seconds)
    try:
        with http.stream(
            request.method,
            request.url,
            headers=request.headers,
            content=request.content,
            timeout=_timeout(request.seconds),
            auth=None,
            follow_redirects=False,
        ) as reply:
            for part in reply.iter_bytes():
                received.add(part)
            return received.whole(reply)
    except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError) as error:
        return _lost(error)


async def asend(http: httpx2.AsyncClient, request: Send) -> Outcome:
    """Send the request and return what came of it, after its time at the latest."""
    received = _Received(time.monotonic() + request.seconds)
    try:
        async with (
            asyncio.timeout(request.seconds),
            http.stream(
                request.method,
                request.url,
                headers=request.headers,
                content=request.content,
                timeout=_timeout(request.seconds),
                auth=None,
                follow_redirects=False,
            ) as reply,
        ):
            async for part in reply.aiter_bytes():
                received.add(part)
            return received.whole(reply)
    except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError) as error:
        return _lost(error)


class _Received:
    """The body so far, of a bounded length and within a bounded time."""

    def __init__(self, until: float) -> None:
        self._until = until
        self._parts: list[bytes] = []
        self._length = 0

    def add(self, part: bytes) -> None:
        self._parts.append(part)
        self._length += len(part)
        if time.monotonic() > self._until:
            raise TimeoutError
        if self._length > _MOST_BYTES:
            raise httpx2.DecodingError("too long")

    def whole(self, reply: httpx2.Response) -> Reply:
        return Reply(reply.status_code, reply.headers, b"".join(self._parts))


def _timeout(seconds: float) -> httpx2.Timeout:
    return httpx2.Timeout(seconds, connect=min(seconds, _CONNECT_SECONDS))


def _lost(error: Exception) -> Lost:
    """Return what is told of the error: never its own text after the request was begun, for that may hold headers."""
    unsent = isinstance(error, _UNSENT)
    if isinstance(error, TimeoutError | httpx2.TimeoutException):
        what = "No connection came about in time." if unsent else "The reply did not come in time."
        return Lost("timed_out", unsent, what)
    if isinstance(error, httpx2.DecodingError):
        return Lost("malformed_reply", unsent, f"The reply is not what it says, or longer than {_MOST_BYTES} bytes.")
    if unsent:
        return Lost("connection_failed", unsent, f"No connection came about: {error}.")
    return Lost("connection_failed", unsent, "The connection was lost before the whole reply was there.")
