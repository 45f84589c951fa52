"""A full disk: no id is polled that is not durable, the message is clear, and with room again the run goes on.

Two ways to have one: a small tmpfs where the test may mount it (as root), and ``ENOSPC`` from ``fsync`` elsewhere.
"""

import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from dailies.errors import JournalError, LedgerError
from dailies.run.stop import Stop
from dailies.settings import load_settings
from dailies.system.durable import os as durable_os
from tests.faults.place import Place
from tools.chaos.promises import breaches_after_a_crash, breaches_at_the_end
from tools.run_directly import run_directly


@pytest.mark.parametrize("durable", [2, 5, 12, 24])  # submits and polls share segments, so there may be few syncs
async def test_a_sync_that_fails_stops_the_run_and_the_next_one_goes_on(
    direct: Place, durable: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in direct.env.items():
        monkeypatch.setenv(name, value)
    left = durable
    real = os.fsync

    def fsync(fd: int) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(fd)

    csv, stop = direct.write_csv(20), Stop()
    with monkeypatch.context() as full:
        full.setattr(durable_os, "fsync", fsync)
        try:
            await run_directly(load_settings(), csv, stop=stop)
        except LedgerError as error:  # without any room not even the ledger can be opened
            reason: BaseException | None = error
        else:
            reason = stop.reason
            assert isinstance(reason, JournalError)
        assert "No space left" in str(reason)
    if direct.has_ledger:
        assert list(breaches_after_a_crash(direct.ledger, direct.sandbox)) == []
    outcome = await run_directly(load_settings(), csv)
    assert outcome.exit_code == 0
    assert list(breaches_at_the_end(direct.ledger, direct.sandbox, 20)) == []


@pytest.fixture
def small_disk(place: Place) -> Iterator[Path]:
    """A disk of 200 KiB for the ledger, where the test may mount one."""
    disk = place.path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", disk], capture_output=True)
    if mounted.returncode:
        pytest.skip("this user may not mount a tmpfs")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def test_a_disk_that_is_full_stops_the_run_and_with_room_it_goes_on(place: Place, small_disk: Path) -> None:
    env = {"DAILIES_LEDGER_DIR": str(small_disk)}
    csv = place.write_csv(60)
    assert place.run_csv(csv, **env) in (2, 3), place.said()
    assert "No space left on device" in place.said()
    assert "Traceback" not in place.said()
    books = place.ledger_in(small_disk)
    assert list(breaches_after_a_crash(books, place.sandbox)) == []
    subprocess.run(["mount", "-o", "remount,size=20m", small_disk], check=True)
    assert place.run_csv(csv, **env) == 0, place.said()
    assert list(breaches_at_the_end(books, place.sandbox, 60)) == []
