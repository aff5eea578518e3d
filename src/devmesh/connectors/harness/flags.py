"""Feature flags."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from devmesh.connectors.harness.arguments import Identifier, Name, Org, Project
from devmesh.connectors.harness.calls import call, scope
from devmesh.connectors.harness.declaration import CONNECTOR
from devmesh.connectors.harness.paging import FLAG_PAGES
from devmesh.upstream.model import Request, get, url

_FLAG = "/cf/admin/features/{identifier}"

Flag = Annotated[Identifier, Meta(description="Identifier of the flag, from list_feature_flags.")]
InEnvironment = Annotated[
    Identifier | None, Meta(description="Environment whose state is meant; a flag is on or off in each by itself.")
]


class Instruction(Struct, frozen=True, forbid_unknown_fields=True):
    """One change of a flag."""

    kind: Annotated[
        str,
        Meta(
            description="Such as setFeatureFlagState, updateDefaultServe, addTargetToVariation.",
            pattern="^[A-Za-z]{3,60}$",
            examples=["setFeatureFlagState"],
        ),
    ]
    parameters: Annotated[dict[str, Any], Meta(description="What it needs: `{'state': 'on'}` for setFeatureFlagState.")]


@CONNECTOR.tool(items="features", paging=FLAG_PAGES)
def list_feature_flags(
    org_identifier: Org,
    project_identifier: Project,
    environment_identifier: InEnvironment = None,
    name: Annotated[Name | None, Meta(description="Only flags whose name contains this.")] = None,
) -> Request:
    """Return a project's feature flags: identifier, kind, variations, and the state in the environment named."""
    query = scope(org_identifier, project_identifier)
    return get("/cf/admin/features", **query, environmentIdentifier=environment_identifier, name=name)


@CONNECTOR.tool()
def get_feature_flag(
    org_identifier: Org, project_identifier: Project, identifier: Flag, environment_identifier: InEnvironment = None
) -> Request:
    """Return one feature flag: variations, rules, and its state in an environment."""
    query = scope(org_identifier, project_identifier)
    return get(url(_FLAG, identifier=identifier), **query, environmentIdentifier=environment_identifier)


@CONNECTOR.tool(writes=True)
def update_feature_flag(
    org_identifier: Org,
    project_identifier: Project,
    identifier: Flag,
    instructions: Annotated[
        list[Instruction], Meta(min_length=1, max_length=50, description="The changes, made in this order.")
    ],
    environment_identifier: InEnvironment = None,
) -> Request:
    """Switch a feature flag on or off in an environment, or change its rules; what is served changes at once."""
    query = {**scope(org_identifier, project_identifier), "environmentIdentifier": environment_identifier}
    changes = [{"kind": one.kind, "parameters": one.parameters} for one in instructions]
    return call("PATCH", url(_FLAG, identifier=identifier), query, {"instructions": changes})
