from __future__ import annotations

from collections.abc import Iterator

import pytest

from sdk.node import make
from sdk.world import World, world


@pytest.fixture(scope="session")
def sdk_world() -> Iterator[World]:
    """The server, proxy and stand-in that the scenarios run against."""
    with world() as running:
        yield running


@pytest.fixture(scope="session")
def typescript_sdk() -> None:
    """Have the TypeScript SDK installed as its lock says, and built."""
    make("build")
