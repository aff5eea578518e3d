"""GitHub, github.com and Enterprise: https://docs.github.com/rest (version 2022-11-28)."""

from devmesh.connectors.github.declaration import CONNECTOR

__all__ = ["CONNECTOR"]
