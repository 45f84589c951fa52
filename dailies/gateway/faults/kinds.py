"""The kinds of faults that a script can name: of requests, of jobs, of the account."""

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from dailies.gateway.options import HIGHEST_AMOUNT_MXN, HIGHEST_FX

Route = Literal["submit", "poll", "models", "credits", "storage"]
Routes = Annotated[tuple[Route, ...], Field(min_length=1)]
Count = Annotated[int, Field(ge=1, le=1_000_000_000)]
Message = Annotated[str, Field(max_length=4_000)]
LONGEST_PATTERN = 1_000


class Fault(BaseModel):
    """How often a fault strikes, of the events that concern it; without any of these fields: always.

    Attributes:
        after: lets this many events pass first.
        every: strikes each nth event after those.
        rate: strikes this share of the events, drawn by the script's seed for each request.
        times: strikes at most this often.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    after: Annotated[int, Field(ge=0, le=1_000_000_000)] = 0
    every: Count | None = None
    rate: Annotated[float, Field(gt=0, le=1)] | None = None
    times: Count | None = None

    @model_validator(mode="after")
    def refuse_both(self) -> Self:
        """Refuse a fault that is counted and drawn."""
        if self.every is not None and self.rate is not None:
            raise ValueError("give every or rate, not both")
        return self


class LostReply(Fault):
    """The request is carried out, then the connection is closed without an answer."""

    kind: Literal["lost_reply"]
    routes: Routes = ("submit",)


class Throttle(Fault):
    """429 beyond a rate."""

    kind: Literal["throttle"]
    routes: Routes = ("submit",)
    requests_per_second: Annotated[float, Field(gt=0, le=1_000_000)]
    burst: Count = 1
    retry_after_s: Annotated[int, Field(ge=1, le=86_400)] | None = None
    retry_after: Literal["seconds", "date", "absent"] = "seconds"


class ServerError(Fault):
    """500, 502 or 503; ``body = false``: a proxy's page instead of an error body."""

    kind: Literal["server_error"]
    routes: Routes = ("submit", "poll")
    status: Literal[500, 502, 503] = 500
    body: bool = True
    message: Message = "The provider is overloaded."
    carried_out: bool = False


class Slow(Fault):
    """The answer comes late, in real seconds."""

    kind: Literal["slow"]
    routes: Routes = ("submit", "poll")
    seconds: Annotated[float, Field(gt=0, le=3_600)]


class Garble(Fault):
    """The answer is cut in the middle or is not JSON."""

    kind: Literal["garble"]
    routes: Routes = ("poll",)
    form: Literal["truncated", "half_json", "html", "empty"]


class OddAnswer(Fault):
    """A job object that is not as documented."""

    kind: Literal["odd_answer"]
    routes: Routes = ("poll",)
    form: Literal["wrong_types", "extra_fields", "unknown_status", "no_url"]


class Vanish(Fault):
    """A known job is not found for its first polls after ``after_polls`` good ones."""

    kind: Literal["vanish"]
    after_polls: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    polls: Count = 2


class IgnoreIdempotency(Fault):
    """The gateway ignores a submit's ``Idempotency-Key``, since GeekHub's documentation knows none."""

    kind: Literal["ignore_idempotency"]


class RevokeKey(Fault):
    """The key of the request is revoked, once."""

    kind: Literal["revoke_key"]
    times: Count | None = 1


class SetBalance(Fault):
    """A submit finds the balance brought to this amount, once."""

    kind: Literal["set_balance"]
    times: Count | None = 1
    balance_mxn: Annotated[Decimal, Field(ge=-HIGHEST_AMOUNT_MXN, le=HIGHEST_AMOUNT_MXN, decimal_places=6)] = Decimal(0)


class SetFx(Fault):
    """A submit finds the exchange rate changed, once."""

    kind: Literal["set_fx"]
    times: Count | None = 1
    fx_mxn_per_usd: Annotated[Decimal, Field(gt=0, le=HIGHEST_FX, decimal_places=6)]


class JobFault(Fault):
    """Strikes new jobs, by their prompt (a regular expression found in it) and model.

    The expressions are RE2's: it needs time in proportion to the prompt, whatever the expression is.
    """

    pattern: Annotated[str, Field(max_length=LONGEST_PATTERN)] | None = None
    models: tuple[str, ...] | None = None

    @field_validator("pattern")
    @classmethod
    def check_pattern(cls, pattern: str | None) -> str | None:
        """Refuse what is not a regular expression."""
        if pattern is not None:
            try:
                _finds(pattern, "")
            except ValueError as error:  # Arrow's and Unicode's errors are ValueErrors
                raise ValueError(f"not a regular expression: {error}") from error
        return pattern

    def concerns(self, model: str, prompt: str) -> bool:
        """Say whether a job of this model and prompt is meant."""
        if self.models is not None and model not in self.models:
            return False
        return self.pattern is None or _finds(self.pattern, prompt)


def _finds(pattern: str, text: str) -> bool:
    import pyarrow as pa  # only scripts with a pattern need it, and it takes a second to start
    import pyarrow.compute as pc

    return bool(pc.match_substring_regex(pa.scalar(text), pattern).as_py())


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
    """The job is never done."""

    kind: Literal["stuck_job"]


class PendingJob(JobFault):
    """Only its first poll hands the job to the provider."""

    kind: Literal["pending_job"]
