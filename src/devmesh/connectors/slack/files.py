"""Files and canvases. A file is uploaded in three steps: get_upload_url, the bytes to that address, complete_upload."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from devmesh.connectors.slack.arguments import ChannelId, File, FileId, Moment, Ts, UserId, joined
from devmesh.connectors.slack.calls import post
from devmesh.connectors.slack.declaration import CONNECTOR
from devmesh.connectors.slack.paging import PagePaging
from devmesh.connectors.slack.scopes import FILES
from devmesh.upstream.model import Request, get, given

_Kind = Annotated[str, Meta(pattern="^[a-z]{1,30}$", examples=["images"])]
_Words = Annotated[str, Meta(min_length=1, max_length=1000)]


class UploadedFile(Struct, frozen=True):
    """A file whose bytes have been sent."""

    id: Annotated[FileId, Meta(description="The file_id from get_upload_url.")]
    title: Annotated[
        Annotated[str, Meta(max_length=255)] | None, Meta(description="Title to show; omitted: the file's name.")
    ] = None


@CONNECTOR.tool(items="files", paging=PagePaging(), needs=("files:read",))
def list_files(
    channel: Annotated[ChannelId | None, Meta(description="Only files shared in this conversation.")] = None,
    user: Annotated[UserId | None, Meta(description="Only files of this user.")] = None,
    types: Annotated[
        Annotated[list[_Kind], Meta(min_length=1, max_length=10)] | None,
        Meta(description="Only these kinds: spaces, snippets, images, gdocs, zips, pdfs, canvas; omitted: all."),
    ] = None,
    ts_from: Annotated[Moment | None, Meta(description="Only files made at or after this Unix time.")] = None,
    ts_to: Annotated[Moment | None, Meta(description="Only files made at or before this Unix time.")] = None,
) -> Request:
    """Return the files that the token sees, newest first: ID, name, kind, size, who shared them where."""
    return get("/files.list", channel=channel, user=user, types=joined(types), ts_from=ts_from, ts_to=ts_to)


@CONNECTOR.tool(needs=("files:read",))
def get_file(file: File) -> Request:
    """Return one file's data: name, kind, size, where it is shared, and of a short text its beginning."""
    return get("/files.info", file=file)


@CONNECTOR.tool(writes=True, needs=FILES)
def get_upload_url(
    filename: Annotated[str, Meta(min_length=1, max_length=255, description="Name of the file, with its ending.")],
    length: Annotated[int, Meta(ge=1, le=1_073_741_824, description="Size of the file in bytes.")],
    alt_txt: Annotated[_Words | None, Meta(description="What an image shows, for those who cannot see it.")] = None,
    snippet_type: Annotated[
        Annotated[str, Meta(max_length=50)] | None, Meta(description="Language of a snippet of code, such as python.")
    ] = None,
) -> Request:
    """Return an upload_url and a file_id: the first step of an upload.

    POST the bytes to the upload_url, which takes no token and only this one file; then call complete_upload.
    """
    # The one method here that reads no JSON.
    form = given(filename=filename, length=str(length), alt_txt=alt_txt, snippet_type=snippet_type)
    return Request(method="POST", path="/files.getUploadURLExternal", form=form)


@CONNECTOR.tool(writes=True, needs=FILES)
def complete_upload(
    files: Annotated[list[UploadedFile], Meta(min_length=1, max_length=20, description="The files to finish.")],
    channel_id: Annotated[
        ChannelId | None, Meta(description="ID of the conversation to share them in; omitted: they stay private.")
    ] = None,
    thread_ts: Annotated[
        Ts | None, Meta(description="With channel_id: share them in this thread, the `ts` of its first message.")
    ] = None,
    initial_comment: Annotated[_Words | None, Meta(description="With channel_id: the message above them.")] = None,
) -> Request:
    """Finish the upload of files whose bytes have been sent, share them and return them: an upload's last step."""
    named = [given(id=file.id, title=file.title) for file in files]
    return post(
        "files.completeUploadExternal",
        files=named,
        channel_id=channel_id,
        thread_ts=thread_ts,
        initial_comment=initial_comment,
    )


@CONNECTOR.tool(writes=True, destructive=True, idempotent=True, needs=FILES)
def delete_file(file: File) -> Request:
    """Delete a file for good, wherever it is shared."""
    return post("files.delete", file=file)


@CONNECTOR.tool(writes=True, needs=("canvases:write",))
def create_canvas(
    title: Annotated[Annotated[str, Meta(max_length=255)] | None, Meta(description="Title of the canvas.")] = None,
    document_content: Annotated[
        Annotated[str, Meta(max_length=100_000)] | None,
        Meta(description="What it says, in Markdown; omitted: nothing."),
    ] = None,
    channel_id: Annotated[
        ChannelId | None, Meta(description="ID of the channel to put it in as a tab; needed where Slack is free.")
    ] = None,
) -> Request:
    """Create a canvas, a document of its own or a channel's tab, and return its canvas_id."""
    content = None if document_content is None else {"type": "markdown", "markdown": document_content}
    return post("canvases.create", title=title, document_content=content, channel_id=channel_id)
