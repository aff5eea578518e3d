"""Whose directory becomes the data directory."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from devmesh.db.data_dir import LOCK, make_data_dir
from devmesh.db.embedded_binaries import EmbeddedError

NOBODY = 65_534


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can take over what belongs to another")
def test_root_takes_no_directory_that_another_user_has_prepared(tmp_path: Path):
    prepared = tmp_path / "data"
    prepared.mkdir(mode=0o755)
    for name in (LOCK, "master.key"):
        (prepared / name).touch()
    os.chown(prepared, NOBODY, NOBODY)
    with pytest.raises(EmbeddedError, match="belongs to another user"):
        make_data_dir(prepared)
    assert (prepared.stat().st_uid, prepared.stat().st_mode & 0o777) == (NOBODY, 0o755)


def test_a_directory_of_our_own_is_made_private(tmp_path: Path):
    ours = tmp_path / "data"
    ours.mkdir(mode=0o755)
    make_data_dir(ours)
    assert ours.stat().st_mode & 0o777 == 0o700
