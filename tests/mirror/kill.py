"""A mirror in a process of its own, which can be killed at any moment: ``python -m tests.mirror.kill LEDGER TO``."""

import asyncio
import sys
from pathlib import Path

from dailies.ledger.folder import LedgerFolder
from dailies.ledger.selection import Selection
from dailies.mirror.mirror_run import MirrorOutcome, MirrorRequest, mirror_videos
from dailies.settings import load_settings


def mirror_ledger(ledger: Path, to: str) -> MirrorOutcome:
    """Mirror everything; Supabase's address and key come from the environment."""
    folder = LedgerFolder.open(ledger, "sandbox")
    return asyncio.run(
        mirror_videos(
            folder,
            folder.entries(),
            MirrorRequest(to, Selection()),
            load_settings(geekhub_base_url="http://127.0.0.1/v1"),
        )
    )


if __name__ == "__main__":
    done = mirror_ledger(Path(sys.argv[1]), sys.argv[2])
    sys.stdout.write(f"{len(done.videos)} {done.uploads} {done.exit_code}\n")
