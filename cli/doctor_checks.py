"""The checks of `dailies doctor`: each returns what it found and, if that is bad, the remedy."""

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
from dailies.planning.terms import CLOCK_TOLERANCE
from dailies.pricing import Tariff
from dailies.settings import Settings
from dailies.system.durable import FileLock

_CLOCKS_AGREE_S = 60.0
_MB = 1_000_000
_LITTLE_SPACE, _NO_SPACE = 1_000 * _MB, 50 * _MB


class Health(StrEnum):
    """The severity of a result: ``bad`` would refuse or stop a run, ``warning`` would not."""

    OK = "ok"
    WARNING = "warning"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one check found, and what to do about it (empty if it is fine)."""

    name: str
    verdict: Health
    found: str
    remedy: str = ""


async def check_service(settings: Settings, now: datetime) -> list[CheckResult]:
    """Ask the service once: check that it is GeekHub and accepts the key; read its balance and its clock."""
    url = settings.geekhub_base_url
    try:
        async with GeekHubClient.of(settings) as client:
            balance = await client.read_balance()
            if balance is None:
                await client.require_geekhub()
            clock = check_clock(client.date, now)
    except KeyRefusedError as error:
        return [CheckResult("key", Health.BAD, str(error), "copy it again from GeekHub's console into GEEKHUB_API_KEY")]
    except ServiceError as error:
        remedy = error.remedy or "check GEEKHUB_BASE_URL (GeekHub's is https://api.geekhub.mx/v1) and the network"
        return [CheckResult("service", Health.BAD, str(error), remedy)]
    shown = "the service does not report it; the caps still apply" if balance is None else f"{balance:,.2f} MXN"
    empty = balance is not None and balance <= 0
    return [
        CheckResult("service", Health.OK, f"{url} answers as GeekHub does"),
        CheckResult("key", Health.OK, f"accepted ({settings.service})"),
        CheckResult("balance", Health.BAD if empty else Health.OK, shown, "top up at GeekHub" if empty else ""),
        *clock,
    ]


def check_clock(date: str | None, now: datetime) -> list[CheckResult]:
    """Compare this computer's clock, which decides the month of the FX, with the ``Date`` of the service's answer."""
    try:
        theirs = parsedate_to_datetime(date or "")
    except ValueError:
        return []
    ahead_s = (now - theirs.astimezone(UTC)).total_seconds()
    if abs(ahead_s) <= _CLOCKS_AGREE_S:
        return [CheckResult("clock", Health.OK, "agrees with the service's")]
    way = "ahead of" if ahead_s > 0 else "behind"
    found = f"{abs(ahead_s):,.0f} s {way} the service's"
    health = Health.BAD if abs(ahead_s) > CLOCK_TOLERANCE.total_seconds() else Health.WARNING
    return [CheckResult("clock", health, found, "set this computer's clock (timedatectl set-ntp true)")]


def check_fx(tariff: Tariff, now: datetime) -> CheckResult:
    """Check that this month has an FX, so that it can be priced."""
    month = tariff.month(now)
    fx = tariff.fx_at(now)
    if fx is not None:
        return CheckResult("fx", Health.OK, f"{month}: {fx} MXN for one USD")
    remedy = f"set DAILIES_FX={month}=<MXN for one USD, as GeekHub has fixed it for the month>"
    return CheckResult("fx", Health.BAD, f"{month} has none, so nothing can be priced", remedy)


def check_ledger(path: Path) -> CheckResult:
    """Check that the ledger's folder can be written, and that its file system's locks and links work."""
    folder = next(parent for parent in (path, *path.absolute().parents) if parent.exists())
    try:
        with _trial_file(folder) as trial:
            one, other = FileLock(trial), FileLock(trial)
            holds = one.try_acquire() and not other.try_acquire()
            one.release()
            os.link(trial, trial.with_suffix(".link"))
    except OSError as error:
        remedy = "choose another with DAILIES_DATA_DIR, or make it writable"
        return CheckResult("ledger", Health.BAD, f"{path} cannot be written ({error.strerror})", remedy)
    if not holds:
        remedy = "keep the ledger on a local disk, or on NFS 4 with locks"
        return CheckResult("ledger", Health.BAD, f"two processes can lock a file in {folder} at once", remedy)
    return CheckResult("ledger", Health.OK, f"{path} can be written; its locks work")


@contextlib.contextmanager
def _trial_file(folder: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix=".dailies-", dir=folder) as trial:
        file = Path(trial) / "lock"
        file.touch()
        yield file


def check_disk(path: Path) -> CheckResult:
    """Check the space where the ledger is; journals are small, so a gigabyte is plenty."""
    folder = next(parent for parent in (path, *path.absolute().parents) if parent.exists())
    free = shutil.disk_usage(folder).free
    verdict = Health.BAD if free < _NO_SPACE else Health.WARNING if free < _LITTLE_SPACE else Health.OK
    remedy = "" if verdict is Health.OK else "free some space, or move the data folder (DAILIES_DATA_DIR)"
    return CheckResult("disk", verdict, f"{free / _MB / 1000:,.1f} GB free", remedy)
