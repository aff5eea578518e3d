"""The operations that are more than one request as it stands: sessions, finding and calling tools, and MCP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from devmesh_sdk.api import operations
from devmesh_sdk.api.models import Executed, SignedInShown, ToolShown
from devmesh_sdk.calls import API, Call, part
from devmesh_sdk.core import Core
from devmesh_sdk.credentials import Login, sendable
from devmesh_sdk.errors import ToolError
from devmesh_sdk.masking import masked
from devmesh_sdk.replies import holding, rpc_error
from devmesh_sdk.steps import Steps


def log_in(
    core: Core, email: str | None = None, password: str | None = None, organization: str | None = None
) -> Steps[SignedInShown]:
    """Log in, as the client's Login if nobody is named; the client goes on with the session that begins.

    Raises MfaRequiredError where a second factor is asked for: show it with `login_mfa`.
    """
    if email is not None and password is not None:
        login: Login | None = Login(email, password, organization)
    else:
        login = core.session.login
    reply: SignedInShown = yield from core.log_in(login)
    return reply


def prove_factor(
    core: Core, mfa_token: str, *, code: str | None = None, passkey: Mapping[str, Any] | None = None
) -> Steps[SignedInShown]:
    """Show the second factor that a login waits for; the client goes on with the session that begins."""
    shown = {"mfa_token": mfa_token, "code": code, "passkey": passkey}
    body = {name: value for name, value in shown.items() if value is not None}
    reply: SignedInShown = yield from core.run(Call("POST", f"{API}/auth/login/mfa", body=body, public=True))
    core.begin(reply)
    return reply


def refresh(core: Core) -> Steps[None]:
    """Get another access token now; the client does so by itself when one has expired."""
    return core.refresh()


def log_out(core: Core) -> Steps[None]:
    """End the session at the server and forget its tokens; a client with a Login logs in again at its next call."""
    return core.log_out()


def search_tools(core: Core, text: str, *, limit: int = 20) -> Steps[list[ToolShown]]:
    """Return the tools in whose name, title or description every word stands, those with most in the name first."""
    words = text.lower().split()
    found: list[tuple[int, int, ToolShown]] = []
    pages = operations.list_all_tools(core)
    while not pages.over:
        for tool in (yield from pages.next()):
            named = f"{tool['name']} {tool['title']}".lower()
            said = f"{named} {tool['description'].lower()}"
            if all(word in said for word in words):
                found.append((-sum(word in named for word in words), len(tool["name"]), tool))
    return [tool for *_, tool in sorted(found, key=lambda each: each[:2])[:limit]]


def call_tool(
    core: Core, name: str, arguments: Mapping[str, Any] | None = None, *, on_behalf_of: str | None = None
) -> Steps[Executed]:
    """Call a tool, at most once however often it has to be sent; raises ToolError if the tool itself fails.

    `on_behalf_of` is the id of the person whom a gateway key acts for.
    """
    headers = {} if on_behalf_of is None else {"x-on-behalf-of": sendable(on_behalf_of, "user id")}
    path = f"{API}/tools/{part(name)}/execute"
    body = {"arguments": dict(arguments or {})}
    reply = yield from core.run(Call("POST", path, body=body, headers=headers, once=True))
    done: Executed = holding(reply, "result", "is_error", "receipt", "meta")
    if done["is_error"]:
        raise _tool_error(name, masked(done, core.session.secrets()))
    return done


def _tool_error(name: str, done: Executed) -> ToolError:
    result, meta = done["result"], done["meta"]
    # The gateway says what went wrong, and in the last line what to do next.
    said, _, hint = str(result).rpartition("\n") if isinstance(result, str) else ("", "", "Look at `result`.")
    return ToolError(
        f"{name} failed: {said or hint}" if isinstance(result, str) else f"{name} failed.",
        hint=hint if said or not isinstance(result, str) else "",
        code=str(meta.get("code", "tool_failed")),
        request_id=meta.get("request_id"),
        retry_after=meta.get("retry_after"),
        details={"result": result, "meta": meta, "receipt": done["receipt"]},
    )


def mcp_list_tools(core: Core, *, cursor: str | None = None) -> Steps[dict[str, Any]]:
    """Return MCP's `tools/list`: `{"tools": […], "nextCursor": …}`."""
    return _rpc(core, "tools/list", {} if cursor is None else {"cursor": cursor}, safe=True)


def mcp_call_tool(core: Core, name: str, arguments: Mapping[str, Any] | None = None) -> Steps[dict[str, Any]]:
    """Return MCP's `tools/call`, as an agent sees it: what the tool itself failed with is a result with `isError`."""
    return _rpc(core, "tools/call", {"name": name, "arguments": dict(arguments or {})}, safe=False)


def _rpc(core: Core, method: str, params: Mapping[str, Any], *, safe: bool) -> Steps[dict[str, Any]]:
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    reply = yield from core.run(Call("POST", "/mcp", body=message, safe=safe))
    if isinstance(reply, dict) and isinstance(reply.get("result"), dict):
        result: dict[str, Any] = reply["result"]
        return result
    raise rpc_error(reply, core.session.secrets())
