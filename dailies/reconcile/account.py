"""The account, held against the ledger.

The sandbox tells what it has charged, to the last digit. GeekHub has announced a balance only, so there two settlements
are compared: what went out of the balance since the last one, and what was booked meanwhile.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from dailies.errors import LedgerError
from dailies.pricing import ZERO
from dailies.system.durable import replace_file

_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class AccountReport:
    """What the service tells about the account; None where it does not.

    Attributes:
        balance_mxn: the present balance.
        consumed_mxn: everything that was ever charged (the sandbox alone tells it).
    """

    balance_mxn: Decimal | None = None
    consumed_mxn: Decimal | None = None


@dataclass(frozen=True, slots=True)
class LedgerTotals:
    """What the ledger says.

    Attributes:
        charged_mxn: the sum of all charges.
        charges: how many there are.
        unknown: videos and polled jobs whose charge is not known.
        unknown_mxn: the most that those may have cost.
    """

    charged_mxn: Decimal
    charges: int
    unknown: int
    unknown_mxn: Decimal


@dataclass(frozen=True, slots=True)
class LastSettlement:
    """What a settlement saw, for the next one to compare with; ``unknown_mxn`` may be booked by then."""

    at: datetime
    balance_mxn: Decimal
    charged_mxn: Decimal
    charges: int
    unknown_mxn: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Comparison:
    """The account beside the ledger, in MXN.

    Attributes:
        difference_mxn: what the account was charged beyond what is booked; None where it cannot be told yet.
        credited_mxn: what was paid in since the last settlement, as far as it shows.
        is_explained: whether nothing remains but what unknown charges and the rounding of charges may come to.
    """

    difference_mxn: Decimal | None
    credited_mxn: Decimal = ZERO
    is_explained: bool = True


def compare(
    told: AccountReport, booked: LedgerTotals, last: LastSettlement | None, credited_mxn: Decimal | None
) -> Comparison:
    """Compare; ``credited_mxn`` is what a person says was paid in since the last settlement, None if nobody says."""
    if told.consumed_mxn is not None:
        difference = told.consumed_mxn - booked.charged_mxn
        return Comparison(difference, is_explained=0 <= difference <= booked.unknown_mxn)
    if told.balance_mxn is None or last is None:
        return Comparison(None)
    gone = last.balance_mxn - told.balance_mxn + (credited_mxn or ZERO)
    difference = gone - (booked.charged_mxn - last.charged_mxn)
    # How GeekHub rounds a charge is not documented: half a cent either way is no difference.
    rounding = _CENT / 2 * (booked.charges - last.charges)
    # What was unknown last time may have left the balance before it, and be booked only now.
    least, most = -rounding - last.unknown_mxn, rounding + booked.unknown_mxn
    if credited_mxn is None and difference < least:
        return Comparison(ZERO, credited_mxn=-difference)
    return Comparison(difference, credited_mxn or ZERO, least <= difference <= most)


_SEEN = TypeAdapter(LastSettlement)


def read_last_settlement(path: Path) -> LastSettlement | None:
    """What the last settlement saw, None if there was none.

    Raises:
        LedgerError: the file is damaged.
    """
    try:
        return _SEEN.validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise LedgerError(f"{path} is damaged; move it away, and the next settlement begins anew") from error


def write_last_settlement(path: Path, seen: LastSettlement) -> None:
    """Keep what was seen. Hold the ledger's lock.

    Raises:
        LedgerError: it cannot be written.
    """
    text = json.dumps(_SEEN.dump_python(seen, mode="json"), indent=2) + "\n"
    try:
        replace_file(path, lambda file: _write(file, text))
    except OSError as error:
        raise LedgerError(f"{path} cannot be written: {error.strerror}") from error


def _write(file: Any, text: str) -> None:
    file.write(text.encode())
