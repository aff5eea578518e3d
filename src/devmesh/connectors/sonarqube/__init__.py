"""SonarQube, Server and Cloud: https://docs.sonarsource.com/sonarqube-server/extension-guide/web-api."""

from devmesh.connectors.sonarqube.declaration import CONNECTOR

__all__ = ["CONNECTOR"]
