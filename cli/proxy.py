"""Proxies of the environment lead out of this computer; what runs on it is spoken to directly."""

import os

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def spare_loopback_the_proxy() -> None:
    """Whatever proxy the environment names, it must not be asked for the sandbox or the local Prefect server."""
    known = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    hosts = [host for host in known.split(",") if host.strip()]
    spared = ",".join([*hosts, *(host for host in _LOOPBACK if host not in hosts)])
    os.environ.update(no_proxy=spared, NO_PROXY=spared)
