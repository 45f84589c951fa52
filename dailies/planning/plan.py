"""The plan: what is left to do, what it may cost at worst, and whether the caps allow it. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from dailies.catalogue import VideoModel, load_catalogue
from dailies.errors import RefusedError
from dailies.ledger.charges import FINDINGS, worst_now
from dailies.ledger.entry import EntryStatus, LedgerEntry
from dailies.ledger.manifest import ClaimedRow
from dailies.ledger.ordered_model import ordered_model
from dailies.ledger.snapshot import LiveRow, Snapshot
from dailies.planning.caps import Caps, within_caps, worst_of
from dailies.planning.next_attempt import AttemptPolicy, last_word, next_entry, remaining_models, with_model
from dailies.pricing import ZERO, Tariff
from dailies.prompts.reader import PromptFile, PromptRow


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would do with a file now.

    Attributes:
        todo: rows to claim, in the file's order.
        left: rows beyond the caps (only with ``fit``): they become ``planned``.
        finished: rows that need nothing: bought, or failed for good; their last entries.
        elsewhere: rows that another living run works on.
        held: rows whose submit is in doubt and left to a person.
        worst_mxn: the most that ``todo`` may cost.
        charged_month_mxn: what this month was charged so far.
        open_mxn: what may still be charged for rows that are not in ``todo``.
    """

    prompts: PromptFile
    todo: tuple[ClaimedRow, ...]
    left: tuple[ClaimedRow, ...]
    finished: tuple[LedgerEntry, ...]
    elsewhere: tuple[LiveRow, ...]
    held: tuple[LedgerEntry, ...]
    worst_mxn: Decimal
    charged_month_mxn: Decimal
    open_mxn: Decimal

    @property
    def resumed(self) -> int:
        """How many rows of ``todo`` go on with a job, or a submit, of an earlier run."""
        return sum(row.entry.status.is_open for row in self.todo)

    @property
    def bought(self) -> tuple[LedgerEntry, ...]:
        """The finished rows that completed."""
        return tuple(entry for entry in self.finished if entry.status is EntryStatus.COMPLETED)


@dataclass(frozen=True, slots=True)
class Stamp:
    """Who plans, and when: what new entries carry.

    ``service_now`` is the same moment by the service's clock; near a month's end it may be in another month.
    """

    batch_id: str
    flow_run_id: str | None
    now: datetime
    service_now: datetime | None = None

    @property
    def instants(self) -> tuple[datetime, ...]:
        """The moment by each clock."""
        return (self.now,) if self.service_now is None else (self.service_now, self.now)


def make_plan(
    prompts: PromptFile, books: Snapshot, tariff: Tariff, policy: AttemptPolicy, caps: Caps, stamp: Stamp
) -> Plan:
    """Sort a file's rows by what they need, and check the caps.

    Raises:
        RefusedError: a cap is exceeded, or the month has no FX; names the figures and the remedy.
    """
    todo: list[ClaimedRow] = []
    finished: list[LedgerEntry] = []
    elsewhere: list[LiveRow] = []
    held: list[LedgerEntry] = []
    prices = _Prices(tariff, stamp.instants)
    for row in prompts.rows:
        entries = books.entries.get(row.row_key, [])
        models = remaining_models(row, entries, policy)
        if row.row_key in books.live:
            elsewhere.append(books.live[row.row_key])
        elif not models:
            finished.append(last_word(entries))
        else:
            entry = _priced(row, entries, models, prices, stamp)
            if entry.status.has_job and not prices.are_known:
                models = models[:1]  # the run collects its job, and orders nothing that cannot be priced
            waits = policy.hold_in_doubt and entry.status is EntryStatus.IN_DOUBT
            if waits:
                held.append(entry)
            else:
                todo.append(ClaimedRow(entry, models))
    taken, left = within_caps(todo, books, caps)
    worst = sum((worst_of(row) for row in taken), ZERO)
    beside = books.reserved_beside(row.entry.row_key for row in taken)
    return Plan(
        prompts,
        tuple(taken),
        tuple(left),
        tuple(finished),
        tuple(elsewhere),
        tuple(held),
        worst,
        books.charged_mxn,
        beside,
    )


class _Prices:
    """Worst cases of requests, in MXN and USD; new ones are computed once for each combination of models and duration.

    ``instants`` is the present by each clock that may be right: the dearer month counts.
    """

    def __init__(self, tariff: Tariff, instants: tuple[datetime, ...]) -> None:
        self.tariff = tariff
        self._instants = instants
        self._known: dict[tuple[tuple[str, ...], int], tuple[Decimal, Decimal]] = {}

    @property
    def are_known(self) -> bool:
        """Whether anything can be priced: every month that may be the present one has an FX."""
        return all(self.tariff.fx_at(now) is not None for now in self._instants)

    def worst(self, models: tuple[str, ...], duration_s: int) -> tuple[Decimal, Decimal]:
        key = models, duration_s
        if key not in self._known:
            self._known[key] = self.of([load_catalogue()[model] for model in models], duration_s, self.tariff)
        return self._known[key]

    def of(
        self, offers: list[VideoModel], duration_s: int, tariff: Tariff, since: datetime | None = None
    ) -> tuple[Decimal, Decimal]:
        worst = [tariff.worst_mxn(offers, duration_s, now, since) for now in self._instants]
        for now, mxn in zip(self._instants, worst, strict=True):
            if mxn is None:
                month = tariff.month(now)
                raise RefusedError(
                    f"No FX for {month}, so nothing can be priced: set DAILIES_FX={month}=<MXN for one USD, as GeekHub"
                    " has fixed it for the month>."
                )
        return max(mxn for mxn in worst if mxn is not None), tariff.worst_usd(offers, duration_s)


def _priced(
    row: PromptRow, entries: list[LedgerEntry], models: tuple[str, ...], prices: _Prices, stamp: Stamp
) -> LedgerEntry:
    last = max(entries, key=lambda entry: entry.attempt, default=None)
    if last is not None and last.status.is_open:
        return _resumed(last, models, prices, stamp.instants)
    (worst_mxn, worst_usd), markup = prices.worst(models, row.duration_s), prices.tariff.markup
    entry = next_entry(
        row,
        entries,
        models[0],
        batch_id=stamp.batch_id,
        flow_run_id=stamp.flow_run_id,
        now=stamp.now,
        worst_mxn=worst_mxn,
        worst_usd=worst_usd,
        markup=markup,
    )
    if last is None:
        return entry
    return replace(with_model(entry, models[0]), worst_mxn=worst_mxn, worst_usd=worst_usd, markup=markup)


def _resumed(
    entry: LedgerEntry, models: tuple[str, ...], prices: _Prices, instants: tuple[datetime, ...]
) -> LedgerEntry:
    """Return an open attempt: what was sent is charged at the price at which it was sent, perhaps already."""
    today = ordered_model(entry)
    sent = replace(today, usd_per_second=entry.usd_per_second or ZERO)
    offers = [today, sent, *(load_catalogue()[model] for model in models[1:])]
    markup = entry.markup or prices.tariff.markup
    tariff = replace(prices.tariff, markup=max(prices.tariff.markup, markup))
    if entry.status.has_job and not prices.are_known:
        return entry
    since = entry.submitted_at or entry.planned_at
    worst_mxn, worst_usd = prices.of(offers, entry.duration_s or 0, tariff, since)
    if entry.error_code in FINDINGS or entry.usd_per_second is None:  # perhaps longer than ordered, or dearer
        worst_mxn = max(worst_mxn, worst_now(entry, prices.tariff, instants))
        worst_usd = max(worst_usd, entry.worst_usd or ZERO)
    return replace(entry, worst_mxn=worst_mxn, worst_usd=worst_usd, markup=markup)
