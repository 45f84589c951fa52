"""GET /sandbox/*: the account, its jobs and transactions, for the holder of a key; reading moves no job."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from dailies.gateway.accounts.accounts import list_transactions, read_balance, read_consumed, read_fx
from dailies.gateway.accounts.money import MICROS, to_text
from dailies.gateway.gateway import Gateway
from dailies.gateway.jobs.jobs import StoredJob, count_jobs, list_jobs
from dailies.gateway.routes.videos import job_object
from dailies.gateway.routes.wire import KEY, errors

LONGEST_LIST = 1_000
After = Annotated[int, Query(ge=0, lt=2**63)]
Limit = Annotated[int, Query(ge=1, le=LONGEST_LIST)]


def truth_routes(gateway: Gateway) -> APIRouter:
    """Return the routes of account, jobs and transactions."""
    routes = APIRouter(prefix="/sandbox", tags=["sandbox"], responses=errors(401), dependencies=[KEY])
    store = gateway.store

    @routes.get("/account")
    async def read_account(request: Request) -> dict[str, Any]:
        """Return the organisation's balance, what it consumed, and what the sandbox assumes."""
        return describe_account(gateway, request.state.caller.org_id)

    @routes.get("/jobs")
    async def read_jobs(request: Request, after: After = 0, limit: Limit = LONGEST_LIST) -> dict[str, Any]:
        """Return the organisation's jobs by number, without moving them."""
        jobs = list_jobs(store, request.state.caller.org_id, after, limit)
        return {"object": "list", "data": [job_truth(job, gateway.videos_url) for job in jobs]}

    @routes.get("/transactions")
    async def read_transactions(request: Request, after: After = 0, limit: Limit = LONGEST_LIST) -> dict[str, Any]:
        """Return the organisation's transactions in the order they were booked."""
        booked = list_transactions(store, request.state.caller.org_id, after, limit)
        return {"object": "list", "data": [entry.as_json() for entry in booked]}

    return routes


def describe_account(gateway: Gateway, org_id: str) -> dict[str, Any]:
    """Return the organisation's account as JSON: money as decimal strings."""
    return {
        "org_id": org_id,
        "balance_mxn": to_text(read_balance(gateway.store, org_id)),
        "consumed_mxn": to_text(read_consumed(gateway.store, org_id)),
        "fx_mxn_per_usd": to_text(read_fx(gateway.store)),
        "time_scale": gateway.options.time_scale,
        "speed": gateway.options.speed,
        "seed": gateway.seed,
        "jobs": count_jobs(gateway.store, org_id),
    }


def job_truth(job: StoredJob, base_url: str) -> dict[str, Any]:
    """Return the job as the API shows it, and what only the sandbox knows of it."""
    return job_object(job, base_url) | {
        "number": job.number,
        "aspect_ratio": job.aspect_ratio,
        "idempotency_key": job.idempotency_key,
        "polls": job.polls,
        "render_s": None if job.render_us is None else job.render_us / MICROS,
        "fails_with": job.fails_with,
    }
