"""GitLab, gitlab.com and self-managed: https://docs.gitlab.com/api/rest/ (version 4)."""

from devmesh.connectors.gitlab.declaration import CONNECTOR

__all__ = ["CONNECTOR"]
