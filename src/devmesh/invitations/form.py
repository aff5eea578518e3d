"""The forms of an invitation and of its acceptance: every field checked, every fault told at once."""

from __future__ import annotations

from dataclasses import dataclass

from devmesh.access import Role
from devmesh.accounts import passwords
from devmesh.accounts.form import email_of
from devmesh.directory import names
from devmesh.directory.model import Organization
from devmesh.errors import Fault, Invalid
from devmesh.invitations.model import ROLES, Acceptance, Invitation, NewInvitation


@dataclass(frozen=True, slots=True)
class Form:
    """An invitation whose fields are good and in the one spelling that is kept."""

    email: str
    name: str
    role: Role


def checked(new: NewInvitation) -> Form:
    """Return the form; raise Invalid with every fault of every field."""
    faults: list[Fault] = []
    email = email_of(new.email, "email", faults)
    name = _name(new.name, faults)
    if new.role not in ROLES:
        faults.append(Fault("role", f"must be one of: {', '.join(ROLES)}"))
    if faults:
        raise Invalid(faults)
    return Form(email, name, Role(new.role))


def accepted(form: Acceptance, invitation: Invitation, organization: Organization) -> tuple[str, str]:
    """Return the newcomer's name and password as they are kept; raise Invalid with every fault of both."""
    faults: list[Fault] = []
    name = invitation.name if form.name is None else _name(form.name, faults)
    password = passwords.normal(form.password)
    unmet = passwords.unmet(
        password, (organization.name, organization.slug), policy=organization.policies.password_policy
    )
    faults += [Fault("password", rule) for rule in unmet]
    if faults:
        raise Invalid(faults)
    return name, password


def _name(text: str, faults: list[Fault]) -> str:
    try:
        return names.name(text)
    except ValueError as error:
        faults.append(Fault("name", str(error)))
        return ""
