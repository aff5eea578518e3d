"""Slack and GovSlack: https://docs.slack.dev/reference/methods."""

from devmesh.connectors.slack.declaration import CONNECTOR

__all__ = ["CONNECTOR"]
