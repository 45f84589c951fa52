"""One job's polls: when they are best, which of many goes first, and what they have shown. No clock."""

import random

from dailies.ledger.entry import LedgerEntry
from dailies.ledger.ordered_model import ordered_model
from dailies.pacing.poll_schedule import PollSchedule, most_lag_s, poll_schedule, widest_gap_s
from dailies.run.context import RunContext


class JobPolls:
    """Looks after one job; all ages are seconds after its submit.

    Attributes:
        not_done_at_s: the age at the last poll that came too early, None if none did.
    """

    def __init__(self, context: RunContext, entry: LedgerEntry) -> None:
        self.not_done_at_s = entry.not_done_at_s
        self._context = context
        self._model = ordered_model(entry)
        self._duration_s = entry.duration_s or 0
        self._job_id = entry.job_id or ""
        self._chance = random.Random(f"{entry.row_key}/{entry.attempt}").random()  # noqa: S311 - no secret

    def schedule(self, age_s: float) -> PollSchedule:
        """Return the schedule of its polls, from what is known now of jobs like it; it is fixed from here on."""
        context, model = self._context, self._model
        pace, forecast = context.gate.pace, context.forecast
        is_bottleneck = pace.is_slot_bound or context.gate.submits_waiting == 0
        lag_s = most_lag_s(
            model,
            forecast.times(model, self._duration_s).mean_s,
            is_slot_wanted=is_bottleneck and context.slots.are_wanted(model.id),
        )
        procedure = forecast.procedure(model, self._duration_s, lag_s, widest_gap_s(model), pace.max_polls)
        return poll_schedule(
            procedure,
            age_s,
            time_scale=context.settings.time_scale,
            give_up_after_s=context.settings.give_up_after_s,
            chance=self._chance,
        )

    def likely_done(self, age_s: float) -> float:
        """Return the probability that it is done: it decides which job is polled first when polls must queue."""
        times = self._context.forecast.times(self._model, self._duration_s)
        return times.done_by(age_s / self._context.settings.time_scale)

    def saw_early(self, age_s: float) -> None:
        """Record that the job was not done at that age."""
        self.not_done_at_s = age_s
        self._context.forecast.saw_early(self._model, self._duration_s, self._job_id, age_s)

    def saw_done(self, age_s: float) -> None:
        """Record that the job was done at that age."""
        self._context.forecast.saw_end(self._model, self._duration_s, self._job_id, self.not_done_at_s or 0.0, age_s)

    def saw_failed(self) -> None:
        """Record that the job failed: how long it would have rendered stays unknown."""
        self._context.forecast.saw_end(self._model, self._duration_s, self._job_id, self.not_done_at_s or 0.0)
