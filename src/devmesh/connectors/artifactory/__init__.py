"""JFrog Artifactory, with Access and Xray beside it: https://jfrog.com/help/r/jfrog-rest-apis."""

from devmesh.connectors.artifactory.declaration import CONNECTOR

__all__ = ["CONNECTOR"]
