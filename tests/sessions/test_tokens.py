"""What is no access token of ours: each way of being none is refused, and only being late is told apart."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import aiohttp
import jwt
import pytest

from devmesh.crypto.ring import RingKey
from devmesh.crypto.sealing import new_key
from devmesh.sessions import tokens
from devmesh.sessions.model import InvalidToken
from devmesh.sessions.signing import SigningKey, _signing
from running import Mesh
from sessions_people import Person

PROFILE = "/api/v1/auth/profile"


def text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def unpacked(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    header, payload, _ = (base64.urlsafe_b64decode(part + "==") for part in token.split("."))
    return json.loads(header), json.loads(payload)


async def newest(person: Person) -> SigningKey:
    app = person.organization.mesh.app
    async with app.database.routing() as tx:
        return await app.sessions._keys.newest(tx)


def signed(key: SigningKey, header: bytes, payload: bytes) -> str:
    """Sign anything whatever with our own key."""
    said = f"{text(header)}.{text(payload)}"
    return f"{said}.{text(key.key.private_key.sign(said.encode()))}"


def compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


async def refused(person: Person, token: str) -> str:
    status, problem = await person.ask("GET", PROFILE, key=token)
    assert status == 401, problem
    assert problem["title"] == "Authentication required"
    return problem["error"]


def test_a_signing_key_is_not_shown():
    seed = new_key()
    key = _signing(RingKey(1, datetime.now(UTC), seed), None)
    assert seed.hex() not in repr(key)


async def test_an_access_token_says_who_acts_and_for_how_long(person: Person):
    header, claims = unpacked(person.tokens.access_token)
    assert header == {"alg": "EdDSA", "typ": "at+jwt", "kid": (await newest(person)).kid}
    assert claims.pop("exp") - claims.pop("iat") == 900
    assert len(claims.pop("jti")) == 36
    assert claims == {
        "iss": "http://localhost:8081",
        "aud": "devmesh",
        "sub": str(person.id),
        "tenant_id": person.organization.id,
        "organization_id": person.organization.id,
        "role": "member",
        "scopes": ["*:*"],
        "sid": str(person.tokens.session_id),
    }


async def test_anybody_can_check_a_token_by_the_published_keys(person: Person):
    mesh = person.organization.mesh
    async with aiohttp.ClientSession(mesh.url) as anybody, anybody.get("/.well-known/jwks.json") as reply:
        assert reply.headers["Cache-Control"] == "public, max-age=300"
        assert "X-RateLimit-Limit" not in reply.headers
        published = await reply.json()
    assert all(set(one) == {"kty", "crv", "x", "kid", "alg", "use"} for one in published["keys"])
    header = jwt.get_unverified_header(person.tokens.access_token)
    key = jwt.PyJWKSet.from_dict(published)[header["kid"]]
    said = jwt.decode(
        person.tokens.access_token, key, algorithms=["EdDSA"], audience="devmesh", issuer="http://localhost:8081"
    )
    assert said["sub"] == str(person.id)


async def test_an_expired_token_is_told_so(person: Person):
    key = await newest(person)
    header, claims = unpacked(person.tokens.access_token)
    late = signed(key, compact(header), compact(claims | {"iat": claims["iat"] - 901, "exp": claims["iat"] - 1}))
    assert await refused(person, late) == "Token Expired"
    status, problem = await person.ask("GET", PROFILE, key=late)
    assert (status, problem["code"]) == (401, "token_expired")
    assert "refresh" in problem["hint"]
    # Only a genuine one: nobody else's expired token is worth that word.
    for other in (late[:-2] + ("AA" if late[-2:] != "AA" else "BA"), late + "="):
        assert await refused(person, other) == "Invalid Token"


async def test_a_token_that_was_verified_expires_all_the_same(person: Person):
    key = await newest(person)
    header, claims = unpacked(person.tokens.access_token)
    end = claims["iat"] + 600
    brief = signed(key, compact(header), compact(claims | {"exp": end}))
    assert (await person.ask("GET", PROFILE, key=brief))[0] == 200
    with patch("devmesh.sessions.verify.time.time", lambda: float(end)):
        assert await refused(person, brief) == "Token Expired"


HEADERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "alg none": lambda one: one | {"alg": "none"},
    "alg None": lambda one: one | {"alg": "None"},
    "alg HS256": lambda one: one | {"alg": "HS256"},
    "alg Ed25519": lambda one: one | {"alg": "Ed25519"},
    "alg ES256": lambda one: one | {"alg": "ES256"},
    "no alg": lambda one: {name: one[name] for name in ("typ", "kid")},
    "typ JWT": lambda one: one | {"typ": "JWT"},
    "no typ": lambda one: {name: one[name] for name in ("alg", "kid")},
    "foreign kid": lambda one: one | {"kid": "A" * 43},
    "no kid": lambda one: {name: one[name] for name in ("alg", "typ")},
    "kid a path": lambda one: one | {"kid": "../../../dev/null"},
    "kid a list": lambda one: one | {"kid": [one["kid"]]},
    "jku": lambda one: one | {"jku": "https://evil.example/jwks.json"},
    "jwk": lambda one: one | {"jwk": {"kty": "OKP", "crv": "Ed25519", "x": "A" * 43}},
    "x5u": lambda one: one | {"x5u": "https://evil.example/cert.pem"},
    "x5c": lambda one: one | {"x5c": ["AAAA"]},
    "crit": lambda one: one | {"crit": ["exp"]},
    "empty crit": lambda one: one | {"crit": []},
    "b64": lambda one: one | {"b64": False},
    "cty": lambda one: one | {"cty": "JWT"},
    "another order": lambda one: dict(reversed(one.items())),
    "a list": lambda one: [one],
    "null": lambda _: None,
    "nothing": lambda _: {},
}


@pytest.mark.parametrize("name", HEADERS)
async def test_another_header_is_refused_though_we_signed_it(person: Person, name: str):
    header, claims = unpacked(person.tokens.access_token)
    token = signed(await newest(person), compact(HEADERS[name](header)), compact(claims))
    assert await refused(person, token) == "Invalid Token"


def other_claims(now: int) -> dict[str, dict[str, Any]]:
    """Return claims that no token of ours has, in place of those of one that was issued now."""
    return {
        "exp true": {"exp": True},
        "exp a string": {"exp": str(now + 900)},
        "exp a float": {"exp": now + 900.0},
        "exp NaN": {"exp": float("nan")},
        "exp infinite": {"exp": float("inf")},
        "exp huge": {"exp": 10**30},
        "exp 1e300": {"exp": 1e300},
        "exp beyond its life": {"exp": now + 901},
        "exp next year": {"exp": now + 31_536_000},
        "exp null": {"exp": None},
        "exp negative": {"exp": -1},
        "exp before iat": {"exp": now - 10},
        "iat to come": {"iat": now + 1000, "exp": now + 1900},
        "iat true": {"iat": True},
        "iat a float": {"iat": float(now)},
        "nbf": {"nbf": now},
        "iss another": {"iss": "http://localhost:8082"},
        "iss with a slash": {"iss": "http://localhost:8081/"},
        "iss a list": {"iss": ["http://localhost:8081"]},
        "aud another": {"aud": "https://mesh.example/mcp"},
        "aud a list": {"aud": ["devmesh"]},
        "aud null": {"aud": None},
        "sub no id": {"sub": "admin"},
        "sub another person's": {"sub": str(uuid4())},
        "sub a number": {"sub": 1},
        "another organization": {"organization_id": str(uuid4())},
        "another session": {"sid": str(uuid4())},
        "sid null": {"sid": None},
        "jti in capitals": {"jti": str(uuid4()).upper()},
        "scopes a string": {"scopes": "*:*"},
        "role a list": {"role": ["owner"]},
        "a further claim": {"admin": True},
    }


@pytest.mark.parametrize("name", other_claims(0))
async def test_other_claims_are_refused_though_we_signed_them(person: Person, name: str):
    header, claims = unpacked(person.tokens.access_token)
    changed = claims | other_claims(claims["iat"])[name]
    token = signed(await newest(person), compact(header), compact(changed))
    assert await refused(person, token) == "Invalid Token"


@pytest.mark.parametrize(
    "name", ["iss", "aud", "sub", "tenant_id", "organization_id", "role", "scopes", "jti", "sid", "iat", "exp"]
)
async def test_a_claim_that_is_missing_is_missed(person: Person, name: str):
    header, claims = unpacked(person.tokens.access_token)
    del claims[name]
    assert await refused(person, signed(await newest(person), compact(header), compact(claims))) == "Invalid Token"


async def test_a_claim_that_stands_twice_is_refused(person: Person):
    header, claims = unpacked(person.tokens.access_token)
    payload = compact(claims)
    for twice in (payload[:-1] + b',"exp":%d}' % claims["exp"], payload.replace(b"{", b'{"sub":"admin",', 1)):
        assert await refused(person, signed(await newest(person), compact(header), twice)) == "Invalid Token"


async def test_a_token_has_one_spelling(person: Person):
    token = person.tokens.access_token
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = alphabet.index(token[-1])
    # The last character of 64 bytes carries two bits: fifteen others decode to the very same signature.
    same = [token[:-1] + alphabet[last // 16 * 16 + other] for other in range(16) if last // 16 * 16 + other != last]
    assert {base64.urlsafe_b64decode(one.rpartition(".")[2] + "==") for one in same} == {
        base64.urlsafe_b64decode(token.rpartition(".")[2] + "==")
    }
    header, payload, signature = token.split(".")
    others = [
        f"{token}=",
        f"{token}==",
        f"{header}=.{payload}.{signature}",
        f"{header}.{payload}=.{signature}",
        f"{token}.",
    ]
    others += [
        f".{token}",
        f"{header}.{payload}.",
        f"{header}.{payload}",
        f"{header}..{signature}",
        f"{token}.{signature}",
    ]
    others += [f"{header}.{payload}.{signature[:40]}!{signature[40:]}", f"{header}.{payload}.{signature}A"]
    for other in [*same, *others]:
        assert await refused(person, other) == "Invalid Token", other
    assert await person.alive()


async def test_a_long_token_costs_no_look_at_a_signature(person: Person):
    header, claims = unpacked(person.tokens.access_token)
    long = signed(await newest(person), compact(header), compact(claims | {"scopes": ["*:*"] * 600}))
    assert len(long) > tokens.LONGEST
    assert await refused(person, long) == "Invalid Token"


async def test_nobody_elses_signature_counts(person: Person):
    header, claims = unpacked(person.tokens.access_token)
    theirs = _signing(RingKey(1, datetime.now(UTC), new_key()), None)
    assert await refused(person, signed(theirs, compact(header), compact(claims))) == "Invalid Token"
    assert (
        await refused(person, signed(theirs, compact(header | {"kid": theirs.kid}), compact(claims))) == "Invalid Token"
    )
    public = (await newest(person)).public["x"]
    mixed = jwt.encode(claims, base64.urlsafe_b64decode(public + "="), "HS256", headers=header | {"alg": "HS256"})
    assert await refused(person, mixed) == "Invalid Token"


async def test_rights_come_from_the_database_not_from_the_token(person: Person):
    header, claims = unpacked(person.tokens.access_token)
    token = signed(await newest(person), compact(header), compact(claims | {"role": "owner", "scopes": ["*:*"]}))
    assert (await person.ask("GET", "/api/v1/audit", key=token))[0] == 403


async def test_a_token_in_another_place_is_refused(person: Person):
    token = person.tokens.access_token
    http = person.organization.mesh.http
    async with http.get(PROFILE, headers={"X-API-Key": token}) as reply:
        assert (reply.status, (await reply.json())["error"]) == (401, "Invalid API Key")
    async with http.get(PROFILE, headers={"X-API-Key": token, "Authorization": f"Bearer {token}"}) as reply:
        assert reply.status == 401
    async with http.get(f"{PROFILE}?access_token={token}") as reply:
        assert reply.status in (400, 401)
    async with http.get(PROFILE, headers={"Cookie": f"access_token={token}"}) as reply:
        assert reply.status in (400, 401)
    async with http.get(PROFILE, headers={"Authorization": f"Basic {token}"}) as reply:
        assert reply.status == 401
    both = {"Authorization": f"Bearer {token}", "X-API-Key": person.organization.key}
    async with http.get(PROFILE, headers=both) as reply:
        assert reply.status == 400


async def test_the_cache_holds_what_was_valid_and_nothing_else(mesh: Mesh, person: Person):
    def held() -> list[bytes]:
        # Notices of what others did before may still come, and have theirs forgotten.
        return [key for key, one in mesh.app.session_verifier._held.items() if one.grant.user_id == person.id]

    assert await person.alive()
    before = held()
    for _ in range(5):
        await refused(
            person, person.tokens.access_token[:-2] + ("BA" if person.tokens.access_token.endswith("AA") else "AA")
        )
    assert held() == before


@pytest.mark.parametrize("segment", ["AB", "AA=", "AA==", "A", "A A", "A+/A", "AA\n", "AAAAA"])
def test_bytes_have_one_spelling_whatever_a_library_takes(segment: str):
    assert tokens._raw("AA") == b"\0"
    with pytest.raises(InvalidToken):
        tokens._raw(segment)
