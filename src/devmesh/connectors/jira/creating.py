"""What an issue can be opened with."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from devmesh.connectors.jira.arguments import NumericId, ProjectKey
from devmesh.connectors.jira.declaration import CONNECTOR
from devmesh.connectors.jira.paging import CountedPaging
from devmesh.upstream.model import Request, get, url

_TYPES = "/rest/api/3/issue/createmeta/{project_id_or_key}/issuetypes"
_PAGING = CountedPaging(200)


@CONNECTOR.tool(items="issueTypes", paging=_PAGING)
def get_create_metadata(project_id_or_key: ProjectKey) -> Request:
    """Return the issue types that the credential's owner may open in a project, with their ids and names."""
    return get(url(_TYPES, project_id_or_key=project_id_or_key))


@CONNECTOR.tool(items="fields", paging=_PAGING)
def get_create_fields(
    project_id_or_key: ProjectKey,
    issue_type_id: Annotated[NumericId, Meta(description="Id of the type, from get_create_metadata.")],
) -> Request:
    """Return the fields for opening an issue of a type: id, name, whether it is required, and the values allowed."""
    return get(url(f"{_TYPES}/{{issue_type_id}}", project_id_or_key=project_id_or_key, issue_type_id=issue_type_id))
