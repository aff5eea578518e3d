"""Bitbucket Cloud: https://developer.atlassian.com/cloud/bitbucket/rest/ (version 2.0)."""

from devmesh.connectors.bitbucket.declaration import CONNECTOR

__all__ = ["CONNECTOR"]
