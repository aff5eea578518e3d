"""The arguments that many of Confluence's tools share, each said once, and what bodies become on the wire."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from devmesh.connectors.atlassian.documents import document
from devmesh.errors import Fault, Invalid

NumericId = Annotated[str, Meta(pattern="^[0-9]{1,19}$", examples=["131073"])]
PageId = Annotated[NumericId, Meta(description="Id of the page, from list_pages or search_content.")]
SpaceId = Annotated[NumericId, Meta(description="Id of the space (not its key), from list_spaces.")]
CommentId = Annotated[NumericId, Meta(description="Id of the comment, from list_page_footer_comments.")]
AttachmentId = Annotated[
    str,
    Meta(
        description="Id of the attachment, from list_page_attachments.",
        pattern="^(att)?[0-9]{1,19}$",
        examples=["att131073"],
    ),
]
AccountId = Annotated[str, Meta(pattern="^[A-Za-z0-9:._-]{1,128}$", examples=["5b10ac8d82e05b22cc7d4ef5"])]
VersionNumber = Annotated[
    Annotated[int, Meta(ge=1, le=2**31 - 1)],
    Meta(description="The number that the version gets: the present one, which must be read first, plus one."),
]

Line = Annotated[str, Meta(min_length=1, max_length=255)]
Cql = Annotated[str, Meta(min_length=1, max_length=6000)]
_LONGEST_MARKDOWN = 100_000

Body = Annotated[
    Annotated[str, Meta(max_length=2_000_000)] | dict[str, Any],
    Meta(description="The text, in the form that `representation` says; or a whole document of Atlassian's (ADF)."),
]
Representation = Annotated[
    Literal["markdown", "storage", "wiki"],
    Meta(description="What `body` is: simple Markdown, Confluence's storage format (XHTML), or wiki markup."),
]
BodyFormat = Annotated[
    Literal["storage", "atlas_doc_format"] | None,
    Meta(description="Also return the text, in this format; omitted: no text."),
]
OneBodyFormat = Annotated[
    Literal["storage", "atlas_doc_format", "view", "export_view", "anonymous_export_view", "styled_view", "editor"]
    | None,
    Meta(description="Also return the text, in this format (`view` is HTML); omitted: no text."),
]
Sort = Annotated[
    Literal["id", "-id", "created-date", "-created-date", "modified-date", "-modified-date", "title", "-title"] | None,
    Meta(description="What to sort by, with `-` backwards."),
]
Draft = Annotated[Literal["current", "draft"] | None, Meta(description="`draft`: not published; omitted: current.")]


def written(body: str | dict[str, Any], representation: str) -> dict[str, str]:
    """Return the body as Confluence takes it; Invalid for an object that is no document, or too long a Markdown."""
    if isinstance(body, str) and representation != "markdown":
        return {"representation": representation, "value": body}
    if isinstance(body, str) and len(body) > _LONGEST_MARKDOWN:
        limit = f"Markdown of more than {_LONGEST_MARKDOWN} characters is not converted: give storage format"
        raise Invalid([Fault("body", limit)])
    value = msgspec.json.encode(document(body, "body")).decode()
    return {"representation": "atlas_doc_format", "value": value}


def joined(values: Sequence[str] | None) -> str | None:
    """Return the values as one text with commas, None for none."""
    return ",".join(values) if values else None
