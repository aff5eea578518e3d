"""Vault's transit engine as what keeps the master key."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from devmesh.app import App, build
from devmesh.crypto import masters as masters_module
from devmesh.crypto.kms import KmsError
from devmesh.crypto.passwords import Cost, Passwords
from devmesh.crypto.sealing import new_key
from devmesh.db.embedded import Embedded
from devmesh.kms.choice import masters_of
from devmesh.kms.vault import VaultTransit
from devmesh.settings import Settings, SettingsError
from devmesh.settings.kms import kms_url
from kms.transit import Transit


@pytest.fixture
async def transit() -> AsyncIterator[Transit]:
    async with Transit() as transit:
        yield transit


async def test_a_key_is_wrapped_for_its_context_and_comes_back(transit: Transit):
    kms, key = VaultTransit(kms_url(transit.url), transit.token), new_key()
    wrapped = await kms.wrap(key, "version 1")
    assert re.fullmatch(rb"vault:v1:[A-Za-z0-9+/]+=*", wrapped)
    assert await kms.unwrap(wrapped, "version 1") == key
    for other, context in ((wrapped, "version 2"), (wrapped[:-4] + b"AAA=", "version 1")):
        with pytest.raises(KmsError, match="unable to decrypt") as caught:
            await kms.unwrap(other, context)
        assert not caught.value.passing
    await kms.close()
    method, path, headers, body = transit.received[0]
    assert (method, path) == ("POST", "/v1/transit/encrypt/devmesh")
    assert (headers["x-vault-token"], headers["x-vault-request"]) == (transit.token, "true")
    assert "x-vault-namespace" not in headers
    associated = base64.b64encode(b"version 1").decode()
    assert body == {"plaintext": base64.b64encode(key).decode(), "associated_data": associated}
    assert transit.received[1][1] == "/v1/transit/decrypt/devmesh"
    assert transit.received[1][3] == {"ciphertext": wrapped.decode(), "associated_data": associated}


async def test_the_token_file_is_read_each_time_and_the_namespace_named(tmp_path: Path):
    file = tmp_path / "token"
    file.write_text("hvs.a-former-token-of-ours\n")
    async with Transit(namespace="team/mesh") as transit:
        kms = VaultTransit(kms_url(f"{transit.url}?namespace=team/mesh"), file)
        with pytest.raises(KmsError, match="permission denied"):
            await kms.wrap(new_key(), "here")
        file.write_text(f"{transit.token}\n")
        await kms.wrap(new_key(), "here")
        file.unlink()
        with pytest.raises(KmsError, match="cannot be read"):
            await kms.wrap(new_key(), "here")
        await kms.close()


async def test_an_answer_that_is_none_and_a_vault_that_is_away_may_pass(transit: Transit):
    kms = VaultTransit(kms_url(transit.url), transit.token)
    transit._encrypt = lambda _: {"plaintext": "AAAA"}
    with pytest.raises(KmsError, match="none of its kind") as strange:
        await kms.wrap(new_key(), "here")
    await transit._runner.cleanup()
    with pytest.raises(KmsError, match="cannot be reached") as away:
        await kms.wrap(new_key(), "here")
    assert (strange.value.passing, away.value.passing) == (True, True)
    assert transit.token not in f"{strange.value} {away.value} {kms!r}"
    await kms.close()


@pytest.mark.parametrize("plaintext", ["é", "A"])
async def test_a_key_that_is_none_may_pass(transit: Transit, plaintext: str):
    kms = VaultTransit(kms_url(transit.url), transit.token)
    transit._decrypt = lambda _: {"plaintext": plaintext}
    with pytest.raises(KmsError, match="none of its kind") as caught:
        await kms.unwrap(b"vault:v1:AAAA", "here")
    assert caught.value.passing
    await kms.close()


async def test_a_row_that_is_no_text_is_refused_as_any_that_vault_does_not_open(transit: Transit):
    kms = VaultTransit(kms_url(transit.url), transit.token)
    with pytest.raises(KmsError, match="answered 400"):
        await kms.unwrap(b"\xff\xfe", "here")
    await kms.close()


def test_a_kms_is_asked_for_in_the_settings_and_goes_with_nothing_else():
    url = {"DEVMESH_KMS_URL": "vault://vault.example.com:8200/transit/devmesh?namespace=team"}
    token = {"DEVMESH_VAULT_TOKEN": "hvs.a-token-of-some-length"}
    settings = Settings.load({**url, **token})
    assert masters_of(settings, None).kms.name == "vault:team/transit/devmesh"
    assert token["DEVMESH_VAULT_TOKEN"] not in repr(settings)
    for more in (
        {},
        {**token, "DEVMESH_MASTER_KEY": "A" * 43 + "="},
        {**token, "DEVMESH_DATABASE_URL": "postgresql://owner@db/mesh"},
        {**token, "DEVMESH_KMS_URL": "vault://vault.example.com/devmesh"},
        {**token, "DEVMESH_KMS_URL": "vault://user:hunter2@vault.example.com/transit/devmesh"},
        {**token, "DEVMESH_KMS_URL": "vault://vault.example.com/transit/devmesh?token=hunter2"},
        {**token, "DEVMESH_KMS_URL": "vault://vault.example.com/transit/../sys/seal"},
        {**token, "DEVMESH_KMS_URL": "aws-kms://nowhere/alias/devmesh"},
        {**token, "DEVMESH_KMS_URL": "aws-kms://eu-west-1/"},
    ):
        with pytest.raises(SettingsError) as caught:
            Settings.load({**url, **more})
        assert len(caught.value.problems) == 1
        assert "hunter2" not in str(caught.value)


def test_what_kept_the_key_before_is_named_in_three_forms(tmp_path: Path):
    now = {"DEVMESH_MASTER_KEY": "A" * 43 + "="}
    file = tmp_path / "former"
    file.write_text("B" * 42 + "A=\n" + "C" * 42 + "A=\n")
    by_text = masters_of(Settings.load({**now, "DEVMESH_MASTER_KEY_FORMER": "B" * 42 + "A="}), bytes(32))
    by_file = masters_of(Settings.load({**now, "DEVMESH_MASTER_KEY_FORMER": f"file:{file}"}), bytes(32))
    vault = {"DEVMESH_MASTER_KEY_FORMER": "vault://v.example.com/transit/a", "DEVMESH_VAULT_TOKEN": "t" * 20}
    by_kms = masters_of(Settings.load({**now, **vault}), bytes(32))
    assert by_text._known.keys() < by_file._known.keys()
    assert "vault:transit/a" in by_kms._known
    with pytest.raises(SettingsError, match="openssl rand"):
        Settings.load({**now, "DEVMESH_MASTER_KEY_FORMER": "no key"})


async def _program(postgres: Embedded, transit: Transit, directory: Path) -> App:
    environ = {
        "DEVMESH_DATA_DIR": str(directory),
        "DEVMESH_KMS_URL": transit.url,
        "DEVMESH_VAULT_TOKEN": transit.token,
    }
    cheap = Passwords(Cost(memory_kib=64, iterations=1))
    return await build(Settings.load(environ), None, postgres.app_dsn, passwords=cheap)


async def test_a_program_whose_key_vault_no_longer_uses_closes_and_opens_again(
    own_postgres: Embedded, transit: Transit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    app = await _program(own_postgres, transit, tmp_path)
    wrapped = app.masters.wrap(1, new_key(), "data", "here")
    transit.enabled = False
    with pytest.raises(KmsError, match="encryption key not found"):
        await _program(own_postgres, transit, tmp_path)
    app.masters.unwrap(wrapped, "data", "here")
    monkeypatch.setattr(masters_module, "HELD_SECONDS", 0.0)
    with pytest.raises(masters_module.VaultClosed):
        app.masters.unwrap(wrapped, "data", "here")
    monkeypatch.undo()
    transit.enabled = True
    await app.masters.refresh(app.database)
    app.masters.unwrap(wrapped, "data", "here")
    asked = len(transit.received)
    await app.close()
    # The master key's one version; neither peppers nor data keys are asked for one by one.
    assert asked <= 6
    assert {path for _, path, _, _ in transit.received} == {
        "/v1/transit/encrypt/devmesh",
        "/v1/transit/decrypt/devmesh",
    }
