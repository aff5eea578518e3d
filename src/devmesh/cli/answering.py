"""Whether a server of ours answers at an address already."""

from __future__ import annotations

import http.client
import ssl

from devmesh.settings import Settings

_OK = 200


def answers(settings: Settings) -> bool:
    """Return whether a health check at the settings' host and port succeeds."""
    connection = http.client.HTTPConnection(settings.host, settings.port, timeout=5)
    if settings.tls_cert:
        # Whether it answers is asked, not who it is: no secret is sent.
        unchecked = ssl._create_unverified_context()  # noqa: S323, SLF001
        connection = http.client.HTTPSConnection(settings.host, settings.port, timeout=5, context=unchecked)
    try:
        connection.request("GET", "/healthz", headers={"Host": f"localhost:{settings.port}"})
        return connection.getresponse().status == _OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
