"""Gate: the limiter put to work."""

import asyncio

import pytest

from dailies.pacing.gate import Gatekeeper
from dailies.pacing.pace import Pace


async def test_submits_go_in_the_order_in_which_they_come():
    gate, order = Gatekeeper(Pace(1000.0, 10)), []

    async def row(number: int) -> None:
        await gate.submit_turn()
        order.append(number)

    await asyncio.gather(*(row(number) for number in range(20)))

    assert order == list(range(20))


async def test_the_jobs_most_likely_done_are_polled_first():
    gate, order = Gatekeeper(Pace(1.0, 10, requests_per_s=500.0)), []

    async def look(urgency: float) -> None:
        await gate.poll_turn(urgency)
        order.append(urgency)

    await gate.poll_turn(1.0)
    await asyncio.gather(*(look(urgency) for urgency in (0.1, 0.9, 0.5, 0.7)))

    assert order == [0.9, 0.7, 0.5, 0.1]


async def test_neither_submits_nor_polls_starve_the_other():
    gate, order = Gatekeeper(Pace(1e6, 10, requests_per_s=1000.0)), []

    async def submit() -> None:
        await gate.submit_turn()
        order.append("submit")

    async def look() -> None:
        await gate.poll_turn(0.5)
        order.append("poll")

    await asyncio.gather(*(submit() for _ in range(20)), *(look() for _ in range(20)))

    assert abs(order[:20].count("submit") - 10) <= 2


async def test_who_leaves_the_queue_holds_nobody_up():
    gate = Gatekeeper(Pace(200.0, 10))
    await gate.submit_turn()
    leaving = [asyncio.create_task(gate.submit_turn()) for _ in range(5)]
    staying = asyncio.create_task(gate.submit_turn())
    await asyncio.sleep(0)
    for task in leaving:
        task.cancel()

    async with asyncio.timeout(1.0):
        await staying
    assert gate.submits_waiting == 0


async def test_a_pause_that_is_prolonged_is_waited_out_whole():
    gate = Gatekeeper(Pace(1000.0, 10))
    loop = asyncio.get_running_loop()
    began = loop.time()
    gate.pause(0.02)
    loop.call_later(0.01, gate.pause, 0.04)

    await asyncio.gather(gate.ready(), gate.poll_turn(1.0), gate.submit_turn())

    assert loop.time() - began >= 0.049
    assert gate.paused_for() == 0


async def test_a_pause_that_the_first_one_to_go_on_meets_holds_for_those_behind_it():
    gate, early = Gatekeeper(Pace(50.0, 10)), []
    gate.pause(0.01)

    async def repeat() -> None:
        await gate.ready()
        early.append(gate.paused_for())
        gate.pause(0.15)

    await asyncio.gather(*(repeat() for _ in range(4)))

    assert early == [0.0] * 4


async def test_after_a_pause_not_all_send_at_once():
    gate = Gatekeeper(Pace(200.0, 10))
    loop, sent = asyncio.get_running_loop(), []
    gate.pause(0.01)

    async def repeat() -> None:
        await gate.ready()
        sent.append(loop.time())

    await asyncio.gather(*(repeat() for _ in range(5)))

    assert sorted(sent)[-1] - sorted(sent)[0] >= 4 * 1 / 200.0


async def test_where_machines_share_a_rate_the_others_are_asked_too():
    asked: list[int] = []

    async def shared_turn() -> None:
        asked.append(1)

    gate = Gatekeeper(Pace(1000.0, 10), shared_turn)
    await gate.submit_turn()
    await gate.poll_turn(0.5)

    assert asked == [1]
    assert gate.submits_per_s == pytest.approx(1000.0)
