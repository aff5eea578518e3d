from __future__ import annotations

from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from devmesh.factors import recovery, totp
from devmesh.ids import new_id

# RFC 6238, appendix B, SHA-1; printed with eight digits, of which six-digit codes are the last six.
SECRET = b"12345678901234567890"
VECTORS = [
    (59, "94287082"),
    (1111111109, "07081804"),
    (1111111111, "14050471"),
    (1234567890, "89005924"),
    (2000000000, "69279037"),
    (20000000000, "65353130"),
]
NOW = 1_234_567_890
STEP = NOW // 30


@pytest.mark.parametrize(("at", "printed"), VECTORS)
def test_codes_are_those_of_the_rfc(at: int, printed: str):
    assert totp.code(SECRET, at // 30) == printed[-6:]


@pytest.mark.parametrize("distance", [-1, 0, 1])
def test_a_clock_may_differ_by_one_step(distance: int):
    assert totp.proved(SECRET, totp.code(SECRET, STEP + distance), NOW, 0) == STEP + distance


@pytest.mark.parametrize("distance", [-3, -2, 2, 3, 1000])
def test_a_clock_may_differ_by_no_more_than_one_step(distance: int):
    assert totp.proved(SECRET, totp.code(SECRET, STEP + distance), NOW, 0) is None


def test_a_step_begins_and_ends_at_full_thirty_seconds():
    code = totp.code(SECRET, STEP)
    assert totp.proved(SECRET, code, (STEP - 1) * 30, 0) == STEP
    assert totp.proved(SECRET, code, (STEP + 2) * 30 - 0.001, 0) == STEP
    assert totp.proved(SECRET, code, (STEP - 1) * 30 - 0.001, 0) is None
    assert totp.proved(SECRET, code, (STEP + 2) * 30, 0) is None


def test_neither_a_used_step_nor_an_earlier_one_proves_anything():
    assert totp.proved(SECRET, totp.code(SECRET, STEP), NOW, STEP) is None
    assert totp.proved(SECRET, totp.code(SECRET, STEP - 1), NOW, STEP) is None
    assert totp.proved(SECRET, totp.code(SECRET, STEP + 1), NOW, STEP) == STEP + 1


@pytest.mark.parametrize(
    "text", ["12345", "1234567", "12345a", "", "١٢٣٤٥٦", "\uff11\uff12\uff13\uff14\uff15\uff16", "-12345", "12 456"]
)
def test_only_six_digits_are_a_code(text: str):
    assert not totp.is_code(text)


def test_the_url_says_what_authenticator_apps_need():
    parts = urlsplit(totp.url(SECRET, "Developer Mesh acme", "ada+1@acme.example"))
    assert (parts.scheme, parts.netloc) == ("otpauth", "totp")
    assert unquote(parts.path) == "/Developer Mesh acme:ada+1@acme.example"
    assert "+" not in parts.query, "apps read + as it stands"
    assert parse_qs(parts.query) == {
        "secret": ["GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"],
        "issuer": ["Developer Mesh acme"],
        "algorithm": ["SHA1"],
        "digits": ["6"],
        "period": ["30"],
    }


def test_secrets_and_recovery_codes_have_the_entropy_that_is_said():
    assert len({totp.new_secret() for _ in range(50)}) == 50
    assert len(totp.new_secret()) * 8 == 160
    codes = [code for _ in range(20) for code in recovery.new_codes()]
    assert len(set(codes)) == len(codes) == 200
    assert all(len(code.replace("-", "")) * 5 == 120 for code in codes)
    assert len(set("".join(codes)) - {"-"}) == 32


@pytest.mark.parametrize("typed", [str.lower, lambda code: code.replace("-", " "), lambda code: code.replace("0", "o")])
def test_a_recovery_code_is_read_as_people_type_it(typed):
    for code in recovery.new_codes():
        assert recovery.read(typed(code)) == code.replace("-", "")


def test_a_recovery_codes_digest_is_worth_nothing_in_another_persons_row():
    code = recovery.new_codes()[0]
    assert recovery.content(new_id(), code) != recovery.content(new_id(), code)
