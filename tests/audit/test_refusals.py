"""Refusals: the first at once, the rest counted."""

from devmesh.audit import refusals
from devmesh.audit.filters import Filters
from devmesh.audit.model import Record, Visitor
from devmesh.audit.refusals import Refusals


async def read(audit, caller):
    return [(e.code, e.count) for e in (await audit.read(caller, Filters())).entries]


async def test_repeated_refusals_are_one_row_and_one_count(audit, caller):
    for _ in range(500):
        audit.refused(caller, "tool.call", "rate_limit_exceeded")
    audit.refused(caller, "tool.call", "insufficient_scope")
    assert await read(audit, caller) == [("insufficient_scope", 1), ("rate_limit_exceeded", 1)]
    await audit.flush()
    assert await read(audit, caller) == [
        ("rate_limit_exceeded", 499),
        ("insufficient_scope", 1),
        ("rate_limit_exceeded", 1),
    ]


async def test_counts_are_written_once_a_minute(monkeypatch):
    monkeypatch.setattr(refusals, "WINDOW_SECONDS", 0)
    rows = []
    counted = Refusals(lambda _, record: rows.append(record.count) or True)
    visitor = Visitor(address="192.0.2.1")
    for _ in range(3):
        counted.add(visitor, Record(action="auth.refused", code="invalid_api_key"))
    counted._close(until=float("inf"), now=0)
    assert rows == [1, 2]
    counted._close(until=float("inf"), now=0)
    assert rows == [1, 2]
    assert counted._visitors == {}
    counted.flush()


async def test_a_flood_of_addresses_fills_neither_memory_nor_table(monkeypatch):
    monkeypatch.setattr(refusals, "_MAX_KINDS", 10)
    rows = []
    counted = Refusals(lambda actor, record: rows.append((actor.address, record.count)) or True)
    for number in range(1000):
        counted.add(Visitor(address=f"2001:db8:0:{number:x}::1"), Record(action="auth.refused", code="invalid_api_key"))
    assert len(counted._visitors) == 11
    counted.flush()
    assert len(rows) == 12
    assert sum(count for _, count in rows) == 1000
    assert rows[-1] == ("", 989)


async def test_an_ipv6_visitor_is_a_whole_64():
    rows = []
    counted = Refusals(lambda actor, record: rows.append((actor.address, record.count)) or True)
    for number in range(100):
        counted.add(Visitor(address=f"2001:db8::{number:x}"), Record(action="auth.refused", code="invalid_api_key"))
    counted.flush()
    assert rows == [("2001:db8::0", 1), ("2001:db8::0", 99)]


async def test_a_flood_of_addresses_hides_no_known_caller(monkeypatch, somebody):
    monkeypatch.setattr(refusals, "_MAX_KINDS", 10)
    rows = []
    counted = Refusals(lambda actor, _: rows.append(actor) or True)
    for number in range(100):
        counted.add(Visitor(address=f"192.0.2.{number}"), Record(action="request.refused", code="invalid_api_key"))
    caller = somebody()
    counted.add(caller, Record(action="request.refused", code="insufficient_scope"))
    assert rows[-1] == caller
    counted.flush()


async def test_refusals_that_the_store_does_not_take_are_counted_until_it_does():
    takes, rows = False, []
    counted = Refusals(lambda _, record: takes and (rows.append(record.count) or True))
    for _ in range(3):
        counted.add(Visitor(), Record(action="auth.refused"))
    counted.flush()
    assert rows == []
    takes = True
    counted.flush()
    assert rows == [3]
