"""What is sent again, what is not, and when a service is left alone."""

from __future__ import annotations

import itertools
from types import SimpleNamespace
from uuid import UUID

import pytest

from devmesh.upstream.breaker import Breakers, ServiceResting
from devmesh.upstream.delivery import Delivery
from devmesh.upstream.errors import OutcomeUnknown, RedirectRefused, UpstreamTimeout, UpstreamUnreachable
from devmesh.upstream.wire import Reply, get, send

TENANT, OTHER = UUID(int=1), UUID(int=2)
UNREACHABLE = UpstreamUnreachable("refused")
BROKEN = OutcomeUnknown("cut", wrote=False)
LATE = UpstreamTimeout("late", wrote=False)


def reply(status, **headers):
    return Reply(status, {name.replace("_", "-"): value for name, value in headers.items()}, b"")


class Service:
    """Answers in turn with what it is given, the last for ever; its clock runs only while somebody pauses."""

    def __init__(self, *answers):
        self._answers = itertools.chain(answers, itertools.repeat(answers[-1]))
        self.now = 0.0
        self.pauses = []
        self.asked = []
        self.delivery = Delivery(self, clock=lambda: self.now, sleep=self.sleep)

    async def sleep(self, seconds):
        self.pauses.append(seconds)
        self.now += seconds

    async def send(self, _request, **how):
        self.asked.append(how)
        answer = next(self._answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def deliver(
        self,
        *,
        reads=True,
        request=None,
        tenant=TENANT,
        service="github",
        base_url="https://a.example",
        stands=lambda: True,
    ):
        caller = SimpleNamespace(tenant_id=tenant, organization_slug="acme")
        request = request or get("/x")
        return await self.delivery.send(caller, service, request, base_url, {}, reads=reads, stands=stands)


@pytest.mark.parametrize("trouble", [reply(429), reply(502), reply(503), reply(504), UNREACHABLE, BROKEN])
async def test_a_read_is_sent_again_until_it_is_answered(trouble):
    service = Service(trouble, trouble, reply(200))
    assert (await service.deliver()).status == 200
    assert len(service.asked) == 3
    assert 0.125 <= service.pauses[0] <= 0.25 <= service.pauses[1] <= 0.5


@pytest.mark.parametrize("trouble", [reply(400), reply(401), reply(403), reply(404), reply(500), reply(501)])
async def test_an_answer_that_stays_the_same_is_not_asked_for_again(trouble):
    service = Service(trouble)
    assert await service.deliver() is trouble
    assert len(service.asked) == 1


@pytest.mark.parametrize("trouble", [reply(429), reply(500), reply(502), reply(503), reply(504)])
async def test_a_write_that_was_answered_is_never_sent_again(trouble):
    service = Service(trouble)
    assert await service.deliver(reads=False) is trouble
    assert len(service.asked) == 1


@pytest.mark.parametrize("error", [BROKEN, LATE, RedirectRefused("elsewhere")])
async def test_a_write_that_perhaps_arrived_is_never_sent_again(error):
    service = Service(error)
    with pytest.raises(type(error)):
        await service.deliver(reads=False)
    assert len(service.asked) == 1


async def test_a_write_that_was_provably_not_sent_is_sent_again():
    service = Service(UNREACHABLE, reply(201))
    assert (await service.deliver(reads=False)).status == 201


async def test_a_read_that_took_all_its_time_is_not_repeated():
    service = Service(LATE)
    with pytest.raises(UpstreamTimeout):
        await service.deliver()
    assert len(service.asked) == 1


async def test_what_a_call_does_decides_and_not_its_method():
    reading, writing = Service(reply(502), reply(200)), Service(reply(502))
    assert (await reading.deliver(request=send("POST", "/search", {}))).status == 200
    assert (await writing.deliver(request=get("/chat.postMessage"), reads=False)).status == 502
    assert [how["writes"] for how in (*reading.asked, *writing.asked)] == [False, False, True]


@pytest.mark.parametrize("trouble", [reply(503), reply(429)])
async def test_what_ended_while_it_waited_is_not_sent_again(trouble):
    service = Service(trouble, reply(200))
    assert await service.deliver(stands=lambda: not service.pauses) is trouble
    assert (len(service.asked), len(service.pauses)) == (1, 1)


@pytest.mark.parametrize("reads", [True, False])
async def test_what_ended_after_nothing_was_sent_is_not_sent_again(reads):
    service = Service(UNREACHABLE, reply(200))
    with pytest.raises(UpstreamUnreachable):
        await service.deliver(reads=reads, stands=lambda: False)
    assert len(service.asked) == 1


async def test_three_tries_are_all():
    service = Service(reply(503))
    assert (await service.deliver()).status == 503
    assert len(service.asked) == 3


async def test_a_short_retry_after_is_kept_to_and_a_long_one_told():
    short, long = Service(reply(429, retry_after="4"), reply(200)), Service(reply(429, retry_after="11"))
    assert (await short.deliver()).status == 200
    assert short.pauses == [4.0]
    assert (await long.deliver()).status == 429
    assert long.pauses == []


async def test_all_tries_together_take_no_longer_than_one_may():
    service = Service(reply(429, retry_after="9"))
    service.now = 100.0
    await service.deliver()
    left = [how["timeout"] for how in service.asked]
    assert left == [55.0, 46.0, 37.0]


async def test_a_service_that_keeps_failing_is_left_alone_and_then_tried_by_one():
    service = Service(*[UNREACHABLE] * 18, reply(200))
    for _ in range(5):
        with pytest.raises(UpstreamUnreachable):
            await service.deliver()
    asked = len(service.asked)
    with pytest.raises(ServiceResting) as resting:
        await service.deliver()
    assert len(service.asked) == asked
    assert 0 < resting.value.retry_after <= 5
    assert resting.value.detail == "github failed 5 times in a row. The last time: refused"
    assert not resting.value.may_have_happened
    service.now += 5
    with pytest.raises(UpstreamUnreachable):  # the one that tries
        await service.deliver()
    with pytest.raises(ServiceResting) as resting:
        await service.deliver()
    assert 5 < resting.value.retry_after <= 10
    service.now += 10
    assert (await service.deliver()).status == 200
    assert (await service.deliver()).status == 200


async def test_it_rests_for_that_tenant_service_and_address_alone():
    service = Service(*[reply(502)] * 15, reply(200))
    for _ in range(5):
        await service.deliver()
    with pytest.raises(ServiceResting):
        await service.deliver()
    assert (await service.deliver(tenant=OTHER)).status == 200
    assert (await service.deliver(service="gitlab")).status == 200
    assert (await service.deliver(base_url="https://b.example")).status == 200


@pytest.mark.parametrize("answer", [reply(200), reply(401), reply(404), reply(429, retry_after="60"), reply(500)])
async def test_a_service_that_answers_is_not_failing(answer):
    service = Service(*([reply(504)] * 12 + [answer]) * 2, reply(200))
    for _ in range(10):
        await service.deliver()


def test_many_that_fail_at_once_lengthen_the_rest_once():
    now = [0.0]
    breakers = Breakers(lambda: now[0])
    for _ in range(100):
        breakers.failed("a", "no")
    with pytest.raises(ServiceResting) as resting:
        breakers.admit("a", "a")
    assert resting.value.retry_after <= 5


def test_one_that_never_comes_back_leaves_room_for_the_next_try():
    now = [0.0]
    breakers = Breakers(lambda: now[0])
    for _ in range(5):
        breakers.failed("a", "no")
    now[0] = 5.0
    breakers.admit("a", "a")
    with pytest.raises(ServiceResting):
        breakers.admit("a", "a")
    now[0] = 10.0
    breakers.admit("a", "a")


def test_what_is_remembered_of_failures_is_bounded():
    breakers = Breakers(lambda: 0.0)
    for number in range(11_000):
        breakers.failed(number, "no")
    assert len(breakers._failing) == 10_000
