"""Clients of a running sandbox. It speaks plain HTTP, so none of them spends time on reading certificates."""

from typing import Any

import httpx

from dailies.gateway.testing import RunningSandbox


def client_of(running: RunningSandbox, api_key: str | None = None) -> httpx.Client:
    """A client of the API with a key, by default the sandbox's own."""
    headers = {"Authorization": f"Bearer {api_key or running.api_key}"}
    return httpx.Client(base_url=running.base_url, headers=headers, timeout=30, verify=False)


def get(url: str, **options: Any) -> httpx.Response:
    """GET without a key."""
    return httpx.get(url, verify=False, **options)


def head(url: str, **options: Any) -> httpx.Response:
    """HEAD without a key."""
    return httpx.head(url, verify=False, **options)
