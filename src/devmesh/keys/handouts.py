"""Which scopes name operations that hand out credentials: what is given under its own name alone."""

from __future__ import annotations

from devmesh.access.scopes import TOOL
from devmesh.connectors import CONNECTORS


def names_handing_out(scope: str) -> bool:
    """Return whether the scope names one operation of a service that is none of its tools.

    Such names are of use for nothing but operations that hand out credentials (`tools:execute:aws.sts.assume_role`).
    """
    service, _, operation = scope.removeprefix(TOOL).partition(".")
    if not scope.startswith(TOOL) or not operation or operation.endswith("*"):
        return False
    connector = CONNECTORS.get(service)
    return connector is not None and operation not in connector.tools
