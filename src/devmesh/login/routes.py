"""Logging in, and one's own password, over HTTP."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from devmesh.access import Caller
from devmesh.audit.model import Visitor
from devmesh.http.routing import Request, post
from devmesh.login.entry import SignedIn
from devmesh.login.model import Credentials, FactorAsked, FactorProof, PasswordChange, PasswordReset, ResetAsked
from devmesh.login.own_password import OwnPassword
from devmesh.login.service import Login
from devmesh.login.shown import SignedInShown


class FactorAskedShown(Struct, frozen=True):
    """The password was right: send a second factor with the `mfa_token` to POST /auth/login/mfa within five minutes.

    `passkey_options` (PublicKeyCredentialRequestOptionsJSON) is null where no passkey can be asked for.
    """

    mfa_required: bool
    mfa_token: str
    methods: tuple[str, ...]
    passkey_options: dict[str, Any] | None

    @classmethod
    def of(cls, asked: FactorAsked) -> FactorAskedShown:
        """Return the reply that asks for the second factor."""
        options = None if asked.passkey_options is None else dict(asked.passkey_options)
        return cls(mfa_required=True, mfa_token=asked.mfa_token, methods=asked.methods, passkey_options=options)

    def __repr__(self) -> str:
        return "FactorAskedShown()"


class Said(Struct, frozen=True):
    """A sentence for a person."""

    message: str


@post("/auth/login", scope=None, summary="Log in by e-mail address and password")
async def log_in(login: Login, request: Request, data: Credentials) -> SignedInShown | FactorAskedShown:
    """Log in; the reply holds the session's tokens, or says which second factor is to follow.

    Whatever is wrong, the reply is the same in the same time. Too many failures are answered 429 with Retry-After,
    for accounts that there are and that there are not.
    """
    found = await login.login(_visitor(request), data, _agent(request))
    return SignedInShown.of(found) if isinstance(found, SignedIn) else FactorAskedShown.of(found)


@post("/auth/login/mfa", scope=None, summary="Show the second factor that a login waits for")
async def show_factor(login: Login, request: Request, data: FactorProof) -> SignedInShown:
    """Finish a login by a one-time code, a recovery code or a passkey; an mfa_token has five tries and one success."""
    return SignedInShown.of(await login.prove_factor(_visitor(request), data, _agent(request)))


@post("/auth/password/change", scope="session", summary="Change your own password")
async def change_password(own_password: OwnPassword, caller: Caller, data: PasswordChange) -> Said:
    """Change the own password; every other session of the person ends."""
    await own_password.change(caller, data)
    return Said("Your password is changed, and your other sessions are ended.")


@post("/auth/password/reset", scope=None, status=202, summary="Ask for a mail to choose a new password by")
async def ask_password_reset(own_password: OwnPassword, request: Request, data: ResetAsked) -> Said:
    """Have a mail sent, if a verified user has this address; the reply never tells."""
    own_password.ask_reset(_visitor(request), data.email)
    return Said("If a verified account has this address, a mail is on its way to it.")


@post("/auth/password/reset/confirm", scope=None, summary="Choose a new password by the token that was mailed")
async def reset_password(own_password: OwnPassword, request: Request, data: PasswordReset) -> Said:
    """Choose a new password; the token works once, within 30 minutes, and every session of the person ends."""
    await own_password.reset(_visitor(request), data)
    return Said("Your password is changed, and all your sessions are ended. You can log in with it now.")


ROUTES = (log_in, show_factor, change_password, ask_password_reset, reset_password)


def _visitor(request: Request) -> Visitor:
    return Visitor(address=request.address, request_id=request.request_id)


def _agent(request: Request) -> str:
    return request.header("user-agent") or ""
