"""What a browser sends is believed only if all of it is right; each test bends one thing."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devmesh.factors.ceremony import Refused, RelyingParty
from devmesh.factors.model import Passkey, PasskeysUnavailable
from devmesh.ids import new_id
from factors.authenticator import BACKED_UP, BACKUP_ELIGIBLE, PRESENT, VERIFIED, Authenticator, Bent, decoded, encoded

URL = "https://mesh.example.com"
PARTY = RelyingParty(URL)
USER = new_id()
CHALLENGE = os.urandom(32)
CREATION = PARTY.creation(USER, "ada@acme.example", "Ada", CHALLENGE, [])


def registered(device: Authenticator) -> Passkey:
    made = PARTY.made(device.make(CREATION), CHALLENGE)
    return Passkey(
        id=new_id(),
        credential_id=made.credential_id,
        public_key=made.public_key,
        sign_count=made.sign_count,
        name="test",
        transports=made.transports,
        backup_eligible=made.backup_eligible,
        backed_up=made.backed_up,
        created_at=datetime.now(UTC),
        last_used_at=None,
    )


def asked(passkey: Passkey) -> dict[str, Any]:
    return PARTY.request(CHALLENGE, [passkey])


@pytest.mark.parametrize("algorithm", [-8, -7, -257])
def test_a_passkey_is_made_and_used(algorithm: int):
    device = Authenticator(URL, algorithm, sign_count=4)
    passkey = registered(device)
    assert (passkey.credential_id, passkey.sign_count) == (device.credential_id, 4)
    assert passkey.transports == ["nfc", "usb"]
    assert PARTY.used(device.use(asked(passkey)), CHALLENGE, USER, passkey) == (5, False)


def test_the_browser_is_asked_for_what_is_checked():
    assert CREATION["rp"]["id"] == "mesh.example.com"
    assert decoded(CREATION["user"]["id"]) == USER.bytes
    assert decoded(CREATION["challenge"]) == CHALLENGE
    assert [kind["alg"] for kind in CREATION["pubKeyCredParams"]] == [-8, -7, -257]
    assert CREATION["attestation"] == "none"
    assert CREATION["authenticatorSelection"]["userVerification"] == "required"
    passkey = registered(Authenticator(URL))
    options = asked(passkey)
    assert (options["rpId"], options["userVerification"]) == ("mesh.example.com", "required")
    assert options["allowCredentials"] == [
        {"id": encoded(passkey.credential_id), "type": "public-key", "transports": ["nfc", "usb"]}
    ]
    assert PARTY.creation(USER, "a@b.example", "A", CHALLENGE, [passkey])["excludeCredentials"] == [
        {"id": encoded(passkey.credential_id), "type": "public-key", "transports": ["nfc", "usb"]}
    ]


BOTH = {
    "another origin": Bent(origin="https://mesh.example.com.evil.example"),
    "a subdomain": Bent(origin="https://a.mesh.example.com"),
    "another port": Bent(origin="https://mesh.example.com:8443"),
    "plain http": Bent(origin="http://mesh.example.com"),
    "another relying party": Bent(rp_id="evil.example"),
    "another challenge": Bent(challenge=bytes(32)),
    "a shortened challenge": Bent(challenge=CHALLENGE[:16]),
    "a frame of another page": Bent(cross_origin=True),
    "nobody present": Bent(flags=VERIFIED),
    "nobody verified": Bent(flags=PRESENT),
    "backed up and never to be": Bent(flags=PRESENT | VERIFIED | BACKED_UP),
}


@pytest.mark.parametrize("bent", [*BOTH.values(), Bent(kind="webauthn.get")], ids=[*BOTH, "another ceremony"])
def test_a_passkey_is_not_made_by(bent: Bent):
    with pytest.raises(Refused):
        PARTY.made(Authenticator(URL).make(CREATION, bent), CHALLENGE)


USES = {
    **BOTH,
    "another ceremony": Bent(kind="webauthn.create"),
    "an altered signature": Bent(spoil_signature=True),
    "a count that stands still": Bent(sign_count=7),
    "a count that goes back": Bent(sign_count=6),
    "a count that is gone": Bent(sign_count=0),
    "another person's handle": Bent(user_handle=new_id().bytes),
    "what could not be backed up and now can": Bent(flags=PRESENT | VERIFIED | BACKUP_ELIGIBLE),
}


@pytest.mark.parametrize("bent", USES.values(), ids=USES)
def test_a_passkey_does_not_answer_by(bent: Bent):
    device = Authenticator(URL, sign_count=7)
    passkey = registered(device)
    with pytest.raises(Refused):
        PARTY.used(device.use(asked(passkey), bent), CHALLENGE, USER, passkey)
    assert PARTY.used(device.use(asked(passkey)), CHALLENGE, USER, passkey)[0] > 7


@pytest.mark.parametrize("algorithm", [-8, -7, -257])
def test_another_devices_signature_proves_nothing(algorithm: int):
    passkey = registered(Authenticator(URL, algorithm))
    other = Authenticator(URL, algorithm, credential_id=passkey.credential_id)
    other.user_handle = USER.bytes
    with pytest.raises(Refused):
        PARTY.used(other.use(asked(passkey)), CHALLENGE, USER, passkey)


def test_an_answer_signed_for_one_page_does_not_serve_with_another_pages_words():
    device = Authenticator(URL)
    passkey = registered(device)
    stolen = device.use(asked(passkey), Bent(origin="https://evil.example"))
    stolen["response"]["clientDataJSON"] = device.use(asked(passkey))["response"]["clientDataJSON"]
    with pytest.raises(Refused):
        PARTY.used(stolen, CHALLENGE, USER, passkey)


def test_an_authenticator_that_does_not_count_is_accepted():
    device = Authenticator(URL, counts=False, backup=BACKUP_ELIGIBLE | BACKED_UP)
    passkey = registered(device)
    assert passkey.backup_eligible
    assert passkey.backed_up
    for _ in range(2):
        assert PARTY.used(device.use(asked(passkey)), CHALLENGE, USER, passkey) == (0, True)


def test_an_answer_without_a_user_handle_is_accepted():
    device = Authenticator(URL)
    passkey = registered(device)
    answer = device.use(asked(passkey), Bent(user_handle=b""))
    assert PARTY.used(answer, CHALLENGE, USER, passkey)
    answer = device.use(asked(passkey))
    answer["response"]["userHandle"] = None
    assert PARTY.used(answer, CHALLENGE, USER, passkey)


@pytest.mark.parametrize(("algorithm", "bits"), [(-257, 1024), (-257, 4104), (-258, 2048)])
def test_a_weak_a_costly_and_an_unasked_kind_of_key_are_refused(algorithm: int, bits: int):
    with pytest.raises(Refused):
        PARTY.made(Authenticator(URL, algorithm, bits=bits).make(CREATION), CHALLENGE)


def test_a_key_that_is_no_point_of_its_curve_is_refused(monkeypatch: pytest.MonkeyPatch):
    device = Authenticator(URL)
    monkeypatch.setattr(device, "cose", lambda: {1: 2, 3: -7, -1: 1, -2: bytes(31) + b"\1", -3: bytes(31) + b"\1"})
    with pytest.raises(Refused):
        PARTY.made(device.make(CREATION), CHALLENGE)


@pytest.mark.parametrize("fmt", ["tpm", "android-safetynet", "apple", "fido-u2f", "none ", 7, None])
def test_an_attestation_that_was_not_asked_for_is_refused(fmt: object):
    with pytest.raises(Refused, match="attestation"):
        PARTY.made(Authenticator(URL).make(CREATION, Bent(attestation=(fmt, {"sig": b"x"}))), CHALLENGE)


def test_a_passkeys_id_is_no_longer_than_it_may_be():
    assert PARTY.made(Authenticator(URL, credential_id=bytes(1023)).make(CREATION), CHALLENGE)
    with pytest.raises(Refused, match="too long"):
        PARTY.made(Authenticator(URL, credential_id=bytes(1024)).make(CREATION), CHALLENGE)


def test_an_oversized_answer_is_refused_unread():
    answer = Authenticator(URL).make(CREATION)
    answer["response"]["more"] = ["x" * 20_000]
    with pytest.raises(Refused, match="too large"):
        PARTY.made(answer, CHALLENGE)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8081", "https://[::1]", "https://10.0.0.7", "http://mesh.example.com", "https://mesh"]
)
def test_where_browsers_make_no_passkeys_the_error_names_the_setting(url: str):
    party = RelyingParty(url)
    assert not party.available
    with pytest.raises(PasskeysUnavailable) as caught:
        party.creation(USER, "a@b.example", "A", CHALLENGE, [])
    assert "DEVMESH_PUBLIC_URL" in caught.value.hint
    assert url in caught.value.detail


@pytest.mark.parametrize("url", ["http://localhost:8081", "http://mesh.localhost", "https://mesh.example.com:8443"])
def test_a_domain_over_https_and_localhost_have_passkeys(url: str):
    party, device = RelyingParty(url), Authenticator(url)
    assert party.made(device.make(party.creation(USER, "a@b.example", "A", CHALLENGE, [])), CHALLENGE)


def test_who_looks_at_the_wrong_page_is_told_the_right_one():
    with pytest.raises(Refused, match=r"https://mesh\.example\.com"):
        PARTY.made(Authenticator("http://127.0.0.1:8081").make(CREATION), CHALLENGE)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
DEVICE = Authenticator(URL)
PASSKEY = registered(DEVICE)
FIELDS = ["id", "rawId", "type", "response", "authenticatorAttachment"]
RESPONSE = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle", "transports"]


@given(field=st.sampled_from(FIELDS + RESPONSE), value=JSON)
@settings(max_examples=200, deadline=None)
def test_whatever_stands_in_a_field_the_answer_is_refused_or_right(field: str, value: Any):
    for answer in (DEVICE.make(CREATION), DEVICE.use(asked(PASSKEY))):
        (answer if field in FIELDS else answer["response"])[field] = value
        for verify in (
            lambda sent: PARTY.made(sent, CHALLENGE),
            lambda sent: PARTY.used(sent, CHALLENGE, USER, PASSKEY),
        ):
            try:
                verify(answer)
            except Refused:
                continue


@given(
    place=st.sampled_from(["attestationObject", "authenticatorData", "signature", "clientDataJSON"]),
    at=st.integers(0, 4095),
    change=st.integers(1, 255),
)
@settings(max_examples=300, deadline=None)
def test_altered_bytes_never_pass_for_the_answer(place: str, at: int, change: int):
    answer = DEVICE.make(CREATION) if place == "attestationObject" else DEVICE.use(asked(PASSKEY))
    content = bytearray(decoded(answer["response"][place]))
    content[at % len(content)] ^= change
    answer["response"][place] = encoded(bytes(content))
    if place == "attestationObject":
        # Unsigned by design: what must hold is that nothing but a refusal comes of it, or a key that is well formed.
        try:
            PARTY.made(answer, CHALLENGE)
        except Refused:
            return
        return
    with pytest.raises(Refused):
        PARTY.used(answer, CHALLENGE, USER, replace(PASSKEY, sign_count=0))


@pytest.mark.parametrize("content", [b"\x81" * 5000, b"\x9f" * 5000, b"\xbb" + b"\xff" * 8, b"\x5b" + b"\x7f" * 8, b""])
def test_hostile_cbor_is_refused(content: bytes):
    answer = Authenticator(URL).make(CREATION)
    for hostile in (content, cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": bytes(37) + content})):
        answer["response"]["attestationObject"] = encoded(hostile)
        with pytest.raises(Refused):
            PARTY.made(answer, CHALLENGE)


def test_hostile_json_in_the_pages_words_is_refused():
    answer = Authenticator(URL).make(CREATION)
    for hostile in (
        b"[" * 8000,
        b"{}",
        b"[]",
        b"7",
        b"\xff\xfe",
        b'{"type":"webauthn.create","challenge":7,"origin":[]}',
    ):
        answer["response"]["clientDataJSON"] = encoded(hostile)
        with pytest.raises(Refused):
            PARTY.made(answer, CHALLENGE)
