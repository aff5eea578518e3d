"""Developer Mesh from Python: `Client` blocks, `AsyncClient` awaits, and both have the same methods."""

from devmesh_sdk.client import AsyncClient, Client
from devmesh_sdk.credentials import ApiKey, Auth, Login, Tokens
from devmesh_sdk.errors import (
    AuthenticationError,
    ConflictError,
    ConnectionFailedError,
    DeveloperMeshError,
    FieldFault,
    MalformedReplyError,
    MfaRequiredError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    RequestError,
    ServerError,
    TimedOutError,
    ToolError,
    UsageError,
    ValidationError,
)
from devmesh_sdk.version import __version__

__all__ = [
    "ApiKey",
    "AsyncClient",
    "Auth",
    "AuthenticationError",
    "Client",
    "ConflictError",
    "ConnectionFailedError",
    "DeveloperMeshError",
    "FieldFault",
    "Login",
    "MalformedReplyError",
    "MfaRequiredError",
    "NotFoundError",
    "PermissionDeniedError",
    "RateLimitError",
    "RequestError",
    "ServerError",
    "TimedOutError",
    "Tokens",
    "ToolError",
    "UsageError",
    "ValidationError",
    "__version__",
]
