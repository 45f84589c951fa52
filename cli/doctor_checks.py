"""Is everything in place for a run? Each check says what it found and, where it is not well, the remedy."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from pathlib import Path

from dailies.errors import KeyRefusedError, ServiceError
from dailies.geekhub_client.client import GeekHubClient
from dailies.pricing import Tariff
from dailies.settings import Settings
from dailies.system.durable import FileLock

CLOCK_TOLERANCE_S = 60.0
_MB = 1_000_000
_LITTLE_SPACE, _NO_SPACE = 1_000 * _MB, 50 * _MB


class Verdict(StrEnum):
    """How well it is: ``bad`` would refuse or stop a run, ``warning`` would not."""

    OK = "ok"
    WARNING = "warning"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found, and what to do about it (empty where it is well)."""

    name: str
    verdict: Verdict
    found: str
    remedy: str = ""


async def check_service(settings: Settings, now: datetime) -> list[Finding]:
    """Ask the service once: is it there, is it GeekHub, does it take the key, what is the balance and the time."""
    url = settings.geekhub_base_url
    try:
        async with GeekHubClient(url, settings.require_key(), timeout_s=settings.request_timeout_s) as client:
            balance = await client.read_balance()
            if balance is None:
                await client.require_geekhub()
            clock = check_clock(client.date, now)
    except KeyRefusedError as error:
        return [Finding("key", Verdict.BAD, str(error), "copy it again from GeekHub's console into GEEKHUB_API_KEY")]
    except ServiceError as error:
        remedy = error.remedy or "check GEEKHUB_BASE_URL (GeekHub's is https://api.geekhub.mx/v1) and the network"
        return [Finding("service", Verdict.BAD, str(error), remedy)]
    told = "the service does not tell it; caps hold all the same" if balance is None else f"{balance:,.2f} MXN"
    empty = balance is not None and balance <= 0
    return [
        Finding("service", Verdict.OK, f"{url} answers as GeekHub does"),
        Finding("key", Verdict.OK, f"accepted ({settings.service})"),
        Finding("balance", Verdict.BAD if empty else Verdict.OK, told, "top up at GeekHub" if empty else ""),
        *clock,
    ]


def check_clock(date: str | None, now: datetime) -> list[Finding]:
    """Compare this computer's clock with the ``Date`` of the service's answer: it decides the month of the FX."""
    try:
        told = parsedate_to_datetime(date or "")
    except ValueError:
        return []
    ahead_s = (now - told.astimezone(UTC)).total_seconds()
    if abs(ahead_s) <= CLOCK_TOLERANCE_S:
        return [Finding("clock", Verdict.OK, "agrees with the service's")]
    way = "ahead of" if ahead_s > 0 else "behind"
    found = f"{abs(ahead_s):,.0f} s {way} the service's"
    return [Finding("clock", Verdict.WARNING, found, "set this computer's clock (timedatectl set-ntp true)")]


def check_fx(tariff: Tariff, now: datetime) -> Finding:
    """Whether this month can be priced."""
    month = tariff.month(now)
    fx = tariff.fx_at(now)
    if fx is not None:
        return Finding("fx", Verdict.OK, f"{month}: {fx} MXN for one USD")
    remedy = f"set DAILIES_FX={month}=<MXN for one USD, as GeekHub has fixed it for the month>"
    return Finding("fx", Verdict.BAD, f"{month} has none, so nothing can be priced", remedy)


def check_ledger(path: Path) -> Finding:
    """Whether the ledger's folder can be written, and whether its file system's locks and links work."""
    folder = next(parent for parent in (path, *path.absolute().parents) if parent.exists())
    try:
        with _trial_file(folder) as trial:
            one, other = FileLock(trial), FileLock(trial)
            holds = one.try_acquire() and not other.try_acquire()
            one.release()
            os.link(trial, trial.with_suffix(".link"))
    except OSError as error:
        remedy = "choose another by DAILIES_DATA_DIR, or make it writable"
        return Finding("ledger", Verdict.BAD, f"{path} cannot be written ({error.strerror})", remedy)
    if not holds:
        remedy = "keep the ledger on a local disk, or on NFS 4 with locks"
        return Finding("ledger", Verdict.BAD, f"two processes can lock a file in {folder} at once", remedy)
    return Finding("ledger", Verdict.OK, f"{path} can be written; its locks work")


@contextlib.contextmanager
def _trial_file(folder: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix=".dailies-", dir=folder) as trial:
        file = Path(trial) / "lock"
        file.touch()
        yield file


def check_disk(path: Path) -> Finding:
    """How much room is left where the ledger is; journals are small, so a gigabyte is plenty."""
    folder = next(parent for parent in (path, *path.absolute().parents) if parent.exists())
    free = shutil.disk_usage(folder).free
    verdict = Verdict.BAD if free < _NO_SPACE else Verdict.WARNING if free < _LITTLE_SPACE else Verdict.OK
    remedy = "" if verdict is Verdict.OK else "make room, or move the data folder (DAILIES_DATA_DIR)"
    return Finding("disk", verdict, f"{free / _MB / 1000:,.1f} GB free", remedy)
