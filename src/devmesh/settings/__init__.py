"""Every setting of an installation: read once at start, all faults told at once, never changed afterwards."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from devmesh.settings.kms import Former, KmsUrl
from devmesh.settings.listed import PREFIX, SETTINGS, Setting
from devmesh.settings.redis import RedisUrl
from devmesh.settings.smtp import SmtpUrl, is_mail_domain
from devmesh.settings.values import AllowEntry, Network

__all__ = [
    "SETTINGS",
    "AllowEntry",
    "Former",
    "KmsUrl",
    "Network",
    "RedisUrl",
    "Setting",
    "Settings",
    "SettingsError",
    "SmtpUrl",
]

DEFAULT_PORT = 8081
# What programs that call us read from the same environment: none of our business, and no typing error.
OF_CLIENTS = frozenset({"DEVMESH_API_KEY", "DEVMESH_URL"})


class SettingsError(Exception):
    """The settings cannot be used; `problems` holds every fault, each naming its setting and the mend."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(problems))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one installation, checked; `SETTINGS` says what each one means."""

    data_dir: Path
    database_url: str | None = field(default=None, repr=False)
    database_direct_url: str | None = field(default=None, repr=False)
    public_url: str = "http://localhost:8081"
    allowed_hosts: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    trusted_proxies: tuple[Network, ...] = ()
    metrics_addr: tuple[str, int] | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    registration: Literal["open", "first", "token", "closed"] = "open"
    registration_token: str | None = field(default=None, repr=False)
    smtp_url: SmtpUrl | None = field(default=None, repr=False)
    plans_file: Path | None = None
    default_plan: str = "free"
    redis_url: RedisUrl | None = field(default=None, repr=False)
    tenant_autocreate: bool = True
    master_key: bytes | None = field(default=None, repr=False)
    master_key_file: Path | None = None
    kms_url: KmsUrl | None = None
    vault_token: str | None = field(default=None, repr=False)
    vault_token_file: Path | None = None
    master_key_former: Former | None = None
    upstream_allow: tuple[AllowEntry, ...] = ()
    env: Literal["development", "production"] = "development"
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    workers: int = 1
    drain_seconds: float = 20

    @classmethod
    def load(
        cls, environ: Mapping[str, str], *, host: str = "127.0.0.1", port: int = DEFAULT_PORT, workers: int = 1
    ) -> Self:
        """Return the settings of `environ`; a blank value counts as none. Raises `SettingsError` with every problem."""
        given = {name: value.strip() for name, value in environ.items() if name.startswith(PREFIX) and value.strip()}
        problems = _unknown(set(given))
        values: dict[str, Any] = {}
        for setting in SETTINGS:
            if setting.name not in given:
                continue
            try:
                values[setting.attribute] = setting.parse(given[setting.name])
            except ValueError as fault:
                problems.append(f"{setting.name}: {fault}")
        values.setdefault("data_dir", _data_dir(environ))
        values.setdefault("public_url", f"{'https' if 'tls_cert' in values else 'http'}://localhost:{port}")
        values.setdefault("registration", "first" if values.get("env") == "production" else "open")
        settings = cls(**values, host=host, port=port, workers=workers)
        problems += _contradictions(settings, set(given))
        if problems:
            raise SettingsError(problems)
        return settings

    @property
    def production(self) -> bool:
        """Whether this installation is held to production's rules."""
        return self.env == "production"

    @property
    def embedded(self) -> bool:
        """Whether the database is our own PostgreSQL in the data directory."""
        return self.database_url is None


def _unknown(names: set[str]) -> list[str]:
    known = {setting.name for setting in SETTINGS}
    problems = []
    for name in sorted(names - known - OF_CLIENTS):
        nearest = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.0)[0]
        problems.append(f"{name}: there is no such setting; the nearest is {nearest}. Correct the name or remove it.")
    return problems


def _data_dir(environ: Mapping[str, str]) -> Path:
    if os.geteuid() == 0:
        return Path("/var/lib/devmesh")
    home = Path(environ.get("HOME") or Path.home())
    shared = environ.get("XDG_DATA_HOME") or ""
    # The XDG specification: a relative path is to be ignored.
    return (Path(shared) if shared.startswith("/") else home / ".local" / "share") / "devmesh"


def _contradictions(settings: Settings, given: set[str]) -> list[str]:
    # A malformed value is told once, as malformed: what counts here is whether it was given.
    rules = (*_on_pairs(settings, given), *_on_master_key(settings, given), *_on_public_url(settings))
    return [problem for broken, problem in rules if broken]


def _on_pairs(settings: Settings, given: set[str]) -> tuple[tuple[bool, str], ...]:
    token = "DEVMESH_REGISTRATION_TOKEN" in given
    by_token = settings.registration == "token"
    return (
        (
            len({"DEVMESH_TLS_CERT", "DEVMESH_TLS_KEY"} & given) == 1,
            "DEVMESH_TLS_CERT and DEVMESH_TLS_KEY belong together: set both or neither.",
        ),
        (
            by_token and not token,
            "DEVMESH_REGISTRATION_TOKEN: DEVMESH_REGISTRATION=token needs it; make one with 'openssl rand -hex 24'.",
        ),
        (
            token and not by_token,
            "DEVMESH_REGISTRATION_TOKEN: it is set but not asked for; set DEVMESH_REGISTRATION=token, or remove it.",
        ),
        (
            "DEVMESH_DATABASE_DIRECT_URL" in given and "DEVMESH_DATABASE_URL" not in given,
            "DEVMESH_DATABASE_DIRECT_URL: it goes with DEVMESH_DATABASE_URL, which is not set; set both or neither.",
        ),
    )


def _on_master_key(settings: Settings, given: set[str]) -> tuple[tuple[bool, str], ...]:
    keys = {"DEVMESH_MASTER_KEY", "DEVMESH_MASTER_KEY_FILE", "DEVMESH_KMS_URL"} & given
    production = (
        "DEVMESH_MASTER_KEY: production does not start without a given master key; set it or "
        "DEVMESH_MASTER_KEY_FILE to the output of 'openssl rand -base64 32', and keep a copy in a safe place, "
        "or name a KMS in DEVMESH_KMS_URL."
    )
    external = (
        "DEVMESH_MASTER_KEY: an external database needs it, DEVMESH_MASTER_KEY_FILE or DEVMESH_KMS_URL, "
        "the same on every machine; make one with 'openssl rand -base64 32'."
    )
    return (
        (len(keys) > 1, f"{' and '.join(sorted(keys))} are set: keep one."),
        (settings.production and not keys, production),
        (not settings.production and "DEVMESH_DATABASE_URL" in given and not keys, external),
        *_on_kms(settings, given),
    )


def _on_kms(settings: Settings, given: set[str]) -> tuple[tuple[bool, str], ...]:
    tokens = {"DEVMESH_VAULT_TOKEN", "DEVMESH_VAULT_TOKEN_FILE"} & given
    former = settings.master_key_former
    named = (settings.kms_url, former.kms if former else None)
    vault = any(each is not None and each.kind == "vault" for each in named)
    url = settings.database_direct_url or settings.database_url
    role = urlsplit(url or "").password
    return (
        (vault and not tokens, "DEVMESH_VAULT_TOKEN: Vault needs it, or DEVMESH_VAULT_TOKEN_FILE."),
        (len(tokens) > 1, "DEVMESH_VAULT_TOKEN and DEVMESH_VAULT_TOKEN_FILE are both set: keep one."),
        (
            settings.kms_url is not None and url is not None and not role,
            "DEVMESH_DATABASE_URL: with a KMS it needs a password in it, from which the second role's is derived.",
        ),
    )


def _on_public_url(settings: Settings) -> tuple[tuple[bool, str], ...]:
    host = urlsplit(settings.public_url).hostname or ""
    nameless = settings.smtp_url is not None and settings.smtp_url.sender_address is None
    return (
        (
            settings.production and not settings.public_url.startswith("https://"),
            f"DEVMESH_PUBLIC_URL: production needs an https address, not {settings.public_url}.",
        ),
        (
            nameless and not is_mail_domain(host),
            f"DEVMESH_SMTP_URL: add ?from=mesh@example.com with an address of your own; '{host}' is no mail domain.",
        ),
    )
