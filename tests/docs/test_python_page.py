"""The page on the Python SDK, pasted into one interpreter from top to bottom, and read by the type checker."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from pages import blocks
from reader import PRINTED_URL, ROOT

PAGE = ROOT / "docs" / "guide" / "python.md"
END = "--- the block ends"
TOKEN = '{"token": "ghp_YourGitHubToken"}'


def printed() -> list[tuple[str, str]]:
    """Each block of the page with what it says that it prints."""
    found = [block for block in blocks(PAGE.read_text()) if block.language in ("python", "text")]
    pairs = list(zip(found[::2], found[1::2], strict=True))
    assert [(code.language, output.language) for code, output in pairs] == [("python", "text")] * len(pairs)
    return [(code.text, output.text) for code, output in pairs]


def test_the_page_can_be_pasted_from_top_to_bottom(served, github):
    assert len(printed()) >= 7
    script = "\n".join(f"{code}\nprint({END!r})" for code, _ in printed())
    here = script.replace(PRINTED_URL, served.url)
    here = here.replace(TOKEN, f"{TOKEN}, metadata={{'base_url': {github.url!r}}}")
    done = subprocess.run([sys.executable, "-c", here], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split(f"{END}\n") == [*(output for _, output in printed()), ""]


def test_the_pages_code_is_typed(tmp_path: Path):
    script = tmp_path / "pasted.py"
    script.write_text("\n".join(code for code, _ in printed()))
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), str(script)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
