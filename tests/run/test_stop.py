"""The stop flag: what it stops, and that the first reason is kept."""

import asyncio

from dailies.run.stop import Stop


def test_at_first_everything_may_go_on():
    stop = Stop()

    assert (stop.may_submit, stop.may_poll, stop.reason) == (True, True, None)


def test_when_submits_stop_polls_go_on():
    stop = Stop()
    stop.submits("the balance is empty")

    assert (stop.may_submit, stop.may_poll, stop.reason) == (False, True, "the balance is empty")


def test_a_level_is_only_ever_raised_and_its_first_reason_kept():
    stop = Stop()
    stop.submits("the balance is empty")
    stop.submits("again")
    assert stop.reason == "the balance is empty"

    stop.everything("the key was revoked")
    stop.everything("the disk is full")
    stop.submits("the balance is empty")

    assert (stop.may_submit, stop.may_poll, stop.reason) == (False, False, "the key was revoked")


async def test_whoever_waits_for_the_end_is_woken_by_nothing_less():
    stop = Stop()
    waiting = asyncio.create_task(stop.wait())
    stop.submits("the balance is empty")
    await asyncio.sleep(0)
    assert not waiting.done()

    stop.everything("cancelled")
    await waiting
