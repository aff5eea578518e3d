"""Bills of materials: a project's own, and tests of any other."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, structs

from devmesh.connectors.snyk.arguments import OrgId, ProjectId, Uuid
from devmesh.connectors.snyk.calls import BETA, rest, send_rest
from devmesh.connectors.snyk.declaration import CONNECTOR
from devmesh.upstream.model import Request, url

_TEST = "/orgs/{org_id}/sbom_tests/{job_id}"

JobId = Annotated[Uuid, Meta(description="Id of the test, from test_sbom.")]


@CONNECTOR.tool(projects=False)
def get_project_sbom(
    org_id: OrgId,
    project_id: ProjectId,
    format_: Annotated[
        Literal[
            "cyclonedx1.6+json",
            "cyclonedx1.6+xml",
            "cyclonedx1.5+json",
            "cyclonedx1.5+xml",
            "cyclonedx1.4+json",
            "cyclonedx1.4+xml",
            "spdx2.3+json",
        ],
        Meta(description="Format of the bill of materials."),
    ],
) -> Request:
    """Return a project's bill of materials: all its dependencies, in the format asked for, XML as text."""
    request = rest(
        url("/orgs/{org_id}/projects/{project_id}/sbom", org_id=org_id, project_id=project_id), format=format_
    )
    return structs.replace(request, headers={"accept": "*/*"})


@CONNECTOR.tool(writes=True)
def test_sbom(
    org_id: OrgId,
    sbom: Annotated[
        dict[str, Any], Meta(description="The bill of materials as JSON: CycloneDX 1.4 to 1.6 or SPDX 2.3, with purls.")
    ],
) -> Request:
    """Start a test of a bill of materials, and return its id for get_sbom_test; nothing is kept as a project."""
    data = {"type": "sbom_test", "attributes": {"sbom": sbom}}
    return send_rest("POST", url("/orgs/{org_id}/sbom_tests", org_id=org_id), data, version=BETA)


@CONNECTOR.tool()
def get_sbom_test(org_id: OrgId, job_id: JobId) -> Request:
    """Return whether a test of a bill of materials is processing, finished or failed; ask again until it is done."""
    return rest(url(_TEST, org_id=org_id, job_id=job_id), version=BETA)


@CONNECTOR.tool(items="included")
def get_sbom_test_results(org_id: OrgId, job_id: JobId) -> Request:
    """Return what a finished test found: its summary in `data`, and page by page packages and vulnerabilities."""
    return rest(url(f"{_TEST}/results", org_id=org_id, job_id=job_id), version=BETA)
