"""Starts, finds and stops sandboxes that run as processes of their own. Imports nothing heavy."""

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from dailies.gateway.hosting.address import SandboxAddress, read_connection
from dailies.gateway.hosting.errors import SandboxError
from dailies.gateway.hosting.lock import is_locked, read_holder
from dailies.gateway.hosting.port import HOST
from dailies.gateway.options import SandboxOptions
from dailies.system.private_files import make_private_folder, private

START_LIMIT_S = 30.0
STOP_LIMIT_S = 15.0
HEALTH_LIMIT_S = 2.0
PAUSE_S = 0.05
# What a sandbox in the background inherits of the environment; above all no key of anything.
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "PYTHONPATH", "VIRTUAL_ENV", "LD_LIBRARY_PATH")


def start_sandbox(
    data_dir: Path,
    port: int | None = None,
    speed: float = 60.0,
    seed: int = 0,
    *,
    plain_video: bool = False,
    faults: Path | None = None,
) -> SandboxAddress:
    """Start a sandbox that goes on running after this process, or find the folder's running one.

    A running one keeps its own port and time scale, which its address has. The further arguments are those of
    ``SandboxOptions``.

    Raises:
        SandboxError: it does not start; the message ends with what it wrote.
    """
    options = SandboxOptions(data_dir, port, speed, seed, plain_video=plain_video, faults=faults)
    running = read_address(data_dir)
    if running is not None:
        return running
    make_private_folder(data_dir)
    log = log_path(data_dir)
    with open(log, "ab", opener=private) as output:
        beginning = output.tell()
        child = subprocess.Popen(  # noqa: S603 - our own module, our own arguments
            [sys.executable, "-P", "-m", "dailies.gateway", *command_line(options)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={name: os.environ[name] for name in INHERITED if name in os.environ},
            start_new_session=True,
        )
    # It outlives this process. If it ends earlier, this thread takes its exit code.
    threading.Thread(target=child.wait, daemon=True).start()
    return _wait_until_healthy(data_dir, child, log, beginning)


def log_path(data_dir: Path) -> Path:
    """Return the log of a sandbox in the background."""
    return data_dir / "sandbox.log"


def command_line(options: SandboxOptions) -> list[str]:
    """Return the arguments of ``python -m dailies.gateway`` for a start in the background."""
    arguments = ["--data-dir", str(options.data_dir.absolute()), "--speed", str(options.speed)]
    arguments += ["--seed", str(options.seed)]
    if options.port is not None:
        arguments += ["--port", str(options.port)]
    if options.plain_video:
        arguments += ["--plain-video"]
    if options.faults is not None:
        arguments += ["--faults", str(options.faults.absolute())]
    return [*arguments, "--background"]


def read_address(data_dir: Path) -> SandboxAddress | None:
    """Return the address of the folder's sandbox if it runs and answers, else None."""
    kept = read_connection(data_dir)
    if kept is None:
        return None
    health = _read_health(kept.port)
    is_ours = health.get("instance_id") == kept.instance_id and health.get("pid") == kept.pid
    return kept if is_ours else None


def stop_sandbox(data_dir: Path) -> bool:
    """Stop the folder's sandbox and wait until it has ended; False if none was running.

    Raises:
        SandboxError: it does not answer, so that its process is not known for sure, or it does not stop.
    """
    address = read_address(data_dir)
    if address is None:
        if is_locked(data_dir):
            raise SandboxError(f"the sandbox on {data_dir} does not answer; end the process named in sandbox.pid there")
        return False
    os.kill(address.pid, signal.SIGTERM)
    limit = time.monotonic() + STOP_LIMIT_S
    while is_locked(data_dir) and read_holder(data_dir) == address.pid:
        if time.monotonic() > limit:
            raise SandboxError(f"the sandbox on {data_dir} did not stop; end process {address.pid} yourself")
        time.sleep(PAUSE_S)
    return True


def _wait_until_healthy(data_dir: Path, child: "subprocess.Popen[bytes]", log: Path, beginning: int) -> SandboxAddress:
    limit = time.monotonic() + START_LIMIT_S
    while time.monotonic() < limit:
        has_ended = child.poll() is not None
        address = read_address(data_dir)
        if address is not None:
            # Two starters at the same time both find one sandbox here. The other child must not wait for the lock any
            # longer: it would take over when this sandbox is stopped.
            if address.pid != child.pid:
                child.terminate()
                child.wait()
            return address
        if has_ended and not is_locked(data_dir):
            break
        time.sleep(PAUSE_S)
    child.terminate()  # It may still be alive and late; without an address it could not be found again.
    written = log.read_bytes()[beginning:].decode(errors="replace").strip()
    raise SandboxError(f"the sandbox on {data_dir} did not start: {written[-1_000:] or 'it wrote nothing'}")


def _read_health(port: int) -> dict[str, object]:
    """Ask what answers on the port, directly and through no proxy; {} if the answer makes no sense."""
    connection = http.client.HTTPConnection(HOST, port, timeout=HEALTH_LIMIT_S)
    try:
        connection.request("GET", "/healthz")
        health = json.load(connection.getresponse())
    except (OSError, ValueError, http.client.HTTPException):
        return {}
    finally:
        connection.close()
    return health if isinstance(health, dict) else {}
