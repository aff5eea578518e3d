"""Access tokens, mutated 100,000 times: our verdict and PyJWT's, held to the same profile, are the same.

In four parts, so that two processes share them.
"""

from __future__ import annotations

import base64
import json
import random
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from devmesh.crypto.ring import RingKey
from devmesh.crypto.sealing import new_key
from devmesh.errors import Unauthenticated
from devmesh.sessions.signing import SigningKey, _signing
from devmesh.sessions.tokens import AUDIENCE, genuine, named_key

PARTS, COUNT = 4, 25_000
ISSUER = "https://mesh.example"
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
JUNK = ALPHABET + "=.+/ !\n\0é"

SEED = new_key()
KEY: SigningKey = _signing(RingKey(1, datetime.now(UTC), SEED), None)
PRIVATE = Ed25519PrivateKey.from_private_bytes(SEED)
FOREIGN = Ed25519PrivateKey.generate()
HEADER = {"alg": "EdDSA", "typ": "at+jwt", "kid": KEY.kid}


def odd() -> list[Any]:
    end = int(time.time()) + 900
    return [
        None, True, False, 0, 1, -1, 1.0, float(end), 1e300, 10**30, -(10**30), 2**53, 2**63, float("nan"),
        float("inf"), "", "1", str(end), "*", [], {}, [end], {"exp": end}, "\ud7ff", ISSUER, AUDIENCE, [AUDIENCE],
        "x" * 3000,
    ]  # fmt: skip


def text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def sign(header: bytes, payload: bytes, key: Ed25519PrivateKey = PRIVATE) -> str:
    signed = f"{text(header)}.{text(payload)}"
    return f"{signed}.{text(key.sign(signed.encode()))}"


def claims() -> dict[str, Any]:
    now = int(time.time())
    return {
        "iss": ISSUER, "aud": AUDIENCE, "sub": str(uuid4()), "tenant_id": str(uuid4()), "organization_id": str(uuid4()),
        "role": "member", "scopes": ["*:*"], "jti": str(uuid4()), "sid": str(uuid4()), "iat": now, "exp": now + 900,
    }  # fmt: skip


NAMES = list(claims())


def accepted(token: str) -> bool:
    """Return our verdict, but for what the database says of the session."""
    try:
        key = {KEY.kid: KEY}.get(named_key(token))
        return key is not None and genuine(token, key, ISSUER).exp > time.time()
    except Unauthenticated:
        return False


def accepted_by_pyjwt(token: str) -> bool:
    """Return PyJWT's verdict on the signature, the key's name and the times; the profile says the rest."""
    try:
        found = jwt.decode_complete(
            token,
            PRIVATE.public_key(),
            algorithms=["EdDSA"],
            audience=AUDIENCE,
            issuer=ISSUER,
            options={"require": ["iss", "aud", "sub", "jti", "iat", "exp"], "strict_aud": True},
        )
    except (jwt.InvalidTokenError, ValueError, RecursionError, TypeError, OverflowError):
        return False
    return profiled(token, found["header"], found["payload"])


def profiled(token: str, header: Any, payload: Any) -> bool:
    """What we ask beyond PyJWT: each part in its one spelling, these members and no others, of these types."""
    parts = [base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in token.split(".")]
    if [text(part) for part in parts] != token.split("."):
        return False
    if parts[:2] != [compact(header), compact(payload)] or list(header) != list(HEADER) or header != HEADER:
        return False
    if list(payload) != NAMES or type(payload["iat"]) is not int or type(payload["exp"]) is not int:
        return False
    ids = [payload[name] for name in ("sub", "tenant_id", "organization_id", "jti", "sid")]
    if not all(type(one) is str and is_uuid(one) for one in ids) or type(payload["role"]) is not str:
        return False
    scopes = payload["scopes"]
    if type(scopes) is not list or not all(type(one) is str for one in scopes):
        return False
    return 0 < payload["exp"] - payload["iat"] <= 900 and len(token) <= 4096


def is_uuid(one: str) -> bool:
    try:
        return str(UUID(one)) == one
    except ValueError:
        return False


# Ways to write JSON that two readers may understand differently.
TWISTS: list[Callable[[bytes], bytes]] = [
    lambda one: one.replace(b":", b": ", 1),
    lambda one: one.replace(b"iss", b"\\u0069ss").replace(b"alg", b"\\u0061lg"),
    lambda one: one.replace(b'"exp":', b'"exp":0'),
    lambda one: one.replace(b"900", b"9e2"),
    lambda one: one[:-1] + b',"exp":%d}' % (time.time() + 900),
    lambda one: one[:-1] + b',"exp":%d}' % (time.time() + 10**6),
    lambda one: one[:-3] + b"\xff" + one[-3:],
    lambda one: one[:-1],
    lambda one: one + b"\n",
    lambda one: b" " + one,
    lambda one: b"[%b]" % one,
    lambda one: b"\xef\xbb\xbf" + one,
]


class Mutant:
    """Makes mutants, each from a token of ours; the seed is fixed, so that a difference can be found again."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - a test's choice
        self.odd = odd()
        self.others = [sign(compact(HEADER), compact(claims())) for _ in range(20)]

    def make(self) -> tuple[str, str]:
        kind: Callable[[], str] = self.random.choices(
            [self.character, self.spelling, self.crossed, self.claim, self.header, self.raw, self.foreign, self.lawful],
            [12, 55, 5, 8, 12, 3, 2, 3],
        )[0]
        return kind.__name__, kind()

    def token(self) -> str:
        return self.random.choice(self.others)

    def character(self) -> str:
        token = self.token()
        # As often in the header and the signature as in the payload, which is longer than both.
        start, end = self.random.choice(((0, 130), (130, len(token) - 87), (len(token) - 87, len(token))))
        place = self.random.randrange(start, end)
        end = place + self.random.randrange(3)
        return token[:place] + "".join(self.random.choices(JUNK, k=self.random.randrange(3))) + token[end:]

    def spelling(self) -> str:
        """The same bytes, or nearly, in another spelling."""
        parts = self.token().split(".")
        place = self.random.randrange(3)
        part = parts[place]
        parts[place] = self.random.choice([
            part[:-1] + self.random.choice(ALPHABET), part + "=", part + "==", part + "\n", " " + part, part.swapcase(),
            part.replace("-", "+").replace("_", "/"), part + "A", part[:-1], part[:9] + "!" + part[9:], "", part,
        ])  # fmt: skip
        return ".".join(parts) + self.random.choice(["", "", "", "", ".", "=", " ", "\0"])

    def crossed(self) -> str:
        parts = [self.random.choice(self.others).split(".")[place] for place in range(3)]
        self.random.shuffle(parts) if self.random.random() < 0.2 else None
        return ".".join(parts[: self.random.choice([3, 3, 3, 2, 1])])

    def claim(self) -> str:
        said = claims()
        for _ in range(self.random.choice([1, 1, 2])):
            name = self.random.choice([*said, "nbf", "crit", "admin", "role"])
            if self.random.random() < 0.15:
                said.pop(name, None)
            else:
                said[name] = self.random.choice(self.odd)
        return sign(compact(HEADER), compact(said))

    def header(self) -> str:
        said: dict[str, Any] = dict(HEADER)
        name = self.random.choice(["alg", "alg", "typ", "kid", "jku", "jwk", "x5u", "x5c", "crit", "b64", "cty", "zip"])
        values = {
            "alg": ["none", "None", "HS256", "ES256", "RS256", "eddsa", "Ed25519", "Ed448", None, 1, ["EdDSA"]],
            "typ": ["JWT", "AT+JWT", "application/at+jwt", "refresh+jwt", "", None],
            "kid": ["", "../../dev/null", KEY.kid[:-1], KEY.kid + "A", None, 1, [KEY.kid]],
            "jwk": [{"kty": "OKP", "crv": "Ed25519", "x": text(FOREIGN.public_key().public_bytes_raw())}],
            "crit": [["exp"], [], ["b64"], "exp"],
            "b64": [False, True],
        }
        said[name] = self.random.choice(values.get(name, ["https://evil.example/keys", [], ""]))
        token = sign(compact(said), compact(claims()), self.random.choice([PRIVATE, FOREIGN]))
        return token if self.random.random() < 0.8 else token.rpartition(".")[0] + "."

    def raw(self) -> str:
        """Our signature under JSON that two readers may understand differently."""
        payload, header = compact(claims()), compact(HEADER)
        change = self.random.choice(TWISTS)
        if self.random.random() < 0.3:
            return sign(change(header), payload)
        return sign(header, change(payload))

    def foreign(self) -> str:
        said = claims()
        if self.random.random() < 0.5:
            return sign(compact(HEADER), compact(said), FOREIGN)
        secret = self.random.choice([KEY.public["x"].encode(), PRIVATE.public_key().public_bytes_raw()])
        return jwt.encode(said, secret, "HS256", headers=HEADER | {"alg": "HS256"})

    def lawful(self) -> str:
        """Nothing wrong with it, or with its times."""
        now = int(time.time())
        issued = now + self.random.choice([0, -5, -600, -899, -901, -100_000, 100_000])
        said = claims() | {"iat": issued, "exp": issued + self.random.choice([1, 300, 900, 901, 0, -1])}
        if abs(said["exp"] - now) < 60:
            said = claims()  # too near for two looks at the clock
        return sign(compact(HEADER), compact(said))


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
@pytest.mark.parametrize("part", range(PARTS))
def test_100_000_mutated_tokens_get_the_same_verdict_from_a_second_library(part: int):
    mutants, seen, good = Mutant(20261122 + part), Counter[str](), Counter[str]()
    for _ in range(COUNT):
        kind, token = mutants.make()
        ours, theirs = accepted(token), accepted_by_pyjwt(token)
        assert ours == theirs, f"{kind}: we say {ours}, PyJWT says {theirs}: {token!r}"
        seen[kind] += 1
        good[kind] += ours
    assert sum(seen.values()) == COUNT
    # Neither all refused nor all accepted: the comparison has something to compare.
    assert good["lawful"] > seen["lawful"] / 10
    assert 0 < good["character"] < seen["character"] / 2
    assert good["foreign"] == 0
    assert 0 < sum(good.values()) < COUNT / 4
