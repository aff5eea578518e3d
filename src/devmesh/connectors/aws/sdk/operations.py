"""What the connector needs of botocore, in one place to import."""

from devmesh.connectors.aws.sdk.replies import translate
from devmesh.connectors.aws.sdk.requests import complete
from devmesh.connectors.aws.sdk.services import is_read, service
from devmesh.connectors.aws.sdk.signing import signature

__all__ = ["complete", "is_read", "service", "signature", "translate"]
