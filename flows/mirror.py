"""The flow `mirror`: copy finished videos into a folder or bucket and check each of them."""

from typing import Annotated, Any

from prefect import flow
from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed
from pydantic import Field

from dailies.errors import SettingsError
from dailies.ledger.folder import open_ledger
from dailies.ledger.selection import Selection, select_entries
from dailies.mirror.mirror_run import MirrorRequest, mirror_videos
from dailies.mirror.wording import mirror_lines, shortfalls
from dailies.planning.outcome import Verdict
from dailies.wording import plain_markdown
from tasks.credentials import load_run_settings
from tasks.mirror import copy_videos

Names = Annotated[list[str], Field(max_length=1000)]


@flow(name="mirror", retries=0, persist_result=False)
async def mirror(
    to: Annotated[str, Field(max_length=1024)] = "",
    months: Names = [],  # noqa: B006 - never changed; with None the run form asks for the type
    batches: Names = [],  # noqa: B006 - as months
    sources: Names = [],  # noqa: B006 - as months
    by: Annotated[str, Field(max_length=200)] = "",
    decode: bool = False,
    with_ledger: bool = False,
) -> State[Any]:
    """Copy finished videos into a folder or a Supabase bucket, and check each against what was paid.

    Args:
        to: A folder, or a supabase://, s3://, gs://, az:// or sftp:// URL; by default DAILIES_MIRROR_TO.
        months: Only videos of these months, such as 2026-11.
        batches: Only videos of these batches.
        sources: Only videos of these files of prompts.
        by: The metadata column that names the folders, without meta.; by default the file of prompts does.
        decode: Decode every picture: slower, but finds damage inside a file.
        with_ledger: Copy the ledger, the results and the reports, too.

    Raises:
        SettingsError: no target is named.
        MirrorError: the target cannot be used.
    """
    settings = await load_run_settings()
    target = to or settings.mirror_to
    if not target:
        raise SettingsError("Say where to copy the videos: the parameter `to`, or DAILIES_MIRROR_TO.")
    folder = open_ledger(settings)
    request = MirrorRequest(
        target, Selection(frozenset(months), frozenset(batches), frozenset(sources)), by or None, decode, with_ledger
    )
    entries = select_entries(folder, request.selection, settings.tariff)
    outcome = await mirror_videos(folder, entries, request, settings, copy=copy_videos)
    lines = list(mirror_lines(outcome))
    await acreate_markdown_artifact(
        "\n".join(["# Mirror", "", *(f"- {plain_markdown(line)}" for line in lines)]), key="mirror"
    )
    if problems := shortfalls(outcome):
        await acreate_table_artifact(problems, key="delivered-short", description="Short of what was paid, or missing")
    if outcome.exit_code:
        return Failed(message=lines[-1])
    return Completed(name=Verdict.DONE.value, message=lines[-1])
