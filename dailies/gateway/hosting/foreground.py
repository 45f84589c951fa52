"""Opens a data folder and serves it in the foreground."""

import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from decimal import Decimal

import uvicorn

from dailies.gateway.accounts.accounts import read_fx
from dailies.gateway.accounts.keys import create_key, find_caller
from dailies.gateway.accounts.money import MICROS
from dailies.gateway.errors import ApiError
from dailies.gateway.gateway import Gateway, open_gateway
from dailies.gateway.hosting.address import SandboxAddress, read_connection, write_connection
from dailies.gateway.hosting.lock import hold_lock
from dailies.gateway.hosting.port import HOST, listen
from dailies.gateway.hosting.server import configure_server
from dailies.gateway.options import SandboxOptions
from dailies.gateway.storage.address import write_storage_address
from dailies.gateway.storage.keys import storage_address


@dataclass(frozen=True, slots=True)
class OpenSandbox:
    """A locked data folder whose socket listens already; nobody answers yet."""

    gateway: Gateway
    address: SandboxAddress
    listening: socket.socket


@contextmanager
def open_sandbox(options: SandboxOptions, clock: Callable[[], float] = time.time) -> Iterator[OpenSandbox]:
    """Lock the folder, listen, open its database, and write where it can be reached.

    Raises:
        SandboxError: another sandbox runs on the folder, or its port is taken.
    """
    options.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with hold_lock(options.data_dir):
        kept = read_connection(options.data_dir)
        kept_port = None if kept is None else kept.port
        with listen(options.data_dir, options.port, kept_port) as listening:
            gateway = open_gateway(options, f"http://{HOST}:{listening.getsockname()[1]}", clock)
            address = _describe(gateway, kept)
            write_connection(options.data_dir, address)
            write_storage_address(options.data_dir, storage_address(gateway.store, gateway.base_url))
            try:
                yield OpenSandbox(gateway, address, listening)
            finally:
                gateway.close()


def serve(options: SandboxOptions, announce: Callable[[SandboxAddress], None] | None = None) -> None:
    """Run a sandbox in the foreground until SIGINT or SIGTERM.

    Args:
        options: which folder, and how.
        announce: called once with the address; by default the ``export`` lines go to standard output.

    Raises:
        SandboxError: another sandbox runs on the folder, or its port is taken.
    """
    with open_sandbox(options) as sandbox:
        (announce or write_exports)(sandbox.address)
        with suppress(KeyboardInterrupt):
            uvicorn.Server(configure_server(sandbox.gateway)).run(sockets=[sandbox.listening])


def write_exports(address: SandboxAddress) -> None:
    """Write what a shell needs to use the sandbox."""
    sys.stdout.write(
        f"export GEEKHUB_BASE_URL={address.base_url}\n"
        f"export GEEKHUB_API_KEY={address.api_key}\n"
        f"export DAILIES_TIME_SCALE={address.time_scale!r}\n"
    )
    sys.stdout.flush()


def _describe(gateway: Gateway, kept: SandboxAddress | None) -> SandboxAddress:
    return SandboxAddress(
        base_url=f"{gateway.base_url}/v1",
        api_key=_usable_key(gateway, kept),
        time_scale=gateway.options.time_scale,
        fx_mxn_per_usd=Decimal(read_fx(gateway.store)) / MICROS,
        pid=os.getpid(),
        org_id=gateway.org_id,
        instance_id=gateway.instance_id,
    )


def _usable_key(gateway: Gateway, kept: SandboxAddress | None) -> str:
    """The key of the last start, or a new one if there is none or it was revoked."""
    if kept is not None:
        with suppress(ApiError):
            find_caller(gateway.store, kept.api_key)
            return kept.api_key
    return create_key(gateway.store, gateway.org_id, gateway.now_us)
