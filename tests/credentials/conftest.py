from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest

from credentials.asking import Service, sql
from devmesh.credentials import refresh

if TYPE_CHECKING:
    from running import Organization


@pytest.fixture
async def service(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Service]:
    monkeypatch.setattr(refresh, "_PAUSE_SECONDS", 0.0)
    service = Service()
    async with service.github:
        yield service


@pytest.fixture
async def verified(organization: Organization) -> Organization:
    await sql(organization, "update users set verified_at = now()")
    return organization
