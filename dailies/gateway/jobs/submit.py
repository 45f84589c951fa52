"""A submit: a new job is remembered and handed to the provider (GeekHub's page "POST generations")."""

import uuid

from dailies.gateway.accounts.accounts import read_balance
from dailies.gateway.errors import ApiError
from dailies.gateway.faults.job_fate import Fate, change_account, decide_fate
from dailies.gateway.gateway import Gateway
from dailies.gateway.jobs.jobs import StoredJob, find_by_idempotency_key, insert_job, next_number, next_take
from dailies.gateway.jobs.render_time import draw_render_us
from dailies.gateway.jobs.video_request import JobRequest
from dailies.gateway.store import transaction


def submit_job(gateway: Gateway, org_id: str, asked: JobRequest) -> StoredJob:
    """Make a job, or find the one that the same idempotency key made before.

    Raises:
        ApiError: ``idempotency_key_reused``, ``insufficient_balance``, or ``provider_unavailable`` when the fault
            script refuses the prompt. Nothing is remembered of a refused request.
    """
    change_account(gateway, org_id)
    with transaction(gateway.store):
        known = _find_repeated(gateway, org_id, asked)
        if known is not None:
            return known
        if read_balance(gateway.store, org_id) <= 0:
            raise ApiError("insufficient_balance", "The balance is used up. Recharge it to submit further videos.")
        job = _new_job(gateway, org_id, asked)
        insert_job(gateway.store, job)
    if job.fails_with is None and job.render_us is not None:
        gateway.renderer.start(gateway.renderer.scene_of(job))
    return job


def _find_repeated(gateway: Gateway, org_id: str, asked: JobRequest) -> StoredJob | None:
    if asked.idempotency_key is None:
        return None
    known = find_by_idempotency_key(gateway.store, org_id, asked.idempotency_key)
    if known is not None and known.fingerprint != asked.fingerprint:
        raise ApiError("idempotency_key_reused", f"Idempotency-Key: it made job {known.id} from another request body.")
    return known


def _new_job(gateway: Gateway, org_id: str, asked: JobRequest) -> StoredJob:
    take = next_take(gateway.store, org_id, asked.fingerprint)
    # Not the job's number, which depends on the order of arrival: a concurrent run meets the same times again.
    subject = f"{asked.fingerprint}/{take}"
    fate = decide_fate(gateway, asked.model.id, asked.prompt, subject)
    render_us = draw_render_us(asked.model, gateway.seed, subject, gateway.options.speed)
    now_us = gateway.now_us
    return StoredJob(
        id=str(uuid.uuid4()),
        org_id=org_id,
        number=next_number(gateway.store, org_id),
        status=_first_status(fate),
        model=asked.model.id,
        prompt=asked.prompt,
        duration_s=asked.duration_s,
        aspect_ratio=asked.aspect_ratio,
        fingerprint=asked.fingerprint,
        take=take,
        idempotency_key=asked.idempotency_key,
        created_us=now_us,
        render_us=None if fate.is_stuck else render_us,
        handed_over_us=now_us if _first_status(fate) == "processing" else None,
        fails_with=fate.fails_with,
        polls=0,
        completed_us=now_us if fate.fails_at_once else None,
        error=fate.fails_with if fate.fails_at_once else None,
    )


def _first_status(fate: Fate) -> str:
    if fate.fails_at_once:
        return "failed"
    return "pending" if fate.is_held else "processing"
