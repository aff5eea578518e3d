"""Makes methods of the core's steps: one that blocks and one that awaits, both with the signature of the steps."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from devmesh_sdk.core import Core
from devmesh_sdk.paging import Pages
from devmesh_sdk.steps import Steps

P = ParamSpec("P")
T = TypeVar("T")


class Drive(Protocol):
    """Takes steps to their end and returns what they return."""

    def __call__(self, steps: Steps[T], /) -> T:
        """Block until then."""


class ADrive(Protocol):
    """Takes steps to their end and returns what they return."""

    def __call__(self, steps: Steps[T], /) -> Coroutine[Any, Any, T]:
        """Be awaited until then."""


class Blocking:
    """A group of methods of a client that blocks."""

    def __init__(self, core: Core, drive: Drive) -> None:
        self._core = core
        self._drive = drive


class Awaiting:
    """A group of methods of a client that awaits."""

    def __init__(self, core: Core, drive: ADrive) -> None:
        self._core = core
        self._drive = drive


def blocking(steps: Callable[Concatenate[Core, P], Steps[T]]) -> Callable[Concatenate[Blocking, P], T]:
    """Return the method that takes these steps and blocks."""

    @functools.wraps(steps)
    def method(self: Blocking, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._drive(steps(self._core, *args, **kwargs))

    return method


def awaiting(
    steps: Callable[Concatenate[Core, P], Steps[T]],
) -> Callable[Concatenate[Awaiting, P], Coroutine[Any, Any, T]]:
    """Return the method that takes these steps and awaits."""

    @functools.wraps(steps)
    def method(self: Awaiting, /, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, T]:
        return self._drive(steps(self._core, *args, **kwargs))

    return method


def blocking_each(pages: Callable[Concatenate[Core, P], Pages[T]]) -> Callable[Concatenate[Blocking, P], Iterator[T]]:
    """Return the method that yields what the pages hold, and blocks for each page."""

    @functools.wraps(pages)
    def method(self: Blocking, /, *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        found = pages(self._core, *args, **kwargs)
        while not found.over:
            yield from self._drive(found.next())

    return method


def awaiting_each(
    pages: Callable[Concatenate[Core, P], Pages[T]],
) -> Callable[Concatenate[Awaiting, P], AsyncIterator[T]]:
    """Return the method that yields what the pages hold, and awaits each page."""

    @functools.wraps(pages)
    async def method(self: Awaiting, /, *args: P.args, **kwargs: P.kwargs) -> AsyncIterator[T]:
        found = pages(self._core, *args, **kwargs)
        while not found.over:
            for item in await self._drive(found.next()):
                yield item

    return method
