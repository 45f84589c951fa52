"""Answers in place of the route's: what a fault refuses before the request is carried out."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from starlette.responses import Response
from starlette.types import Scope

from dailies.gateway.accounts.keys import Caller, revoke_key
from dailies.gateway.errors import ApiError
from dailies.gateway.faults.effects import ERROR_CODES, PROXY_PAGE
from dailies.gateway.faults.kinds import IgnoreIdempotency, RevokeKey, ServerError, Throttle, Vanish
from dailies.gateway.faults.trigger import Trigger
from dailies.gateway.gateway import Gateway
from dailies.gateway.rate_limit import RateLimit


def refuse(gateway: Gateway, trigger: Trigger, scope: Scope) -> Response | None:
    """A proxy's page in place of the answer; None: the request goes on.

    Raises:
        ApiError: the refusal in GeekHub's form.
    """
    fault = trigger.fault
    if isinstance(fault, Throttle):
        caller: Caller | None = scope["state"].get("caller")
        _throttle(trigger, fault, caller.org_id if caller else "", gateway.clock())
    elif isinstance(fault, IgnoreIdempotency):
        scope["headers"] = [header for header in scope["headers"] if header[0] != b"idempotency-key"]
    elif isinstance(fault, Vanish):
        raise ApiError("job_not_found", "No such video job.")
    elif isinstance(fault, RevokeKey):
        revoke_key(gateway.store, scope["state"]["caller"].key_hash, gateway.now_us)
        raise ApiError("key_revoked", "The API key was revoked.")
    elif isinstance(fault, ServerError) and not fault.carried_out:
        if not fault.body:
            return Response(PROXY_PAGE, fault.status, media_type="text/html")
        raise ApiError(ERROR_CODES[fault.status], fault.message)
    return None


def _throttle(trigger: Trigger, fault: Throttle, org_id: str, now_s: float) -> None:
    new = RateLimit(fault.requests_per_second, fault.burst, fault.retry_after_s)
    try:
        trigger.rate_limits.setdefault(org_id, new).take(org_id, now_s)
        trigger.fired -= 1  # Within the rate nothing was struck after all.
    except ApiError as error:
        if fault.retry_after == "absent":
            del error.headers["Retry-After"]
        elif fault.retry_after == "date":
            when = datetime.now(UTC) + timedelta(seconds=int(error.headers["Retry-After"]))
            error.headers["Retry-After"] = format_datetime(when, usegmt=True)
        raise
