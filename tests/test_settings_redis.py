"""DEVMESH_REDIS_URL: what it may say, and how it is refused without a word of its secret."""

from __future__ import annotations

import pytest

from devmesh.settings import RedisUrl, Settings, SettingsError
from devmesh.settings.redis import redis_url


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("redis://localhost", RedisUrl("localhost")),
        ("redis://10.0.0.5:6380/2", RedisUrl("10.0.0.5", 6380, 2)),
        ("redis://[::1]:6380/", RedisUrl("::1", 6380)),
        ("rediss://:p%2Fw@redis.example.com", RedisUrl("redis.example.com", tls=True, password="p/w")),
        ("rediss://mesh:p%40w@r:1", RedisUrl("r", 1, tls=True, username="mesh", password="p@w")),
        ("redis://a?cluster=true", RedisUrl("a", cluster=True)),
    ],
)
def test_an_address_is_read(text: str, meant: RedisUrl):
    assert redis_url(text) == meant


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("http://localhost:6379", "neither redis:// nor rediss://"),
        ("localhost:6379", "neither redis:// nor rediss://"),
        ("redis://", "no host"),
        ("redis://host:0", "no port"),
        ("redis://host:99999", "no port"),
        ("redis://host/one", "a database's number"),
        ("redis://host/123456", "too high"),
        ("redis://user@host", "without a password"),
        ("redis://host?ssl_cert_reqs=none", "the one option"),
        ("redis://host/1?cluster=true", "only the database 0"),
        ("redis://:pass/word-secret@host", "write"),
        ("redis://:secret\nx@host", "control character"),
    ],
)
def test_a_wrong_address_is_refused_with_the_mend_and_without_the_secret(text: str, words: str):
    with pytest.raises(SettingsError) as refused:
        Settings.load({"DEVMESH_REDIS_URL": text})
    assert words in str(refused.value)
    assert "DEVMESH_REDIS_URL: " in str(refused.value)
    assert "secret" not in str(refused.value)


def test_the_secret_is_in_no_representation():
    settings = Settings.load({"DEVMESH_REDIS_URL": "rediss://mesh:the-secret@host:1/2"})
    assert "the-secret" not in repr(settings) + repr(settings.redis_url) + str(settings.redis_url)
    assert str(settings.redis_url) == "rediss://host:1/2"
