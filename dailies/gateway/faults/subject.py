"""Names a request for the fault script: its route, and what a repeatable draw depends on."""

import hashlib
import re

from starlette.types import Scope

from dailies.gateway.faults.when import Route
from dailies.gateway.gateway import Gateway
from dailies.gateway.jobs.jobs import find_job

ROUTES: tuple[tuple[Route, re.Pattern[str]], ...] = (
    ("submit", re.compile(r"POST /v1/videos/generations")),
    ("poll", re.compile(r"GET /v1/videos/(?P<job_id>[^/]+)")),
    ("models", re.compile(r"GET /v1/models")),
    ("credits", re.compile(r"GET /v1/credits")),
    ("storage", re.compile(r"(GET|HEAD) /storage/v1/object/public/.+")),
)


def name_route(scope: Scope) -> Route | None:
    """Which route a request is for; None for those that scripts leave alone."""
    line = f"{scope['method']} {scope['path']}"
    return next((route for route, form in ROUTES if form.fullmatch(line)), None)


def name_subject(gateway: Gateway, scope: Scope, route: Route) -> str:
    """What the request is about: its body, its job's request, else its path.

    Job ids are random, so a poll is named by what its job was asked for.
    """
    if route == "submit":
        return hashlib.sha256(scope["state"].get("body", b"")).hexdigest()
    if route == "poll":
        job = find_job(gateway.store, scope["state"]["caller"].org_id, scope["path"].rpartition("/")[2])
        if job is not None:
            return f"{job.fingerprint}/{job.take}"
    return str(scope["path"])
