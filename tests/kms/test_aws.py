"""AWS KMS as what keeps the master key, against moto, which checks every signature and permission."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from botocore.session import Session

from devmesh.crypto.kms import KmsError
from devmesh.crypto.sealing import new_key
from devmesh.kms.aws import AwsKms
from devmesh.settings.kms import kms_url

SERVER = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
"""
REGION = "eu-central-1"
# Calls that are let through without a signature: those that make the user, its key, its policy, and two KMS keys.
UNSIGNED = 6
POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["kms:Encrypt", "kms:Decrypt", "iam:*"], "Resource": "*"}],
}

DENIED = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["kms:Encrypt", "iam:*"], "Resource": "*"}],
}


@dataclass
class Account:
    """An account at moto whose user may encrypt and decrypt, with two keys, one behind an alias."""

    port: int
    access_key: str
    secret_key: str
    key: str
    other: str

    def client(self, service: str) -> Any:
        return _client(service, self.port, self.access_key, self.secret_key)

    def kms(self, key: str) -> AwsKms:
        return AwsKms(kms_url(f"aws-kms://{REGION}/{key}?endpoint=http://127.0.0.1:{self.port}"))


def _client(service: str, port: int, access_key: str, secret_key: str) -> Any:
    return Session().create_client(
        service,
        region_name=REGION,
        endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
    )


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    environment = {**os.environ, "INITIAL_NO_AUTH_ACTION_COUNT": str(UNSIGNED), "AWS_DEFAULT_REGION": REGION}
    with subprocess.Popen(
        [sys.executable, "-c", SERVER], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        port = int(server.stdout.readline())
        iam, kms = (_client(service, port, "AKIDEXAMPLE", "none") for service in ("iam", "kms"))
        iam.create_user(UserName="mesh")
        made = iam.create_access_key(UserName="mesh")["AccessKey"]
        iam.put_user_policy(UserName="mesh", PolicyName="keys", PolicyDocument=json.dumps(POLICY))
        key, other = (kms.create_key()["KeyMetadata"]["KeyId"] for _ in range(2))
        kms.create_alias(AliasName="alias/devmesh", TargetKeyId=key)
        for client in (iam, kms):
            client.close()
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", made["AccessKeyId"])
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", made["SecretAccessKey"])
        monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
        yield Account(port, made["AccessKeyId"], made["SecretAccessKey"], key, other)
        server.kill()


async def test_a_key_is_wrapped_for_its_context_by_that_key_and_comes_back(account: Account):
    kms, key = account.kms("alias/devmesh"), new_key()
    wrapped = await kms.wrap(key, "version 1")
    assert key not in wrapped
    assert await kms.unwrap(wrapped, "version 1") == key
    with pytest.raises(KmsError) as caught:
        await kms.unwrap(wrapped, "version 2")
    assert not caught.value.passing
    await kms.close()
    # AWS's own client reads it, so it is what AWS calls wrapped, and bound to the context as it is documented.
    client = account.client("kms")
    read = client.decrypt(CiphertextBlob=wrapped, EncryptionContext={"devmesh": "version 1"})
    client.close()
    assert read["Plaintext"] == key


async def test_a_wrong_signature_and_a_user_without_the_right_are_refused(
    account: Account, monkeypatch: pytest.MonkeyPatch
):
    kms = account.kms("alias/devmesh")
    wrapped = await kms.wrap(new_key(), "here")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another-secret")
    forged = account.kms("alias/devmesh")
    with pytest.raises(KmsError, match="answered 40") as caught:
        await forged.unwrap(wrapped, "here")
    assert "another-secret" not in str(caught.value)
    iam = account.client("iam")
    iam.put_user_policy(UserName="mesh", PolicyName="keys", PolicyDocument=json.dumps(DENIED))
    iam.close()
    with pytest.raises(KmsError, match="answered 403") as denied:
        await kms.unwrap(wrapped, "here")
    assert not denied.value.passing
    for each in (kms, forged):
        await each.close()


async def test_without_credentials_nothing_is_sent(account: Account, monkeypatch: pytest.MonkeyPatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    kms = account.kms("alias/devmesh")
    with pytest.raises(KmsError, match="no AWS credentials"):
        await kms.wrap(new_key(), "here")
    await kms.close()


def test_an_arn_and_a_region_of_china_are_understood():
    arn = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    assert (kms_url(f"aws-kms://eu-west-1/{arn}").key, str(kms_url("aws-kms://eu-west-1/alias/devmesh"))) == (
        arn,
        "aws-kms:eu-west-1:alias/devmesh",
    )
    assert kms_url("aws-kms://eu-west-1/alias/a").endpoint == "https://kms.eu-west-1.amazonaws.com"
    assert kms_url("aws-kms://cn-north-1/alias/a").endpoint == "https://kms.cn-north-1.amazonaws.com.cn"


STALE = json.dumps(
    {
        "Version": 1,
        "AccessKeyId": "AKIDEXAMPLE",
        "SecretAccessKey": "a-secret-of-somebody",
        "SessionToken": "a-session-of-somebody",
        "Expiration": "2020-01-01T00:00:00Z",
    }
)
NUMBERS = json.dumps({"Version": 1, "AccessKeyId": 5, "SecretAccessKey": 6})


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("[default", "ConfigParseError"),
        ("[default]\ncredential_process = /nonexistent/program\n", "FileNotFoundError"),
        ("[default]\ncredential_process = echo hello\n", "JSONDecodeError"),
        ("[default]\ncredential_process = echo []\n", "AttributeError"),
        (f"[default]\ncredential_process = echo '{STALE}'\n", "RuntimeError"),
        (f"[default]\ncredential_process = echo '{NUMBERS}'\n", "TypeError"),
        (
            "[default]\nrole_arn = arn:aws:iam::111122223333:role/mesh\nweb_identity_token_file = /nonexistent/token\n",
            "FileNotFoundError",
        ),
    ],
)
async def test_credentials_that_cannot_be_had_just_now_are_a_kms_that_may_answer_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: str, said: str
):
    file = tmp_path / "config"
    file.write_text(config)
    _only(monkeypatch, file)
    kms = AwsKms(kms_url(f"aws-kms://{REGION}/alias/devmesh?endpoint=http://127.0.0.1:9"))
    with pytest.raises(KmsError, match=f"no AWS credentials \\({said}\\)") as caught:
        await kms.unwrap(b"wrapped", "here")
    assert caught.value.passing
    assert "somebody" not in str(caught.value)
    await kms.close()


async def test_a_role_that_sts_refuses_is_a_kms_that_may_answer_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    async def refuse(_request: web.Request) -> web.Response:
        body = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not you</Message></Error></ErrorResponse>"
        return web.Response(status=403, text=body, content_type="text/xml")

    async with _answering(refuse) as port:
        token = tmp_path / "token"
        token.write_text("a-token-of-a-pod")
        _only(monkeypatch, tmp_path / "none")
        monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/mesh")
        monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(token))
        monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", f"http://127.0.0.1:{port}")
        kms = AwsKms(kms_url(f"aws-kms://{REGION}/alias/devmesh?endpoint=http://127.0.0.1:{port}"))
        with pytest.raises(KmsError, match=r"no AWS credentials \(AccessDenied\)") as caught:
            await kms.unwrap(b"wrapped", "here")
        assert caught.value.passing
        assert "a-token-of-a-pod" not in str(caught.value)
        await kms.close()


@pytest.mark.parametrize(
    "answer", [{}, [], {"Plaintext": ""}, {"Plaintext": 7}, {"Plaintext": "é"}, {"Plaintext": "A"}]
)
async def test_an_answer_that_is_none_may_pass(monkeypatch: pytest.MonkeyPatch, answer: Any):
    async def say(_request: web.Request) -> web.Response:
        return web.json_response(answer)

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
    async with _answering(say) as port:
        kms = AwsKms(kms_url(f"aws-kms://{REGION}/alias/devmesh?endpoint=http://127.0.0.1:{port}"))
        with pytest.raises(KmsError, match="none of its kind") as caught:
            await kms.unwrap(b"wrapped", "here")
        assert caught.value.passing
        await kms.close()


async def test_each_request_names_the_key_and_the_context(monkeypatch: pytest.MonkeyPatch):
    asked: list[Any] = []

    async def say(request: web.Request) -> web.Response:
        asked.append((request.headers["x-amz-target"], json.loads(await request.read())))
        return web.json_response({"Plaintext": "AAAA", "CiphertextBlob": "AAAA"})

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
    async with _answering(say) as port:
        kms = AwsKms(kms_url(f"aws-kms://{REGION}/alias/devmesh?endpoint=http://127.0.0.1:{port}"))
        await kms.wrap(b"x" * 32, "version 1")
        # A ciphertext says by which key it was made: without a name KMS would open one of anybody's key.
        await kms.unwrap(b"wrapped", "version 1")
        await kms.close()
    for target, body in asked:
        assert (body["KeyId"], body["EncryptionContext"]) == ("alias/devmesh", {"devmesh": "version 1"}), target
    assert [target for target, _ in asked] == ["TrentService.Encrypt", "TrentService.Decrypt"]


def _only(monkeypatch: pytest.MonkeyPatch, config: Path) -> None:
    """Let botocore find what that file says, and nothing else."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")


@contextlib.asynccontextmanager
async def _answering(answer: Callable[[web.Request], Awaitable[web.Response]]) -> AsyncIterator[int]:
    """Yield the port of a server on loopback that answers every request so."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
