"""The language of fault scripts: what goes wrong, where, how often. ``docs/sandbox.md`` has an example of each."""

import re
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from dailies.sandbox.errors import SandboxError
from dailies.sandbox.options import HIGHEST_AMOUNT_MXN, HIGHEST_FX

Route = Literal["submit", "poll", "models", "credits", "storage"]
Routes = Annotated[tuple[Route, ...], Field(min_length=1)]
Count = Annotated[int, Field(ge=1, le=1_000_000_000)]
Message = Annotated[str, Field(max_length=4_000)]


class When(BaseModel):
    """How often a fault strikes, of the events that it is about; without a word: always.

    Attributes:
        after: lets so many events pass first.
        every: strikes each nth event after those.
        rate: strikes this share of the events, drawn by the script's seed for each request.
        times: strikes at most so often.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    after: Annotated[int, Field(ge=0, le=1_000_000_000)] = 0
    every: Count | None = None
    rate: Annotated[float, Field(gt=0, le=1)] | None = None
    times: Count | None = None

    @model_validator(mode="after")
    def refuse_both(self) -> Self:
        """An event is counted or drawn."""
        if self.every is not None and self.rate is not None:
            raise ValueError("give every or rate, not both")
        return self


class LostReply(When):
    """The request is carried out, then the connection is closed without an answer."""

    kind: Literal["lost_reply"]
    routes: Routes = ("submit",)


class Throttle(When):
    """429 beyond a rate."""

    kind: Literal["throttle"]
    routes: Routes = ("submit",)
    requests_per_second: Annotated[float, Field(gt=0, le=1_000_000)]
    burst: Count = 1
    retry_after_s: Annotated[int, Field(ge=1, le=86_400)] | None = None
    retry_after: Literal["seconds", "date", "absent"] = "seconds"


class ServerError(When):
    """500, 502 or 503; ``body = false``: a proxy's page instead of an error body."""

    kind: Literal["server_error"]
    routes: Routes = ("submit", "poll")
    status: Literal[500, 502, 503] = 500
    body: bool = True
    message: Message = "The provider is overloaded."
    carried_out: bool = False


class Slow(When):
    """The answer comes late, in real seconds."""

    kind: Literal["slow"]
    routes: Routes = ("submit", "poll")
    seconds: Annotated[float, Field(gt=0, le=3_600)]


class Garble(When):
    """The answer is cut in the middle or is not JSON."""

    kind: Literal["garble"]
    routes: Routes = ("poll",)
    form: Literal["truncated", "half_json", "html", "empty"]


class OddAnswer(When):
    """A job object that is not as documented."""

    kind: Literal["odd_answer"]
    routes: Routes = ("poll",)
    form: Literal["wrong_types", "extra_fields", "unknown_status", "no_url"]


class Vanish(When):
    """A known job is not found for its first polls after ``after_polls`` good ones."""

    kind: Literal["vanish"]
    after_polls: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    polls: Count = 2


class RevokeKey(When):
    """The key that asks is revoked, once."""

    kind: Literal["revoke_key"]
    times: Count | None = 1


class SetBalance(When):
    """A submit finds the balance brought to this amount, once."""

    kind: Literal["set_balance"]
    times: Count | None = 1
    balance_mxn: Annotated[Decimal, Field(ge=-HIGHEST_AMOUNT_MXN, le=HIGHEST_AMOUNT_MXN, decimal_places=6)] = Decimal(0)


class SetFx(When):
    """A submit finds the exchange rate changed, once."""

    kind: Literal["set_fx"]
    times: Count | None = 1
    fx_mxn_per_usd: Annotated[Decimal, Field(gt=0, le=HIGHEST_FX, decimal_places=6)]


class JobFault(When):
    """Strikes new jobs, by their prompt (a regular expression found in it) and model."""

    pattern: str | None = None
    models: tuple[str, ...] | None = None

    @field_validator("pattern")
    @classmethod
    def compile_pattern(cls, pattern: str | None) -> str | None:
        """Refuse what is no regular expression."""
        try:
            re.compile(pattern or "")
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from error
        return pattern

    def is_about(self, model: str, prompt: str) -> bool:
        """Whether a job of this model and prompt is meant."""
        if self.models is not None and model not in self.models:
            return False
        return self.pattern is None or re.search(self.pattern, prompt) is not None


class ContentFilter(JobFault):
    """The provider refuses the prompt: at once as a 502 (``reply``), or by failing the job."""

    kind: Literal["content_filter"]
    how: Literal["reply", "job"] = "reply"
    message: Message = "fal: the prompt was blocked by the content filter"


class FailJob(JobFault):
    """The job fails: at its render's end, or at once when it is submitted."""

    kind: Literal["fail_job"]
    at: Literal["render", "submit"] = "render"
    error: Message = "fal status: ERROR"


class StuckJob(JobFault):
    """The job never gets done."""

    kind: Literal["stuck_job"]


class PendingJob(JobFault):
    """The job is handed to the provider by its first poll only."""

    kind: Literal["pending_job"]


RequestFault = LostReply | Throttle | ServerError | Slow | Garble | OddAnswer | Vanish | RevokeKey
AccountFault = SetBalance | SetFx
AnyJobFault = ContentFilter | FailJob | StuckJob | PendingJob
Fault = Annotated[RequestFault | AccountFault | AnyJobFault, Field(discriminator="kind")]


class FaultScript(BaseModel):
    """A script: the seed of its draws, and its faults in order."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    fault: Annotated[tuple[Fault, ...], Field(max_length=1_000)] = ()


def read_script(path: Path | None) -> FaultScript:
    """Read a TOML file; without one the script is empty.

    Raises:
        SandboxError: it cannot be read, or says something unknown; the message names the place.
    """
    if path is None:
        return FaultScript()
    try:
        return FaultScript.model_validate(tomllib.loads(path.read_text("utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SandboxError(f"fault script {path}: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise SandboxError(f"fault script {path}: {place}: {first['msg']}") from error
