"""The language of fault scripts; ``docs/sandbox.md`` has an example of each fault."""

import tomllib
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dailies.gateway.faults.kinds import (
    ContentFilter,
    FailJob,
    Garble,
    IgnoreIdempotency,
    LostReply,
    OddAnswer,
    PendingJob,
    RevokeKey,
    ServerError,
    SetBalance,
    SetFx,
    Slow,
    StuckJob,
    Throttle,
    Vanish,
)
from dailies.gateway.hosting.errors import SandboxError

RequestFault = LostReply | Throttle | ServerError | Slow | Garble | OddAnswer | Vanish | IgnoreIdempotency | RevokeKey
AccountFault = SetBalance | SetFx
AnyJobFault = ContentFilter | FailJob | StuckJob | PendingJob
AnyFault = Annotated[RequestFault | AccountFault | AnyJobFault, Field(discriminator="kind")]


class FaultScript(BaseModel):
    """A script: the seed of its draws, and its faults in order."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    fault: Annotated[tuple[AnyFault, ...], Field(max_length=1_000)] = ()


def read_script(path: Path | None) -> FaultScript:
    """Read a TOML file; without one the script is empty.

    Raises:
        SandboxError: it cannot be read, or has something unknown; the message names the place.
    """
    if path is None:
        return FaultScript()
    try:
        return FaultScript.model_validate(tomllib.loads(path.read_text("utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise SandboxError(f"fault script {path}: {place}: {first['msg']}") from error
    except (OSError, ValueError, RecursionError) as error:
        raise SandboxError(f"fault script {path}: {error}") from error
