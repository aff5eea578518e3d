"""Lists that come in pages, as one list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Generic, TypeVar

from devmesh_sdk.calls import Call
from devmesh_sdk.core import Core
from devmesh_sdk.replies import holding
from devmesh_sdk.steps import Steps

T = TypeVar("T")

_PAGE = 200


class Pages(Generic[T]):
    """The pages of a list, each asked for when the one before it is used up; `over` after the last."""

    def __init__(self, core: Core, path: str, items: str, query: Mapping[str, Any]) -> None:
        self.over = False
        self._core = core
        self._items = items
        self._call = Call("GET", path, query={"limit": _PAGE, **query}, safe=True)

    def next(self) -> Steps[list[T]]:
        """Return what the next page holds."""
        page = holding((yield from self._core.run(self._call)), self._items, "next_cursor")
        cursor = page["next_cursor"]
        self.over = cursor is None
        self._call = replace(self._call, query={**self._call.query, "cursor": cursor})
        items: list[T] = page[self._items]
        return items
