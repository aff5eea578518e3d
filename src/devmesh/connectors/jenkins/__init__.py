"""Jenkins: https://www.jenkins.io/doc/book/using/remote-access-api/."""

from devmesh.connectors.jenkins.declaration import CONNECTOR

__all__ = ["CONNECTOR"]
