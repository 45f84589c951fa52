"""Organisations, their balance, and the transactions it is the sum of (GeekHub's page "Balance")."""

import sqlite3
import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from dailies.gateway.accounts.money import MICROS, charge_micros, to_text
from dailies.gateway.store import read_setting, transaction, write_setting

CREDIT_TYPES = ("bonus", "recharge", "refund", "adjustment")


@dataclass(frozen=True, slots=True)
class Transaction:
    """One movement of a balance; amounts in micro-pesos, consumption negative."""

    id: int
    org_id: str
    type: str
    amount_micros: int
    balance_micros: int
    created_us: int
    job_id: str | None
    usd_per_second: str | None
    duration_s: int | None
    fx_micros: int | None

    def as_json(self) -> dict[str, Any]:
        """Return the transaction for ``GET /sandbox/transactions``: money as decimal strings."""
        factors = None
        if self.fx_micros is not None:
            factors = {
                "usd_per_second": self.usd_per_second,
                "duration_s": self.duration_s,
                "markup": "1.05",
                "fx_mxn_per_usd": to_text(self.fx_micros),
            }
        return {
            "id": self.id,
            "type": self.type,
            "amount_mxn": to_text(self.amount_micros),
            "balance_mxn": to_text(self.balance_micros),
            "job_id": self.job_id,
            "created": self.created_us / MICROS,
            "factors": factors,
        }


def create_organisation(connection: sqlite3.Connection, balance_micros: int, now_us: int) -> str:
    """Make an organisation with a starting bonus and return its id."""
    org_id = str(uuid.uuid4())
    connection.execute("INSERT INTO organisations VALUES (?, ?, 0)", (org_id, now_us))
    if balance_micros:
        add_credit(connection, org_id, "bonus", balance_micros, now_us)
    return org_id


def read_balance(connection: sqlite3.Connection, org_id: str) -> int:
    """Return the balance in micro-pesos; below zero when more was in flight than it covered."""
    row = connection.execute("SELECT balance_micros FROM organisations WHERE id = ?", (org_id,)).fetchone()
    return int(row["balance_micros"])


def add_credit(connection: sqlite3.Connection, org_id: str, kind: str, amount_micros: int, now_us: int) -> None:
    """Book anything but consumption; call it inside a transaction."""
    assert kind in CREDIT_TYPES, kind
    balance = _move_balance(connection, org_id, amount_micros)
    connection.execute(
        "INSERT INTO transactions VALUES (NULL, ?, ?, ?, ?, ?, NULL, NULL, NULL, NULL)",
        (org_id, kind, amount_micros, balance, now_us),
    )


def charge(
    connection: sqlite3.Connection, org_id: str, job_id: str, price: Decimal, duration_s: int, now_us: int
) -> int:
    """Book the consumption of one job and return it in micro-pesos; call it inside a transaction.

    The database refuses a second charge of the same job.
    """
    fx_micros = read_fx(connection)
    amount = charge_micros(price, duration_s, fx_micros)
    balance = _move_balance(connection, org_id, -amount)
    connection.execute(
        "INSERT INTO transactions VALUES (NULL, ?, 'consumption', ?, ?, ?, ?, ?, ?, ?)",
        (org_id, -amount, balance, now_us, job_id, str(price), duration_s, fx_micros),
    )
    return amount


def _move_balance(connection: sqlite3.Connection, org_id: str, amount_micros: int) -> int:
    row = connection.execute(
        "UPDATE organisations SET balance_micros = balance_micros + ? WHERE id = ? RETURNING balance_micros",
        (amount_micros, org_id),
    ).fetchone()
    return int(row["balance_micros"])


def set_balance(connection: sqlite3.Connection, org_id: str, balance_micros: int, now_us: int) -> None:
    """Bring the balance to an amount by an adjustment."""
    with transaction(connection):
        difference = balance_micros - read_balance(connection, org_id)
        add_credit(connection, org_id, "adjustment", difference, now_us)


def list_transactions(
    connection: sqlite3.Connection, org_id: str, after: int = 0, limit: int = -1
) -> list[Transaction]:
    """Return the organisation's transactions in the order they were booked; a negative limit means all."""
    rows = connection.execute(
        "SELECT * FROM transactions WHERE org_id = ? AND id > ? ORDER BY id LIMIT ?", (org_id, after, limit)
    )
    return [Transaction(**dict(row)) for row in rows]


def read_consumed(connection: sqlite3.Connection, org_id: str) -> int:
    """Return the sum of all charges in micro-pesos, positive."""
    row = connection.execute(
        "SELECT -COALESCE(SUM(amount_micros), 0) AS consumed FROM transactions"
        " WHERE org_id = ? AND type = 'consumption'",
        (org_id,),
    ).fetchone()
    return int(row["consumed"])


def read_fx(connection: sqlite3.Connection) -> int:
    """Return MXN per USD x 10^6, as charges use it now."""
    value = read_setting(connection, "fx_micros")
    assert value is not None
    return int(value)


def write_fx(connection: sqlite3.Connection, fx_micros: int) -> None:
    """Change the exchange rate for every charge from now on."""
    write_setting(connection, "fx_micros", str(fx_micros))
