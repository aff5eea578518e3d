"""Who may do what: the caller, roles, key types and scopes."""

from devmesh.access.model import UNBOUND, Allowance, Bounds, Caller, KeyType, Person, Role
from devmesh.access.scopes import Rights

__all__ = ["UNBOUND", "Allowance", "Bounds", "Caller", "KeyType", "Person", "Rights", "Role"]
