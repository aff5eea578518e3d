"""On which terms a stored credential serves a call: its label, its rules on arguments, whom and what it is kept to."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from devmesh.access import Role

Label = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$(?!\n)",
        description="Your name for it, where you store several for one service: up to 64 letters, digits, dots, "
        "hyphens and underscores, the first a letter or a digit.",
        examples=["work"],
    ),
]
ArgumentName = Annotated[str, Meta(min_length=1, max_length=64)]
Pattern = Annotated[str, Meta(min_length=1, max_length=200)]

_encode = msgspec.json.Encoder(order="deterministic").encode


class Rule(Struct, frozen=True, forbid_unknown_fields=True):
    """Serve calls whose arguments all match: `*` stands for any text, and case does not count."""

    arguments: Annotated[dict[ArgumentName, Pattern], Meta(min_length=1, max_length=5)]


Rules = Annotated[
    list[Rule],
    Meta(max_length=20, description="It serves calls that one of these matches; none: calls that no other's matches."),
]
AllowedTools = Annotated[
    list[Annotated[str, Meta(min_length=1, max_length=100)]],
    Meta(min_length=1, max_length=100, description="Of a service account: the tools that it serves, `*` allowed."),
]
AllowedRoles = Annotated[
    list[Role], Meta(min_length=1, max_length=4, description="Of a service account: the roles of the people it serves.")
]
ExpiresAt = Annotated[datetime, Meta(tz=True, description="From then on it serves no call.")]

_rules = msgspec.json.Decoder(list[Rule])


class Terms(Struct, frozen=True):
    """All that decides whether a stored credential serves a call, beside whose it is and for which service.

    `label` is empty for the one without; `rules` is the JSON text of a list of Rule, empty for none.
    """

    label: str = ""
    rules: str = ""
    allowed_tools: list[str] | None = None
    allowed_roles: list[str] | None = None
    expires_at: datetime | None = None
    gateway_use: bool = False

    def bound(self) -> tuple[str, ...]:
        """Return what the sealing is bound to: whoever alters a term in the database makes it one that does not open.

        Only what differs from the default is named, so that what was sealed before there was a term still opens.
        """
        named = (
            ("label", self.label),
            ("rules", self.rules),
            ("allowed_tools", _text(self.allowed_tools)),
            ("allowed_roles", _text(self.allowed_roles)),
            ("expires_at", self.expires_at.isoformat() if self.expires_at else ""),
        )
        told = tuple(part for name, value in named if value for part in (name, value))
        return ("gateway", *told) if self.gateway_use else told

    def parsed(self) -> list[Rule]:
        """Return the rules; none for a text that the gateway never wrote: what is sealed with it does not open."""
        try:
            return _rules.decode(self.rules) if self.rules else []
        except msgspec.DecodeError:
            return []


def written(rules: list[Rule]) -> str:
    """Return the rules as the text that is kept and sealed with; empty for none."""
    return _encode(rules).decode() if rules else ""


def _text(values: list[str] | None) -> str:
    return "" if values is None else _encode(values).decode()
