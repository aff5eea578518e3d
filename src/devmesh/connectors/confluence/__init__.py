"""Confluence, the cloud's and Data Center's: https://developer.atlassian.com/cloud/confluence/rest/v2/."""

from devmesh.connectors.confluence.declaration import CONNECTOR

__all__ = ["CONNECTOR"]
