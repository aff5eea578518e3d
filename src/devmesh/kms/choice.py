"""What keeps this installation's master key, and what kept it before."""

from __future__ import annotations

import importlib
from functools import partial

from devmesh.crypto.kms import Kms, LocalKms, kept_in
from devmesh.crypto.master import key_file
from devmesh.crypto.masters import MasterKeys
from devmesh.kms.vault import VaultTransit
from devmesh.settings import KmsUrl, Settings, SettingsError

# Loaded by name, and only where such a key is named: it needs botocore.
_AWS = "devmesh.kms.aws"


def masters_of(settings: Settings, master_key: bytes | None) -> MasterKeys:
    """Return the master keys; `master_key` is the installation's own, None where a KMS keeps it.

    Raises SettingsError.
    """
    former = settings.master_key_former
    older: list[Kms] = [LocalKms(key) for key in former.keys] if former else []
    if former and former.kms:
        older.append(_kms(settings, former.kms))
    if settings.kms_url is not None:
        return MasterKeys(_kms(settings, settings.kms_url), *older)
    if master_key is None:
        raise SettingsError(["DEVMESH_MASTER_KEY: neither a master key nor a KMS is given."])
    if settings.master_key is not None:
        return MasterKeys(LocalKms(master_key), *older)
    return MasterKeys(LocalKms(master_key), *older, more=partial(kept_in, key_file(settings)))


def _kms(settings: Settings, url: KmsUrl) -> Kms:
    if url.kind == "vault":
        return VaultTransit(url, settings.vault_token or settings.vault_token_file)
    try:
        module = importlib.import_module(_AWS)
    except ModuleNotFoundError as missing:
        raise SettingsError([f"DEVMESH_KMS_URL: {missing.name} is not there; install 'devmesh[aws]'."]) from None
    kms: Kms = module.AwsKms(url)
    return kms
