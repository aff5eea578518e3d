"""The one path of a tool call: every step in one function, in the order in which they happen."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec

from devmesh.access import Caller, KeyType
from devmesh.access.scopes import TOOL
from devmesh.audit.entry import Entry
from devmesh.audit.model import Result
from devmesh.audit.service import Audit
from devmesh.credentials.vault import Vault
from devmesh.db.changes import Changes
from devmesh.errors import MeshError
from devmesh.gateway.advice import advised
from devmesh.gateway.builtin import BUILTIN, READ_MORE, services
from devmesh.gateway.catalog import Catalog
from devmesh.gateway.model import (
    CredentialHandedOut,
    ListedTool,
    Listing,
    OnBehalfRequired,
    Passed,
    ToolResult,
    last_line,
)
from devmesh.gateway.recalls import Recalls
from devmesh.gateway.rests import RESULT_BYTES, Rests, fits, shown
from devmesh.gateway.shape import shape
from devmesh.limits.service import Limits
from devmesh.limits.underway import UnderWay
from devmesh.metrics import REFUSALS, TOOL_CALLS
from devmesh.upstream.arguments import Paged
from devmesh.upstream.delivery import Delivery
from devmesh.upstream.errors import OutcomeUnknown
from devmesh.upstream.masking import masked, secrets_of
from devmesh.upstream.model import Connector, Tool
from devmesh.upstream.send import Sender

Arguments = Mapping[str, Any]


class Gateway:
    """Runs tools upstream with the caller's own credentials."""

    def __init__(
        self,
        connectors: Mapping[str, Connector],
        limits: Limits,
        vault: Vault,
        sender: Sender,
        audit: Audit,
        rests: Rests,
        changes: Changes,
    ) -> None:
        self._connectors = connectors
        self._catalog = Catalog(connectors)
        self._limits = limits
        self._vault = vault
        self._delivery = Delivery(sender)
        self._audit = audit
        self._rests = rests
        self._underway = UnderWay()
        self._recalls = Recalls(changes)

    async def run(
        self, caller: Caller, name: str, arguments: Arguments | None, passed: Passed, most: int = RESULT_BYTES
    ) -> ToolResult:
        """Run tool `name` upstream as `caller`; refused and failed calls are audited too.

        A result of more than `most` bytes ends with a handle for the rest. Nothing is sent before its intent is
        durable, and a write's outcome is durable before this returns. Raises MeshError for what was refused; the
        service's own refusal is an error result.
        """
        since = self._recalls.now()
        async with self._audit.entry(caller, "tool.call", tool=name[:128]) as entry:
            await self._limits.spend(caller)
            tool = await self._catalog.find(name)
            _require(caller, tool, reads=tool.may_read)
            given = arguments or {}
            checked = tool.arguments.check(given)
            if tool.connector is BUILTIN:
                await entry.open(tool=tool.name, arguments=given)
                return await self._built_in(caller, tool, checked, entry, most)
            connector = tool.connector
            credential = await self._vault.choose(caller, tool, given, passed.get(connector.name))
            entry.credential_source, entry.credential_id = credential.source, credential.id
            request = tool.request(checked)
            reads = tool.reads(request)
            if tool.safe is not None:
                _require(caller, tool, reads=reads, handed_out=tool.handed_out(request))
            complete, base_url, signed = await connector.prepared(request, credential.fields, credential.base_url)
            headers = {**connector.headers, **signed}
            self._underway.take(caller.tenant_id)
            try:
                await entry.open(service=connector.name, tool=tool.name, arguments=given)
                stands = partial(self._recalls.stand, caller, since)
                reply = await self._delivery.send(
                    caller, connector.name, complete, base_url, headers, reads=reads, stands=stands
                )
            except OutcomeUnknown as error:
                entry.outcome = "unknown" if error.wrote else "error"
                raise
            finally:
                self._underway.give(caller.tenant_id)
            entry.upstream_host, entry.upstream_status = reply.host, reply.status
            meta: dict[str, Any] = {
                "request_id": caller.request_id,
                "credential": {"source": credential.source, "id": credential.id},
            }
            if connector.translate is not None:
                reply = connector.translate(complete, reply)
            # After the translation: a secret that another format had encoded stands there as itself.
            reply = masked(reply, secrets_of(connector, credential.fields, signed))
            result = advised(shape(tool, checked, request, reply, meta, reads=reads), tool, credential)
            outcome = _outcome(result)
            durable = entry.close(outcome, code=meta.get("code"))
            TOOL_CALLS.add(connector.name, outcome)
            if not reads:
                await durable
            meta["receipt"] = entry.receipt
            return result if fits(result, most) else await self._rests.cut(caller, tool.name, result, most)

    async def _built_in(self, caller: Caller, tool: Tool, checked: Paged, entry: Entry, most: int) -> ToolResult:
        meta: dict[str, Any] = {"request_id": caller.request_id}
        if tool.name == READ_MORE:
            read = await self._rests.read_on(caller, checked.own["handle"], most)
            whose = await self._catalog.find(read.tool)
            _require(caller, whose, reads=whose.may_read)
            result = shown(read.part, meta)
        else:
            found = await services(self._vault, self._connectors, caller, await self.listing(caller))
            result = _own(found, meta)
        entry.close("ok")
        meta["receipt"] = entry.receipt
        return result

    async def admit(self, caller: Caller, name: str, arguments: Arguments | None) -> None:
        """Take one from the caller's limits for a call whose result is known already; raise what refuses the call."""
        try:
            await self._limits.spend(caller)
            tool = await self._catalog.find(name)
            _require(caller, tool, reads=tool.may_read)
            if tool.connector is not BUILTIN:
                request = tool.request(tool.arguments.check(arguments or {}))
                _require(caller, tool, reads=tool.reads(request), handed_out=tool.handed_out(request))
        except MeshError as error:
            self._audit.refused(caller, "tool.call", error.code, tool=name[:128])
            raise

    async def listing(self, caller: Caller) -> Listing:
        """Return the tools that the caller's rights and credentials allow."""
        return await self._catalog.listing(caller, await self._vault.reach(caller))

    async def show(self, caller: Caller, name: str) -> ListedTool:
        """Return one tool, connected or not; raise UnknownTool if there is none that the caller may call."""
        return await self._catalog.show(caller, name)


def refused(request_id: str, error: MeshError) -> ToolResult:
    """Return the error result for a refusal: its short text, what happened, and the next step."""
    REFUSALS.add(error.code)
    meta: dict[str, Any] = {"code": error.code, "request_id": request_id, **error.extra}
    if error.retry_after is not None:
        meta["retry_after"] = error.retry_after
    lines = [error.error, error.detail] if error.detail != error.error else [error.error]
    text = "\n".join([*lines, error.hint]) + last_line(error.retry_after)
    return ToolResult(text, None, is_error=True, meta=meta)


def _outcome(result: ToolResult) -> Result:
    if not result.is_error:
        return "ok"
    return "unknown" if result.meta["code"] == OutcomeUnknown.code else "error"


def _own(value: Any, meta: dict[str, Any]) -> ToolResult:
    raw = msgspec.Raw(msgspec.json.encode(value))
    return ToolResult(raw, raw, is_error=False, meta=meta)


def _require(caller: Caller, tool: Tool, *, reads: bool, handed_out: str | None = None) -> None:
    if caller.key_type is KeyType.GATEWAY and caller.bounds.owner_id is None:
        raise OnBehalfRequired
    if caller.bounds.services is not None and tool.connector is not BUILTIN:
        caller.require_service(tool.connector.name)
    if caller.is_cut or (tool.connector is not BUILTIN and not caller.rights.allows_tool(tool.name, read_only=reads)):
        raise caller.lacks([TOOL + tool.name])
    if handed_out is not None and not caller.rights.names(TOOL + handed_out):
        raise CredentialHandedOut([TOOL + handed_out])
