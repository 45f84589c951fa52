"""A client that holds a key of a running sandbox."""

import httpx

from dailies.sandbox.testing import RunningSandbox


def client_of(running: RunningSandbox, api_key: str | None = None) -> httpx.Client:
    """A client of the API with a key, by default the sandbox's own."""
    headers = {"Authorization": f"Bearer {api_key or running.api_key}"}
    return httpx.Client(base_url=running.base_url, headers=headers, timeout=30)
