"""What a terminal shows: lines that fit, progress that goes away, and codes that the guide names."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from devmesh.client.failure import Exit
from devmesh.client.progress import Progress
from devmesh.client.text import ago, as_json, at, cut, plain, width
from hostile import Hostile, reply

if TYPE_CHECKING:
    from shell import Shell

GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "command-line.md"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


async def test_what_takes_long_shows_that_it_lives_and_leaves_no_trace(shell: Shell):
    slow = reply("200 OK", b'{"services": []}' + b" " * 200)
    async with Hostile(lambda _: slow, drip=0.006) as server:
        shell.environ |= {"DEVMESH_URL": server.url, "DEVMESH_API_KEY": "usr_x"}
        ran = await shell.type("connect")
        piped = await shell.run("connect")
    assert re.search(r"\r\x1b\[Kasking the server … \d s", ran.out), ran.out
    assert ran.out.rpartition("asking the server")[2].partition("\r\x1b[K")[1]
    assert "asking the server" not in piped.said


def test_work_of_a_known_length_has_a_bar_and_other_work_counts():
    bar = Progress("reading the audit", 200)
    assert bar.line() == "reading the audit [........................] 0 of 200"
    bar.told(100)
    assert bar.line() == "reading the audit [############............] 100 of 200"
    bar.told(300)
    assert bar.line().startswith("reading the audit [########################]")
    counted = Progress("reading the keys")
    counted.told(400)
    assert counted.line().startswith("reading the keys, 400 so far … 0 s")


def test_the_guide_names_every_exit_code():
    rows = re.findall(r"^\| (\d+) \|", GUIDE.read_text(), re.MULTILINE)
    assert sorted(map(int, rows)) == sorted(Exit)


@pytest.mark.parametrize(
    ("text", "columns", "shown"),
    [
        ("abc", 3, "abc"),
        ("abcd", 3, "ab…"),
        ("宽宽宽", 5, "宽宽…"),
        ("宽宽宽", 4, "宽…"),
        ("e\u0301e\u0301", 2, "e\u0301e\u0301"),
    ],
)
def test_a_text_is_cut_by_the_columns_that_it_takes(text: str, columns: int, shown: str):
    assert cut(text, columns) == shown
    assert width(shown) <= columns


@pytest.mark.parametrize(
    "text", ["\x1b[31m", "\x9b2J", "\u202e", "\u200b", "\ud800", "\x00", "\x7f", "\U000e0001", "\r"]
)
def test_what_is_not_to_be_seen_is_written_out(text: str):
    assert plain(f"a{text}b").isprintable()
    shown = as_json({"a": text})
    assert all(character.isprintable() or character == "\n" for character in shown)
    assert json.loads(shown) == {"a": text}


@pytest.mark.parametrize(
    ("passed", "shown"),
    [
        (timedelta(seconds=5), "5 s ago"),
        (timedelta(seconds=-5), "0 s ago"),
        (timedelta(minutes=59), "59 min ago"),
        (timedelta(hours=23), "23 h ago"),
        (timedelta(days=400), "400 days ago"),
    ],
)
def test_a_time_is_told_by_how_long_ago_it_was(passed: timedelta, shown: str):
    assert ago((NOW - passed).isoformat(), NOW) == shown


def test_a_time_is_told_to_the_second():
    assert (ago(None), at(None)) == ("never", "")
    assert at("2026-11-22T02:24:57.551871Z") == "2026-11-22 02:24:57"
