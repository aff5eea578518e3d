"""The gate before the REST API: who says who it is, is known or refused; everybody's limit is spent here once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from devmesh.access import Caller
from devmesh.audit.service import Audit
from devmesh.auth.service import REFUSED, Authenticator, carries_credential
from devmesh.crypto.tokens import masked
from devmesh.errors import Forbidden, MeshError, NotFound, RateLimited
from devmesh.http.plan import SPENDS_ITSELF
from devmesh.limits.service import Limits

Scope = MutableMapping[str, Any]
App = Callable[[Scope, Any, Any], Awaitable[None]]

_EXECUTE = ("/api/v1/tools/", "/execute")
_LIMITED = "/api/v1/"
_LONGEST_TARGET = 200
_HEALTH = "/api/v1/health"
# The credential is in the body. Clients send the access token that has just expired with everything, and what they
# ask for here is the way out of that.
_BY_BODY = frozenset(
    f"/api/v1/{path}"
    for path in (
        "auth/login",
        "auth/login/mfa",
        "auth/refresh",
        "auth/email/verify",
        "auth/email/resend",
        "auth/password/reset",
        "auth/password/reset/confirm",
        "auth/invitation/lookup",
        "auth/invitation/accept",
        "keys/leaked",
    )
)


class Gate:
    """Leaves the caller in `scope["state"]["caller"]`; a request without a credential goes on without one.

    Which routes need a caller is declared beside each route. A tool call spends inside `gateway/call.py`
    and nowhere else.
    """

    def __init__(self, app: App, authenticator: Authenticator, limits: Limits, audit: Audit) -> None:
        self._app = app
        self._authenticator = authenticator
        self._limits = limits
        self._audit = audit

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Pass the request on, or raise what refuses it."""
        state = scope["state"]
        headers = state["headers"]
        path: str = scope["path"]
        if "//" in path:
            # The router would fold it, and what is decided here by the path would be decided for another one.
            raise NotFound("There is nothing at this address.")
        path = path.removesuffix("/")  # as the router does
        replied: list[tuple[bytes, bytes]] = state["reply_headers"]
        if path in _BY_BODY or not carries_credential(headers):
            if scope["path"].startswith(_LIMITED) and path != _HEALTH:
                await self._authenticator.stranger(state["address"], replied)
            await self._app(scope, receive, send)
            return
        caller = await self._authenticator.authenticate(headers, state["address"], state["request_id"], replied)
        state["caller"] = caller
        if scope["method"] == "POST" and path.startswith(_EXECUTE[0]) and path.endswith(_EXECUTE[1]):
            # The call spends: what is left is told as it stands when the reply begins.
            await self._tell_late(caller, scope, receive, send)
            return
        try:
            await self._limits.spend(caller)
            replied.extend(self._limits.headers(caller))
            await self._app(scope, receive, send)
        except (Forbidden, RateLimited) as error:
            if isinstance(error, RateLimited):
                replied.extend(self._limits.headers(caller))
            target = f"{scope['method']} {masked(state['path'])[:_LONGEST_TARGET]}"
            self._audit.refused(caller, REFUSED, error.code, target=target)
            raise

    async def _tell_late(self, caller: Caller, scope: Scope, receive: Any, send: Any) -> None:
        replied: list[tuple[bytes, bytes]] = scope["state"]["reply_headers"]

        async def tell(message: Any) -> None:
            if message["type"] == "http.response.start":
                replied.extend(self._limits.headers(caller))
            await send(message)

        try:
            await self._app(scope, receive, tell)
        except MeshError as error:
            refused = error if scope["state"].get(SPENDS_ITSELF) else await self._counted(caller, error)
            replied.extend(self._limits.headers(caller))
            raise refused from error.__cause__

    async def _counted(self, caller: Caller, error: MeshError) -> MeshError:
        """Spend one for a call that was refused before it was one; return `error`, or the limit that comes first."""
        try:
            await self._limits.spend(caller)
        except RateLimited as limited:
            return limited
        return error
