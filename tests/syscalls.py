"""The order of the calls that make files durable and visible."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest


def record_syscalls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """Record fsync, link, rename, replace, mkdir and rmtree from here on, each with the names of its files.

    Random ends of draft names are left out: ``.000001.jsonl.0a1b2c3d`` is recorded as ``.000001.jsonl``.
    """
    calls: list[tuple[str, ...]] = []

    def watch(owner: Any, name: str) -> None:
        call = getattr(owner, name)

        def recorded(*arguments: Any, **options: Any) -> Any:
            calls.append((name, *(_name(argument) for argument in arguments[: _PATHS.get(name, 1)])))
            return call(*arguments, **options)

        monkeypatch.setattr(owner, name, recorded)

    for name in ("fsync", "link", "rename", "replace", "mkdir"):
        watch(os, name)
    watch(shutil, "rmtree")
    return calls


_PATHS = {"link": 2, "rename": 2, "replace": 2}


def _name(argument: Any) -> str:
    path = Path(f"/proc/self/fd/{argument}").readlink() if isinstance(argument, int) else Path(argument)
    name = path.name
    stem, _, end = name.rpartition(".")
    return (
        stem if name.startswith(".") and len(end) == 8 and all(digit in "0123456789abcdef" for digit in end) else name
    )
