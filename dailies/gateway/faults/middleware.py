"""Plays the fault script on requests: middleware between the key check and the routes."""

import asyncio

from starlette.types import ASGIApp, Receive, Scope, Send

from dailies.gateway.answers import error_answer
from dailies.gateway.errors import ApiError
from dailies.gateway.faults.effects import (
    Answer,
    fail_answer,
    garble_answer,
    make_odd,
    take_answer,
)
from dailies.gateway.faults.kinds import (
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
from dailies.gateway.faults.refuse import refuse
from dailies.gateway.faults.subject import name_route, name_subject
from dailies.gateway.faults.trigger import Trigger
from dailies.gateway.faults.when import Route
from dailies.gateway.gateway import Gateway

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
                refusal = refuse(self.gateway, trigger, scope)
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
