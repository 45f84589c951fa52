"""Batch ids: the UTC second of a batch's creation, which fixes its month, and eight random digits."""

import re
import uuid
from datetime import UTC, datetime

_BATCH = re.compile(r"(\d{4})(0[1-9]|1[0-2])\d\dT\d{6}-[0-9a-f]{8}", re.ASCII)


def new_batch_id(now: datetime) -> str:
    """Return the id of a batch that is created now."""
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}"


def month_of_batch(batch_id: str) -> str | None:
    """Return the UTC month of a batch's creation, such as ``2026-11``; None if that is no batch id."""
    found = _BATCH.fullmatch(batch_id)
    return f"{found[1]}-{found[2]}" if found else None
