"""Files attached to issues."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from devmesh.connectors.atlassian.uploads import File, upload
from devmesh.connectors.jira.arguments import IssueKey
from devmesh.connectors.jira.declaration import CONNECTOR
from devmesh.upstream.model import Request, url


@CONNECTOR.tool(writes=True)
def add_attachment(issue_id_or_key: IssueKey, file: Annotated[File, Meta(description="The file.")]) -> Request:
    """Attach a file to an issue and return its id and address; each call attaches another one."""
    return upload(
        "POST", url("/rest/api/3/issue/{issue_id_or_key}/attachments", issue_id_or_key=issue_id_or_key), file, {}
    )
