"""Comments: below a page or post, and on pieces of a page's text."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from devmesh.connectors.confluence.arguments import (
    Body,
    BodyFormat,
    CommentId,
    Line,
    NumericId,
    PageId,
    Representation,
    VersionNumber,
    written,
)
from devmesh.connectors.confluence.declaration import CONNECTOR
from devmesh.errors import Fault, Invalid
from devmesh.upstream.model import Request, get, given, send, url

_FOOTER = "/wiki/api/v2/footer-comments"


class Place(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The piece of a page's text that a comment is on."""

    text_selection: Annotated[Line, Meta(description="The very words.")]
    text_selection_match_count: Annotated[
        Annotated[int, Meta(ge=1)], Meta(description="How often the words stand on the page.")
    ]
    text_selection_match_index: Annotated[Annotated[int, Meta(ge=0)], Meta(description="Which of those, from 0.")]


@CONNECTOR.tool(items="results")
def list_page_footer_comments(id: PageId, body_format: BodyFormat = None) -> Request:  # noqa: A002
    """Return the comments below a page, with ids, authors, times, and their texts if asked for; not the replies."""
    return get(url("/wiki/api/v2/pages/{id}/footer-comments", id=id), **{"body-format": body_format})


@CONNECTOR.tool(items="results")
def list_page_inline_comments(id: PageId, body_format: BodyFormat = None) -> Request:  # noqa: A002
    """Return the comments on pieces of a page's text, with those pieces and whether they are resolved."""
    return get(url("/wiki/api/v2/pages/{id}/inline-comments", id=id), **{"body-format": body_format})


@CONNECTOR.tool(writes=True)
def create_footer_comment(
    body: Body,
    representation: Representation = "markdown",
    page_id: Annotated[PageId | None, Meta(description="Comment on this page,")] = None,
    blog_post_id: Annotated[NumericId | None, Meta(description="or on this blog post,")] = None,
    parent_comment_id: Annotated[CommentId | None, Meta(description="or reply to this comment.")] = None,
) -> Request:
    """Comment below a page or blog post, or reply to such a comment, and return it; give one of the three ids."""
    place = given(pageId=page_id, blogPostId=blog_post_id, parentCommentId=parent_comment_id)
    if not place:
        raise Invalid([Fault("page_id", "give page_id, blog_post_id or parent_comment_id")])
    return send("POST", _FOOTER, {**place, "body": written(body, representation)})


@CONNECTOR.tool(writes=True)
def create_inline_comment(
    body: Body,
    representation: Representation = "markdown",
    page_id: Annotated[PageId | None, Meta(description="Comment on this page,")] = None,
    parent_comment_id: Annotated[
        NumericId | None, Meta(description="or reply to this comment, from list_page_inline_comments.")
    ] = None,
    inline_comment_properties: Annotated[
        Place | None, Meta(description="The piece of text to comment on, with page_id.")
    ] = None,
) -> Request:
    """Comment on a piece of a page's text, or reply to such a comment, and return it."""
    if page_id is None and parent_comment_id is None:
        raise Invalid([Fault("page_id", "give page_id or parent_comment_id")])
    if page_id is not None and inline_comment_properties is None:
        raise Invalid([Fault("inline_comment_properties", "required with page_id")])
    place = given(pageId=page_id, parentCommentId=parent_comment_id)
    if inline_comment_properties is not None:
        place["inlineCommentProperties"] = {
            "textSelection": inline_comment_properties.text_selection,
            "textSelectionMatchCount": inline_comment_properties.text_selection_match_count,
            "textSelectionMatchIndex": inline_comment_properties.text_selection_match_index,
        }
    return send("POST", "/wiki/api/v2/inline-comments", {**place, "body": written(body, representation)})


@CONNECTOR.tool(writes=True, idempotent=True)
def update_footer_comment(
    comment_id: CommentId, body: Body, version_number: VersionNumber, representation: Representation = "markdown"
) -> Request:
    """Replace the text of a comment below a page, and return it; its version is in call_api's reply to its GET."""
    comment = {"version": {"number": version_number}, "body": written(body, representation)}
    return send("PUT", url(f"{_FOOTER}/{{comment_id}}", comment_id=comment_id), comment)


@CONNECTOR.tool(writes=True, destructive=True, idempotent=True)
def delete_footer_comment(comment_id: CommentId) -> Request:
    """Delete a comment below a page with its replies, for good."""
    return send("DELETE", url(f"{_FOOTER}/{{comment_id}}", comment_id=comment_id))
