"""tools/list in pages: every tool once, in order, encoded once, and never another list's cursor."""

from __future__ import annotations

import base64
import json

import msgspec
import pytest

from devmesh.gateway.model import ListedTool, Listing
from devmesh.mcp.errors import Refused
from devmesh.mcp.listing import PAGE_SIZE, Pages


def listing(count: int, etag: str = "e") -> Listing:
    schema = msgspec.Raw(b'{"type":"object"}')
    tools = tuple(
        ListedTool(
            name=f"svc.op_{number:03}",
            alias=f"svc_op_{number:03}",
            title=f"Service: op {number}",
            description="Do it.",
            input_schema=schema,
            read_only=number % 2 == 0,
            destructive=number % 2 == 1,
            idempotent=False,
        )
        for number in range(count)
    )
    return Listing(tools, etag)


def read(pages: Pages, source: Listing, cursor: str | None = None, *, form: str = "dot", is_modern: bool = True):
    return json.loads(pages.page(source, cursor, form=form, is_modern=is_modern))


@pytest.mark.parametrize("count", [0, 1, PAGE_SIZE, PAGE_SIZE + 1, 3 * PAGE_SIZE])
def test_the_pages_hold_every_tool_once_and_in_order(count):
    source, pages, cursor, names = listing(count), Pages(), None, []
    while True:
        page = read(pages, source, cursor)
        names += [tool["name"] for tool in page["tools"]]
        cursor = page.get("nextCursor")
        if cursor is None:
            break
        assert len(page["tools"]) == PAGE_SIZE
    assert names == [tool.name for tool in source.tools]


def test_a_tool_is_described_with_all_its_hints():
    page = read(Pages(), listing(2))
    assert page["tools"][1] == {
        "name": "svc.op_001",
        "title": "Service: op 1",
        "description": "Do it.",
        "inputSchema": {"type": "object"},
        "annotations": {
            "title": "Service: op 1",
            "readOnlyHint": False,
            "destructiveHint": True,
            "idempotentHint": False,
            "openWorldHint": True,
        },
    }


def test_era_and_form_have_pages_of_their_own():
    pages, source = Pages(), listing(1)
    assert read(pages, source)["cacheScope"] == "private"
    assert list(read(pages, source, is_modern=False)) == ["tools"]
    assert read(pages, source, form="underscore")["tools"][0]["name"] == "svc_op_000"
    assert read(pages, source)["tools"][0]["name"] == "svc.op_000"


def test_a_page_is_encoded_once_for_listings_of_one_etag():
    pages = Pages()
    first = pages.page(listing(3), None, form="dot", is_modern=True)
    assert pages.page(listing(3), None, form="dot", is_modern=True) is first
    assert pages.page(listing(3, "other"), None, form="dot", is_modern=True) is not first


def test_the_least_recently_used_page_is_dropped_for_room():
    size = len(Pages().page(listing(3), None, form="dot", is_modern=True))
    pages = Pages(room=2 * size)
    kept = pages.page(listing(3, "a"), None, form="dot", is_modern=True)
    dropped = pages.page(listing(3, "b"), None, form="dot", is_modern=True)
    assert pages.page(listing(3, "a"), None, form="dot", is_modern=True) is kept
    pages.page(listing(3, "c"), None, form="dot", is_modern=True)
    assert pages.page(listing(3, "a"), None, form="dot", is_modern=True) is kept
    assert pages.page(listing(3, "b"), None, form="dot", is_modern=True) is not dropped


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "!",
        "é",
        "MTAw",
        "x" * 513,
        base64.urlsafe_b64encode(b"after:no.such").decode(),
        base64.urlsafe_b64encode(b"after:svc.op_000").decode(),  # right but for its padding
        base64.urlsafe_b64encode(b"\xff\xff").decode(),
        7,
        [],
    ],
)
def test_a_cursor_of_no_page_is_refused(cursor):
    with pytest.raises(Refused) as refused:
        Pages().page(listing(PAGE_SIZE + 1), cursor, form="dot", is_modern=True)
    assert refused.value.code == -32602


def test_a_cursor_holds_while_other_tools_come_and_go():
    cursor = read(Pages(), listing(PAGE_SIZE + 5))["nextCursor"]
    grown = listing(PAGE_SIZE + 50, "grown")
    assert read(Pages(), grown, cursor)["tools"][0]["name"] == f"svc.op_{PAGE_SIZE:03}"
