"""The texts of a settlement, for people and for programs."""

from collections.abc import Iterator
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from dailies.ledger.entry import EntryStatus
from dailies.pricing import ZERO
from dailies.reconcile.settle import Settlement
from dailies.wording import count


def settlement_facts(settlement: Settlement) -> dict[str, Any]:
    """Return a settlement for programs."""
    facts = asdict(settlement)
    facts["told"] = facts.pop("account")  # programs read these names
    del facts["polled"]
    counted = {"looked_at": dict(settlement.polled), "open": dict(settlement.open)}  # asdict cannot do Counters
    return {**facts, **counted, "verdict": verdict_of(settlement)}


def settlement_lines(settlement: Settlement) -> Iterator[str]:
    """Return what was done and what is left to do, line by line."""
    if settlement.folded:
        yield f"Recovered {count(len(settlement.folded), 'journal')} of interrupted runs."
    if settlement.booked_late:
        yield f"Booked {count(settlement.booked_late, 'charge')}: the FX of the month is known now."
    polled = settlement.polled
    if polled:
        found = ", ".join(f"{number} {status.replace('_', ' ')}" for status, number in sorted(polled.items()))
        yield f"Polled {count(polled.total(), 'open job')}: {found}."
    rendering = settlement.open[EntryStatus.PENDING] + settlement.open[EntryStatus.PROCESSING]
    if rendering:
        yield f"Still rendering: {count(rendering, 'job')}; settle again later."
    if doubtful := settlement.open[EntryStatus.IN_DOUBT]:
        yield (
            f"In doubt: {count(doubtful, 'row')} (sent, but the answer was lost). The next run of their CSV sends them"
            " again; dailies abandon gives them up."
        )
    if settlement.live:
        yield f"At work: {count(settlement.live, 'batch')} of other runs."
    booked = settlement.booked
    yield f"Ledger: {booked.charged_mxn} MXN for {count(booked.charges, 'video')}."
    if booked.unknown:
        yield (
            f"Unknown: {count(booked.unknown, 'charge')}, at most {booked.unknown_mxn} MXN (a month without FX, or a"
            " poll whose answer was lost)."
        )


def verdict_of(settlement: Settlement) -> str:
    """Return one sentence about ledger and account."""
    comparison, account = settlement.comparison, settlement.account
    if comparison is None:
        return "Not compared with the account: other runs were at work meanwhile. Settle again when they have ended."
    if comparison.difference_mxn is None:
        return _nothing_to_compare(account.balance_mxn)
    charged = (
        f"The account was charged {account.consumed_mxn} MXN"
        if account.consumed_mxn is not None
        else f"The balance is {account.balance_mxn} MXN"
    )
    credited = (
        f" (credited since the last settlement: {comparison.credited_mxn} MXN)" if comparison.credited_mxn else ""
    )
    return f"{charged}{credited}: {_agreement(comparison.difference_mxn, comparison.is_explained)}"


def _nothing_to_compare(balance_mxn: Decimal | None) -> str:
    if balance_mxn is None:
        return "The service does not report its balance, so there is nothing to compare the ledger with."
    return f"The balance is {balance_mxn} MXN; from now on each settlement compares with the one before."


def _agreement(difference_mxn: Decimal, is_explained: bool) -> str:
    if difference_mxn == ZERO:
        return "they agree."
    if is_explained:
        return f"they agree but for {difference_mxn} MXN, which unknown charges and rounding explain."
    if difference_mxn > 0:
        return f"{difference_mxn} MXN more than is booked here. Something else uses this account, or a file is missing."
    return f"{-difference_mxn} MXN less than is booked here. Look for a refund, or run: dailies ledger verify"
