"""Files attached to pages."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from devmesh.connectors.atlassian.uploads import File, upload
from devmesh.connectors.confluence.arguments import AttachmentId, Line, PageId
from devmesh.connectors.confluence.declaration import CONNECTOR
from devmesh.upstream.model import Request, get, given, send, url

_ATTACHMENT = "/wiki/api/v2/attachments/{id}"


@CONNECTOR.tool(items="results")
def list_page_attachments(
    id: PageId,  # noqa: A002
    filename: Annotated[Line | None, Meta(description="Only the file of this name.")] = None,
    media_type: Annotated[Line | None, Meta(description="Only files of this kind, as `image/png`.")] = None,
) -> Request:
    """Return the files attached to a page: ids, names, sizes, kinds and where they are downloaded."""
    return get(url("/wiki/api/v2/pages/{id}/attachments", id=id), filename=filename, mediaType=media_type)


@CONNECTOR.tool()
def get_attachment(id: AttachmentId) -> Request:  # noqa: A002
    """Return what is known of an attached file, its download link among it; not the file itself."""
    return get(url(_ATTACHMENT, id=id))


@CONNECTOR.tool(writes=True)
def upload_attachment(
    id: PageId,  # noqa: A002
    file: Annotated[File, Meta(description="The file; one of the same name gets a new version.")],
    comment: Annotated[Line | None, Meta(description="What the file is.")] = None,
    minor_edit: Annotated[bool | None, Meta(description="Notify nobody.")] = None,
) -> Request:
    """Attach a file to a page, or a new version of it, and return it with its id."""
    minor = None if minor_edit is None else str(minor_edit).lower()
    path = url("/wiki/rest/api/content/{id}/child/attachment", id=id)
    return upload("PUT", path, file, given(comment=comment, minorEdit=minor), check="nocheck")


@CONNECTOR.tool(writes=True, destructive=True, idempotent=True)
def delete_attachment(
    id: AttachmentId,  # noqa: A002
    purge: Annotated[bool | None, Meta(description="Delete for good a file that is in the trash already.")] = None,
) -> Request:
    """Put an attached file with all its versions into the trash."""
    return send("DELETE", url(_ATTACHMENT, id=id), None, purge=purge)
