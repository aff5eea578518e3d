"""The catalog, by itself."""

import asyncio
from dataclasses import replace

import pytest

from devmesh.connectors import CONNECTORS
from devmesh.gateway.catalog import Catalog
from devmesh.gateway.model import UnknownTool
from devmesh.upstream.model import load_tools


async def test_only_the_beginning_of_a_long_name_is_compared():
    catalog = Catalog(CONNECTORS)
    near = "github.list_secret_scanning_alerts"
    for name in (near + "x", near + "x" * 100_000):
        with pytest.raises(UnknownTool) as unknown:
            await catalog.find(name)
        assert near in str(unknown.value.extra)


@pytest.mark.parametrize("name", ["GITHUB.CREATE_ISSUE", "GitHub.createIssue", "GitHub_CreateIssue"])
async def test_letter_case_leads_nobody_to_another_service(name: str):
    with pytest.raises(UnknownTool) as unknown:
        await Catalog(CONNECTORS).find(name)
    assert unknown.value.extra["nearest"][0] in {"github.create_issue", "github_create_issue"}


def test_every_name_fits_into_what_is_compared():
    assert all(len(name) < 64 for name in (tool.name for one in CONNECTORS.values() for tool in one.tools.values()))


async def test_other_work_goes_on_between_the_services_whose_tools_are_loaded():
    services = [replace(one, _tools={}, _loaded=set()) for one in list(CONNECTORS.values())[:3]]
    order: list[int] = []

    async def other_work() -> None:
        while not all(one.is_loaded for one in services):
            order.append(sum(one.is_loaded for one in services))
            await asyncio.sleep(0)

    await asyncio.gather(other_work(), load_tools(services))
    assert order == [0, 1, 2]
