"""The settings there are, in the order in which they are documented."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from devmesh.settings import values as read
from devmesh.settings.kms import former, kms_url
from devmesh.settings.redis import redis_url
from devmesh.settings.smtp import smtp_url

PREFIX = "DEVMESH_"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting as it is documented: `default` in words, `meaning` a sentence, `parse` text -> value."""

    name: str
    default: str
    meaning: str
    parse: Callable[[str], Any] = field(repr=False)

    @property
    def attribute(self) -> str:
        """Its name on `Settings`."""
        return self.name.removeprefix(PREFIX).lower()


SETTINGS: tuple[Setting, ...] = (
    Setting(
        "DEVMESH_DATA_DIR",
        "/var/lib/devmesh as root, otherwise $XDG_DATA_HOME/devmesh or ~/.local/share/devmesh",
        "Directory of everything kept on this machine: the embedded database, the master key, the mail outbox.",
        read.path,
    ),
    Setting(
        "DEVMESH_DATABASE_URL",
        "the embedded PostgreSQL",
        "External PostgreSQL 15 or newer, postgresql://owner:password@host:5432/database; its user owns the tables "
        "and may create the role that the server works as.",
        read.database_url,
    ),
    Setting(
        "DEVMESH_DATABASE_DIRECT_URL",
        "DEVMESH_DATABASE_URL",
        "The same database without a transaction pooler between, for LISTEN and migrations.",
        read.database_url,
    ),
    Setting(
        "DEVMESH_PUBLIC_URL",
        "http://localhost:8081 (with the port served, and https where a certificate is set)",
        "Address under which users reach this installation; mailed links are built from it. No path.",
        read.origin,
    ),
    Setting(
        "DEVMESH_ALLOWED_HOSTS",
        "none",
        "Host names answered beside loopback and the public URL's, comma-separated, each with an optional port.",
        read.hosts,
    ),
    Setting(
        "DEVMESH_ALLOWED_ORIGINS",
        "none; outside production also loopback origins",
        "Web origins (https://app.example.com) whose pages may call the API, comma-separated; never '*'.",
        read.origins,
    ),
    Setting(
        "DEVMESH_TRUSTED_PROXIES",
        "none",
        "Addresses or CIDRs, comma-separated, of reverse proxies whose X-Forwarded-For is believed.",
        read.networks,
    ),
    Setting(
        "DEVMESH_METRICS_ADDR",
        "none: /metrics stands on the main port and needs an admin key with metrics:read",
        "host:port of a second listener that serves /metrics without a key.",
        read.address,
    ),
    Setting(
        "DEVMESH_TLS_CERT", "none: plain http", "PEM file of the certificate chain to serve https with.", read.file
    ),
    Setting("DEVMESH_TLS_KEY", "none", "PEM file of the certificate's private key.", read.file),
    Setting(
        "DEVMESH_REGISTRATION",
        "open; in production first",
        "Who may register an organization: open (anyone), first (while none exists), token (whoever sends "
        "X-Registration-Token), closed (nobody).",
        read.choice("open", "first", "token", "closed"),
    ),
    Setting(
        "DEVMESH_REGISTRATION_TOKEN",
        "none",
        "The token that registration asks for when DEVMESH_REGISTRATION is token; at least 16 characters.",
        read.token,
    ),
    Setting(
        "DEVMESH_SMTP_URL",
        "none: mails are written as files into DATA_DIR/outbox",
        "Mail server, smtp://user:password@host:587?from=Name <address>, with STARTTLS unless ?starttls=never, or "
        "smtps://. Without from, mail comes from no-reply at the public URL's host.",
        smtp_url,
    ),
    Setting(
        "DEVMESH_PLANS_FILE",
        "built-in plans",
        "JSON file of rate limits and plans.",
        read.file,
    ),
    Setting("DEVMESH_DEFAULT_PLAN", "free", "Plan of newly registered organizations.", read.plan),
    Setting(
        "DEVMESH_REDIS_URL",
        "none: each process counts for itself",
        "Redis 6 or newer, or Valkey, through which all processes hold the rate limits together: "
        "redis://user:password@host:6379/0, rediss:// with TLS, ?cluster=true for a cluster. A database for this "
        "installation alone.",
        redis_url,
    ),
    Setting(
        "DEVMESH_TENANT_AUTOCREATE",
        "true",
        "Whether a key that an administrator makes for a tenant that is not there yet makes the tenant too.",
        read.yes_or_no,
    ),
    Setting(
        "DEVMESH_MASTER_KEY",
        "none; outside production and with the embedded database, DATA_DIR/master.key, made at first start",
        "Base64 of the 32 bytes that wrap every stored secret. Whoever has it and the database can read them; "
        "without it nobody can.",
        read.master_key,
    ),
    Setting("DEVMESH_MASTER_KEY_FILE", "none", "File that holds the master key in base64.", read.file),
    Setting(
        "DEVMESH_KMS_URL",
        "none: the master key is the installation's own",
        "Key management service that keeps the master key instead: aws-kms://eu-west-1/alias/devmesh, or "
        "vault://vault.example.com:8200/transit/devmesh, which may end with ?namespace=team.",
        kms_url,
    ),
    Setting("DEVMESH_VAULT_TOKEN", "none", "Token for Vault, where DEVMESH_KMS_URL names one.", read.token),
    Setting(
        "DEVMESH_VAULT_TOKEN_FILE",
        "none",
        "File that holds the token for Vault; it is read anew whenever Vault is asked, so an agent may renew it.",
        read.file,
    ),
    Setting(
        "DEVMESH_MASTER_KEY_FORMER",
        "none",
        "What kept the master key before, until 'devmesh keys rotate-master' has finished: base64, file:/its/path or "
        "the address of a KMS.",
        former,
    ),
    Setting(
        "DEVMESH_UPSTREAM_ALLOW",
        "none: only public addresses are called",
        "Exceptions to the address guard, comma-separated host:port or CIDR; slug=host:port binds one to an "
        "organization. Plain http is spoken only to these.",
        read.allow_entries,
    ),
    Setting(
        "DEVMESH_ENV",
        "development",
        "production refuses to start without a given master key or with a public URL that is not https.",
        read.choice("development", "production"),
    ),
)
