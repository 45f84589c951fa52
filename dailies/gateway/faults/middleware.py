"""Plays the fault script on requests: middleware between the key check and the routes."""

import asyncio
import hashlib
import re

from starlette.types import ASGIApp, Receive, Scope, Send

from dailies.gateway.errors import ApiError, error_answer
from dailies.gateway.faults.effects import Answer, fail_answer, garble_answer, make_odd, refuse, take_answer
from dailies.gateway.faults.kinds import (
    Garble,
    IgnoreIdempotency,
    LostReply,
    OddAnswer,
    RevokeKey,
    Route,
    ServerError,
    Slow,
    Throttle,
    Vanish,
)
from dailies.gateway.faults.trigger import Trigger
from dailies.gateway.gateway import Gateway
from dailies.gateway.jobs.jobs import find_job

HANG_UP = "dailies.hang_up"
ABOUT_ROUTES = (LostReply, Throttle, ServerError, Slow, Garble, OddAnswer)
ROUTES: tuple[tuple[Route, re.Pattern[str]], ...] = (
    ("submit", re.compile(r"POST /v1/videos/generations")),
    ("poll", re.compile(r"GET /v1/videos/(?P<job_id>[^/]+)")),
    ("models", re.compile(r"GET /v1/models")),
    ("credits", re.compile(r"GET /v1/credits")),
    ("storage", re.compile(r"(GET|HEAD) /storage/v1/object/public/.+")),
)


class FaultMiddleware:
    """Refuses a request before it is carried out, or spoils its answer, as the script says."""

    def __init__(self, app: ASGIApp, gateway: Gateway) -> None:
        self.app = app
        self.gateway = gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Play the script on one request."""
        route = name_route(scope) if scope["type"] == "http" and self.gateway.faults.triggers else None
        struck = [] if route is None else self._struck(scope, route)
        if not struck:
            await self.app(scope, receive, send)
            return
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
        """Return the faults that strike this request. All of them count it, whichever answers in the end."""
        subject = name_subject(self.gateway, scope, route)
        return [
            trigger
            for trigger in self.gateway.faults.triggers
            if _concerns(trigger, route) and trigger.strikes(subject)
        ]

    async def _spoil(self, struck: list[Trigger], scope: Scope, receive: Receive, send: Send) -> None:
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


def name_route(scope: Scope) -> Route | None:
    """Name the route of a request; None for those that scripts leave alone."""
    line = f"{scope['method']} {scope['path']}"
    return next((route for route, form in ROUTES if form.fullmatch(line)), None)


def name_subject(gateway: Gateway, scope: Scope, route: Route) -> str:
    """Name what a repeatable draw depends on: the request's body, its job's request, else its path.

    Job ids are random, so a poll is named by what its job was asked for.
    """
    if route == "submit":
        return hashlib.sha256(scope["state"].get("body", b"")).hexdigest()
    if route == "poll":
        job = find_job(gateway.store, scope["state"]["caller"].org_id, scope["path"].rpartition("/")[2])
        if job is not None:
            return f"{job.fingerprint}/{job.take}"
    return str(scope["path"])


def _concerns(trigger: Trigger, route: Route) -> bool:
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
    """Close the connection without an answer, and wait until it is closed."""
    scope["extensions"][HANG_UP]()
    while (await receive())["type"] != "http.disconnect":
        pass
