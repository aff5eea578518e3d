"""What the machine believes: who there is, what was ever handed out to whom, and what of it is good for what."""

from __future__ import annotations

from dataclasses import dataclass, field

ROLES = ("readonly", "member", "admin", "owner")
LEVELS = ("read", "write", "admin")
# What each thing takes: the least role, the kinds of bearers that reach it, and the least of the scopes' short words.
_PERSON, _OWN, _ALL = ("session", "admin"), ("session", "admin", "user"), ("session", "admin", "user", "agent")
NEEDS: dict[str, tuple[str, tuple[str, ...], str]] = {
    "profile:read": ("readonly", _ALL, "read"),
    "profile:write": ("readonly", _OWN, "write"),
    "keys:write": ("readonly", _OWN, "write"),
    "users:read": ("member", _PERSON, "read"),
    "users:write": ("admin", _PERSON, "write"),
    "invitations:read": ("admin", _PERSON, "read"),
    "invitations:write": ("admin", _PERSON, "write"),
    "tenants:write": ("admin", _PERSON, "write"),
    "organization:write": ("owner", _PERSON, "write"),
}


@dataclass(eq=False)
class Org:
    """An organization; its first tenant has its id."""

    id: str
    slug: str
    tenants: list[str]
    gone: bool = False

    def __repr__(self) -> str:
        return self.slug


@dataclass(eq=False)
class Person:
    """A user of one organization; somebody who is invited again after a removal is another one."""

    org: Org
    id: str
    email: str
    role: str
    tenant: str
    verified: bool
    passwords: list[str] = field(default_factory=list)
    memberships: list[str] = field(default_factory=list)
    active: bool = True
    gone: bool = False

    @property
    def exists(self) -> bool:
        return not self.gone and not self.org.gone

    @property
    def present(self) -> bool:
        return self.exists and self.active

    @property
    def rank(self) -> int:
        return ROLES.index(self.role)

    @property
    def administers(self) -> bool:
        return self.role in ("admin", "owner")

    def may_act(self, tenant: str) -> bool:
        everywhere = self.administers and tenant in self.org.tenants
        return everywhere or tenant == self.tenant or tenant in self.memberships

    def __repr__(self) -> str:
        return f"{self.role} {self.email} of {self.org}"


@dataclass(eq=False)
class Session:
    """A login: any number of access tokens, one refresh token that works, and those that were spent."""

    person: Person
    id: str
    access: list[str] = field(repr=False)
    refresh: str = field(repr=False)
    spent: list[str] = field(default_factory=list, repr=False)
    ended: bool = False

    @property
    def live(self) -> bool:
        return not self.ended and self.person.present


@dataclass(eq=False)
class Bearer:
    """What goes into `Authorization`: an access token, or a key."""

    person: Person
    token: str = field(repr=False)
    session: Session | None = None
    id: str = ""
    kind: str = "session"
    level: str = "admin"
    own_tenant: str = ""
    revoked: bool = False

    @property
    def live(self) -> bool:
        if self.session is not None:
            return self.session.live
        return not self.revoked and self.person.present and self.person.may_act(self.own_tenant)

    @property
    def tenant(self) -> str:
        return self.own_tenant or self.person.tenant

    @property
    def administers(self) -> bool:
        return self.person.administers and self.kind in _PERSON

    def can(self, scope: str) -> bool:
        role, kinds, level = NEEDS[scope]
        enough = LEVELS.index(self.level) >= LEVELS.index(level)
        return self.person.rank >= ROLES.index(role) and self.kind in kinds and enough

    def refusal(self, *scopes: str) -> int | None:
        """Return how a request that takes these scopes is refused; None if it is not."""
        return 401 if not self.live else None if all(map(self.can, scopes)) else 403


@dataclass(eq=False)
class Invitation:
    """Who was invited by whom; the last of its tokens is the one that works."""

    org: Org
    id: str
    email: str
    role: str
    tenant: str
    by: Person
    tokens: list[str] = field(repr=False)
    gone: bool = False

    @property
    def stands(self) -> bool:
        return not self.gone and self.by.present and self.by.administers


@dataclass(eq=False)
class Mailed:
    """A mailed link's token, to verify an address or to choose a new password."""

    person: Person
    purpose: str
    token: str = field(repr=False)
    spent: bool = False

    @property
    def live(self) -> bool:
        return not self.spent and (self.person.exists if self.purpose == "verify" else self.person.present)


@dataclass
class People:
    """All of it."""

    orgs: list[Org] = field(default_factory=list)
    persons: list[Person] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)
    bearers: list[Bearer] = field(default_factory=list)
    invitations: list[Invitation] = field(default_factory=list)
    mailed: list[Mailed] = field(default_factory=list)

    def of(self, org: Org) -> list[Person]:
        return [person for person in self.persons if person.org is org and not person.gone]

    def owners(self, org: Org) -> list[Person]:
        return [person for person in self.of(org) if person.role == "owner" and person.active]

    def begin(self, person: Person, tokens: dict[str, str], session_id: str) -> None:
        """Believe in a session that somebody has begun."""
        session = Session(person, session_id, [], tokens["refresh_token"])
        self.sessions.append(session)
        self.refreshed(session, tokens)

    def refreshed(self, session: Session, tokens: dict[str, str]) -> None:
        """Believe in one more access token, and in this refresh token alone."""
        session.access.append(tokens["access_token"])
        session.refresh = tokens["refresh_token"]
        self.bearers.append(Bearer(session.person, tokens["access_token"], session, session.id))

    def end(self, person: Person, but: Session | None = None) -> None:
        """Believe that the person's sessions, but one, are over."""
        for session in self.sessions:
            if session.person is person and session is not but:
                session.ended = True

    def spend(self, person: Person, purpose: str) -> None:
        """Believe that no mailed token of that purpose works any more."""
        for mailed in self.mailed:
            if mailed.person is person and mailed.purpose == purpose:
                mailed.spent = True

    def new_password(self, person: Person, password: str, but: Session | None = None) -> None:
        """Believe in the password, and that what the old one opened is shut."""
        person.passwords.append(password)
        self.end(person, but)
        self.spend(person, "reset")
