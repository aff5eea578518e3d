"""LiteLLM's keys and teams, as its proxy lists them: what of each key has a counterpart here.

The shapes are those of `KeyListResponseObject`, `LiteLLM_VerificationToken` and `LiteLLM_TeamTable` in
https://github.com/BerriAI/litellm (`litellm/proxy/_types.py`, `litellm/models/`). The keys themselves are not in them:
a list holds their SHA-256 digests, which are read past.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from devmesh.cli.services_file import FileFaults, Service, text_of
from devmesh.directory import names

_ASK = "ask for GET /key/list?return_full_object=true"
_MINUTE = 60


class _Key(Struct):
    key_alias: str | None = None
    team_id: str | None = None
    team_alias: str | None = None
    rpm_limit: int | None = None
    expires: datetime | None = None
    blocked: bool | None = None


class _Page(Struct):
    keys: list[_Key | str]
    current_page: int | None = None
    total_pages: int | None = None


class _Team(Struct):
    team_id: str
    team_alias: str | None = None


def read(files: Sequence[Path], teams: Path | None, scopes: tuple[str, ...], tenant: str) -> list[Service]:
    """Return a service for each key that is neither blocked nor expired, in the tenant of its team; raise FileFaults.

    A key without a team gets `tenant`. What cannot be carried over (models, budgets, tokens a minute) is left out.
    """
    known = {team.team_id: team.team_alias for team in _decoded(teams, list[_Team])} if teams else {}
    pages = [_decoded(file, _Page) for file in files]
    faults = list(_missing(pages))
    services: dict[str, Service] = {}
    owners: dict[str, str | None] = {}
    for number, key in enumerate((key for page in pages for key in page.keys), 1):
        try:
            found = _service(key, known, scopes, tenant)
        except ValueError as error:
            faults.append(f"key {number}: {error}")
            continue
        if found is None:
            continue
        service, team = found
        if services.setdefault(service.name, service) != service:
            faults.append(f"key {number}: there are two keys '{service.name}', which are not alike.")
        if owners.setdefault(service.tenant, team) != team:
            faults.append(f"key {number}: the tenant '{service.tenant}' would be that of two teams; rename one.")
    if not services and not faults:
        faults.append("No key is listed that still works.")
    if faults:
        raise FileFaults(*faults)
    return list(services.values())


def _service(
    key: _Key | str, teams: dict[str, str | None], scopes: tuple[str, ...], tenant: str
) -> tuple[Service, str | None] | None:
    """Return what is to be made for the key, and its team; None for one that no longer works."""
    if isinstance(key, str):
        raise ValueError(f"only its digest is listed; {_ASK}.")  # noqa: TRY004 - all that is wrong is told alike
    ends = key.expires if key.expires is None or key.expires.tzinfo else key.expires.replace(tzinfo=UTC)
    if key.blocked or (ends is not None and ends <= datetime.now(UTC)):
        return None
    if not key.key_alias:
        raise ValueError("it has no key_alias, by which it could be named here.")
    if key.team_id is not None:
        tenant = _slug(key.team_alias or teams.get(key.team_id) or key.team_id)
    more: dict[str, str | int] = {"key_type": "agent"}
    if key.rpm_limit:
        more |= {"rate_limit": key.rpm_limit, "rate_window": _MINUTE}
    if ends is not None:
        more["expires_at"] = ends.isoformat()
    try:
        return Service(key.key_alias, names.slug(tenant), scopes, more), key.team_id
    except ValueError as error:
        raise ValueError(f"'{tenant}' cannot be a tenant's slug: it {error}.") from None


def _missing(pages: Sequence[_Page]) -> Iterator[str]:
    """Yield what is said to be listed and is in no file."""
    there = {page.current_page for page in pages}
    most = max((page.total_pages or 1 for page in pages), default=1)
    absent = [str(number) for number in range(1, most + 1) if number not in there]
    if most > 1 and absent:
        yield f"of {most} pages, {', '.join(absent)} are in no file: {_ASK}&size=100&page={absent[0]}."


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _decoded(file: Path, form: Any) -> Any:
    try:
        return msgspec.json.decode(text_of(file), type=form)
    except (msgspec.DecodeError, RecursionError):
        # The decoder's own message may quote the file.
        raise FileFaults(f"{file} is not what LiteLLM lists: {_ASK}, and GET /team/list for the teams.") from None
