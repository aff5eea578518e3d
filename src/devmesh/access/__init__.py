"""Who may do what: the caller, roles, key types and scopes."""

from devmesh.access.model import Allowance, Caller, KeyType, Person, Role
from devmesh.access.scopes import Rights

__all__ = ["Allowance", "Caller", "KeyType", "Person", "Rights", "Role"]
