"""What the page on operating prints and no reader can try, and what it shares with others: the data directory."""

from __future__ import annotations

import os
import re
import subprocess
import tarfile
from pathlib import Path

import pytest
from pages import blocks
from reader import ROOT

from devmesh.directory.plans import Plans
from devmesh.settings import OF_CLIENTS, SETTINGS, Settings

PAGES = {name: (ROOT / "docs" / name).read_text() for name in ("operating.md", "security.md", "guide/inviting.md")}
TEXT = PAGES["operating.md"]
FINDING = re.compile(r'^\[ "\$\(id -u\)" = 0 \].*\nDATA=.*\n', re.MULTILINE)


def pasted(script: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the script in a bash whose environment is `environ` alone."""
    command = ["/bin/bash", "-e", "-c", script]
    environ = {"PATH": os.environ["PATH"], **environ}
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=True, timeout=120)


def test_the_printed_plans_are_read_over_the_built_in_ones(tmp_path: Path):
    [printed] = [block for block in blocks(TEXT) if block.name == "plans.json"]
    file = tmp_path / "plans.json"
    file.write_text(printed.text)
    plans = Plans.load(file, "large")
    assert (plans.of("large").max_users, plans.of("large").requests_per_minute) == (500, 5000)
    assert plans.of("free").max_users == 5
    assert plans.key_default("user") == (200, 60)
    assert plans.key_default("agent") == (1000, 60)


def test_every_setting_that_a_page_names_is_one():
    known = {setting.name for setting in SETTINGS} | OF_CLIENTS
    for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        assert set(re.findall(r"DEVMESH_[A-Z_]*[A-Z]", path.read_text())) <= known, path


@pytest.mark.parametrize("uid", [0, 1000], ids=["root", "somebody"])
@pytest.mark.parametrize(
    "environ",
    [{}, {"XDG_DATA_HOME": "/data of mine"}, {"XDG_DATA_HOME": "/data", "DEVMESH_DATA_DIR": "/where I say"}],
    ids=["default", "shared", "named"],
)
def test_the_pages_look_where_the_server_keeps_its_data(uid: int, environ: dict[str, str], monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    environ = {"HOME": "/home/of mine", **environ}
    found = [lines for text in PAGES.values() for lines in FINDING.findall(text)]
    assert len(found) == 4
    for lines in found:
        came = pasted(f'id() {{ echo {uid}; }}\n{lines}printf %s "$DATA"', **environ)
        assert came.stdout == str(Settings.load(environ).data_dir)


def test_a_backup_holds_everything_but_the_master_key_and_the_lock(tmp_path: Path):
    [backup] = [block.text for block in blocks(TEXT) if "devmesh-backup.tar" in block.text]
    data = tmp_path / "data"
    (data / "outbox").mkdir(parents=True)
    for name in ("master.key", "lock", "devmesh_owner.password", "outbox/lock"):
        (data / name).write_text(name)
    pasted(f"cd {tmp_path}\n{backup}", DEVMESH_DATA_DIR=str(data))
    with tarfile.open(tmp_path / "devmesh-backup.tar") as tar:
        names = set(tar.getnames())
    assert names == {".", "./devmesh_owner.password", "./outbox", "./outbox/lock"}


def test_whoever_looks_for_a_mail_in_the_wrong_place_is_told(tmp_path: Path):
    [accept] = [block.text for block in blocks(PAGES["guide/inviting.md"]) if "/outbox/" in block.text]
    search, _, _ = accept.partition("curl ")
    told = pasted(f"sleep() {{ :; }}\n{search}", DEVMESH_DATA_DIR=str(tmp_path))
    assert told.stderr == f"No mail to Bo is in {tmp_path}/outbox.\n"
