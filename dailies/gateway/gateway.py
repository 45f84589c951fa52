"""What every route of the gateway shares: its memory, its renderer, its clock, its options."""

import sqlite3
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from dailies.gateway.accounts.accounts import create_organisation, write_fx
from dailies.gateway.accounts.money import MICROS, to_micros
from dailies.gateway.faults.script import read_script
from dailies.gateway.faults.trigger import FaultPlay
from dailies.gateway.options import SandboxOptions
from dailies.gateway.rate_limit import RateLimit
from dailies.gateway.storage.buckets import ensure_tables
from dailies.gateway.storage.keys import ensure_secret
from dailies.gateway.storage.remote import RemoteStore
from dailies.gateway.store import connect, read_setting, transaction, write_setting
from dailies.gateway.video.renderer import Renderer


@dataclass(frozen=True, slots=True)
class Gateway:
    """One open sandbox.

    Attributes:
        options: of its start.
        base_url: its own address without the path, ``http://127.0.0.1:<port>``.
        instance_id: UUID of the data folder.
        org_id: UUID of the first organisation.
        seed: of the data folder.
        store: the database; every statement runs on the event loop's thread, as it takes microseconds.
        renderer: renders the videos.
        clock: Unix time in seconds.
        rate_limit: of each organisation's submits.
        faults: the script of what goes wrong.
        remote: the Supabase project that keeps the finished videos; None: this sandbox does.
    """

    options: SandboxOptions
    base_url: str
    instance_id: str
    org_id: str
    seed: int
    store: sqlite3.Connection
    renderer: Renderer
    clock: Callable[[], float]
    rate_limit: RateLimit
    faults: FaultPlay
    remote: RemoteStore | None

    @property
    def videos_url(self) -> str:
        """The address, without the path, of the storage that keeps the finished videos."""
        return self.remote.url.rstrip("/") if self.remote is not None else self.base_url

    @property
    def now_us(self) -> int:
        """Unix microseconds."""
        return round(self.clock() * MICROS)

    def close(self) -> None:
        """Stop rendering and close the database; again is no harm."""
        self.renderer.close()
        self.store.close()


def open_gateway(options: SandboxOptions, base_url: str, clock: Callable[[], float] = time.time) -> Gateway:
    """Open a data folder, founding its first organisation if the folder is new.

    Raises:
        SandboxError: the fault script cannot be used.
    """
    script = read_script(options.faults)
    store = connect(options.data_dir)
    if read_setting(store, "instance_id") is None:
        _found(store, options, round(clock() * MICROS))
    ensure_tables(store, round(clock() * MICROS))
    ensure_secret(store)
    return Gateway(
        options=options,
        base_url=base_url,
        instance_id=_require(store, "instance_id"),
        org_id=_require(store, "org_id"),
        seed=int(_require(store, "seed")),
        store=store,
        renderer=Renderer(options.data_dir / "clips", options.plain_video),
        clock=clock,
        rate_limit=RateLimit(options.requests_per_second, options.burst),
        faults=FaultPlay(script),
        remote=_remote(options),
    )


def _remote(options: SandboxOptions) -> RemoteStore | None:
    if options.supabase_url is None or options.supabase_key is None:
        return None
    return RemoteStore(options.supabase_url, options.supabase_key)


def _found(store: sqlite3.Connection, options: SandboxOptions, now_us: int) -> None:
    with transaction(store):
        write_fx(store, to_micros(options.fx_mxn_per_usd))
        write_setting(store, "seed", str(options.seed))
        write_setting(store, "org_id", create_organisation(store, to_micros(options.balance_mxn), now_us))
        write_setting(store, "instance_id", str(uuid.uuid4()))


def _require(store: sqlite3.Connection, name: str) -> str:
    value = read_setting(store, name)
    assert value is not None, name
    return value
