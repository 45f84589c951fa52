"""Opens the target that a person names: a folder, or ``supabase://bucket/prefix``."""

import re
import secrets
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from dailies.errors import MirrorError
from dailies.mirror.folder_target import open_folder
from dailies.mirror.target import Target
from dailies.settings import Settings

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+)://(.*)", re.IGNORECASE | re.DOTALL)
_PART = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")  # no dot segment


def target_name(to: str, settings: Settings) -> str:
    """Return a target's full name. It is the same for the same place, and no secret is in it.

    Raises:
        MirrorError: this kind of target does not exist.
    """
    place = _bucket_of(to)
    if place is None:
        return str(Path(to).resolve())
    bucket, prefix = place
    return f"{(settings.supabase_url or '').rstrip('/')} {bucket}/{prefix}"


def open_target(to: str, settings: Settings, ledger_id: str) -> AbstractAsyncContextManager[Target]:
    """Open the target that a person names.

    Args:
        to: a folder, or ``supabase://bucket/prefix``.
        settings: where Supabase is, and the key.
        ledger_id: whose drafts these are.

    Raises:
        MirrorError: this kind of target does not exist, or it cannot be used.
    """
    place = _bucket_of(to)
    if place is None:
        return open_folder(Path(to), ledger_id)
    from dailies.mirror.bucket_target import open_bucket  # importing the Supabase client takes a second

    return open_bucket(*place, settings)


async def require_target(settings: Settings) -> None:
    """Check before anything is spent that the target of the settings takes copies; make a missing folder.

    Raises:
        MirrorError: the target cannot be used.
    """
    if settings.mirror_to is not None:
        async with open_target(settings.mirror_to, settings, f"try-{secrets.token_hex(4)}"):
            pass


def _bucket_of(to: str) -> tuple[str, str] | None:
    """Return bucket and prefix; None for a folder."""
    found = _SCHEME.fullmatch(to)
    if found is None:
        return None
    if found[1].lower() != "supabase":
        raise MirrorError(f"{to}: a mirror goes to a folder or to supabase://bucket/prefix")
    bucket, _, prefix = found[2].partition("/")
    prefix = prefix.strip("/")
    steps = prefix.split("/") if prefix else []
    if not _PART.fullmatch(bucket) or not all(_PART.fullmatch(step) for step in steps):
        raise MirrorError(
            f"{to}: a bucket and its prefix are letters, digits, '.', '_' and '-', such as supabase://dailies/autumn"
        )
    return bucket, prefix
