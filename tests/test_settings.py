from __future__ import annotations

import base64
from ipaddress import ip_network
from pathlib import Path

import pytest

from devmesh.settings import SETTINGS, AllowEntry, Settings, SettingsError

KEY = base64.b64encode(bytes(range(32))).decode()
ANY_FILE = __file__


def problems(**environ: str) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        Settings.load(environ)
    return caught.value.problems


def load(**environ: str) -> Settings:
    return Settings.load(environ)


def test_without_any_setting_a_development_installation_is_described():
    settings = load()
    assert (settings.public_url, settings.registration, settings.default_plan) == (
        "http://localhost:8081",
        "open",
        "free",
    )
    assert settings.embedded
    assert not settings.production
    assert (settings.host, settings.port, settings.workers) == ("127.0.0.1", 8081, 1)


def test_links_follow_the_port_that_is_served():
    assert Settings.load({}, port=9000).public_url == "http://localhost:9000"
    assert (
        Settings.load({"DEVMESH_TLS_CERT": ANY_FILE, "DEVMESH_TLS_KEY": ANY_FILE}, port=9000).public_url
        == "https://localhost:9000"
    )
    assert Settings.load({"DEVMESH_PUBLIC_URL": "https://Mesh.Example.com:443/"}, port=9000).public_url == (
        "https://mesh.example.com"
    )


def test_the_data_directory_follows_the_user(monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert load(HOME="/home/ann").data_dir == Path("/var/lib/devmesh")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert load(HOME="/home/ann").data_dir == Path("/home/ann/.local/share/devmesh")
    assert load(HOME="/home/ann", XDG_DATA_HOME="/data").data_dir == Path("/data/devmesh")
    assert load(HOME="/home/ann", XDG_DATA_HOME="relative").data_dir == Path("/home/ann/.local/share/devmesh")
    assert load(DEVMESH_DATA_DIR="/srv/mesh").data_dir == Path("/srv/mesh")


def test_production_lists_every_problem_at_once():
    found = problems(
        DEVMESH_ENV="production",
        DEVMESH_METRICS_ADDR="9090",
        DEVMESH_DATABASE_URL="mysql://root:hunter2@db/mesh",
        DEVMESH_TRUSTED_PROXIES="10.0.0.5/8",
        DEVMESH_REGISTRATION="opne",
        DEVMESH_PUBLIK_URL="https://mesh.example.com",
    )
    named = sorted(problem.split(":")[0] for problem in found)
    assert named == [
        "DEVMESH_DATABASE_URL",
        "DEVMESH_MASTER_KEY",
        "DEVMESH_METRICS_ADDR",
        "DEVMESH_PUBLIC_URL",
        "DEVMESH_PUBLIK_URL",
        "DEVMESH_REGISTRATION",
        "DEVMESH_TRUSTED_PROXIES",
    ]
    assert "hunter2" not in " ".join(found)
    assert "write 10.0.0.0/8" in " ".join(found)


def test_production_starts_with_a_key_and_https_and_then_registers_only_the_first():
    settings = load(DEVMESH_ENV="production", DEVMESH_MASTER_KEY=KEY, DEVMESH_PUBLIC_URL="https://mesh.example.com")
    assert settings.production
    assert settings.registration == "first"
    assert settings.master_key == bytes(range(32))


def test_a_misspelt_name_is_told_with_the_nearest_one():
    (problem,) = problems(DEVMESH_UPSTREAM_ALOW="x:1")
    assert "nearest is DEVMESH_UPSTREAM_ALLOW" in problem


def test_names_that_clients_use_in_the_same_shell_do_no_harm():
    assert load(DEVMESH_API_KEY="adm_x", DEVMESH_URL="http://localhost:8081", PATH="/bin").embedded


def test_a_blank_value_counts_as_none():
    assert load(DEVMESH_MASTER_KEY="", DEVMESH_PUBLIC_URL="  ").public_url == "http://localhost:8081"


@pytest.mark.parametrize("key", ["short", KEY[:-4], "!" * 44, base64.b64encode(bytes(31)).decode()])
def test_a_master_key_is_32_bytes_in_base64_and_never_repeated(key):
    (problem,) = problems(DEVMESH_MASTER_KEY=key)
    assert "openssl rand -base64 32" in problem
    assert key not in problem


def test_secrets_stay_out_of_repr():
    settings = load(
        DEVMESH_MASTER_KEY=KEY,
        DEVMESH_DATABASE_URL="postgresql://owner:hunter2@db/mesh",
        DEVMESH_REGISTRATION="token",
        DEVMESH_REGISTRATION_TOKEN="a-token-of-some-length",
    )
    for secret in ("hunter2", "a-token", repr(bytes(range(32)))[2:-1]):
        assert secret not in repr(settings)


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        ("Git.Example.com:8443", AllowEntry(None, "git.example.com", 8443, None)),
        ("acme=10.0.0.5:8080", AllowEntry("acme", "10.0.0.5", 8080, None)),
        ("10.0.0.0/8", AllowEntry(None, None, None, ip_network("10.0.0.0/8"))),
        ("10.0.0.0/8:443", AllowEntry(None, None, 443, ip_network("10.0.0.0/8"))),
        ("acme=fd00::/8", AllowEntry("acme", None, None, ip_network("fd00::/8"))),
        ("[FD00:0::1]:80", AllowEntry(None, "fd00::1", 80, None)),
        ("10.1.2.3", AllowEntry(None, None, None, ip_network("10.1.2.3/32"))),
        ("fd00::1", AllowEntry(None, None, None, ip_network("fd00::1/128"))),
    ],
)
def test_an_exception_to_the_address_guard_names_a_host_or_a_network(text, entry):
    assert load(DEVMESH_UPSTREAM_ALLOW=f" {text} , ").upstream_allow == (entry,)


@pytest.mark.parametrize(
    "text", ["host", "http://host:80", "host:0", "host:99999", "10.0.0.5/8", "=host:80", "UP_=h:1", "*:80", "h:٣"]
)
def test_an_exception_that_cannot_be_read_is_a_problem(text):
    (problem,) = problems(DEVMESH_UPSTREAM_ALLOW=text)
    assert problem.startswith("DEVMESH_UPSTREAM_ALLOW: ")


@pytest.mark.parametrize(
    "url", ["mesh.example.com", "https://mesh.example.com/path", "https://a@b.example", "ftp://x", "https://x:99999"]
)
def test_a_public_url_is_an_origin(url):
    (problem,) = problems(DEVMESH_PUBLIC_URL=url)
    assert "https://mesh.example.com" in problem


@pytest.mark.parametrize("url", ["postgresql://db/mesh", "postgresql://owner@db", "postgres", "postgresql://a@b:x/c"])
def test_a_database_address_names_user_and_database(url):
    (problem,) = problems(DEVMESH_DATABASE_URL=url, DEVMESH_MASTER_KEY=KEY)
    assert "postgresql://user:password@host:5432/database" in problem


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DEVMESH_PUBLIC_URL", "https://mesh.exam\nple.com"),
        ("DEVMESH_ALLOWED_ORIGINS", "https://page.exam\tple.com"),
        ("DEVMESH_DATABASE_URL", "postgresql://a:hunter2\n@db/mesh"),
    ],
)
def test_an_address_with_a_control_character_is_refused_and_not_read_without_it(name, value):
    [problem] = [one for one in problems(**{name: value, "DEVMESH_MASTER_KEY": KEY}) if one.startswith(name)]
    assert "control character" in problem
    assert "hunter2" not in problem


def test_lists_are_read_with_blanks_and_ports():
    settings = load(
        DEVMESH_ALLOWED_HOSTS="Mesh.example.com, other.example:8443,[::1]:80",
        DEVMESH_ALLOWED_ORIGINS="https://App.example.com/",
        DEVMESH_TRUSTED_PROXIES="10.0.0.0/8,::1",
        DEVMESH_METRICS_ADDR=":9090",
    )
    assert settings.allowed_hosts == ("mesh.example.com", "other.example:8443", "[::1]:80")
    assert settings.allowed_origins == ("https://app.example.com",)
    assert settings.trusted_proxies == (ip_network("10.0.0.0/8"), ip_network("::1/128"))
    assert settings.metrics_addr == ("127.0.0.1", 9090)


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"DEVMESH_ALLOWED_ORIGINS": "*"}, "DEVMESH_ALLOWED_ORIGINS"),
        ({"DEVMESH_ALLOWED_HOSTS": "http://x"}, "DEVMESH_ALLOWED_HOSTS"),
        ({"DEVMESH_TLS_CERT": ANY_FILE}, "DEVMESH_TLS_KEY"),
        ({"DEVMESH_TLS_CERT": "/none.pem", "DEVMESH_TLS_KEY": ANY_FILE}, "/none.pem"),
        ({"DEVMESH_MASTER_KEY": KEY, "DEVMESH_MASTER_KEY_FILE": ANY_FILE}, "keep one"),
        ({"DEVMESH_REGISTRATION": "token"}, "DEVMESH_REGISTRATION_TOKEN"),
        ({"DEVMESH_REGISTRATION": "token", "DEVMESH_REGISTRATION_TOKEN": "short"}, "DEVMESH_REGISTRATION_TOKEN"),
        ({"DEVMESH_REGISTRATION_TOKEN": "a-token-of-some-length"}, "DEVMESH_REGISTRATION=token"),
        ({"DEVMESH_DATABASE_URL": "postgresql://a@b/c"}, "the same on every machine"),
        ({"DEVMESH_DATABASE_DIRECT_URL": "postgresql://a@b/c"}, "DEVMESH_DATABASE_URL"),
        ({"DEVMESH_DEFAULT_PLAN": "no plan"}, "DEVMESH_DEFAULT_PLAN"),
        ({"DEVMESH_ENV": "prod"}, "development, production"),
    ],
)
def test_a_setting_that_cannot_stand_is_one_problem(environ, named):
    (problem,) = problems(**environ)
    assert named in problem


def test_every_setting_is_described_and_has_its_field():
    fields = set(Settings.__dataclass_fields__) - {"host", "port", "workers", "drain_seconds"}
    assert {setting.attribute for setting in SETTINGS} == fields
    assert len(SETTINGS) < 40
    assert all(setting.default and setting.meaning.endswith(".") for setting in SETTINGS)
