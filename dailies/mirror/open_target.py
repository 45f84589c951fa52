"""Opens the target that a person names: a folder, a Supabase bucket, an object store, or a folder over SFTP."""

import re
import secrets
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from dailies.errors import MirrorError
from dailies.mirror.target import Target
from dailies.mirror.targets.folder_target import open_folder
from dailies.mirror.targets.sftp_target import open_sftp, parse_sftp
from dailies.settings import Settings

STORES = ("s3", "gs", "az")
FORMS = "a folder, supabase://bucket/prefix, s3://, gs:// or az://bucket/prefix, or sftp://user@host/path"
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+)://(.*)", re.IGNORECASE | re.DOTALL)
_PART = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")  # no dot segment


def target_name(to: str, settings: Settings) -> str:
    """Return a target's full name. It is the same for the same place, and no secret is in it.

    Raises:
        MirrorError: this kind of target does not exist.
    """
    match _scheme(to):
        case None:
            return str(Path(to).resolve())
        case "supabase":
            bucket, prefix = _bucket_of(to)
            return f"{(settings.supabase_url or '').rstrip('/')} {bucket}/{prefix}"
        case "sftp":
            return parse_sftp(to).url
        case scheme:
            return f"{scheme}://{'/'.join(_bucket_of(to))}"


def open_target(to: str, settings: Settings, ledger_id: str) -> AbstractAsyncContextManager[Target]:
    """Open the target that a person names.

    Args:
        to: a folder or a URL; docs/mirror.md lists the schemes.
        settings: where Supabase is, and the key.
        ledger_id: whose drafts these are.

    Raises:
        MirrorError: this kind of target does not exist, its package is missing, or it cannot be used.
    """
    match _scheme(to):
        case None:
            _require_folder(to, settings)
            return open_folder(Path(to), ledger_id)
        case "supabase":
            from dailies.mirror.targets.bucket_target import open_bucket  # importing the client takes a second

            return open_bucket(*_bucket_of(to), settings)
        case "sftp":
            return open_sftp(parse_sftp(to), ledger_id)
        case scheme:
            from dailies.mirror.targets.store_target import open_store

            return open_store(scheme, *_bucket_of(to))


def _require_folder(to: str, settings: Settings) -> None:
    """Refuse chains of URLs, and a folder outside of the one that the settings name, links followed.

    Raises:
        MirrorError: it is one of these.
    """
    if "::" in to:
        raise MirrorError(f"{to}: chains of URLs (with ::) are no target; name {FORMS}")
    if settings.mirror_dir is not None and not Path(to).resolve().is_relative_to(settings.mirror_dir.resolve()):
        raise MirrorError(f"{to}: the folder does not lie in DAILIES_MIRROR_DIR; name one in it")


async def require_target(settings: Settings) -> None:
    """Check before anything is spent that the target of the settings takes copies; make a missing folder.

    Raises:
        MirrorError: the target cannot be used.
    """
    if settings.mirror_to is not None:
        async with open_target(settings.mirror_to, settings, f"try-{secrets.token_hex(4)}"):
            pass


def _scheme(to: str) -> str | None:
    """Return the URL's scheme; None for a folder."""
    found = _SCHEME.fullmatch(to)
    if found is None:
        return None
    scheme = found[1].lower()
    if scheme not in ("supabase", "sftp", *STORES):
        raise MirrorError(f"{to}: a mirror goes to {FORMS}")
    return scheme


def _bucket_of(to: str) -> tuple[str, str]:
    """Return bucket and prefix."""
    scheme, _, place = to.partition("://")
    bucket, _, prefix = place.partition("/")
    prefix = prefix.strip("/")
    steps = prefix.split("/") if prefix else []
    if not _PART.fullmatch(bucket) or not all(_PART.fullmatch(step) for step in steps):
        raise MirrorError(
            f"{to}: a bucket and its prefix are letters, digits, '.', '_' and '-', such as"
            f" {scheme.lower()}://dailies/autumn"
        )
    return bucket, prefix
