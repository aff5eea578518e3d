"""AWS, any of its services: https://docs.aws.amazon.com (requests and replies as botocore's models describe them)."""

from devmesh.connectors.aws.declaration import CONNECTOR

__all__ = ["CONNECTOR"]
