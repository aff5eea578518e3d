# ruff: noqa: INP001 - a script, no package
"""Prints the OpenAPI document of this checkout, as `GET /openapi.json` answers it."""

from __future__ import annotations

import sys

from litestar import Router

from devmesh import app
from devmesh.http.application import PREFIX
from devmesh.http.documentation import openapi


def document() -> bytes:
    """Return the document."""
    return openapi([Router(PREFIX, route_handlers=list(app._ROUTES)), *app._ROOT])  # noqa: SLF001 - the lists themselves


if __name__ == "__main__":
    sys.stdout.buffer.write(document())
