"""What the page on operating prints and no shell can try."""

from __future__ import annotations

import re
from pathlib import Path

from pages import blocks
from reader import ROOT

from devmesh.directory.plans import Plans
from devmesh.settings import OF_CLIENTS, SETTINGS

TEXT = (ROOT / "docs" / "operating.md").read_text()


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
