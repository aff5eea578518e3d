"""Slugs and names: one spelling of what looks alike, and nothing that deceives or breaks a line."""

from __future__ import annotations

import re
import unicodedata
from uuid import UUID

LONGEST_NAME = 200
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{1,48}[a-z0-9]")
# Ours, or what a person would take for ours.
# fmt: off
RESERVED = frozenset((
    "accept", "account", "accounts", "admin", "administrator", "api", "apis", "app", "assets", "audit", "auth",
    "billing", "console", "dashboard", "default", "developer-mesh", "devmesh", "docs",
    "health", "healthz", "help", "home", "internal", "invite", "localhost", "login", "logout", "mail", "mcp", "me",
    "metrics", "mesh", "new", "null", "oauth", "official", "openapi", "operator", "organization", "organizations",
    "postmaster", "public", "readyz", "register", "reset", "root", "security", "settings", "signup", "smtp", "static",
    "status", "support", "system", "tenant", "tenants", "tools", "undefined", "user", "users", "verify",
    "webmaster", "well-known", "www",
))
# fmt: on
# Bidirectional marks reorder what is read; joiners are left: some scripts cannot be written without them.
_BIDI = frozenset(map(chr, (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))))
_UNSEEN = frozenset(("Cc", "Cs", "Co", "Cn", "Zl", "Zp"))
_SEEN = frozenset("LNPS")


def slug(text: str) -> str:
    """Return the slug trimmed, NFKC and lower-cased; raise ValueError saying what is wrong with it."""
    found = unicodedata.normalize("NFKC", text[: 2 * LONGEST_NAME]).strip().lower()
    if not _SLUG.fullmatch(found):
        raise ValueError("must be 3 to 50 lower-case letters a-z, digits and hyphens, neither first nor last a hyphen")
    if _is_id(found):
        raise ValueError("must not have the form of an id")
    return found


def organization_slug(text: str) -> str:
    """Return an organization's slug; raise ValueError, also for a reserved word."""
    found = slug(text)
    if found in RESERVED:
        raise ValueError(f"'{found}' is reserved; choose another")
    return found


def name(text: str) -> str:
    """Return the name of a person, organization or tenant trimmed and NFC; raise ValueError saying what is wrong."""
    found = unicodedata.normalize("NFC", text[: 2 * LONGEST_NAME]).strip()
    if not any(unicodedata.category(character)[0] in _SEEN for character in found):
        raise ValueError("must not be empty")
    if len(found) > LONGEST_NAME:
        raise ValueError(f"must have at most {LONGEST_NAME} characters")
    if any(unicodedata.category(character) in _UNSEEN or character in _BIDI for character in found):
        raise ValueError("must not hold control characters")
    return found


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
