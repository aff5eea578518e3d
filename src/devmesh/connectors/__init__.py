"""The services: every module or package in this folder that defines CONNECTOR is one, found by itself."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from devmesh.upstream.model import Connector


def find(package: str, path: Iterable[str]) -> Mapping[str, Connector]:
    """Return the connectors of the package by name, in the order of their names.

    Raises ValueError for one whose name is not its module's: a name would then say where to look no more.
    """
    found: dict[str, Connector] = {}
    for name in sorted(module.name for module in pkgutil.iter_modules(path)):
        connector = getattr(importlib.import_module(f"{package}.{name}"), "CONNECTOR", None)
        if not isinstance(connector, Connector):
            continue
        if connector.name != name:
            raise ValueError(f"{package}.{name} declares the connector {connector.name!r}: name both alike")
        found[name] = connector
    return MappingProxyType(found)


CONNECTORS: Mapping[str, Connector] = find(__name__, __path__)
