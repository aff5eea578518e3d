"""Login's reply, which accepting an invitation gives as well."""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct

from devmesh.accounts.shown import UserShown
from devmesh.login.entry import SignedIn


class SignedInOrganization(Struct, frozen=True):
    """The organization that the person logged in to."""

    id: UUID
    name: str
    slug: str


class SignedInShown(Struct, frozen=True):
    """The tokens of a new session, shown once; `expires_in` is the access token's, in seconds.

    With `mfa_setup_required` the organization asks for a second factor that the person has not set up: until then the
    session reaches the own profile, password, sessions and factors, and nothing else.
    """

    access_token: str
    refresh_token: str
    token_type: str
    expires_in: int
    user: UserShown
    organization: SignedInOrganization
    mfa_setup_required: bool

    @classmethod
    def of(cls, signed_in: SignedIn) -> SignedInShown:
        """Return the reply for a person who has just logged in."""
        tokens, organization = signed_in.tokens, signed_in.organization
        return cls(
            tokens.access_token,
            tokens.refresh_token,
            "Bearer",
            tokens.expires_in,
            UserShown.of(signed_in.user),
            SignedInOrganization(organization.id, organization.name, organization.slug),
            signed_in.mfa_setup_required,
        )

    def __repr__(self) -> str:
        return f"SignedInShown({self.user.id})"
