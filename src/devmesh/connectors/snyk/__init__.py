"""Snyk, REST and the older v1: https://docs.snyk.io/snyk-api."""

from devmesh.connectors.snyk.declaration import CONNECTOR

__all__ = ["CONNECTOR"]
