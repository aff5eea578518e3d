"""The pages as a static site: built strictly, and nothing in it is fetched from elsewhere."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from pages import ROOT, pages

BUILD = ROOT / "docs" / "site" / "build.py"
# What a browser fetches by itself; an `a` it follows only when somebody says so.
FETCHED = {
    ("link", "href"),
    *((tag, "src") for tag in ("script", "img", "iframe", "source", "video", "audio", "embed")),
}


def build(target: Path, *source: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(BUILD), str(target), *source]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    target = tmp_path_factory.mktemp("site") / "html"
    done = build(target)
    assert (done.returncode, done.stderr) == (0, "")
    return target


class Addresses(HTMLParser):
    """The addresses in a page: (tag, attribute, address)."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [(tag, name, value) for name, value in attrs if name in ("href", "src", "srcset") and value]


def documents(site: Path) -> Iterator[tuple[Path, list[tuple[str, str, str]]]]:
    for path in site.rglob("*.html"):
        yield path, Addresses(path.read_text(encoding="utf-8")).found


def test_every_page_of_ours_is_on_the_site(site):
    expected = {str(path.relative_to(ROOT).with_suffix(".html")) for path in pages()}
    built = {str(path.relative_to(site)) for path in site.rglob("*.html")}
    assert expected <= built
    assert "index.html" in built


def test_a_page_fetches_nothing_from_elsewhere(site):
    fetched = [
        (path.name, address)
        for path, found in documents(site)
        for tag, name, address in found
        if (tag, name) in FETCHED and urlsplit(address).netloc
    ]
    styles = [
        (path.name, address)
        for path in site.rglob("*.css")
        for address in re.findall(
            r"(?:url\(|@import)\s*[\"']?((?:https?:)?//[^\"')]+)", path.read_text(encoding="utf-8")
        )
    ]
    assert (fetched, styles) == ([], [])


def test_every_link_within_the_site_leads_somewhere(site):
    dead = [
        (path.name, address)
        for path, found in documents(site)
        for _, name, address in found
        if name != "srcset" and not urlsplit(address).scheme and not urlsplit(address).netloc
        for target in [unquote(urlsplit(address).path)]
        if target and not (path.parent / target).exists()
    ]
    assert dead == []


@pytest.mark.parametrize("link", ["docs/start.md#no-such-heading", "docs/no-such-page.md"])
def test_a_dead_link_ends_the_build(link, tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    shutil.copytree(ROOT / "docs", source / "docs")
    for name in ("CHANGELOG.md", "README.md"):
        shutil.copy(ROOT / name, source / name)
    readme = source / "README.md"
    readme.write_text(f"{readme.read_text(encoding='utf-8')}\n[A link]({link}).\n", encoding="utf-8")
    done = build(tmp_path / "html", str(source))
    assert done.returncode != 0
    assert "no-such" in done.stderr
