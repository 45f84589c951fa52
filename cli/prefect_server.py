"""The local Prefect server: finds one that answers, or starts a tuned one, which keeps running after the command.

``prefect server start --background`` does not fit: its child writes into pipes that no process empties. This server
has its own session, log file and pid file, next to Prefect's database.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import httpx

from cli.prefect_http import BUSY_S, answers, ask, is_compatible, read_version, understands_us
from cli.prefect_password import protect, read_password, use_server
from dailies.errors import ServerError
from dailies.settings import environment_without_secrets
from dailies.system.durable import exclusive
from flows.home import ROOT

_HOST = "127.0.0.1"
_FIRST_PORT = 4200
_START_LIMIT_S = 120.0
_STOP_LIMIT_S = 20.0
_UNTUNED_EVENTS_PER_S = 50.0


@dataclass(frozen=True, slots=True)
class Server:
    """A Prefect server: the address of its API, and its process id if we started it."""

    api_url: str
    pid: int | None = None

    @property
    def ui_url(self) -> str:
        """The address of its UI."""
        return self.api_url.removesuffix("/api")


def find_server(configured: str | None) -> Server | None:
    """Find the server that answers: the configured one, the one we started, or a compatible one on port 4200."""
    if configured:
        configured = configured.rstrip("/")
        return Server(configured) if answers(configured, BUSY_S) else None
    started = _read_note()
    if started and answers(started.api_url):
        return started
    usual = _api_url(_FIRST_PORT)
    return Server(usual) if answers(usual) and is_compatible(usual) else None


def require_compatible(server: Server) -> None:
    """Require a server that understands this Prefect: the same major version, and no older minor one.

    Raises:
        ServerError: it does not (names both versions), or it refuses our credentials.
    """
    found = read_version(server.api_url)
    if not understands_us(found):
        raise ServerError(
            f"The Prefect server at {server.api_url} is of version {found or 'unknown'}, but Dailies runs on"
            f" {version('prefect')}: stop it, and Dailies starts a server, or name another in PREFECT_API_URL."
        )


def start_server() -> Server:
    """Start a server and do not wait for it; it outlives this process. A second call finds the one that is starting.

    Raises:
        ServerError: its folder cannot be written, or no port is free.
    """
    note = _note_path()
    try:
        note.parent.mkdir(parents=True, exist_ok=True)
        with exclusive(note.with_suffix(".lock"), wait_s=30, who="the Prefect server's note"):
            starting = _read_note()
            if starting and starting.pid and _is_ours(starting.pid):
                return starting
            server = _spawn(_free_port(), note.with_suffix(".log"))
            note.write_text(json.dumps(asdict(server)), "utf-8")
    except OSError as error:
        raise ServerError(
            f"{note.parent} cannot be written ({error.strerror}); choose another folder with PREFECT_HOME"
        ) from None
    return server


def _spawn(port: int, log: Path) -> Server:
    with log.open("ab") as output:
        # The server takes its tuning from the pyproject.toml of the folder that it is started in.
        child = subprocess.Popen(  # noqa: S603 - our own interpreter, fixed arguments
            [sys.executable, "-P", "-m", "prefect", "server", "start", "--host", _HOST, "--port", str(port)],
            cwd=ROOT if (ROOT / "pyproject.toml").exists() else None,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env=_environment(Server(_api_url(port))),
        )
    return Server(_api_url(port), child.pid)


def _environment(server: Server) -> dict[str, str]:
    """Name the server's address, or its UI would ask port 4200; protect it from other origins."""
    addresses = {"PREFECT_SERVER_UI_API_URL": server.api_url, "PREFECT_UI_URL": server.ui_url}
    return {**environment_without_secrets(), **addresses, **protect(server.api_url)}


def own_password(server: Server) -> str | None:
    """Return the password of a server that we started and that still runs; None for any other server."""
    return read_password() if is_started_here(server) else None


def is_started_here(server: Server) -> bool:
    """Return whether we started this server, and its process still runs."""
    started = _read_note()
    address = server.api_url.replace("//localhost:", f"//{_HOST}:").rstrip("/")
    return bool(started and started.api_url == address and started.pid and _is_ours(started.pid))


def connect(server: Server) -> None:
    """Let Prefect use the server, in this process and in its children."""
    use_server(server.api_url, own_password(server))


def wait_for_server(server: Server) -> Iterator[float]:
    """Yield the seconds waited so far until the server answers.

    Raises:
        ServerError: it ended, or did not answer in two minutes; names its log.
    """
    began = time.monotonic()
    while not answers(server.api_url):
        waited = time.monotonic() - began
        if waited > _START_LIMIT_S or (server.pid and not _is_ours(server.pid)):
            log = _note_path().with_suffix(".log")
            raise ServerError(f"the Prefect server did not start; its log is {log}")
        yield waited
        time.sleep(0.25)


def stop_server() -> Server | None:
    """Stop the server that we started; return None if there is none.

    Raises:
        ServerError: it does not stop.
    """
    server = _read_note()
    if server is None or server.pid is None:
        return None
    _end(server.pid)
    _note_path().unlink(missing_ok=True)
    return server


def affordable_events_per_s(server: Server, wanted: float) -> float:
    """Return the events per second that the server accepts: as the settings say, or 50 if it is not tuned for more."""
    return wanted if is_tuned(server) else min(wanted, _UNTUNED_EVENTS_PER_S)


def is_tuned(server: Server) -> bool:
    """Return whether the server writes events in batches; one that does not accepts 50 per second."""
    try:
        reported = ask(f"{server.api_url}/admin/settings", busy_s=BUSY_S).json()
        return bool(reported["server"]["services"]["task_run_recorder"]["batch_size"] > 1)
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return False


def _end(pid: int) -> None:
    for how in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        if not _is_ours(pid):
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, how)
        limit = time.monotonic() + _STOP_LIMIT_S / 2
        while _is_ours(pid) and time.monotonic() < limit:
            time.sleep(0.1)
    if _is_ours(pid):
        raise ServerError(f"the Prefect server does not stop; end process {pid} yourself")


def _is_ours(pid: int) -> bool:
    """Return whether that process is a running Prefect server; the pid may belong to another process by now."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    return "server start" in _command_of(pid)


def _command_of(pid: int) -> str:
    """Return a running process's command line; empty if there is no such process."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    if Path("/proc/self").exists():
        return ""
    asked = ["ps", "-o", "args=", "-p", str(pid)]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout  # noqa: S603


def _note_path() -> Path:
    from prefect.settings import get_current_settings

    return get_current_settings().home / "dailies-server.json"


def _read_note() -> Server | None:
    try:
        return Server(**json.loads(_note_path().read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _api_url(port: int) -> str:
    return f"http://{_HOST}:{port}/api"


def _free_port() -> int:
    """Return 4200, or the next free port."""
    for port in range(_FIRST_PORT, _FIRST_PORT + 100):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((_HOST, port))
            except OSError:
                continue
            return port
    raise ServerError("no free port between 4200 and 4299")
