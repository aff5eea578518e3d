from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "docs")]

from devmesh.demo.github import GitHub  # noqa: E402 - found by the path above, as are our pages
from devmesh.demo.served import Served, stand_in  # noqa: E402

# The tokens that the pages print, known to the stand-in.
TOKENS = {"ghp_YourGitHubToken": "ada", "ghp_YourGitHubPersonalAccessTokenHere": "your-github-username"}


@pytest.fixture
def github() -> Iterator[GitHub]:
    """The stand-in for GitHub."""
    with stand_in(TOKENS) as github:
        yield github


@pytest.fixture
def served(github: GitHub) -> Iterator[Served]:
    """A real server, fresh, that may call the stand-in."""
    # Not pytest's own directory: as root it keeps the database's user out.
    directory = Path(tempfile.mkdtemp(prefix="devmesh-docs-"))
    directory.chmod(0o711)
    with Served(directory, {"DEVMESH_UPSTREAM_ALLOW": f"127.0.0.1:{github.port}"}) as served:
        yield served
    shutil.rmtree(directory)
