"""The session of whoever is logged in, renewed when its time comes: once, however many commands need it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from devmesh.client.address import Address
from devmesh.client.failure import Exit, Failed, Refused
from devmesh.client.kept import Login, Logins, Tokens
from devmesh.client.server import Nobody, Server

# An access token that ends so soon is renewed before it is used.
_EARLY_SECONDS = 30.0
_SPENT = "refresh_already_used"
_ENDED = ("invalid_refresh_token", "token_expired", "invalid_token")
_RENEWABLE = ("token_expired", "invalid_token")
_ON_KEYS = {
    "invalid_api_key": "DEVMESH_API_KEY was revoked, has ended or is mistyped. Set another one, or unset it and log in "
    "with 'devmesh login'.",
    "insufficient_scope": "DEVMESH_API_KEY may not do that. Unset it to act as who you are logged in as "
    "('devmesh whoami' says whose key it is).",
    "session_required": "Only a person who has logged in may do that: unset DEVMESH_API_KEY and run 'devmesh login'.",
}


class Session:
    """The kept login at one server, as the credential of requests to it and to no other."""

    def __init__(self, logins: Logins, address: Address, now: Callable[[], float] = time.time) -> None:
        self._logins = logins
        self._address = address
        self._now = now
        self._login: Login | None = None

    def secret(self) -> str:
        """Return an access token that is good for a while; raise Failed if nobody is logged in any more."""
        login = self._login or self._found()
        if login.tokens.expires_at - self._now() < _EARLY_SECONDS:
            login = self._renew(login.tokens.access_token)
        self._login = login
        return login.tokens.access_token

    def renewed(self, spent: str, problem: str) -> bool:
        """Return whether there is another access token now."""
        if problem not in _RENEWABLE:
            return False
        self._login = self._renew(spent)
        return True

    def advice(self, problem: str) -> str:
        """Return what a person does who is logged in."""
        if problem in _RENEWABLE:
            return "Log in again: 'devmesh login'."
        return ""

    def _renew(self, spent: str) -> Login:
        """Return the login with other tokens than `spent`: another command's, or the refresh token's successor."""
        with self._logins.locked():
            login = self._found()
            good = login.tokens.expires_at - self._now() >= _EARLY_SECONDS
            if login.tokens.access_token != spent and good:
                return login
            body = {"refresh_token": login.tokens.refresh_token}
            try:
                reply = Server(self._address, Nobody()).ask("POST", "/auth/refresh", body)
            except Refused as refused:
                raise self._ended(refused) from None
            tokens = Tokens.of(reply, self._now())
            return self._logins.keep(
                self._address.url, Login(login.email, login.organization, tokens, login.in_keyring)
            )

    def _ended(self, refused: Refused) -> Failed:
        if refused.problem == _SPENT:
            return Failed(
                "The session was renewed elsewhere a moment ago.",
                "Was this login copied to another machine? Log in here: 'devmesh login'.",
                Exit.REFUSED,
            )
        if refused.problem in _ENDED:
            self._logins.drop(self._address.url)
            return Failed("Your session has ended.", "Log in again: 'devmesh login'.", Exit.REFUSED)
        return refused

    def _found(self) -> Login:
        login = self._logins.find(self._address.url)
        if login is None:
            raise Failed(
                f"You are not logged in to {self._address.url}.",
                "Run 'devmesh login', or set DEVMESH_API_KEY to a key of yours.",
                Exit.REFUSED,
            )
        return login


class Key:
    """An API key out of DEVMESH_API_KEY; `advice` is the next step by a problem's code."""

    def __init__(self, key: str, advice: Mapping[str, str] = _ON_KEYS) -> None:
        if not key.isascii() or not key.isprintable() or " " in key:
            raise Failed("DEVMESH_API_KEY holds no key.", "Set it to an API key whole, or unset it.", Exit.USAGE)
        self._key = key
        self._advice = advice

    def secret(self) -> str:
        """Return the key."""
        return self._key

    def renewed(self, spent: str, problem: str) -> bool:
        """Return False: a key is not renewed."""
        del spent, problem
        return False

    def advice(self, problem: str) -> str:
        """Return what a person does whose key was refused."""
        return self._advice.get(problem, "")
