"""Integrations with source and image hosts, imports through them, and what projects depend on (v1)."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from devmesh.connectors.snyk.arguments import Names, OrgId, Severity, Text, Uuid
from devmesh.connectors.snyk.calls import v1
from devmesh.connectors.snyk.declaration import CONNECTOR
from devmesh.connectors.snyk.paging import NumberPaging
from devmesh.errors import Fault, Invalid
from devmesh.upstream.model import Request, given, url

_IMPORT = "/org/{org_id}/integrations/{integration_id}/import"

IntegrationId = Annotated[Uuid, Meta(description="Id of the integration, from list_integrations.")]


class ImportTarget(Struct, frozen=True, forbid_unknown_fields=True):
    """What to import; each kind of integration takes its own members, and no others."""

    owner: Annotated[
        Text | None, Meta(description="GitHub, Bitbucket Cloud (workspace), Azure (project): the owner.")
    ] = None
    name: Annotated[
        Text | None, Meta(description="Name of the repository; of an image with its tag, where it is one.")
    ] = None
    branch: Annotated[Text | None, Meta(description="GitHub, Azure, GitLab: the branch.")] = None
    id: Annotated[
        Annotated[int, Meta(ge=1, le=2**53 - 1)] | None, Meta(description="GitLab: id of the repository.")
    ] = None
    project_key: Annotated[Text | None, Meta(description="Bitbucket Server: key of the project.")] = None
    repo_slug: Annotated[Text | None, Meta(description="Bitbucket Server: slug of the repository.")] = None
    app_id: Annotated[Text | None, Meta(description="Heroku, Cloud Foundry: id of the app.")] = None
    slug_id: Annotated[Text | None, Meta(description="Heroku: id of the slug.")] = None
    function_id: Annotated[Text | None, Meta(description="AWS Lambda: id of the function.")] = None


class DependencyFilters(Struct, frozen=True, forbid_unknown_fields=True):
    """Which dependencies are wanted; several filters must all hold."""

    languages: Annotated[Names | None, Meta(description="Only of these languages, such as javascript.")] = None
    projects: Annotated[
        Annotated[list[Uuid], Meta(min_length=1, max_length=100)] | None, Meta(description="Only of these projects.")
    ] = None
    dependencies: Annotated[Names | None, Meta(description="Only these dependencies, such as qs@6.2.1.")] = None
    licenses: Annotated[Names | None, Meta(description="Only under these licenses, such as MIT.")] = None
    severity: Annotated[
        Annotated[list[Severity], Meta(min_length=1, max_length=5)] | None,
        Meta(description="Only with issues of these levels."),
    ] = None
    dep_status: Annotated[
        Literal["deprecated", "notDeprecated", "any"] | None, Meta(description="Whether the dependency is deprecated.")
    ] = None


@CONNECTOR.tool()
def list_integrations(org_id: OrgId) -> Request:
    """Return an organization's integrations: their ids by kind (github, gitlab, docker-hub), for import_targets."""
    return v1("GET", url("/org/{org_id}/integrations", org_id=org_id))


@CONNECTOR.tool(writes=True)
def import_targets(
    org_id: OrgId,
    integration_id: IntegrationId,
    target: Annotated[ImportTarget, Meta(description="The repository, image or app.")],
    files: Annotated[
        Annotated[list[Text], Meta(min_length=1, max_length=100)] | None,
        Meta(description="Only these manifests, by their paths in the repository; omitted: all that Snyk finds."),
    ] = None,
    exclusion_globs: Annotated[
        Annotated[list[Annotated[str, Meta(pattern="^[^,]{1,100}$")]], Meta(max_length=10)] | None,
        Meta(description="Names of folders to leave out; empty: none; omitted: fixtures, tests, node_modules."),
    ] = None,
) -> Request:
    """Start the import of a repository, image or app, and return its job_id for get_import_job."""
    named = given(
        owner=target.owner,
        name=target.name,
        branch=target.branch,
        id=target.id,
        projectKey=target.project_key,
        repoSlug=target.repo_slug,
        appId=target.app_id,
        slugId=target.slug_id,
        functionId=target.function_id,
    )
    if not named:
        raise Invalid([Fault("target", "must name what to import")])
    paths = None if files is None else [{"path": path} for path in files]
    globs = None if exclusion_globs is None else ",".join(exclusion_globs)
    body = given(target=named, files=paths, exclusionGlobs=globs)
    return v1("POST", url(_IMPORT, org_id=org_id, integration_id=integration_id), body)


@CONNECTOR.tool()
def get_import_job(
    org_id: OrgId,
    integration_id: IntegrationId,
    job_id: Annotated[Uuid, Meta(description="Id of the job, from import_targets.")],
) -> Request:
    """Return how far an import is: its state, and of each file the project that it became, or why it failed."""
    path = url(f"{_IMPORT}/{{job_id}}", org_id=org_id, integration_id=integration_id, job_id=job_id)
    return v1("GET", path)


@CONNECTOR.tool(items="results", paging=NumberPaging())
def list_dependencies(
    org_id: OrgId,
    filters: Annotated[
        DependencyFilters | None, Meta(description="Which dependencies are wanted; omitted: all.")
    ] = None,
    sort_by: Annotated[
        Literal["projects", "dependency", "severity", "dependenciesWithIssues"] | None,
        Meta(description="What to sort by."),
    ] = None,
) -> Request:
    """Return the packages that an organization's projects depend on: version, licenses, issues, which projects."""
    wanted = {} if filters is None else {"filters": _filters(filters)}
    return v1("POST", url("/org/{org_id}/dependencies", org_id=org_id), wanted, sortBy=sort_by)


def _filters(filters: DependencyFilters) -> dict[str, object]:
    return given(
        languages=filters.languages,
        projects=filters.projects,
        dependencies=filters.dependencies,
        licenses=filters.licenses,
        severity=filters.severity,
        depStatus=filters.dep_status,
    )
