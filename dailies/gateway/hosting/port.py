"""The port of a data folder: chosen once and kept, because the video URLs in the ledger contain it."""

import hashlib
import socket
from pathlib import Path

from dailies.gateway.hosting.errors import SandboxError

HOST = "127.0.0.1"
# Below the ports that operating systems give to outgoing connections, so that none of those takes it.
FIRST_PORT = 20_000
PORTS = 10_000
BACKLOG = 512


def listen(data_dir: Path, wanted: int | None, kept: int | None) -> socket.socket:
    """Listen on 127.0.0.1 and return the socket.

    Args:
        data_dir: a new folder's port is derived from its path.
        wanted: the port that was asked for, if any.
        kept: the port of the folder's last start, if any.

    Raises:
        SandboxError: the wanted or kept port is taken by another program.
    """
    fixed = wanted or kept
    if fixed is not None:
        listening = _listen_on(fixed)
        if listening is None:
            raise SandboxError(_remedy(fixed, wanted is None))
        return listening
    start = int.from_bytes(hashlib.sha256(str(data_dir.resolve()).encode()).digest()[:4])
    for step in range(PORTS):
        listening = _listen_on(FIRST_PORT + (start + step) % PORTS)
        if listening is not None:
            return listening
    raise SandboxError(f"no port between {FIRST_PORT} and {FIRST_PORT + PORTS} is free")


def _listen_on(port: int) -> socket.socket | None:
    # asyncio turns Nagle's delay (40 ms an answer) off only where the protocol is named.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
        listening.listen(BACKLOG)
    except OSError:
        listening.close()
        return None
    return listening


def _remedy(port: int, is_kept: bool) -> str:
    message = f"port {port} is taken by another program: stop that program, or choose another port"
    if is_kept:
        message += " (video URLs that were given out with the old port will not open then)"
    return message
