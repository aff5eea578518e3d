import asyncio
import socket
import threading
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devmesh.errors import Invalid
from devmesh.settings.values import allow_entries
from devmesh.upstream import guard as guard_module
from devmesh.upstream.addresses import is_public
from devmesh.upstream.errors import AddressRefused, NameNotResolved
from devmesh.upstream.guard import Guard
from devmesh.upstream.origin import base_of

CLOSED = """
https://127.0.0.1 https://127.1 https://127.0.1 https://0x7f.1 https://0x7f000001 https://2130706433 https://017700000001
https://0177.0.0.1 https://0 https://0.0.0.0 https://127.0.0.1. https://127.0.0.1.. https://\uff11\uff12\uff17.0.0.1 https://127。0。0。1
https://%31%32%37.0.0.1 https://[::1] https://[::] https://[0:0:0:0:0:0:0:1] https://[::ffff:127.0.0.1]
https://[::ffff:7f00:1] https://[::127.0.0.1] https://[64:ff9b::127.0.0.1] https://[64:ff9b::8.8.8.8]
https://[64:ff9b:1::10.0.0.1] https://[2002:7f00:1::] https://[2001::1] https://[fec0::1] https://[fe80::1]
https://[fd00:ec2::254] https://[ff02::1] https://[2001:db8::1] https://10.0.0.1 https://0xa.1 https://192.168.0.1:8443
https://172.16.0.1 https://100.64.0.1 https://169.254.169.254 https://2852039166 https://0xA9FEA9FE
https://[::ffff:169.254.169.254] https://100.100.100.200 https://168.63.129.16 https://192.0.0.192 https://198.18.0.1
https://192.0.2.1 https://224.0.0.1 https://255.255.255.255 https://240.0.0.1 https://metadata.google.internal
https://METADATA.google.internal. https://metadata https://instance-data.ec2.internal https://localhost
https://LOCALHOST. https://ⓛocalhost
"""


def answering(*answers: list[str]):
    """Return a resolver that gives one answer after the other, and the list of what it was asked."""
    asked: list[str] = []

    async def resolve(host: str, _port: int) -> list[str]:
        await asyncio.sleep(0)
        asked.append(host)
        return answers[min(len(asked), len(answers)) - 1]

    return resolve, asked


async def admit(guard: Guard, text: str, organization: str = "acme") -> tuple[str, ...]:
    return (await guard.admit(base_of(text).origin, organization)).addresses


@pytest.mark.parametrize("text", CLOSED.split())
async def test_no_spelling_of_a_closed_address_is_admitted(text):
    with pytest.raises(AddressRefused):
        await admit(Guard(), text)


@pytest.mark.parametrize("bad", ["10.0.0.1", "::1", "fe80::1%lo", "::ffff:10.0.0.1", "169.254.169.254"])
async def test_one_bad_address_among_good_ones_refuses_the_name(bad):
    resolve, _ = answering(["140.82.121.6", bad, "2606:4700::1"])
    with pytest.raises(AddressRefused):
        await admit(Guard(resolve=resolve), "https://evil.example")


async def test_a_public_name_is_admitted_with_all_its_addresses_on_any_port():
    resolve, _ = answering(["140.82.121.6", "140.82.121.6", "2606:4700::1"])
    assert await admit(Guard(resolve=resolve), "https://ghe.example:8443") == ("140.82.121.6", "2606:4700::1")


async def test_a_checked_answer_serves_for_a_short_time_and_the_next_one_is_checked_again():
    now = [0.0]
    resolve, asked = answering(["140.82.121.6"], ["127.0.0.1"])
    guard = Guard(resolve=resolve, clock=lambda: now[0])
    origin = base_of("https://evil.example").origin
    target = await guard.admit(origin, "acme")
    now[0] = 29.9
    assert guard.known(origin, "acme") == target
    assert target.addresses == ("140.82.121.6",)
    assert guard.known(origin, "other") is None
    now[0] = 30.1
    assert guard.known(origin, "acme") is None
    with pytest.raises(AddressRefused):
        await guard.admit(origin, "acme")
    assert asked == ["evil.example", "evil.example"]


async def test_many_who_ask_for_one_name_at_once_share_one_question():
    resolve, asked = answering(["140.82.121.6"])
    guard = Guard(resolve=resolve)
    found = await asyncio.gather(*(admit(guard, "https://a.example", f"org-{i}") for i in range(20)))
    assert set(found) == {("140.82.121.6",)}
    assert asked == ["a.example"]


async def test_one_who_gives_up_does_not_take_the_answer_from_the_others():
    started, go = asyncio.Event(), asyncio.Event()

    async def resolve(_host: str, _port: int) -> list[str]:
        started.set()
        await go.wait()
        return ["140.82.121.6"]

    guard = Guard(resolve=resolve)
    first = asyncio.create_task(admit(guard, "https://a.example"))
    second = asyncio.create_task(admit(guard, "https://a.example"))
    await started.wait()
    first.cancel()
    go.set()
    assert await second == ("140.82.121.6",)
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_names_that_are_not_answered_hold_up_no_other_organization(monkeypatch):
    monkeypatch.setattr(guard_module, "_RESOLVE_SECONDS", 0.7)
    answer = threading.Event()

    def black_hole(host: str, port: int, **_more: object) -> list[tuple[object, ...]]:
        if host.endswith("dark.example"):
            answer.wait(60)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("140.82.121.6", port))]

    monkeypatch.setattr(socket, "getaddrinfo", black_hole)
    guard = Guard()
    try:
        dark = [admit(guard, f"https://{number}.dark.example", "evil") for number in range(50)]
        refused = await asyncio.gather(*dark, return_exceptions=True)
        assert all(isinstance(error, NameNotResolved) for error in refused)
        assert [("other names" in str(error)) for error in refused] == [False] * 4 + [True] * 46
        # Nobody waits any more, and the threads are still busy.
        with pytest.raises(NameNotResolved, match="4 other names of your organization"):
            await admit(guard, "https://light.example", "evil")
        # By then it has as much time as it needs on a busy machine, and would need as much as the others if it waited.
        monkeypatch.setattr(guard_module, "_RESOLVE_SECONDS", 20)
        assert await admit(guard, "https://light.example") == ("140.82.121.6",)
    finally:
        answer.set()
    await asyncio.wait(guard._running["evil"])
    assert await admit(guard, "https://light.example", "evil") == ("140.82.121.6",)
    guard.close()


async def test_more_names_at_once_than_an_organization_may_ask_for_wait_their_turn():
    running, most = 0, 0

    async def resolve(_host: str, _port: int) -> list[str]:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1
        return ["140.82.121.6"]

    guard = Guard(resolve=resolve)
    found = await asyncio.gather(*(admit(guard, f"https://a{number}.example") for number in range(20)))
    assert (set(found), most) == ({("140.82.121.6",)}, 4)
    assert guard._running == {}


async def test_a_name_that_cannot_be_resolved_again_keeps_its_checked_addresses_for_five_minutes():
    now, answers = [0.0], [["140.82.121.6"]]

    async def resolve(_host: str, _port: int) -> list[str]:
        await asyncio.sleep(0)
        if answers:
            return answers.pop()
        raise socket.gaierror(-3, "try again")

    guard = Guard(resolve=resolve, clock=lambda: now[0])
    assert await admit(guard, "https://a.example") == ("140.82.121.6",)
    for now[0] in (31, 200, 329):
        assert await admit(guard, "https://a.example") == ("140.82.121.6",)
        assert guard.known(base_of("https://a.example").origin, "acme") is not None
        with pytest.raises(NameNotResolved):
            await admit(guard, "https://a.example", "other")
    now[0] = 331
    assert guard.known(base_of("https://a.example").origin, "acme") is None
    with pytest.raises(NameNotResolved):
        await admit(guard, "https://a.example")


async def test_checked_names_are_forgotten_from_the_oldest_on():
    resolve, asked = answering(["140.82.121.6"])
    guard = Guard(resolve=resolve)
    for number in range(1025):
        await admit(guard, f"https://a{number}.example")
    assert guard.known(base_of("https://a0.example").origin, "acme") is None
    assert guard.known(base_of("https://a1.example").origin, "acme") is not None
    assert len(asked) == 1025


@pytest.mark.parametrize("error", [socket.gaierror(-2, "unknown"), UnicodeError("label"), TimeoutError()])
async def test_a_name_that_does_not_resolve_is_told_apart(error):
    async def resolve(_host: str, _port: int) -> list[str]:
        await asyncio.sleep(0)
        raise error

    with pytest.raises(NameNotResolved, match=r"no-such\.example could not be resolved"):
        await admit(Guard(resolve=resolve), "https://no-such.example")


@pytest.mark.parametrize("answer", [[], [f"1.1.1.{n}" for n in range(17)]])
async def test_an_answer_without_addresses_or_with_too_many_is_none(answer):
    resolve, _ = answering(answer)
    with pytest.raises(NameNotResolved):
        await admit(Guard(resolve=resolve), "https://a.example")


async def test_the_refusal_names_the_setting_and_the_entry_and_no_resolved_address():
    resolve, _ = answering(["10.11.12.13"])
    with pytest.raises(AddressRefused) as caught:
        await admit(Guard(resolve=resolve), "https://jira.corp:8443/jira")
    refused = caught.value
    assert refused.status == 403
    assert refused.code == "upstream_address_refused"
    assert refused.extra == {"setting": "DEVMESH_UPSTREAM_ALLOW", "entry": "acme=jira.corp:8443"}
    assert "acme=jira.corp:8443" in refused.hint
    assert "10.11.12.13" not in f"{refused} {refused.hint} {refused.extra}"


@pytest.mark.parametrize(
    "text", ["https://jira.corp:8443", "http://127.0.0.1:8080", "https://[::1]:8443", "http://a.example"]
)
async def test_the_entry_that_a_refusal_names_opens_the_address(text):
    resolve, _ = answering(["10.11.12.13"])
    with pytest.raises(AddressRefused) as caught:
        await admit(Guard(resolve=resolve), text)
    entry = str(caught.value.extra["entry"])
    assert await admit(Guard(allow_entries(entry), resolve=resolve), text)
    with pytest.raises(AddressRefused):
        await admit(Guard(allow_entries(entry), resolve=resolve), text, "other")


@pytest.mark.parametrize(
    ("setting", "text", "opened"),
    [
        ("10.0.0.5:8080", "http://10.0.0.5:8080", True),
        ("10.0.0.5:8080", "https://10.0.0.5:8080", True),
        ("10.0.0.5:8080", "http://10.0.0.5:8081", False),
        ("10.0.0.5:8080", "http://10.0.0.6:8080", False),
        ("10.0.0.5:8080", "http://[::ffff:10.0.0.5]:8080", False),
        ("10.0.0.5", "http://10.0.0.5:9", True),
        ("10.0.0.0/8", "http://10.9.9.9", True),
        ("10.0.0.0/8:8080", "http://10.9.9.9", False),
        ("10.0.0.0/8", "http://in-ten.example", True),
        ("10.0.0.0/8", "http://11.0.0.1", False),
        ("10.0.0.0/8", "https://11.0.0.1", True),
        ("in-ten.example:80", "http://in-ten.example", True),
        ("in-ten.example:80", "http://in-ten.example.", True),
        ("in-ten.example:80", "https://in-ten.example", False),
        ("in-ten.example:80", "http://other.example", False),
        ("[::1]:8080", "http://[::1]:8080", True),
        ("other=10.0.0.0/8", "http://10.9.9.9", False),
        ("acme=10.0.0.0/8", "http://10.9.9.9", True),
        ("::/0", "http://[::1]", True),
        ("::/0", "https://[64:ff9b::8.8.8.8]", True),
        ("64:ff9b::/96", "https://[64:ff9b::10.0.0.1]", False),
        ("64:ff9b::/96,10.0.0.0/8", "https://[64:ff9b::10.0.0.1]", True),
        ("::/0,0.0.0.0/0", "http://169.254.169.254", False),
        ("::/0,0.0.0.0/0", "http://[fd00:ec2::254]", False),
        ("::/0,0.0.0.0/0", "http://[::ffff:169.254.169.254]", False),
        ("::/0,0.0.0.0/0", "http://[64:ff9b::169.254.169.254]", False),
        ("::/0,0.0.0.0/0", "http://100.100.100.200", False),
        ("::/0,0.0.0.0/0,metadata.google.internal:80", "http://metadata.google.internal", False),
        ("169.254.169.254:80", "http://169.254.169.254", False),
    ],
)
async def test_an_entry_opens_what_it_names_and_nothing_else(setting, text, opened):
    resolve, _ = answering(["10.1.1.1"])
    guard = Guard(allow_entries(setting), resolve=resolve)
    if opened:
        assert await admit(guard, text)
    else:
        with pytest.raises(AddressRefused):
            await admit(guard, text)


async def test_plain_http_is_refused_to_a_public_address_that_no_entry_names():
    resolve, _ = answering(["140.82.121.6"])
    with pytest.raises(AddressRefused, match="plain http"):
        await admit(Guard(resolve=resolve), "http://api.example")


def spelled(address: IPv4Address, style: int) -> str:
    a, b, c, d = address.packed
    return [
        str(address),
        str(int(address)),
        hex(int(address)),
        f"0{int(address):o}",
        f"{a}.{int(address) & 0xFFFFFF}",
        f"{a}.{b}.{c << 8 | d}",
        f"{a:#x}.0{b:o}.{c}.{d}",
        f"{address}.",
        str(address).translate({ord(n): ord(n) - 48 + 0xFF10 for n in "0123456789"}),
        f"[::ffff:{address}]",
        f"[::{address}]",
        f"[64:ff9b::{address}]",
        f"[2002:{a:02x}{b:02x}:{c:02x}{d:02x}::1]",
    ][style]


@given(
    st.one_of(
        st.builds(spelled, st.ip_addresses(v=4), st.integers(0, 12)),
        st.ip_addresses(v=6).map(lambda address: f"[{address.exploded}]"),
    )
)
def test_whatever_is_admitted_unasked_is_public(host):
    try:
        origin = base_of(f"https://{host}").origin
    except Invalid:
        return
    try:
        admitted = asyncio.run(Guard().admit(origin, "acme")).addresses
    except AddressRefused:
        return
    for text in admitted:
        address = ip_address(text)
        assert is_public(address)
        assert address.is_global
        assert isinstance(address, IPv4Address) or address in ip_network("2000::/3")
        assert (
            not isinstance(address, IPv6Address) or address.sixtofour is address.teredo is address.ipv4_mapped is None
        )
