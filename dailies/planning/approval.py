"""What a person approved: digests of the rows that the plan showed, which the run compares with what it reads. Pure."""

import hashlib
from collections.abc import Sequence

from dailies.errors import RefusedError
from dailies.prompts.reader import PromptFile


def digest_rows(prompts: PromptFile) -> tuple[str, ...]:
    """Return one digest for each source: of its row keys in order, and of the fallback models, which no key holds."""
    digests = {sheet.source: hashlib.sha256() for sheet in prompts.sheets}
    for row in prompts.rows:
        digests[row.source].update(f"{row.row_key} {' '.join(row.fallback)}\n".encode())
    return tuple(digest.hexdigest() for digest in digests.values())


def require_approved(prompts: PromptFile, approved: Sequence[str]) -> None:
    """Refuse sources whose rows are not those of the approved plan. Rows that finished since are no difference.

    Raises:
        RefusedError: names each source that changed.
    """
    found = digest_rows(prompts)
    if not approved or tuple(approved) == found:
        return
    if len(approved) != len(found):
        changed = f"{len(approved)} sources were shown, and there are {len(found)} now"
    else:
        names = [name for name, was, now in zip(prompts.sources, approved, found, strict=True) if was != now]
        changed = f"{', '.join(names)} changed"
    raise RefusedError(
        f"The rows are not those of the plan that was shown: {changed} meanwhile. Nothing was spent; show the plan"
        " again, then run again."
    )
