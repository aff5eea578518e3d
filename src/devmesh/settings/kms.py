"""DEVMESH_KMS_URL: the key management service that keeps the master key, and what kept it before."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import SplitResult, parse_qsl, urlsplit

from devmesh.settings.values import file, master_key, master_keys, origin

_SHAPES = (
    "write aws-kms://eu-west-1/alias/devmesh (or a key's id or ARN for the alias), or "
    "vault://vault.example.com:8200/transit/devmesh"
)
_REGION = re.compile(r"[a-z]{2,}(-[a-z0-9]+)+-\d{1,2}")
_AWS_KEY = re.compile(r"[A-Za-z0-9:/_-]{1,2048}")
_VAULT_PATH = re.compile(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)+")
_NAMESPACE = re.compile(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*")
_OPTIONS = {"aws-kms": {"endpoint"}, "vault": {"namespace"}, "vault+http": {"namespace"}}


@dataclass(frozen=True, slots=True)
class KmsUrl:
    """One key of a KMS: `place` is AWS's region or Vault's mount, `endpoint` the origin that is called."""

    kind: Literal["aws", "vault"]
    endpoint: str
    place: str
    key: str
    namespace: str | None = None

    def __str__(self) -> str:
        return f"aws-kms:{self.place}:{self.key}" if self.kind == "aws" else f"vault:{self._mounted}"

    @property
    def _mounted(self) -> str:
        return "/".join(part for part in (self.namespace, self.place, self.key) if part)


def kms_url(text: str) -> KmsUrl:
    """Return what the address says; raise ValueError with what is wrong."""
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 - reading it checks it
    except ValueError:
        raise ValueError(f"it is no address; {_SHAPES}.") from None
    if parts.scheme not in _OPTIONS:
        raise ValueError(f"it begins with neither aws-kms:// nor vault://; {_SHAPES}.")
    if "@" in parts.netloc:
        raise ValueError("it holds a user or a password: AWS takes its own settings, Vault DEVMESH_VAULT_TOKEN.")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if parts.fragment or options.keys() - _OPTIONS[parts.scheme]:
        raise ValueError(f"it holds more than it can; {_SHAPES}.")
    return _aws(parts, options) if parts.scheme == "aws-kms" else _vault(parts, options)


def _aws(parts: SplitResult, options: dict[str, str]) -> KmsUrl:
    region, key = parts.netloc, parts.path.removeprefix("/")
    if not _REGION.fullmatch(region):
        raise ValueError(f"'{region}' is no region, like eu-west-1; {_SHAPES}.")
    if not _AWS_KEY.fullmatch(key):
        raise ValueError(f"it names no key; {_SHAPES}.")
    china = ".cn" if region.startswith("cn-") else ""
    endpoint = options.get("endpoint") or f"https://kms.{region}.amazonaws.com{china}"
    return KmsUrl("aws", origin(endpoint), region, key)


def _vault(parts: SplitResult, options: dict[str, str]) -> KmsUrl:
    path, namespace = parts.path.strip("/"), options.get("namespace")
    if not _VAULT_PATH.fullmatch(path) or ".." in path.split("/"):
        raise ValueError(f"it names no mount and key, like /transit/devmesh; {_SHAPES}.")
    if namespace is not None and not _NAMESPACE.fullmatch(namespace):
        raise ValueError("its namespace is none, like team/mesh.")
    mount, _, key = path.rpartition("/")
    scheme = "http" if parts.scheme == "vault+http" else "https"
    return KmsUrl("vault", origin(f"{scheme}://{parts.netloc}"), mount, key, namespace)


@dataclass(frozen=True, slots=True)
class Former:
    """What kept the master key before: a KMS, or keys of our own, which `repr` does not show."""

    kms: KmsUrl | None
    keys: tuple[bytes, ...]

    def __repr__(self) -> str:
        return f"Former({self.kms or 'local'})"


def former(text: str) -> Former:
    """Return what kept the master key before: base64 of 32 bytes, file:/its/path or a KMS's address."""
    if text.startswith(("aws-kms:", "vault:", "vault+http:")):
        return Former(kms_url(text), ())
    if text.startswith("file:"):
        return Former(None, master_keys(_content(file(text.removeprefix("file:")))))
    return Former(None, (master_key(text),))


def _content(found: Path) -> str:
    try:
        return found.read_text(encoding="ascii")
    except (OSError, ValueError):
        raise ValueError(f"the file {found} holds no master key.") from None
