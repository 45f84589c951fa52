"""Opens a data folder and serves it in the foreground."""

import logging
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from decimal import Decimal
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

import uvicorn

from dailies.gateway.accounts.accounts import read_fx
from dailies.gateway.accounts.keys import create_key, find_caller
from dailies.gateway.accounts.money import MICROS
from dailies.gateway.errors import ApiError
from dailies.gateway.gateway import Gateway, open_gateway
from dailies.gateway.hosting.address import SandboxAddress, read_connection, write_connection
from dailies.gateway.hosting.lock import hold_lock
from dailies.gateway.hosting.port import HOST, listen
from dailies.gateway.hosting.process import log_path
from dailies.gateway.hosting.server import configure_server
from dailies.gateway.options import SandboxOptions
from dailies.gateway.storage.address import write_storage_address
from dailies.gateway.storage.keys import storage_address
from dailies.system.private_files import make_private_folder, private

LARGEST_LOG_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class OpenSandbox:
    """A locked data folder whose socket listens; no server answers yet."""

    gateway: Gateway
    address: SandboxAddress
    listening: socket.socket


@contextmanager
def open_sandbox(options: SandboxOptions, clock: Callable[[], float] = time.time) -> Iterator[OpenSandbox]:
    """Lock the folder, listen, open its database, and write its address.

    Raises:
        SandboxError: another sandbox runs on the folder, or its port is taken.
    """
    make_private_folder(options.data_dir)
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


def serve(options: SandboxOptions, *, background: bool = False) -> None:
    """Run a sandbox until SIGINT or SIGTERM.

    Args:
        options: which folder, and how.
        background: write to ``sandbox.log`` instead of announcing the address on standard output.

    Raises:
        SandboxError: another sandbox runs on the folder, or its port is taken.
    """
    with open_sandbox(options) as sandbox:
        if background:
            _log_to(log_path(options.data_dir))
        else:
            write_exports(sandbox.address)
        with suppress(KeyboardInterrupt):
            uvicorn.Server(configure_server(sandbox.gateway)).run(sockets=[sandbox.listening])


def _log_to(path: Path) -> None:
    """Send all log lines to a file of at most 1 MB, and keep one file before it, whatever clients provoke."""
    handler = PrivateLog(path, maxBytes=LARGEST_LOG_BYTES, backupCount=1, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])


class PrivateLog(RotatingFileHandler):
    """A log that only its owner may read."""

    def _open(self) -> TextIOWrapper:
        raw = os.fdopen(private(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND), "ab")
        return TextIOWrapper(raw, encoding=self.encoding)


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
    """Return the key of the last start, or a new one if there is none or it was revoked."""
    if kept is not None:
        with suppress(ApiError):
            find_caller(gateway.store, kept.api_key)
            return kept.api_key
    return create_key(gateway.store, gateway.org_id, gateway.now_us)
