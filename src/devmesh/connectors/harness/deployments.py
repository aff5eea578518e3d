"""What is deployed and where to: services, environments, infrastructure definitions."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from devmesh.connectors.harness.arguments import (
    Description,
    Environment,
    Identifier,
    InOrg,
    InProject,
    Name,
    NewIdentifier,
    SearchTerm,
    Yaml,
)
from devmesh.connectors.harness.calls import call, scope
from devmesh.connectors.harness.declaration import CONNECTOR
from devmesh.connectors.harness.paging import PIPELINE_PAGES
from devmesh.upstream.model import Request, get, given, url

_SERVICE = "/ng/api/servicesV2/{service_identifier}"

Service = Annotated[Identifier, Meta(description="Identifier of the service, from list_services.")]
OwnIdentifier = Annotated[NewIdentifier, Meta(description="Its identifier; it cannot be changed.")]
OwnName = Annotated[Name, Meta(description="Its name.")]
Definition = Annotated[Yaml | None, Meta(description="The whole definition in YAML, its identifier and name alike.")]


@CONNECTOR.tool(items="content", paging=PIPELINE_PAGES)
def list_services(
    org_identifier: InOrg = None, project_identifier: InProject = None, search_term: SearchTerm = None
) -> Request:
    """Return the services of the account, an organization or a project: what pipelines deploy."""
    return get("/ng/api/servicesV2", **scope(org_identifier, project_identifier), searchTerm=search_term)


@CONNECTOR.tool()
def get_service(
    service_identifier: Service, org_identifier: InOrg = None, project_identifier: InProject = None
) -> Request:
    """Return one service with its definition in YAML: manifests, artifacts, variables."""
    path = url(_SERVICE, service_identifier=service_identifier)
    return get(path, **scope(org_identifier, project_identifier))


@CONNECTOR.tool(writes=True)
def create_service(
    identifier: OwnIdentifier,
    name: OwnName,
    org_identifier: InOrg = None,
    project_identifier: InProject = None,
    yaml: Definition = None,
    description: Description = None,
) -> Request:
    """Create a service in the account, an organization or a project, and return it."""
    where = scope(org_identifier, project_identifier)
    service = given(identifier=identifier, name=name, **where, yaml=yaml, description=description)
    return call("POST", "/ng/api/servicesV2", {}, service)


@CONNECTOR.tool(writes=True, destructive=True, idempotent=True)
def delete_service(
    service_identifier: Service, org_identifier: InOrg = None, project_identifier: InProject = None
) -> Request:
    """Delete a service for good; one that pipelines refer to is refused."""
    path = url(_SERVICE, service_identifier=service_identifier)
    return call("DELETE", path, scope(org_identifier, project_identifier))


@CONNECTOR.tool(items="content", paging=PIPELINE_PAGES)
def list_environments(
    org_identifier: InOrg = None, project_identifier: InProject = None, search_term: SearchTerm = None
) -> Request:
    """Return the environments of the account, an organization or a project: where services are deployed to."""
    return get("/ng/api/environmentsV2", **scope(org_identifier, project_identifier), searchTerm=search_term)


@CONNECTOR.tool()
def get_environment(
    environment_identifier: Environment, org_identifier: InOrg = None, project_identifier: InProject = None
) -> Request:
    """Return one environment with its definition in YAML: type, variables, overrides."""
    path = url("/ng/api/environmentsV2/{environment_identifier}", environment_identifier=environment_identifier)
    return get(path, **scope(org_identifier, project_identifier))


@CONNECTOR.tool(writes=True)
def create_environment(
    identifier: OwnIdentifier,
    name: OwnName,
    type_: Annotated[Literal["Production", "PreProduction"], Meta(description="Whether it is in production.")],
    org_identifier: InOrg = None,
    project_identifier: InProject = None,
    yaml: Definition = None,
    description: Description = None,
) -> Request:
    """Create an environment in the account, an organization or a project, and return it."""
    where = scope(org_identifier, project_identifier)
    environment = given(identifier=identifier, name=name, type=type_, **where, yaml=yaml, description=description)
    return call("POST", "/ng/api/environmentsV2", {}, environment)


@CONNECTOR.tool(items="content", paging=PIPELINE_PAGES)
def list_infrastructures(
    environment_identifier: Environment, org_identifier: InOrg = None, project_identifier: InProject = None
) -> Request:
    """Return an environment's infrastructure definitions: the clusters, hosts or accounts that are deployed to."""
    query = scope(org_identifier, project_identifier)
    return get("/ng/api/infrastructures", **query, environmentIdentifier=environment_identifier)
