"""The sandbox for tests: a real server in a thread, a clock that can be turned forward, and the true account.

``from dailies.gateway.testing import sandbox`` in a ``conftest.py`` gives the fixture.
"""

import asyncio
import http.client
import json
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import pytest
import uvicorn

from dailies.gateway.accounts import accounts
from dailies.gateway.accounts.keys import create_key
from dailies.gateway.accounts.money import MICROS
from dailies.gateway.hosting.address import SandboxAddress
from dailies.gateway.hosting.foreground import OpenSandbox, open_sandbox
from dailies.gateway.hosting.port import HOST
from dailies.gateway.hosting.server import configure_server
from dailies.gateway.jobs import jobs
from dailies.gateway.options import SandboxOptions
from dailies.gateway.storage.address import StorageAddress, read_storage_address
from dailies.gateway.store import connect

__all__ = ["RunningSandbox", "TurnableClock", "running_sandbox", "sandbox"]

TEST_SPEED = 200.0
_ROUNDS = 5  # of the loop, until what was accepted just before is a connection, and what was aborted is gone
T = TypeVar("T")


class TurnableClock:
    """Unix time that can be turned forward, so that no test waits for a render."""

    def __init__(self) -> None:
        self._ahead_s = 0.0

    def __call__(self) -> float:
        """Return Unix seconds."""
        return time.time() + self._ahead_s

    def advance(self, seconds: float) -> None:
        """Turn the clock forward."""
        self._ahead_s += seconds


class RunningSandbox:
    """A running sandbox and the true account of its first organisation.

    It reads jobs and money from the database itself, not through the API under test; it changes them by ``/sandbox/*``,
    as every client does.

    Attributes:
        data_dir: its folder.
        address: how to reach it.
        clock: turn it with ``advance``; a sandbox in a process of its own keeps to the real time.
    """

    def __init__(
        self, data_dir: Path, address: SandboxAddress, clock: TurnableClock | None = None, key: str | None = None
    ) -> None:
        self.data_dir = data_dir
        self.address = address
        self.clock = clock or TurnableClock()
        self._key = key or address.api_key

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
        address = read_storage_address(self.data_dir)
        assert address is not None, "written before the sandbox serves"
        return address

    @property
    def time_scale(self) -> float:
        """The factor on real waiting times."""
        return self.address.time_scale

    @property
    def org_id(self) -> str:
        """UUID of the organisation."""
        return self.address.org_id

    @property
    def fx_mxn_per_usd(self) -> Decimal:
        """The rate at which it charged when it was started."""
        return self.address.fx_mxn_per_usd

    def jobs(self) -> list[jobs.StoredJob]:
        """Read all jobs by number."""
        return self._read(lambda store: jobs.list_jobs(store, self.org_id))

    def transactions(self) -> list[accounts.Transaction]:
        """Read all transactions in the order they were booked."""
        return self._read(lambda store: accounts.list_transactions(store, self.org_id))

    def consumed_mxn(self) -> Decimal:
        """Read the sum of all charges."""
        return Decimal(self._read(lambda store: accounts.read_consumed(store, self.org_id))) / MICROS

    def balance_mxn(self) -> Decimal:
        """Read the balance."""
        return Decimal(self._read(lambda store: accounts.read_balance(store, self.org_id))) / MICROS

    def recharge(self, amount_mxn: Decimal | int | str) -> None:
        """Book a recharge; a negative amount becomes an adjustment."""
        kind = "recharge" if Decimal(amount_mxn) > 0 else "adjustment"
        self._change("POST", "recharge", {"amount_mxn": str(amount_mxn), "type": kind})

    def set_balance(self, amount_mxn: Decimal | int | str) -> None:
        """Bring the balance to an amount."""
        self.recharge(Decimal(amount_mxn) - self.balance_mxn())

    def set_fx(self, fx_mxn_per_usd: Decimal | int | str) -> None:
        """Change the exchange rate of every charge from now on."""
        self._change("POST", "fx", {"fx_mxn_per_usd": str(fx_mxn_per_usd)})

    def new_key(self) -> str:
        """Make a further key of the organisation."""
        return str(self._change("POST", "keys", {})["api_key"])

    def revoke_key(self, api_key: str | None = None) -> None:
        """Revoke a key, by default the sandbox's own."""
        self._change("POST", "keys/revoke", {"api_key": api_key or self.api_key})

    def set_faults(self, *faults: Mapping[str, Any], seed: int = 0) -> None:
        """Begin another fault script; without faults it is empty."""
        self._change("POST", "faults", {"seed": seed, "fault": faults})

    def faults(self) -> list[dict[str, Any]]:
        """Read the fault script, each fault with how often it ``fired``."""
        script: list[dict[str, Any]] = self._change("GET", "faults")["fault"]
        return script

    def _read(self, read: Callable[[sqlite3.Connection], T]) -> T:
        with closing(connect(self.data_dir)) as store:
            return read(store)

    def _change(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        with closing(http.client.HTTPConnection(HOST, self.address.port, timeout=30)) as connection:
            headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
            connection.request(method, f"/sandbox/{path}", None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            changed: dict[str, Any] = json.load(answer)
        if answer.status != http.client.OK:
            raise ValueError(changed["error"]["message"])
        return changed


class PromptServer(uvicorn.Server):
    """uvicorn's server without its pauses of a tenth of a second, which add up over hundreds of tests."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._stopping = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def main_loop(self) -> None:
        """Wait to be stopped."""
        self._loop = asyncio.get_running_loop()
        await self.on_tick(0)  # It sets the headers that every answer has.
        if not self.should_exit:
            await self._stopping.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002 - uvicorn's
        """Abort every connection, and end the application."""
        for server in self.servers:
            server.close()
        for _ in range(_ROUNDS):
            for connection in list(self.server_state.connections):
                connection.transport.abort()
            await asyncio.sleep(0)
        tasks = list(self.server_state.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.lifespan.shutdown()

    def stop(self) -> None:
        """Make ``run`` return soon; callable from any thread."""
        self.should_exit = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)


@contextmanager
def serve_in_thread(opened: OpenSandbox) -> Iterator[None]:
    """Serve until the block ends."""
    server = PromptServer(configure_server(opened.gateway))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [opened.listening]}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.stop()
        thread.join()


@contextmanager
def running_sandbox(data_dir: Path, **options: Any) -> Iterator[RunningSandbox]:
    """Run a sandbox in a thread of this process until the block ends.

    Args:
        data_dir: its folder; the same one again continues where the last block ended.
        options: any of ``SandboxOptions``. Here the defaults are a speed of 200 and plain videos; ``clock`` may be a
            ``TurnableClock`` of an earlier block.
    """
    clock = options.pop("clock", None) or TurnableClock()
    chosen = SandboxOptions(data_dir, **{"speed": TEST_SPEED, "plain_video": True} | options)
    with open_sandbox(chosen, clock) as opened:
        gateway = opened.gateway
        key = create_key(gateway.store, gateway.org_id, gateway.now_us)  # works when a test revokes the sandbox's own
        with serve_in_thread(opened):
            yield RunningSandbox(data_dir, opened.address, clock, key)


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[RunningSandbox]:
    """Give a fresh sandbox: 200 times faster than real, plain videos, 100000 MXN, FX 20."""
    with running_sandbox(tmp_path / "sandbox") as running:
        yield running
