"""The faults of requests and answers."""

from typing import Annotated, Literal

from pydantic import Field

from dailies.gateway.faults.when import Count, Message, Routes, When


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


class IgnoreIdempotency(When):
    """A submit's ``Idempotency-Key`` is not looked at, as GeekHub's documentation knows none."""

    kind: Literal["ignore_idempotency"]


class RevokeKey(When):
    """The key that asks is revoked, once."""

    kind: Literal["revoke_key"]
    times: Count | None = 1
