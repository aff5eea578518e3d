"""The form of an API key: a type's prefix, 43 base64url characters, the last 6 of them a checksum of the rest.

The checksum tells a typo or a scanner's false hit from a real key without a database. It is no
secret and proves nothing: whether a key is valid is decided by its keyed digest alone.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets

PREFIXES = {"admin": "adm_", "user": "usr_", "agent": "agt_", "gateway": "gw_"}
PATTERN = re.compile(r"(?:adm|usr|agt|gw)_[A-Za-z0-9_-]{43}")
# Every secret of ours that can be told by its form: API keys, refresh tokens, tokens of half a login, access tokens.
SECRETS = re.compile(
    rf"{PATTERN.pattern}|(?:rfr|mfa)_[A-Za-z0-9_-]{{43}}"
    r"|eyJ[A-Za-z0-9_-]{1,200}\.[A-Za-z0-9_-]{1,3600}\.[A-Za-z0-9_-]{86}"
)
SHOWN = 8
_BODY = 37


def new_api_key(key_type: str) -> str:
    """Return a new key of that type; 222 of its bits are random."""
    body = PREFIXES[key_type] + secrets.token_urlsafe(28)[:_BODY]
    return body + _checksum(body)


def is_api_key(text: str) -> bool:
    """Return whether `text` has the form of a key, its checksum included."""
    return PATTERN.fullmatch(text) is not None and text[-6:] == _checksum(text[:-6])


def masked(text: str) -> str:
    """Return the text without secrets of ours; to be cut, if at all, afterwards: a part of one has no form."""
    return SECRETS.sub("[key]", text)


def new_mail_token() -> str:
    """Return 256 random bits for a link in a mail."""
    return secrets.token_urlsafe(32)


def _checksum(body: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(b"devmesh key checksum:" + body.encode()).digest()).decode()[:6]
