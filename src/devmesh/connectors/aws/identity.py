"""Who the key belongs to, and the users and roles of its account (STS, IAM)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from devmesh.connectors.aws.call import Call, call
from devmesh.connectors.aws.declaration import CONNECTOR
from devmesh.connectors.aws.paging import Tokens

_MARKER = Tokens("Marker", size="MaxItems", most=1000)

RoleName = Annotated[
    str,
    Meta(
        description="Name of the role, without its path.",
        pattern=r"^[\w+=,.@-]+$",
        max_length=64,
        examples=["deployment"],
    ),
]
PathPrefix = Annotated[
    Annotated[str, Meta(pattern="^/[\x21-\x7e]*$", max_length=512, examples=["/teams/"])] | None,
    Meta(description="Only those whose path begins so."),
]


@CONNECTOR.tool()
def get_caller_identity() -> Call:
    """Return the account, the ARN and the id of the identity that the stored key belongs to; needs no permission."""
    return call("sts:GetCallerIdentity")


@CONNECTOR.tool(items="Users", paging=_MARKER)
def list_users(path_prefix: PathPrefix = None) -> Call:
    """Return the account's IAM users: name, ARN, when they were made and last used their password."""
    return call("iam:ListUsers", PathPrefix=path_prefix)


@CONNECTOR.tool(items="Roles", paging=_MARKER)
def list_roles(path_prefix: PathPrefix = None) -> Call:
    """Return the account's IAM roles with the policies of who may assume them, without tags and last use: get_role."""
    return call("iam:ListRoles", PathPrefix=path_prefix)


@CONNECTOR.tool()
def get_role(role_name: RoleName) -> Call:
    """Return one IAM role: ARN, who may assume it, tags, its boundary and when it was last used."""
    return call("iam:GetRole", RoleName=role_name)


@CONNECTOR.tool(items="AttachedPolicies", paging=_MARKER)
def list_attached_role_policies(role_name: RoleName, path_prefix: PathPrefix = None) -> Call:
    """Return the names and ARNs of the managed policies attached to a role; policies written into it are not listed."""
    return call("iam:ListAttachedRolePolicies", RoleName=role_name, PathPrefix=path_prefix)
