"""Keys in text are found, wherever a piece of a stream ends; nothing else is, and no key is shown."""

from __future__ import annotations

import io
import json
import os
import random
import re
import subprocess
import sys
import tomllib
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devmesh import cli
from devmesh.cli import keys
from devmesh.crypto.ring import ROTATING
from devmesh.crypto.tokens import PATTERN, PREFIXES, is_api_key, new_api_key
from devmesh.keys.scan import Found, scan

PAGE = Path(__file__).parents[2] / "docs" / "guide" / "leaked-keys.md"
KEY = new_api_key("user")
DEVMESH = [sys.executable, "-c", "from devmesh.cli import main; raise SystemExit(main())", "keys", "scan"]


class Pieces(io.BytesIO):
    """A stream that gives its text in pieces of whatever size it likes."""

    def __init__(self, text: bytes, sizes: list[int]) -> None:
        super().__init__(text)
        self._sizes = sizes

    def read(self, size: int | None = -1) -> bytes:
        return super().read(self._sizes.pop() if self._sizes else size)


def places(text: str, encoding: str = "utf-8") -> list[tuple[int, int, str]]:
    """Scan in pieces of a few bytes."""
    raw = text.encode(encoding)
    sizes = [random.Random(len(raw)).randint(1, 60) for _ in raw]  # noqa: S311 - no secret
    return [(found.line, found.column, found.key_prefix) for found in scan(Pieces(raw, sizes))]


def slowly(text: str) -> list[tuple[int, int, str]]:
    """Say the same by looking at each place by itself."""
    found = []
    for at in range(len(text)):
        key = next((text[at : at + size] for size in (47, 46) if is_api_key(text[at : at + size])), None)
        if key is not None:
            line = text.count("\n", 0, at) + 1
            found.append((line, at - (text.rfind("\n", 0, at) + 1) + 1, key[:8]))
    return found


@pytest.mark.parametrize("key_type", sorted(PREFIXES))
def test_a_key_of_each_type_is_found_and_cut_to_what_may_be_shown(key_type: str):
    key = new_api_key(key_type)
    text = f"one\n  DEVMESH_API_KEY='{key}'\n"
    assert list(scan(io.BytesIO(text.encode()))) == [Found(2, 20, key_type, key[:8])]


PARTS = st.sampled_from(
    [KEY, new_api_key("gateway"), new_api_key("admin")[:-1], "usr_", "gw_", "\n", "\r\n", "é", "漢", "_", "A" * 40, " "]
)


@settings(max_examples=200, deadline=None)
@given(st.lists(PARTS, max_size=12).map("".join))
def test_every_key_is_found_once_wherever_pieces_end(text: str):
    assert places(text) == slowly(text)


def test_a_key_behind_what_only_looks_like_one_is_found():
    assert places("usr_" + KEY) == [(1, 5, KEY[:8])]
    assert [column for _, column, _ in places(KEY + KEY)] == [1, 48]


@pytest.mark.parametrize(
    "spoiled",
    [KEY[:-1], KEY.swapcase(), KEY[:20] + " " + KEY[20:], "usr_" + "A" * 43],
    ids=["cut", "other case", "a blank inside", "wrong checksum"],
)
def test_what_only_looks_like_a_key_is_not_told(spoiled: str):
    assert places(f"a {spoiled} b") == []


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_text_with_a_mark_of_its_encoding_is_read(encoding: str):
    assert places(f"é\nab {KEY}\n", encoding) == [(2, 4, KEY[:8])]


def test_a_binary_is_passed_over_and_a_late_zero_is_not_a_binary():
    assert list(scan(io.BytesIO(b"\x7fELF\0" + KEY.encode()))) == []
    assert len(list(scan(io.BytesIO(b"a" * 8000 + b"\0 " + KEY.encode())))) == 1


def test_a_line_of_any_length_takes_little_memory():
    class Endless(io.RawIOBase):
        left = 100

        def read(self, size: int = -1) -> bytes:
            self.left -= 1
            return b"x" * size if self.left > 0 else KEY.encode() if self.left == 0 else b""

    tracemalloc.start()
    found = list(scan(Endless()))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [entry.column for entry in found] == [99 * 2**20 + 1]
    assert peak < 8 * 2**20


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = cli.main(["keys", "scan", *map(str, arguments)])
    said = capsys.readouterr()
    assert KEY not in said.out + said.err
    return code, said.out, said.err


def test_the_command_tells_file_line_column_type_and_prefix(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "config.py").write_text(f"\nKEY = '{KEY}'\n")
    (tmp_path / "a.txt").write_text("nothing\n")
    assert run(capsys, tmp_path) == (1, f"{tmp_path}/b/config.py:2:8: user {KEY[:8]}\n", "")
    assert run(capsys, tmp_path / "a.txt") == (0, "", "")
    code, out, _ = run(capsys, "--json", tmp_path)
    assert code == 1
    told = {"file": f"{tmp_path}/b/config.py", "line": 2, "column": 8, "key_type": "user", "key_prefix": KEY[:8]}
    assert json.loads(out) == told


def test_the_command_looks_into_this_directory_or_standard_input(tmp_path: Path):
    (tmp_path / "here").write_text(KEY)
    found = subprocess.run(DEVMESH, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout) == (1, f"here:1:1: user {KEY[:8]}\n")
    found = subprocess.run([*DEVMESH, "-"], input=f"+ {KEY}\n", capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout) == (1, f"(standard input):1:3: user {KEY[:8]}\n")


def test_no_link_inside_a_directory_is_followed_and_nothing_waits(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    outside, tree = tmp_path / "outside", tmp_path / "tree"
    outside.mkdir()
    tree.mkdir()
    (outside / "secret").write_text(KEY)
    (tree / "file").symlink_to(outside / "secret")
    (tree / "folder").symlink_to(outside)
    (tree / "round").symlink_to(tree)
    os.mkfifo(tree / "pipe")
    assert run(capsys, tree) == (0, "", "")
    assert run(capsys, "/dev/zero", tree / "pipe") == (0, "", "")
    # A link that is named is meant.
    assert run(capsys, tree / "file")[0] == 1


def test_what_cannot_be_read_is_said_and_ends_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    code, _, errors = run(capsys, tmp_path / "nowhere")
    assert (code, errors) == (2, f"{tmp_path}/nowhere: not read: No such file or directory\n")
    (tmp_path / "here").write_text(KEY)
    assert run(capsys, tmp_path / "nowhere", tmp_path)[0] == 1


def test_a_files_name_cannot_forge_a_line_or_move_the_cursor(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "a\n\x1b[2Jb").write_text(KEY)
    (tmp_path / os.fsdecode(b"\xff")).write_text(KEY)
    _, out, _ = run(capsys, tmp_path)
    assert out.splitlines() == [
        f"{tmp_path}/a\\n\\x1b[2Jb:1:1: user {KEY[:8]}",
        f"{tmp_path}/\\udcff:1:1: user {KEY[:8]}",
    ]


def test_whoever_has_seen_enough_may_stop_reading(tmp_path: Path):
    (tmp_path / "many").write_text(f"{KEY}\n" * 20_000)
    with subprocess.Popen(
        [*DEVMESH, str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline().endswith(f"user {KEY[:8]}\n")
        process.stdout.close()
        errors = process.stderr.read()
    assert (process.returncode, errors) == (1, "")


def test_the_published_pattern_is_the_one_that_keys_are_made_by(capsys: pytest.CaptureFixture[str]):
    assert run(capsys, "--pattern") == (0, PATTERN.pattern + "\n", "")
    page = PAGE.read_text()
    assert f"\n{PATTERN.pattern}\n" in page
    [rule] = tomllib.loads(re.search(r"```toml\n(.*?)```", page, re.DOTALL)[1])["rules"]
    assert rule["regex"] == PATTERN.pattern
    assert set(rule["keywords"]) == set(PREFIXES.values())


def test_no_page_of_ours_shows_what_a_scanner_takes_for_a_key(capsys: pytest.CaptureFixture[str]):
    root = PAGE.parents[2]
    assert run(capsys, str(root / "docs"), str(root / "README.md")) == (0, "", "")


def test_the_published_checksum_is_the_one_that_keys_have():
    said = re.search(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)[1]
    known: dict[str, object] = {}
    exec(said, known)  # noqa: S102 - what our own page prints
    is_key = known["is_key"]
    assert all(is_key(new_api_key(key_type)) for key_type in PREFIXES)
    assert not is_key(KEY[:-1] + ("a" if KEY[-1] != "a" else "b"))


def test_a_scan_loads_neither_web_server_nor_database_driver():
    said = subprocess.run(
        [sys.executable, "-c", "import devmesh.cli.keys_scan, sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert not {"asyncpg", "litestar", "cryptography"} & set(said.stdout.split())


def test_every_purpose_that_rotates_can_be_named():
    assert set(keys.PURPOSES) == set(ROTATING)
