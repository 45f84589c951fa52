"""Writes a run's report in a child process.

Drawing thumbnails takes 40 MB that Python does not return; a process with thousands of jobs has none to spare.
"""

import asyncio
import contextlib
import pickle
import sys
from pathlib import Path

from dailies.errors import LedgerError
from dailies.ledger.folder import LedgerFolder
from dailies.planning.outcome import Outcome
from dailies.settings import Settings, environment_without_secrets


async def report_in_subprocess(folder: LedgerFolder, outcome: Outcome, settings: Settings) -> Path | None:
    """Run ``report_run`` in a child process; it ends with this call, also if the call is cancelled.

    The child is in a session of its own, so a Ctrl-C at the terminal reaches this process alone.

    Raises:
        OSError, LedgerError: as ``report_run``.
    """
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", __name__),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=environment_without_secrets(),
        start_new_session=True,
    )
    try:
        answer, _ = await child.communicate(pickle.dumps((folder, outcome, settings)))
    finally:
        if child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await child.wait()
    if child.returncode != 0:
        raise LedgerError(f"the report could not be written: its process ended with exit code {child.returncode}")
    result: Path | Exception | None = pickle.loads(answer)  # noqa: S301 - from our own child
    if isinstance(result, Exception):
        raise result
    return result


def _main() -> None:
    from dailies.report.html.write import report_run

    folder, outcome, settings = pickle.loads(sys.stdin.buffer.read())  # noqa: S301 - from our own parent
    result: Path | Exception | None
    try:
        result = asyncio.run(report_run(folder, outcome, settings))
    except (OSError, LedgerError) as error:
        result = error
    sys.stdout.buffer.write(pickle.dumps(result))


if __name__ == "__main__":
    _main()
