"""The catalog, by itself."""

import pytest

from devmesh.connectors import CONNECTORS
from devmesh.gateway.catalog import Catalog
from devmesh.gateway.model import UnknownTool


def test_only_the_beginning_of_a_long_name_is_compared():
    catalog = Catalog(CONNECTORS)
    near = "github.list_secret_scanning_alerts"
    for name in (near + "x", near + "x" * 100_000):
        with pytest.raises(UnknownTool) as unknown:
            catalog.find(name)
        assert near in str(unknown.value.extra)


def test_every_name_fits_into_what_is_compared():
    assert all(len(name) < 64 for name in (tool.name for one in CONNECTORS.values() for tool in one.tools.values()))
