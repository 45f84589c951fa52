"""A submit: checked, remembered, handed to the provider (GeekHub's page "POST generations")."""

import hashlib
import json
import uuid

from dailies.catalogue import VideoModel, load_catalogue
from dailies.sandbox.accounts import read_balance
from dailies.sandbox.errors import ApiError
from dailies.sandbox.gateway import Gateway
from dailies.sandbox.jobs import Job, find_by_idempotency_key, insert_job, next_number, next_take
from dailies.sandbox.render_time import draw_render_us
from dailies.sandbox.store import transaction
from dailies.sandbox.wire import VideoRequest

LONGEST_IDEMPOTENCY_KEY = 255


def submit_job(gateway: Gateway, org_id: str, wanted: VideoRequest, idempotency_key: str | None) -> Job:
    """Make a job, or find the one that the same idempotency key made before.

    Raises:
        ApiError: ``invalid_request_error``, ``model_not_found``, ``idempotency_key_reused`` or
            ``insufficient_balance``. Nothing is remembered of a refused request.
    """
    model = find_model(wanted.model)
    duration_s = choose_duration(model, wanted.duration)
    aspect_ratio = choose_aspect_ratio(model, wanted.aspect_ratio)
    check_idempotency_key(idempotency_key)
    fingerprint = _fingerprint(model.id, wanted.prompt, duration_s, aspect_ratio)
    with transaction(gateway.store):
        if idempotency_key is not None:
            known = find_by_idempotency_key(gateway.store, org_id, idempotency_key)
            if known is not None:
                return _same_request(known, fingerprint)
        _check_balance(gateway, org_id)
        take = next_take(gateway.store, org_id, fingerprint)
        now_us = gateway.now_us
        job = Job(
            id=str(uuid.uuid4()),
            org_id=org_id,
            number=next_number(gateway.store, org_id),
            status="processing",
            model=model.id,
            prompt=wanted.prompt,
            duration_s=duration_s,
            aspect_ratio=aspect_ratio,
            fingerprint=fingerprint,
            take=take,
            idempotency_key=idempotency_key,
            created_us=now_us,
            render_us=draw_render_us(model, gateway.seed, f"{fingerprint}/{take}", gateway.options.speed),
            handed_over_us=now_us,
            fails_with=None,
            polls=0,
            completed_us=None,
            error=None,
        )
        insert_job(gateway.store, job)
    gateway.studio.start(gateway.studio.scene_of(job))
    return job


def find_model(model_id: str) -> VideoModel:
    """The model of that id.

    Raises:
        ApiError: ``model_not_found``.
    """
    model = load_catalogue().get(model_id)
    if model is None:
        raise ApiError("model_not_found", f"model: {model_id[:100]!r} does not exist; see GET /v1/models.")
    return model


def choose_duration(model: VideoModel, wanted_s: int | None) -> int:
    """The seconds asked for, or the model's default.

    Raises:
        ApiError: ``invalid_request_error`` above the model's maximum.
    """
    if wanted_s is None:
        return model.default_duration_s
    if wanted_s > model.max_duration_s:
        raise ApiError("invalid_request_error", f"duration: {model.id} makes at most {model.max_duration_s} seconds.")
    return wanted_s


def choose_aspect_ratio(model: VideoModel, wanted: str | None) -> str:
    """The ratio asked for, or the model's first.

    Raises:
        ApiError: ``invalid_request_error`` for a ratio that the model does not support.
    """
    if wanted is None:
        return model.aspect_ratios[0]
    if wanted not in model.aspect_ratios:
        supported = ", ".join(model.aspect_ratios)
        raise ApiError("invalid_request_error", f"aspect_ratio: {model.id} supports {supported}.")
    return wanted


def check_idempotency_key(key: str | None) -> None:
    """Refuse what cannot name a request."""
    if key is not None and not (1 <= len(key) <= LONGEST_IDEMPOTENCY_KEY and key.isascii() and key.isprintable()):
        raise ApiError(
            "invalid_request_error",
            f"Idempotency-Key: 1 to {LONGEST_IDEMPOTENCY_KEY} printable ASCII characters.",
        )


def _fingerprint(model_id: str, prompt: str, duration_s: int, aspect_ratio: str) -> str:
    text = json.dumps([model_id, prompt, duration_s, aspect_ratio])
    return hashlib.sha256(text.encode()).hexdigest()


def _same_request(known: Job, fingerprint: str) -> Job:
    if known.fingerprint != fingerprint:
        raise ApiError("idempotency_key_reused", f"Idempotency-Key: it made job {known.id} from another request body.")
    return known


def _check_balance(gateway: Gateway, org_id: str) -> None:
    if read_balance(gateway.store, org_id) <= 0:
        raise ApiError("insufficient_balance", "The balance is used up. Recharge it to submit further videos.")
