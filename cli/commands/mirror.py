"""`mirror`: own the videos."""

import asyncio
from typing import Annotated

from cyclopts import Parameter

from cli.commands.options import Json
from cli.screen.console import console, say_json

Months = Annotated[tuple[str, ...], Parameter(name="--month", help="Only this month, such as 2026-11.")]
Batches = Annotated[tuple[str, ...], Parameter(name="--batch", help="Only this batch.")]
Sources = Annotated[tuple[str, ...], Parameter(name="--source", help="Only this file of prompts, as it was run.")]


def mirror(
    *,
    to: Annotated[str | None, Parameter(help="A folder, or supabase://bucket/prefix.")] = None,
    month: Months = (),
    batch: Batches = (),
    source: Sources = (),
    by: Annotated[str | None, Parameter(help="The metadata column that names the folders.")] = None,
    decode: Annotated[bool, Parameter(help="Decode every picture, too.")] = False,
    ledger: Annotated[bool, Parameter(help="Copy ledger, results and reports, too.")] = False,
    as_json: Json = False,
) -> int:
    """Copy finished videos to a place of your own, checked.

    Example: dailies mirror --to videos

    Each video once; the same command again goes on where it ended. Without --to, DAILIES_MIRROR_TO says where.

    Exit codes: 0 all there and as paid, 1 something was delivered short or is missing.
    """
    from cli.screen.copying import CopyDisplay
    from cli.screen.mirror import show_mirror
    from cli.service import open_service
    from dailies.errors import SettingsError
    from dailies.ledger.selection import Selection, select_entries
    from dailies.mirror.mirror_run import MirrorRequest, mirror_videos
    from dailies.mirror.wording import mirror_as_json

    service = open_service()
    settings = service.settings
    target = to or settings.mirror_to
    if not target:
        raise SettingsError("Say where to: dailies mirror --to videos, or --to supabase://bucket/prefix")
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
