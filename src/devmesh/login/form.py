"""What login is asked for, in the one spelling that is compared."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from uuid import UUID

from devmesh.accounts import passwords
from devmesh.accounts.form import email_of
from devmesh.directory import names
from devmesh.directory.model import Organization
from devmesh.errors import Fault, Invalid
from devmesh.login.model import Credentials


@dataclass(frozen=True, slots=True)
class Form:
    """A login whose fields can be looked up; `organization` is an id, a slug, or None where none was named."""

    email: str
    organization: UUID | str | None
    password: str = field(repr=False)


def checked(sent: Credentials) -> Form:
    """Return the form; raise Invalid for what is nobody's address or password, whoever there is."""
    faults: list[Fault] = []
    email = email_of(sent.email, "email", faults)
    password = _password(sent.password, "password", faults)
    if faults:
        raise Invalid(faults)
    return Form(email, None if sent.organization is None else _organization(sent.organization), password)


def current(text: str, where: str) -> str:
    """Return the form of a password that is compared; raise Invalid for what cannot be one."""
    faults: list[Fault] = []
    found = _password(text, where, faults)
    if faults:
        raise Invalid(faults)
    return found


def chosen(text: str, where: str, organization: Organization) -> str:
    """Return the form of a new password that is kept; raise Invalid naming every rule of the organization's unmet."""
    found = passwords.normal(text)
    policy = organization.policies.password_policy
    unmet = passwords.unmet(found, (organization.name, organization.slug), policy=policy)
    if unmet:
        raise Invalid([Fault(where, rule) for rule in unmet])
    return found


def _password(text: str, where: str, faults: list[Fault]) -> str:
    found = passwords.normal(text)
    if any(unicodedata.category(character) == "Cs" for character in found):
        faults.append(Fault(where, "must be valid Unicode text"))
    return found


def _organization(text: str) -> UUID | str:
    try:
        return UUID(text)
    except ValueError:
        pass
    try:
        return names.slug(text)
    except ValueError:
        return ""  # nobody's slug; looked up all the same, so that the reply comes when it would have
