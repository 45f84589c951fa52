"""A run's report, written by a process of its own.

Drawing thumbnails takes 40 MB that Python does not give back; a process that made thousands of jobs has none to spare.
"""

import asyncio
import pickle
import sys
from pathlib import Path

from dailies.errors import LedgerError
from dailies.ledger.folder import LedgerFolder
from dailies.planning.outcome import Outcome
from dailies.settings import Settings


async def report_apart(folder: LedgerFolder, outcome: Outcome, settings: Settings) -> Path | None:
    """``report_run``, elsewhere.

    Raises:
        OSError, LedgerError: as ``report_run``.
    """
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    answer, _ = await child.communicate(pickle.dumps((folder, outcome, settings)))
    if child.returncode != 0:
        raise LedgerError(f"the report could not be written: its process ended with exit code {child.returncode}")
    told = pickle.loads(answer)  # noqa: S301 - our own child's words
    if isinstance(told, Exception):
        raise told
    path: Path | None = told
    return path


def _main() -> None:
    from dailies.report.html.write import report_run

    folder, outcome, settings = pickle.loads(sys.stdin.buffer.read())  # noqa: S301 - our own parent's words
    told: Path | Exception | None
    try:
        told = asyncio.run(report_run(folder, outcome, settings))
    except (OSError, LedgerError) as error:
        told = error
    sys.stdout.buffer.write(pickle.dumps(told))


if __name__ == "__main__":
    _main()
