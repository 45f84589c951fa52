"""Counts the events of each fault and says when it strikes: by number or by a repeatable draw."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from typing import Any

from dailies.gateway.faults.kinds import Vanish
from dailies.gateway.faults.script import AnyFault, FaultScript
from dailies.gateway.rate_limit import RateLimit


class Trigger:
    """One fault of a running script.

    Attributes:
        fault: what it does.
        fired: how often it struck.
        seen_of: how often each subject was seen.
        rate_limits: of a throttle, by organisation.
    """

    def __init__(self, fault: AnyFault, seed: str) -> None:
        self.fault = fault
        self.fired = 0
        self.seen_of: Counter[str] = Counter()
        self.rate_limits: dict[str, RateLimit] = {}
        self._seed = seed
        self._events = 0

    def strikes(self, subject: str) -> bool:
        """Count one event and decide.

        Args:
            subject: what names the request. Draws depend on it and on how often it was seen, not on the order
                in which requests arrive, so that a concurrent run meets the same faults again.
        """
        self._events += 1
        self.seen_of[subject] += 1
        if self._events <= self.fault.after or self.fired == self.fault.times:
            return False
        is_hit = self._is_hit(subject)
        self.fired += is_hit
        return is_hit

    def _is_hit(self, subject: str) -> bool:
        if isinstance(self.fault, Vanish):
            return self._is_away(self.fault, subject)
        if self.fault.every is not None:
            return (self._events - self.fault.after) % self.fault.every == 0
        if self.fault.rate is not None:
            return self.draw(f"{subject}/{self.seen_of[subject]}") < self.fault.rate
        return True

    def _is_away(self, fault: Vanish, subject: str) -> bool:
        """Draw whole jobs, not single polls: a job that is away stays away for a while."""
        is_now = fault.after_polls < self.seen_of[subject] <= fault.after_polls + fault.polls
        return is_now and (fault.rate is None or self.draw(subject) < fault.rate)

    def draw(self, name: str) -> float:
        """Draw a number in [0, 1) that depends on the seed and the name only."""
        digest = hashlib.sha256(f"{self._seed}/{name}".encode()).digest()
        return int.from_bytes(digest[:7]) / 256**7


class FaultPlay:
    """The script that is being played; it can be replaced while the sandbox runs. Counts live in memory."""

    def __init__(self, script: FaultScript) -> None:
        self.replace(script)

    def replace(self, script: FaultScript) -> None:
        """Begin another script."""
        self.script = script
        self.triggers = [Trigger(fault, f"{script.seed}/{number}") for number, fault in enumerate(script.fault)]

    def of_kind(self, *kinds: type) -> Iterator[Trigger]:
        """Yield the triggers whose fault is of one of these kinds, in the script's order."""
        return (trigger for trigger in self.triggers if isinstance(trigger.fault, kinds))

    def as_json(self) -> dict[str, Any]:
        """Return the script, and beside each fault how often it struck."""
        faults = [
            trigger.fault.model_dump(mode="json", exclude_defaults=True)
            | {"kind": trigger.fault.kind, "fired": trigger.fired}
            for trigger in self.triggers
        ]
        return {"seed": self.script.seed, "fault": faults}
