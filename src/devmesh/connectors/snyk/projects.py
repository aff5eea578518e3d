"""Projects, the targets that they come from, and collections of them."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from devmesh.connectors.snyk.arguments import Names, OrgId, ProjectId, Text, Uuid, joined
from devmesh.connectors.snyk.calls import rest, send_rest
from devmesh.connectors.snyk.declaration import CONNECTOR
from devmesh.errors import Fault, Invalid
from devmesh.upstream.model import Request, given, url

_PROJECT = "/orgs/{org_id}/projects/{project_id}"
_TARGET = "/orgs/{org_id}/targets/{target_id}"

TargetId = Annotated[Uuid, Meta(description="Id of the target, from list_targets.")]
Criticality = Literal["critical", "high", "medium", "low"]
Environment = Literal[
    "frontend", "backend", "internal", "external", "mobile", "saas", "onprem", "hosted", "distributed"
]
Lifecycle = Literal["production", "development", "sandbox"]
SourceType = Literal[
    "acr",
    "api",
    "artifactory-cr",
    "aws-lambda",
    "azure-functions",
    "azure-repos",
    "bitbucket-cloud",
    "bitbucket-connect-app",
    "bitbucket-server",
    "cli",
    "cloud-foundry",
    "digitalocean-cr",
    "docker-hub",
    "ecr",
    "gcr",
    "github",
    "github-cloud-app",
    "github-cr",
    "github-enterprise",
    "github-server-app",
    "gitlab",
    "gitlab-cr",
    "google-artifact-cr",
    "harbor-cr",
    "heroku",
    "ibm-cloud",
    "in-memory-fs",
    "kubernetes",
    "nexus-cr",
    "nexus-private-repo",
    "pivotal",
    "quay-cr",
    "terraform-cloud",
]


class Tag(Struct, frozen=True):
    """A label of a project."""

    key: Annotated[Text, Meta(description="Name of the tag.")]
    value: Annotated[Text, Meta(description="Its value.")]


@CONNECTOR.tool(items="data")
def list_projects(
    org_id: OrgId,
    target_id: Annotated[
        Annotated[list[Uuid], Meta(min_length=1, max_length=100)] | None,
        Meta(description="Only projects of these targets, from list_targets."),
    ] = None,
    names: Annotated[Names | None, Meta(description="Only projects of exactly these names.")] = None,
    origins: Annotated[
        Names | None, Meta(description="Only projects from there: github, gitlab, cli, docker-hub.")
    ] = None,
    types: Annotated[
        Names | None, Meta(description="Only projects of these kinds: npm, maven, sast, dockerfile.")
    ] = None,
) -> Request:
    """Return an organization's projects, each one scanned manifest or image: name, type, target, tags.

    A target is the repository or image as a whole: see list_targets.
    """
    return rest(
        url("/orgs/{org_id}/projects", org_id=org_id),
        target_id=target_id,
        names=joined(names),
        origins=joined(origins),
        types=joined(types),
    )


@CONNECTOR.tool()
def get_project(
    org_id: OrgId,
    project_id: ProjectId,
    expand: Annotated[
        Annotated[list[Literal["target"]], Meta(min_length=1, max_length=2)] | None,
        Meta(description="`target`: return the project's target too."),
    ] = None,
) -> Request:
    """Return one project: name, type, origin, settings, tags, how often it is tested."""
    return rest(url(_PROJECT, org_id=org_id, project_id=project_id), expand=joined(expand))


@CONNECTOR.tool(writes=True, idempotent=True)
def update_project(
    org_id: OrgId,
    project_id: ProjectId,
    tags: Annotated[
        Annotated[list[Tag], Meta(max_length=100)] | None, Meta(description="All its tags from now on; empty: none.")
    ] = None,
    business_criticality: Annotated[
        Annotated[list[Criticality], Meta(max_length=4)] | None,
        Meta(description="How much depends on it; empty: unset."),
    ] = None,
    environment: Annotated[
        Annotated[list[Environment], Meta(max_length=9)] | None, Meta(description="Where it runs; empty: unset.")
    ] = None,
    lifecycle: Annotated[
        Annotated[list[Lifecycle], Meta(max_length=3)] | None, Meta(description="Which stage it is; empty: unset.")
    ] = None,
    test_frequency: Annotated[
        Literal["daily", "weekly", "never"] | None, Meta(description="How often Snyk tests it by itself.")
    ] = None,
    owner_id: Annotated[
        Uuid | None, Meta(description="Id of the user who is to own it, from list_org_members.")
    ] = None,
) -> Request:
    """Change a project's tags, attributes, test frequency or owner, and return it; a list replaces the present one."""
    attributes = given(
        tags=None if tags is None else [{"key": tag.key, "value": tag.value} for tag in tags],
        business_criticality=business_criticality,
        environment=environment,
        lifecycle=lifecycle,
        test_frequency=test_frequency,
    )
    if not attributes and owner_id is None:
        raise Invalid([Fault("", "name something to change")])
    owner = {} if owner_id is None else {"owner": {"data": {"type": "user", "id": owner_id}}}
    data = {"type": "project", "id": project_id, "attributes": attributes, "relationships": owner}
    return send_rest("PATCH", url(_PROJECT, org_id=org_id, project_id=project_id), data)


@CONNECTOR.tool(writes=True, destructive=True, idempotent=True)
def delete_project(org_id: OrgId, project_id: ProjectId) -> Request:
    """Delete a project with its issues' history and its ignores; importing its target anew makes an empty one."""
    return send_rest("DELETE", url(_PROJECT, org_id=org_id, project_id=project_id))


@CONNECTOR.tool(items="data")
def list_targets(
    org_id: OrgId,
    url_: Annotated[Text | None, Meta(description="Only the target with this address.")] = None,
    source_types: Annotated[
        Annotated[list[SourceType], Meta(min_length=1, max_length=33)] | None,
        Meta(description="Only targets that come from one of these."),
    ] = None,
    display_name: Annotated[Text | None, Meta(description="Only targets whose name begins with this.")] = None,
) -> Request:
    """Return an organization's targets, the repositories and images that its projects come from."""
    return rest(
        url("/orgs/{org_id}/targets", org_id=org_id),
        url=url_,
        source_types=joined(source_types),
        display_name=display_name,
    )


@CONNECTOR.tool()
def get_target(org_id: OrgId, target_id: TargetId) -> Request:
    """Return one target: name, address, integration, whether it is private."""
    return rest(url(_TARGET, org_id=org_id, target_id=target_id))


@CONNECTOR.tool(writes=True, destructive=True, idempotent=True)
def delete_target(org_id: OrgId, target_id: TargetId) -> Request:
    """Delete a target with all of its projects, their history and their ignores."""
    return send_rest("DELETE", url(_TARGET, org_id=org_id, target_id=target_id))


@CONNECTOR.tool(items="data")
def list_collections(
    org_id: OrgId,
    name: Annotated[Text | None, Meta(description="Only collections whose name contains this.")] = None,
) -> Request:
    """Return an organization's collections, which gather projects under a name, with their issue counts."""
    return rest(url("/orgs/{org_id}/collections", org_id=org_id), name=name)
