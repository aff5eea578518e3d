"""What a client shows to say who calls. None of them tells its secret when it is printed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from devmesh_sdk.errors import DeveloperMeshError, UsageError

# What can stand in a header: anything else would let a value end the header, or be told in another library's error.
_VISIBLE = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key, sent with each call."""

    key: str = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse what cannot be a key, without telling it."""
        sendable(self.key, "API key")


@dataclass(frozen=True, slots=True)
class Login:
    """A person's e-mail address and password: the client logs in at its first call, and when its session is over."""

    email: str
    password: str = field(repr=False)
    organization: str | None = None

    def __post_init__(self) -> None:
        """Refuse what no person has, such as the None of a variable that is not set; without telling it."""
        _text(self.email, "e-mail address")
        _text(self.password, "password")


@dataclass(frozen=True, slots=True)
class Tokens:
    """A session that somebody else has begun; without a refresh token it ends with the access token."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Refuse what cannot be a token, without telling it."""
        sendable(self.access_token, "access token")
        if self.refresh_token is not None:
            _text(self.refresh_token, "refresh token")


Auth = ApiKey | Login | Tokens


def sendable(value: str, name: str) -> str:
    """Return what can be sent as a header; raises UsageError, which does not tell the value."""
    if not _VISIBLE.fullmatch(_text(value, name)):
        raise UsageError(f"The {name} is empty, or holds a character that none has: a blank or a line's end, perhaps.")
    return value


def _text(value: object, name: str) -> str:
    """Return the value if it is text; raises UsageError, which does not tell it."""
    if isinstance(value, str):
        return value
    hint = "If it comes from the environment, check that the variable is set." if value is None else ""
    raise UsageError(f"The {name} is no text, but of type {type(value).__name__}.", hint=hint)


def _checked(auth: Auth | None) -> Auth | None:
    """Return what says who calls; raises UsageError, which does not tell it: it may well be a bare key."""
    if auth is None or isinstance(auth, ApiKey | Login | Tokens):
        return auth
    raise UsageError(
        "auth is no ApiKey, Login or Tokens.",
        hint='Wrap a key as ApiKey("usr_…"), and a person\'s password as Login(email, password).',
    )


class Session:
    """What is sent now, and what gets the next of it.

    It is replaced whole when a client takes another credential, so that a refresh under way cannot write into the next.
    `attempts` counts the renewals begun; `failure` is how the last of them ended, if badly, and `failed_at` when.
    Making one raises UsageError for what is no credential: calls must not go out as nobody's instead.
    """

    def __init__(self, auth: Auth | None) -> None:
        auth = _checked(auth)
        self.bearer: str | None = None
        self.refresh_token: str | None = None
        self.login = auth if isinstance(auth, Login) else None
        self.attempts = 0
        self.failure: DeveloperMeshError | None = None
        self.failed_at = 0.0
        if isinstance(auth, ApiKey):
            self.bearer = auth.key
        elif isinstance(auth, Tokens):
            self.take(auth)

    @property
    def renewable(self) -> bool:
        """Whether there is something to get another access token with."""
        return self.refresh_token is not None or self.login is not None

    def take(self, tokens: Tokens | None) -> None:
        """Send these tokens from now on; None: log in again, where there is something to log in with."""
        self.refresh_token = tokens.refresh_token if tokens else None
        self.bearer = tokens.access_token if tokens else None

    def secrets(self) -> list[str]:
        """Return what no text may hold."""
        held = (self.bearer, self.refresh_token, self.login.password if self.login else None)
        return [secret for secret in held if secret]
