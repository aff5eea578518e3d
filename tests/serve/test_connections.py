from __future__ import annotations

import pytest

from devmesh.serve.connections import app_password, app_role, connections
from devmesh.serve.handover import Handover
from devmesh.settings import Settings

KEY = "A" * 43 + "="


@pytest.mark.parametrize(
    ("url", "role"),
    [
        ("postgresql://o@h/mesh", "mesh_app"),
        ("postgresql://o@h/My-Mesh?sslmode=require", "my_mesh_app"),
        ("postgresql://o@h/7", "_7_app"),
        (f"postgresql://o@h/{'x' * 70}", "x" * 59 + "_app"),
    ],
)
def test_the_app_role_is_named_after_the_database(url, role):
    assert app_role(url) == role


def test_its_password_follows_from_the_owners_and_where_that_has_none_from_the_master_key():
    def password(userinfo: str, key: bytes | None) -> str | None:
        url = f"postgresql://{userinfo}@db/mesh"
        settings = Settings.load({"DEVMESH_DATABASE_URL": url, "DEVMESH_MASTER_KEY": KEY})
        return connections(settings, Handover("127.0.0.1", 8081, 1, key)).app_password

    assert password("owner:secret", bytes(32)) == password("owner:secret", b"1" * 32) == password("owner:secret", None)
    assert len({password(user, key) for user in ("o:secret", "o:other", "o") for key in (bytes(32), b"1" * 32)}) == 4


def test_another_secret_or_role_is_another_password():
    assert app_password(bytes(32), "mesh_app") == app_password(bytes(32), "mesh_app")
    assert (
        len({app_password(bytes(32), "mesh_app"), app_password(bytes(32), "x_app"), app_password(b"1" * 32, "x_app")})
        == 3
    )


def test_the_owner_migrates_and_the_app_role_works_and_listens_directly():
    environ = {
        "DEVMESH_DATABASE_URL": "postgresql://owner:secret@pooler:6432/mesh",
        "DEVMESH_DATABASE_DIRECT_URL": "postgresql://owner:secret@db/mesh",
        "DEVMESH_MASTER_KEY": KEY,
    }
    settings = Settings.load(environ)
    to = connections(settings, Handover("127.0.0.1", 8081, 1, bytes(32)))
    assert to.owner == {"dsn": settings.database_direct_url}
    assert (to.app["dsn"], to.app["user"]) == (settings.database_url, "mesh_app")
    assert (to.direct["dsn"], to.direct["user"]) == (settings.database_direct_url, "mesh_app")
    assert to.app["password"] == to.app_password
    assert "secret" not in repr(to)
