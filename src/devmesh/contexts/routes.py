"""Contexts over HTTP: guide 1."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct

from devmesh.access import Caller
from devmesh.contexts.form import ContextBody
from devmesh.contexts.model import LONGEST_NAME, Context, Filters, Listed, Version
from devmesh.contexts.service import Contexts
from devmesh.http.conditional import etag, if_match_versions, is_known
from devmesh.http.routing import Cursor, Limit, Request, Response, cursor_of, delete, get, position_of, post, put

Tags = Annotated[list[str], Meta(max_length=10, description="A tag that it has; given several times: all of them.")]
Agent = Annotated[str, Meta(min_length=1, max_length=LONGEST_NAME, description="The agent_id that it has.")] | None
Name = Annotated[str, Meta(min_length=1, max_length=LONGEST_NAME, description="The name that it has, exactly.")] | None
Search = (
    Annotated[
        str,
        Meta(
            min_length=1, max_length=LONGEST_NAME, description="What stands anywhere in its name, upper or lower case."
        ),
    ]
    | None
)
Number = Annotated[int, Meta(ge=1, le=2**31 - 1)]
_NOT_MODIFIED = 304


class ContextShown(Struct, frozen=True):
    """A context whole; `content` is the document as it was stored."""

    id: UUID
    tenant_id: UUID
    name: str | None
    tags: list[str]
    agent_id: str | None
    content: Any
    version: int
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None


class ContextListed(Struct, frozen=True):
    """A context in a list: without its content."""

    id: UUID
    tenant_id: UUID
    name: str | None
    tags: list[str]
    agent_id: str | None
    version: int
    created_by: UUID
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None


class ContextList(Struct, frozen=True):
    """One page of contexts."""

    contexts: list[ContextListed]
    count: int
    next_cursor: str | None


class VersionShown(Struct, frozen=True):
    """A version that is kept: `size` is its content's, in bytes; `written_by` a user's id."""

    version: int
    name: str | None
    tags: list[str]
    size: int
    written_by: UUID
    written_at: datetime


class VersionList(Struct, frozen=True):
    """The versions of a context that are kept."""

    versions: list[VersionShown]
    count: int
    next_cursor: str | None


@post("/contexts", scope="contexts:write", status=201)
async def create_context(contexts: Contexts, caller: Caller, data: ContextBody) -> Response[ContextShown]:
    """Store a context.

    The body is any JSON object: name, tags, agent_id, expires_at and content are read if present, everything else is
    kept under content.
    """
    made = await contexts.create(caller, data.draft())
    return _shown(caller, made, ("Location", f"/api/v1/contexts/{made.id}"))


@get("/contexts", scope="contexts:read")
async def list_contexts(
    contexts: Contexts,
    caller: Caller,
    tag: Tags | None = None,
    agent_id: Agent = None,
    name: Name = None,
    q: Search = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> ContextList:
    """List your tenant's contexts, the newest first, without their content."""
    filters = Filters(tuple(tag or ()), agent_id, name, q, position_of(cursor, UUID), limit + 1)
    found = await contexts.page(caller, filters)
    page = found[:limit]
    next_cursor = cursor_of(page[-1].id) if len(found) > limit else None
    return ContextList([_listed(caller, context) for context in page], len(page), next_cursor)


@get("/contexts/{context_id:uuid}", scope="contexts:read")
async def get_context(contexts: Contexts, caller: Caller, request: Request, context_id: UUID) -> Response[ContextShown]:
    """Show a context with its content; 304 if If-None-Match names its ETag."""
    return _unless_known(request, caller, await contexts.get(caller, context_id))


@put("/contexts/{context_id:uuid}", scope="contexts:write")
async def replace_context(
    contexts: Contexts, caller: Caller, request: Request, context_id: UUID, data: ContextBody
) -> Response[ContextShown]:
    """Replace a context whole, as its next version; with If-Match only if nobody has changed it since."""
    versions = if_match_versions(request)
    return _shown(caller, await contexts.replace(caller, context_id, data.draft(), versions))


@delete("/contexts/{context_id:uuid}", scope="contexts:write", status=204)
async def remove_context(contexts: Contexts, caller: Caller, request: Request, context_id: UUID) -> None:
    """Delete a context with all its versions; with If-Match only if nobody has changed it since."""
    await contexts.remove(caller, context_id, if_match_versions(request))


@get("/contexts/{context_id:uuid}/versions", scope="contexts:read")
async def list_context_versions(
    contexts: Contexts, caller: Caller, context_id: UUID, limit: Limit = 50, cursor: Cursor = None
) -> VersionList:
    """List the versions of a context that are kept, the newest first."""
    found = await contexts.versions(caller, context_id, position_of(cursor, Number), limit + 1)
    page = [_version(version) for version in found[:limit]]
    return VersionList(page, len(page), cursor_of(page[-1].version) if len(found) > limit else None)


@get("/contexts/{context_id:uuid}/versions/{version:int}", scope="contexts:read")
async def get_context_version(
    contexts: Contexts, caller: Caller, request: Request, context_id: UUID, version: int
) -> Response[ContextShown]:
    """Show a context as it was at one of its versions; `updated_at` is when that was written."""
    return _unless_known(request, caller, await contexts.version(caller, context_id, version))


def _shown(caller: Caller, context: Context, *headers: tuple[str, str]) -> Response[ContextShown]:
    shown = ContextShown(
        id=context.id,
        tenant_id=caller.tenant_id,
        name=context.name,
        tags=context.tags,
        agent_id=context.agent_id,
        content=context.content,
        version=context.version,
        created_at=context.created_at,
        updated_at=context.updated_at,
        expires_at=context.expires_at,
    )
    return Response(shown, headers=dict([("ETag", etag(context.version)), *headers]))


def _unless_known(request: Request, caller: Caller, context: Context) -> Response[ContextShown]:
    tag = etag(context.version)
    if is_known(request, tag):
        nothing: Any = None
        return Response(nothing, status_code=_NOT_MODIFIED, headers={"ETag": tag})
    return _shown(caller, context)


def _listed(caller: Caller, context: Listed) -> ContextListed:
    return ContextListed(
        id=context.id,
        tenant_id=caller.tenant_id,
        name=context.name,
        tags=context.tags,
        agent_id=context.agent_id,
        version=context.version,
        created_by=context.created_by,
        created_at=context.created_at,
        updated_at=context.updated_at,
        expires_at=context.expires_at,
    )


def _version(version: Version) -> VersionShown:
    return VersionShown(
        version.version, version.name, version.tags, version.size, version.written_by, version.written_at
    )


ROUTES = [
    create_context,
    list_contexts,
    get_context,
    replace_context,
    remove_context,
    list_context_versions,
    get_context_version,
]
