"""What `devmesh keys rotate-master` asks before it destroys; what it does is tested in tests/chaos."""

from __future__ import annotations

from pathlib import Path

import pytest

from shell import Shell

_NO_DATABASE = "there is no database in"


@pytest.fixture
def bare(tmp_path: Path) -> Shell:
    """A shell on a machine without an installation."""
    return Shell(tmp_path, {"DEVMESH_DATA_DIR": str(tmp_path / "data")})


async def test_nothing_is_destroyed_or_even_begun_unless_the_person_says_so(bare: Shell):
    ran = await bare.type("keys", "rotate-master", "--destroy-old", answers=[("Destroy them? [y/N]", "")])
    assert (ran.code, "Nothing was rotated" in ran.text, _NO_DATABASE in ran.text) == (1, True, False), ran.out


async def test_whoever_agrees_is_obeyed(bare: Shell):
    ran = await bare.type("keys", "rotate-master", "--destroy-old", answers=[("Destroy them? [y/N]", "y")])
    assert (ran.code, _NO_DATABASE in ran.text) == (1, True), ran.out


@pytest.mark.parametrize("words", [("--destroy-old", "--yes"), ()])
async def test_nobody_is_asked_who_said_yes_or_destroys_nothing(bare: Shell, words: tuple[str, ...]):
    ran = await bare.type("keys", "rotate-master", *words)
    assert (ran.code, "[y/N]" in ran.text, _NO_DATABASE in ran.text) == (1, False, True), ran.out


async def test_a_program_is_not_asked(bare: Shell):
    ran = await bare.run("keys", "rotate-master", "--destroy-old")
    assert (ran.code, _NO_DATABASE in ran.err) == (1, True), ran.err
