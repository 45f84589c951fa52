"""A running sandbox as a test sees it: how to reach it, the truth about it, ways to change it."""

import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from dailies.gateway.accounts import accounts, keys
from dailies.gateway.accounts.money import MICROS, to_micros
from dailies.gateway.faults.script import FaultScript
from dailies.gateway.faults.trigger import FaultPlay
from dailies.gateway.hosting.address import SandboxAddress
from dailies.gateway.jobs import jobs
from dailies.gateway.storage.address import StorageAddress
from dailies.gateway.storage.keys import storage_address
from dailies.gateway.store import connect, transaction

T = TypeVar("T")


class TurnableClock:
    """Unix time that can be turned forward, so that no test waits for a render."""

    def __init__(self) -> None:
        self._ahead_s = 0.0

    def __call__(self) -> float:
        """Unix seconds."""
        return time.time() + self._ahead_s

    def advance(self, seconds: float) -> None:
        """Turn it forward."""
        self._ahead_s += seconds


class RunningSandbox:
    """A running sandbox and the truth about its first organisation.

    The truth is read from the database itself, not through the API under test.

    Attributes:
        data_dir: its folder.
        address: all there is to know to reach it.
        clock: turn it with ``advance``.
    """

    def __init__(self, data_dir: Path, address: SandboxAddress, clock: TurnableClock, faults: FaultPlay) -> None:
        self.data_dir = data_dir
        self.address = address
        self.clock = clock
        self._faults = faults

    @property
    def base_url(self) -> str:
        """For ``GEEKHUB_BASE_URL``, ending in ``/v1``."""
        return self.address.base_url

    @property
    def root_url(self) -> str:
        """The address without ``/v1``."""
        return self.address.root_url

    @property
    def api_key(self) -> str:
        """For ``GEEKHUB_API_KEY``."""
        return self.address.api_key

    @property
    def storage(self) -> StorageAddress:
        """Its Supabase project: URL, anon key, service key."""
        with closing(connect(self.data_dir)) as store:
            return storage_address(store, self.root_url)

    @property
    def time_scale(self) -> float:
        """What real waiting times are multiplied by."""
        return self.address.time_scale

    @property
    def org_id(self) -> str:
        """UUID of the organisation."""
        return self.address.org_id

    @property
    def fx_mxn_per_usd(self) -> Decimal:
        """The rate at which it charged when it was started."""
        return self.address.fx_mxn_per_usd

    def jobs(self) -> list[jobs.Job]:
        """All jobs by number."""
        return self._read(lambda store: jobs.list_jobs(store, self.org_id))

    def transactions(self) -> list[accounts.Transaction]:
        """All transactions in the order they were booked."""
        return self._read(lambda store: accounts.list_transactions(store, self.org_id))

    def consumed_mxn(self) -> Decimal:
        """The sum of all charges."""
        return self._mxn(self._read(lambda store: accounts.read_consumed(store, self.org_id)))

    def balance_mxn(self) -> Decimal:
        """The balance."""
        return self._mxn(self._read(lambda store: accounts.read_balance(store, self.org_id)))

    def recharge(self, amount_mxn: Decimal | int | str) -> None:
        """Book a recharge; a negative amount becomes an adjustment."""
        amount = to_micros(Decimal(amount_mxn))
        kind = "recharge" if amount > 0 else "adjustment"
        self._write(lambda store, now: accounts.add_credit(store, self.org_id, kind, amount, now))

    def set_balance(self, amount_mxn: Decimal | int | str) -> None:
        """Bring the balance to an amount."""
        self.recharge(Decimal(amount_mxn) - self.balance_mxn())

    def set_fx(self, fx_mxn_per_usd: Decimal | int | str) -> None:
        """Change the exchange rate of every charge from now on."""
        fx = to_micros(Decimal(fx_mxn_per_usd))
        self._write(lambda store, _: accounts.write_fx(store, fx))

    def new_key(self) -> str:
        """Make a further key of the organisation."""
        return str(self._write(lambda store, now: keys.create_key(store, self.org_id, now)))

    def set_faults(self, *faults: Mapping[str, Any], seed: int = 0) -> None:
        """Begin another fault script; without faults none is played."""
        self._faults.replace(FaultScript.model_validate({"seed": seed, "fault": faults}))

    def faults(self) -> list[dict[str, Any]]:
        """The faults being played, each with how often it ``fired``."""
        played: list[dict[str, Any]] = self._faults.as_json()["fault"]
        return played

    def revoke_key(self, api_key: str | None = None) -> None:
        """Revoke a key, by default the sandbox's own."""
        ended = keys.hash_key(api_key or self.api_key)
        self._write(lambda store, now: keys.revoke_key(store, ended, now))

    @staticmethod
    def _mxn(micros: int) -> Decimal:
        return Decimal(micros) / MICROS

    def _read(self, read: Callable[[sqlite3.Connection], T]) -> T:
        with closing(connect(self.data_dir)) as store:
            return read(store)

    def _write(self, write: Callable[..., Any]) -> Any:
        with closing(connect(self.data_dir)) as store, transaction(store):
            return write(store, round(self.clock() * MICROS))
