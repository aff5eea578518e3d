"""Who may do what: the caller, roles, key types and scopes."""

from devmesh.access.model import Caller, KeyType, Role
from devmesh.access.scopes import Rights

__all__ = ["Caller", "KeyType", "Rights", "Role"]
