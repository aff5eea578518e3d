"""Harness NextGen: https://apidocs.harness.io."""

from devmesh.connectors.harness.declaration import CONNECTOR

__all__ = ["CONNECTOR"]
