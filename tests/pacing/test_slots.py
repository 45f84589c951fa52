"""Slots: how many jobs render at the same time, of the account, of a provider, of a model."""

import asyncio

from dailies.pacing.slots import Slots

KLING, RUNWAY, VEO = "fal/kling-2", "fal/runway-gen-4", "google/veo-3.1"


class House:
    """Rows that hold a slot until a test releases them."""

    def __init__(self, slots: Slots) -> None:
        self.slots = slots
        self.inside: list[str] = []
        self.held_up: list[str] = []
        self._leave: dict[str, asyncio.Event] = {}
        self._tasks: list[asyncio.Task[None]] = []

    async def enter(self, name: str, model: str) -> None:
        self._leave[name] = asyncio.Event()
        self._tasks.append(asyncio.create_task(self._stay(name, model)))
        await self._settle()

    async def _stay(self, name: str, model: str) -> None:
        async with self.slots.taken(model, lambda: self.held_up.append(name)):
            self.inside.append(name)
            await self._leave[name].wait()
        self.inside.remove(name)

    async def leave(self, name: str) -> None:
        self._leave[name].set()
        await self._settle()

    async def _settle(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)

    async def clear(self) -> None:
        for event in self._leave.values():
            event.set()
        await asyncio.gather(*self._tasks)


async def test_a_slot_that_is_freed_is_filled_at_once_by_who_came_first():
    house = House(Slots(2))
    for name in "abcd":
        await house.enter(name, KLING)
    assert house.inside == ["a", "b"]

    await house.leave("a")

    assert house.inside == ["b", "c"]
    await house.clear()


async def test_rows_of_another_model_pass_those_whose_model_is_full():
    house = House(Slots(10, {KLING: 1}))
    for name, model in (("a", KLING), ("b", KLING), ("c", VEO)):
        await house.enter(name, model)

    assert house.inside == ["a", "c"]
    assert house.held_up == ["b"]
    await house.clear()


async def test_the_caps_of_provider_and_model_hold_together():
    house = House(Slots(10, {"fal": 2, KLING: 1}))
    for name, model in (("a", KLING), ("b", KLING), ("c", RUNWAY), ("d", RUNWAY), ("e", VEO)):
        await house.enter(name, model)
    assert house.inside == ["a", "c", "e"]

    await house.leave("a")

    assert house.inside == ["c", "e", "d"]  # it has waited for one of the provider for longer
    await house.clear()


async def test_the_account_s_cap_is_above_all():
    house = House(Slots(1, {KLING: 5}))
    await house.enter("a", KLING)
    await house.enter("b", VEO)

    assert house.inside == ["a"]
    assert house.held_up == []
    await house.clear()


async def test_slots_are_wanted_while_rows_wait_for_one_that_this_model_holds():
    slots = Slots(10, {KLING: 1})
    house = House(slots)
    await house.enter("a", KLING)
    assert not slots.are_wanted(KLING)

    await house.enter("b", KLING)

    assert slots.are_wanted(KLING)
    assert not slots.are_wanted(VEO)
    await house.clear()
    assert not slots.are_wanted(KLING)
