"""What Harness reaches the world by: connectors, secrets (never their values), delegates."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from devmesh.connectors.harness.arguments import Identifier, InOrg, InProject, SearchTerm
from devmesh.connectors.harness.calls import call, scope
from devmesh.connectors.harness.declaration import CONNECTOR
from devmesh.upstream.model import Request, get, url

Connection = Annotated[Identifier, Meta(description="Identifier of the connector, from list_connectors.")]


@CONNECTOR.tool(items="content")
def list_connectors(
    org_identifier: InOrg = None,
    project_identifier: InProject = None,
    type_: Annotated[
        Annotated[str, Meta(pattern="^[A-Z][A-Za-z0-9]{1,40}$", examples=["Github"])] | None,
        Meta(description="Only connectors of this kind: K8sCluster, Github, DockerRegistry, Aws, Vault."),
    ] = None,
    search_term: SearchTerm = None,
) -> Request:
    """Return the connectors of the account, an organization or a project, and whether each last reached its service."""
    query = {**scope(org_identifier, project_identifier), "type": type_, "searchTerm": search_term}
    return call("GET", "/ng/api/connectors", query)


@CONNECTOR.tool()
def get_connector(
    identifier: Connection, org_identifier: InOrg = None, project_identifier: InProject = None
) -> Request:
    """Return one connector: kind, address, how it authenticates (by reference to a secret), how it last fared."""
    path = url("/ng/api/connectors/{identifier}", identifier=identifier)
    return get(path, **scope(org_identifier, project_identifier))


@CONNECTOR.tool(writes=True, idempotent=True)
def test_connector(
    identifier: Connection,
    org_identifier: InOrg = None,  # noqa: PT028  a tool, no test
    project_identifier: InProject = None,  # noqa: PT028
) -> Request:
    """Have Harness try a connector now, and return whether it reached its service, or why not."""
    path = url("/ng/api/connectors/testConnection/{identifier}", identifier=identifier)
    return call("POST", path, scope(org_identifier, project_identifier))


@CONNECTOR.tool(items="content")
def list_secrets(
    org_identifier: InOrg = None,
    project_identifier: InProject = None,
    type_: Annotated[
        Literal["SecretText", "SecretFile", "SSHKey", "WinRmCredentials"] | None,
        Meta(description="Only secrets of this kind."),
    ] = None,
) -> Request:
    """Return the secrets of the account, an organization or a project: identifier, name, kind; never their values."""
    query = {**scope(org_identifier, project_identifier), "type": type_}
    return call("GET", "/ng/api/v2/secrets", query)


@CONNECTOR.tool()
def get_secret(
    identifier: Annotated[Identifier, Meta(description="Identifier of the secret, from list_secrets.")],
    org_identifier: InOrg = None,
    project_identifier: InProject = None,
) -> Request:
    """Return what a secret is: name, kind, which secret manager holds it; never its value."""
    path = url("/ng/api/v2/secrets/{identifier}", identifier=identifier)
    return get(path, **scope(org_identifier, project_identifier))


@CONNECTOR.tool()
def list_delegates(org_identifier: InOrg = None, project_identifier: InProject = None) -> Request:
    """Return the delegates, all at once: the agents that run Harness's tasks, their versions, whether they answer."""
    query = scope(org_identifier, project_identifier)
    return call("POST", "/ng/api/delegate-setup/listDelegates", query, {"filterType": "Delegate"})
