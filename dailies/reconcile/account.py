"""The account compared with the ledger.

The sandbox reports what it has charged, to the last digit. GeekHub has only announced a balance; there, two settlements
are compared: what left the balance since the last one, and what was booked meanwhile.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from pydantic import TypeAdapter

from dailies.errors import LedgerError
from dailies.geekhub_client.client import GeekHubClient
from dailies.ledger.entry import EntryStatus, LedgerEntry
from dailies.pricing import ZERO
from dailies.settings import Settings
from dailies.system.durable import replace_bytes

_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class AccountReport:
    """What the service reports about the account; None where it reports nothing.

    Attributes:
        balance_mxn: the present balance.
        consumed_mxn: everything that was ever charged (only the sandbox reports it).
    """

    balance_mxn: Decimal | None = None
    consumed_mxn: Decimal | None = None


@dataclass(frozen=True, slots=True)
class LedgerTotals:
    """The ledger's charges, added up.

    Attributes:
        charged_mxn: the sum of all known charges.
        charges: how many there are.
        unknown: videos and polled jobs whose charge is unknown.
        unknown_mxn: the most that those may have cost.
    """

    charged_mxn: Decimal
    charges: int
    unknown: int
    unknown_mxn: Decimal


@dataclass(frozen=True, slots=True)
class LastSettlement:
    """What a settlement found, for the next one to compare with; ``unknown_mxn`` may be booked by then."""

    at: datetime
    balance_mxn: Decimal
    charged_mxn: Decimal
    charges: int
    unknown_mxn: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Comparison:
    """The account beside the ledger, in MXN.

    Attributes:
        difference_mxn: what the account was charged beyond what is booked; None where nothing can be compared yet.
        credited_mxn: what was paid in since the last settlement, as far as it shows.
        is_explained: whether unknown charges and the rounding of charges can make up the difference.
    """

    difference_mxn: Decimal | None
    credited_mxn: Decimal = ZERO
    is_explained: bool = True


async def ask_account(settings: Settings) -> AccountReport:
    """Ask the service for the balance, and the sandbox for what it has charged.

    Raises:
        ServiceError: it refuses the key, or cannot be reached.
    """
    async with GeekHubClient.of(settings) as client:
        consumed = await client.read_consumption() if settings.service == "sandbox" else None
        return AccountReport(await client.read_balance(), consumed)


def add_up(entries: Iterable[LedgerEntry]) -> LedgerTotals:
    """Add up the known charges, and the worst cases of unknown ones."""
    charged, charges, unknown, unknown_mxn = ZERO, 0, 0, ZERO
    for entry in entries:
        if entry.charged_mxn is not None:
            charged, charges = charged + entry.charged_mxn, charges + 1
        elif _may_be_charged(entry):
            unknown, unknown_mxn = unknown + 1, unknown_mxn + (entry.worst_mxn or ZERO)
    return LedgerTotals(charged, charges, unknown, unknown_mxn)


def _may_be_charged(entry: LedgerEntry) -> bool:
    """Return whether a charge may have been taken: a poll takes it, also one whose answer was lost."""
    unanswered = entry.polls > 0 and entry.status in (EntryStatus.PROCESSING, EntryStatus.ABANDONED)
    return unanswered or entry.status is EntryStatus.COMPLETED


def compare(
    account: AccountReport, booked: LedgerTotals, last: LastSettlement | None, credited_mxn: Decimal | None
) -> Comparison:
    """Compare account and ledger.

    ``credited_mxn`` is what a person says was paid in since the last settlement; None if nothing was said.
    """
    if account.consumed_mxn is not None:
        difference = account.consumed_mxn - booked.charged_mxn
        return Comparison(difference, is_explained=0 <= difference <= booked.unknown_mxn)
    if account.balance_mxn is None or last is None:
        return Comparison(None)
    gone = last.balance_mxn - account.balance_mxn + (credited_mxn or ZERO)
    difference = gone - (booked.charged_mxn - last.charged_mxn)
    # How GeekHub rounds a charge is not documented: half a cent either way is no difference.
    rounding = _CENT / 2 * (booked.charges - last.charges)
    # What was unknown last time may have left the balance before then and be booked only now.
    least, most = -rounding - last.unknown_mxn, rounding + booked.unknown_mxn
    if credited_mxn is None and difference < least:
        return Comparison(ZERO, credited_mxn=-difference)
    return Comparison(difference, credited_mxn or ZERO, least <= difference <= most)


_SEEN = TypeAdapter(LastSettlement)


def read_last_settlement(path: Path) -> LastSettlement | None:
    """Read what the last settlement found; None if there was none.

    Raises:
        LedgerError: the file is damaged.
    """
    try:
        return _SEEN.validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise LedgerError(f"{path} is damaged; move it elsewhere: the next settlement starts afresh") from error


def write_last_settlement(path: Path, seen: LastSettlement) -> None:
    """Record what a settlement found. Hold the ledger's lock.

    Raises:
        LedgerError: it cannot be written.
    """
    text = json.dumps(_SEEN.dump_python(seen, mode="json"), indent=2) + "\n"
    try:
        replace_bytes(path, text.encode())
    except OSError as error:
        raise LedgerError(f"{path} cannot be written: {error.strerror}") from error
