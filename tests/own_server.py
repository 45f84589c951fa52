"""The Prefect server that Dailies starts by itself, with its password."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from dotenv import dotenv_values

from tests import logs
from tests.workplace import DAILIES, Workplace, wait_until


@dataclass(frozen=True)
class OwnServer:
    """A server that Dailies has started: the address of its API, its password, what ``dailies server start`` said."""

    home: Path
    url: str
    password: str
    said: str

    def client(self) -> httpx.Client:
        """A client of its API that knows the password."""
        user, _, password = self.password.partition(":")
        return httpx.Client(base_url=self.url, auth=(user, password), trust_env=False, timeout=120)


@contextmanager
def running_own_server(place: Workplace, home: Path, **settings: str) -> Iterator[OwnServer]:
    """Start a server as Dailies does, never using another one on port 4200, until the block ends."""
    env = {**place.env, "PREFECT_HOME": str(home), **settings}
    del env["PREFECT_API_URL"]
    logs.watch(home / "dailies-server.log")
    try:
        spawn = "from cli.prefect_server import start_server; print(start_server().api_url)"
        url = subprocess.run([sys.executable, "-c", spawn], env=env, capture_output=True, text=True, check=True).stdout
        wait_until(lambda: is_healthy(url.strip()), limit_s=120)
        started = subprocess.run([DAILIES, "server", "start"], env=env, capture_output=True, text=True, check=False)
        assert url.strip().removesuffix("/api") in started.stdout, started.stdout + started.stderr
        password = dotenv_values(home / "dailies-server.env")["PREFECT_API_AUTH_STRING"]
        assert password
        yield OwnServer(home, url.strip(), password, started.stdout + started.stderr)
    finally:
        stop = {"PREFECT_HOME": str(home), "HOME": str(home), "PATH": os.environ["PATH"]}
        subprocess.run([DAILIES, "server", "stop"], env=stop, capture_output=True, check=True)


def is_healthy(url: str) -> bool:
    """Whether a server answers."""
    try:
        return httpx.get(f"{url}/health", trust_env=False).is_success
    except httpx.HTTPError:
        return False
