"""What login is asked for and gives, and what can be wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

from devmesh.errors import Fault, Invalid, Unauthenticated
from devmesh.http.body import Body

# How long a login waits for its second factor, and how many tries that gets.
CHALLENGE_LIFETIME = timedelta(minutes=5)
MOST_ATTEMPTS = 5


class Credentials(Body, frozen=True):
    """The body of POST /auth/login; `organization` (slug or id) chooses where an address is a user of several."""

    email: str
    password: str
    organization: str | None = None

    def __repr__(self) -> str:
        return "Credentials()"


class FactorProof(Body, frozen=True):
    """The body of POST /auth/login/mfa: a code (one-time or recovery), or a passkey's answer."""

    mfa_token: str
    code: str | None = None
    passkey: dict[str, Any] | None = None

    def __repr__(self) -> str:
        return "FactorProof()"


class PasswordChange(Body, frozen=True):
    """The body of POST /auth/password/change."""

    current_password: str
    new_password: str

    def __repr__(self) -> str:
        return "PasswordChange()"


class ResetAsked(Body, frozen=True):
    """The body of POST /auth/password/reset."""

    email: str


class PasswordReset(Body, frozen=True):
    """The body of POST /auth/password/reset/confirm."""

    token: str
    new_password: str

    def __repr__(self) -> str:
        return "PasswordReset()"


@dataclass(frozen=True, slots=True)
class FactorAsked:
    """The password was right, and a second factor is to follow; `passkey_options` are for the browser."""

    methods: tuple[Literal["totp", "recovery_code", "passkey"], ...]
    passkey_options: Mapping[str, Any] | None
    mfa_token: str = field(repr=False)


class LoginFailed(Unauthenticated):
    """No such user, a wrong password, a suspended user or another organization: which of them is never told."""

    code = "login_failed"
    error = "Login Failed"
    hint = (
        "Check the address and the password. Whoever is a user of several organizations names one: organization (slug "
        "or id). Whoever forgot the password: POST /api/v1/auth/password/reset with your email."
    )

    def __init__(self) -> None:
        super().__init__("The e-mail address and the password do not belong together.")


class FactorTokenInvalid(Unauthenticated):
    """The mfa_token is unknown, spent, too old, or had its five tries: which of them is never told."""

    code = "mfa_token_invalid"
    error = "Login Failed"
    hint = "Begin again: POST /api/v1/auth/login."

    def __init__(self) -> None:
        super().__init__("This mfa_token is not valid: it was used before, is too old, or was tried too often.")


class FactorWrong(Unauthenticated):
    """What was sent proves no second factor; the mfa_token can be tried again, five times in all."""

    code = "factor_wrong"
    error = "Login Failed"
    hint = "Send the code that the authenticator app shows now, an unused recovery code, or a passkey's answer."

    def __init__(self) -> None:
        super().__init__("The code or passkey is not right, or was used already.")


class PasswordWrong(Invalid):
    """The current password is another one."""

    code = "password_wrong"
    hint = "Send your present password as current_password."

    def __init__(self) -> None:
        super().__init__([Fault("current_password", "is wrong")])
