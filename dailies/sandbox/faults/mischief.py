"""Plays the fault script on requests: middleware between the key check and the routes."""

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from dailies.sandbox.answers import error_answer
from dailies.sandbox.errors import ApiError
from dailies.sandbox.faults.request_faults import (
    Garble,
    IgnoreIdempotency,
    LostReply,
    OddAnswer,
    RevokeKey,
    ServerError,
    Slow,
    Throttle,
    Vanish,
)
from dailies.sandbox.faults.spoil import (
    ERROR_CODES,
    PROXY_PAGE,
    Answer,
    fail_answer,
    garble_answer,
    make_odd,
    take_answer,
)
from dailies.sandbox.faults.subject import name_route, name_subject
from dailies.sandbox.faults.trigger import Trigger
from dailies.sandbox.faults.when import Route
from dailies.sandbox.gateway import Gateway
from dailies.sandbox.keys import Caller, revoke_key
from dailies.sandbox.rate_limit import RateLimit

HANG_UP = "dailies.hang_up"
ABOUT_ROUTES = (LostReply, Throttle, ServerError, Slow, Garble, OddAnswer)


class Mischief:
    """Middleware: refuses before, or spoils after, as the script says."""

    def __init__(self, app: ASGIApp, gateway: Gateway) -> None:
        self.app = app
        self.gateway = gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Play the script on one request."""
        route = name_route(scope) if scope["type"] == "http" and self.gateway.faults.triggers else None
        if route is None:
            await self.app(scope, receive, send)
            return
        struck = self._struck(scope, route)
        try:
            for trigger in struck:
                refusal = self._refuse(trigger, scope)
                if refusal is not None:
                    await refusal(scope, receive, send)
                    return
        except ApiError as error:
            await error_answer(error, scope)(scope, receive, send)
            return
        await self._spoil(struck, scope, receive, send)

    def _struck(self, scope: Scope, route: Route) -> list[Trigger]:
        """The faults that strike this request. All of them count it, whichever answers in the end."""
        subject = name_subject(self.gateway, scope, route)
        return [
            trigger
            for trigger in self.gateway.faults.triggers
            if _is_about(trigger, route) and trigger.strikes(subject)
        ]

    def _refuse(self, trigger: Trigger, scope: Scope) -> Response | None:
        """An answer in place of the route's. Raises ``ApiError`` for one in GeekHub's form."""
        fault = trigger.fault
        if isinstance(fault, Throttle):
            caller: Caller | None = scope["state"].get("caller")
            _throttle(trigger, fault, caller.org_id if caller else "", self.gateway.clock())
        elif isinstance(fault, IgnoreIdempotency):
            scope["headers"] = [header for header in scope["headers"] if header[0] != b"idempotency-key"]
        elif isinstance(fault, Vanish):
            raise ApiError("job_not_found", "No such video job.")
        elif isinstance(fault, RevokeKey):
            revoke_key(self.gateway.store, scope["state"]["caller"].key_hash, self.gateway.now_us)
            raise ApiError("key_revoked", "The API key was revoked.")
        elif isinstance(fault, ServerError) and not fault.carried_out:
            if not fault.body:
                return Response(PROXY_PAGE, fault.status, media_type="text/html")
            raise ApiError(ERROR_CODES[fault.status], fault.message)
        return None

    async def _spoil(self, struck: list[Trigger], scope: Scope, receive: Receive, send: Send) -> None:
        if not struck:
            await self.app(scope, receive, send)
            return
        answer = await take_answer(self.app, scope, receive)
        is_lost = False
        for fault in (trigger.fault for trigger in struck):
            match fault:
                case Slow():
                    await asyncio.sleep(fault.seconds)
                case ServerError():
                    answer = fail_answer(answer, fault, scope)
                case Garble():
                    answer = garble_answer(answer, fault)
                case OddAnswer():
                    answer = make_odd(answer, fault)
                case LostReply():
                    is_lost = True
        if is_lost:
            await hang_up(scope, receive)
        else:
            await _send_answer(answer, scope, receive, send)


def _is_about(trigger: Trigger, route: Route) -> bool:
    fault = trigger.fault
    if isinstance(fault, Vanish):
        return route == "poll"
    if isinstance(fault, IgnoreIdempotency):
        return route == "submit"
    if isinstance(fault, RevokeKey):
        return route != "storage"
    return isinstance(fault, ABOUT_ROUTES) and route in fault.routes


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


async def _send_answer(answer: Answer, scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": answer.status, "headers": list(answer.headers)})
    if answer.is_cut:
        half = answer.body[: len(answer.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
        await hang_up(scope, receive)
    else:
        await send({"type": "http.response.body", "body": answer.body})


async def hang_up(scope: Scope, receive: Receive) -> None:
    """Close the connection as it is, and wait until that is noticed."""
    scope["extensions"][HANG_UP]()
    while (await receive())["type"] != "http.disconnect":
        pass
