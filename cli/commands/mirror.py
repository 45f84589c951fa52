"""`mirror`: copy the videos to a place of your own."""

import asyncio
from typing import Annotated

from cyclopts import Parameter

from cli.commands.options import Json
from cli.screen.console import console, say_json

Months = Annotated[tuple[str, ...], Parameter(name="--month", help="Only this month, such as 2026-11.")]
Batches = Annotated[tuple[str, ...], Parameter(name="--batch", help="Only this batch.")]
Sources = Annotated[tuple[str, ...], Parameter(name="--source", help="Only this file of prompts, named as in its run.")]


def mirror(
    *,
    to: Annotated[str | None, Parameter(help="A folder, or a supabase://, s3://, gs://, az:// or sftp:// URL.")] = None,
    month: Months = (),
    batch: Batches = (),
    source: Sources = (),
    by: Annotated[str | None, Parameter(help="The metadata column that names the folders.")] = None,
    decode: Annotated[bool, Parameter(help="Decode every picture, too.")] = False,
    ledger: Annotated[bool, Parameter(help="Copy ledger, results and reports, too.")] = False,
    as_json: Json = False,
) -> int:
    """Copy finished videos to a place of your own.

    Example: dailies mirror --to videos

    It copies each video once; the same command continues where it ended. The default of --to is DAILIES_MIRROR_TO.

    Exit codes: 0 every video is there and as paid, 1 a video is shorter than paid, or missing.
    """
    from cli.screen.mirror import show_mirror
    from cli.screen.progress import CopyDisplay
    from cli.service import open_service
    from dailies.errors import SettingsError
    from dailies.ledger.selection import Selection, select_entries
    from dailies.mirror.mirror_run import MirrorRequest, mirror_videos
    from dailies.mirror.wording import mirror_as_json

    service = open_service()
    settings = service.settings
    target = to or settings.mirror_to
    if not target:
        raise SettingsError(
            "Name a target: dailies mirror --to videos, or --to supabase://bucket/prefix (all kinds: docs/mirror.md)"
        )
    selection = Selection(frozenset(month), frozenset(batch), frozenset(source))
    folder = service.open_ledger()
    entries = select_entries(folder, selection, settings.tariff)
    request = MirrorRequest(target, selection, by, decode, ledger)
    with CopyDisplay(console(to_stderr=True)) as display:
        outcome = asyncio.run(mirror_videos(folder, entries, request, settings, on_progress=display.show))
    if as_json:
        say_json(mirror_as_json(outcome))
    else:
        show_mirror(console(), outcome)
    return outcome.exit_code
