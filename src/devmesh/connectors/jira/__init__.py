"""Jira, the cloud's and Data Center's: https://developer.atlassian.com/cloud/jira/platform/rest/v3/."""

from devmesh.connectors.jira.declaration import CONNECTOR

__all__ = ["CONNECTOR"]
