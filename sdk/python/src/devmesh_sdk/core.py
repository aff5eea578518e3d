"""What a client does for a call, free of input and output: attempts, waits, and the session that pays for them."""

from __future__ import annotations

import copy
import time
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from devmesh_sdk.calls import API, Call
from devmesh_sdk.credentials import Auth, Login, Session, Tokens, sendable
from devmesh_sdk.errors import (
    AuthenticationError,
    ConflictError,
    ConnectionFailedError,
    DeveloperMeshError,
    MalformedReplyError,
    MfaRequiredError,
    TimedOutError,
    UsageError,
)
from devmesh_sdk.masking import secrets_in
from devmesh_sdk.replies import error_of, read, succeeded
from devmesh_sdk.retrying import Retries
from devmesh_sdk.steps import Alone, Outcome, Pause, Send, Steps
from devmesh_sdk.version import __version__

_SENT = {"accept": "application/json", "user-agent": f"devmesh-sdk-python/{__version__}"}
# A login that was refused is not tried again at once: the server counts failures, and slows down who fails.
_REFUSED_SECONDS = 30.0


class Core:
    """One client's decisions; its steps may be taken by many threads or tasks at once.

    `timeout` is the time that one call has in all, its waits and repeats included.
    """

    def __init__(self, base_url: str, auth: Auth | None, *, tenant: str | None, timeout: float, retries: int) -> None:
        self.base_url = _checked(base_url)
        self.session = Session(auth)
        self.clock: Callable[[], float] = time.monotonic
        self._timeout = timeout
        self._retries = Retries(retries)
        self._headers = _SENT if tenant is None else {**_SENT, "x-tenant-id": sendable(tenant, "tenant")}

    def run(self, call: Call) -> Steps[Any]:
        """Return what the server answers to the call; raises DeveloperMeshError."""
        until = self.clock() + self._timeout
        content = call.content()
        headers = self._headers_of(call)
        attempt, replaced = 0, False
        while True:
            session = self.session
            if not call.public and session.bearer is None and session.login is not None:
                yield self._renewal(session, None)
            bearer = None if call.public else session.bearer
            outcome: Outcome = yield self._send(call, headers, content, bearer, until)
            if succeeded(outcome):
                return read(outcome)  # type: ignore[arg-type]  # a success is a Reply
            error = error_of(outcome, (*session.secrets(), *secrets_in(call.body)))
            if not replaced and bearer is not None and (yield from self._replaced(session, bearer, error)):
                replaced = True
                continue
            wait = self._retries.wait(call, outcome, error, attempt)
            if wait is None or self.clock() + wait >= until:
                raise error
            yield Pause(wait)
            attempt += 1

    def log_in(self, login: Login | None) -> Steps[Any]:
        """Begin a session, which the client then goes on with; raises MfaRequiredError."""
        reply = yield from self.run(_login(login))
        self.begin(reply, login if self.session.login is login else None)
        return reply

    def begin(self, reply: Any, login: Login | None = None) -> None:
        """Go on with the session that the reply holds; with a login, begin another when it is over."""
        session = Session(login)
        session.take(_tokens(reply))
        self.session = session

    def refresh(self) -> Steps[None]:
        """Get another access token now."""
        session = self.session
        if not session.renewable:
            raise AuthenticationError(
                "There is no session to refresh.", code="no_session", hint="Log in, or give the client a Login."
            )
        yield self._renewal(session, session.bearer)

    def log_out(self) -> Steps[None]:
        """End the session at the server, and hold its tokens no longer; a Login logs in again at the next call."""
        session = self.session
        if session.bearer is None:
            return
        try:
            yield from self.run(Call("POST", f"{API}/auth/logout"))
        except AuthenticationError:
            self.session = Session(session.login)
            raise
        self.session = Session(session.login)

    def _headers_of(self, call: Call) -> dict[str, str]:
        headers = {**self._headers, **call.headers}
        if call.body is not None:
            headers["content-type"] = "application/json"
        if call.once:
            headers["idempotency-key"] = str(uuid.uuid4())
        return headers

    def _send(self, call: Call, headers: dict[str, str], content: bytes, bearer: str | None, until: float) -> Send:
        seconds = until - self.clock()
        if seconds <= 0:
            raise TimedOutError("The call's time was over before it could be sent.", code="timed_out")
        if bearer is not None:
            headers = {**headers, "authorization": f"Bearer {bearer}"}
        return Send(call.method, self.base_url + call.target, headers, content, seconds)

    def _replaced(self, session: Session, bearer: str, error: DeveloperMeshError) -> Steps[bool]:
        """Return whether there is another credential to send instead of the one that was refused."""
        if not isinstance(error, AuthenticationError):
            return False
        if self.session is not session or session.bearer != bearer:
            return True
        if error.code != "token_expired" or not session.renewable:
            return False
        yield self._renewal(session, bearer)
        return True

    def _renewal(self, session: Session, bearer: str | None) -> Alone:
        return Alone(self._renew(session, bearer, session.attempts))

    def _renew(self, session: Session, bearer: str | None, attempts: int) -> Steps[None]:
        """Have the session hold another access token than `bearer`, of `attempts` renewals known to who asks."""
        if session.bearer != bearer:
            return
        failure = session.failure
        if failure is not None and (session.attempts != attempts or self._refused_lately(session, failure)):
            # Somebody tried while this one waited, or a moment ago: the answer would be the same.
            raise copy.copy(failure)
        session.attempts += 1
        try:
            session.take((yield from self._tokens(session)))
            session.failure = None
        except DeveloperMeshError as error:
            session.failure, session.failed_at = error, self.clock()
            raise

    def _refused_lately(self, session: Session, failure: DeveloperMeshError) -> bool:
        return isinstance(failure, AuthenticationError) and self.clock() < session.failed_at + _REFUSED_SECONDS

    def _tokens(self, session: Session) -> Steps[Tokens]:
        if session.refresh_token is not None:
            body = {"refresh_token": session.refresh_token}
            try:
                return _tokens((yield from self.run(_begin("refresh", body))))
            except (AuthenticationError, ConflictError, ConnectionFailedError, TimedOutError):
                # The token is spent, or may be: what is left is to log in anew.
                if session.login is None:
                    raise
        return _tokens((yield from self.run(_login(session.login))))


def _login(login: Login | None) -> Call:
    if login is None:
        raise AuthenticationError("There is nothing to log in with.", code="no_login", hint="Give the client a Login.")
    body = {"email": login.email, "password": login.password}
    if login.organization is not None:
        body["organization"] = login.organization
    return _begin("login", body)


def _begin(how: str, body: dict[str, str]) -> Call:
    """Return a login or refresh: repeated, it begins a session for nothing, or is told that its token was spent."""
    return Call("POST", f"{API}/auth/{how}", body=body, safe=True, public=True)


def _tokens(reply: Any) -> Tokens:
    if "mfa_required" in reply:
        raise MfaRequiredError.of(reply)
    try:
        return Tokens(reply["access_token"], reply["refresh_token"])
    except (KeyError, TypeError, ValueError):
        pass
    raise MalformedReplyError("The reply holds no tokens.", code="malformed_reply", hint="Look at base_url.")


def _checked(base_url: str) -> str:
    """Return the address without a slash at its end; raises UsageError, which never tells a password in it."""
    parts = urlsplit(base_url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UsageError("base_url must be an http or https address, such as http://localhost:8081.")
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise UsageError("base_url holds a user, a query or a fragment; it is the server's address alone.")
    return base_url.rstrip("/")
