"""The pages behind mailed links: one self-contained file each, whose policy allows what is in it and nothing else.

The link's secret stands after the #, so it is the browser's alone until the person presses the button.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources

_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)
# What the pages share is put into each, so that each is checked and sent as one.
_SHARED = re.compile(r"/\* (mailed\.(?:css|js)) \*/\n")
_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Page:
    """A page as it is sent; among its headers a Content-Security-Policy (W3C CSP 3)."""

    body: bytes
    headers: Mapping[str, str]


def load(name: str, package: str = "devmesh.accounts") -> Page:
    """Return the package's page `name`."""
    text = _SHARED.sub(lambda found: _read("devmesh.accounts", found[1]), _read(package, f"{name}.html"))
    policy = "; ".join(
        (
            "default-src 'none'",
            f"script-src {_hashes(_SCRIPT, text)}",
            f"style-src {_hashes(_STYLE, text)}",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )
    headers = {
        "content-type": "text/html; charset=utf-8",
        "content-security-policy": policy,
        "x-frame-options": "DENY",
    }
    return Page(text.encode(), headers)


def _read(package: str, name: str) -> str:
    return resources.files(package).joinpath(name).read_text(encoding="utf-8")


def _hashes(element: re.Pattern[str], text: str) -> str:
    found = (hashlib.sha256(inside.encode()).digest() for inside in element.findall(text))
    return " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in found)
