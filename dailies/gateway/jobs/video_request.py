"""What a submit asks for: checked against the catalogue, defaults resolved (page "POST generations")."""

import hashlib
import json
from dataclasses import dataclass

from dailies.catalogue import VideoModel, load_catalogue
from dailies.gateway.errors import ApiError
from dailies.gateway.routes.wire import SubmitBody

LONGEST_IDEMPOTENCY_KEY = 255


@dataclass(frozen=True, slots=True)
class JobRequest:
    """One video, as it will be made.

    Attributes:
        model: of the catalogue.
        prompt: the text as it came.
        duration_s: seconds, 1 to the model's maximum.
        aspect_ratio: one that the model supports.
        idempotency_key: the header's value, None without one.
    """

    model: VideoModel
    prompt: str
    duration_s: int
    aspect_ratio: str
    idempotency_key: str | None

    @property
    def fingerprint(self) -> str:
        """SHA-256 of what is asked for: two bodies that mean the same have the same one."""
        text = json.dumps([self.model.id, self.prompt, self.duration_s, self.aspect_ratio])
        return hashlib.sha256(text.encode()).hexdigest()


def check_request(wanted: SubmitBody, idempotency_key: str | None) -> JobRequest:
    """Check a request against its model.

    Raises:
        ApiError: ``model_not_found``, or ``invalid_request_error`` with the field's name.
    """
    model = _find_model(wanted.model)
    return JobRequest(
        model=model,
        prompt=wanted.prompt,
        duration_s=_choose_duration(model, wanted.duration),
        aspect_ratio=_choose_aspect_ratio(model, wanted.aspect_ratio),
        idempotency_key=_check_idempotency_key(idempotency_key),
    )


def _find_model(model_id: str) -> VideoModel:
    model = load_catalogue().get(model_id)
    if model is None:
        raise ApiError("model_not_found", f"model: {model_id[:100]!r} does not exist; see GET /v1/models.")
    return model


def _choose_duration(model: VideoModel, wanted_s: int | None) -> int:
    if wanted_s is None:
        return model.default_duration_s
    if wanted_s > model.max_duration_s:
        raise ApiError("invalid_request_error", f"duration: {model.id} makes at most {model.max_duration_s} seconds.")
    return wanted_s


def _choose_aspect_ratio(model: VideoModel, wanted: str | None) -> str:
    if wanted is None:
        return model.aspect_ratios[0]
    if wanted not in model.aspect_ratios:
        supported = ", ".join(model.aspect_ratios)
        raise ApiError("invalid_request_error", f"aspect_ratio: {model.id} supports {supported}.")
    return wanted


def _check_idempotency_key(key: str | None) -> str | None:
    if key is None or (1 <= len(key) <= LONGEST_IDEMPOTENCY_KEY and key.isascii() and key.isprintable()):
        return key
    raise ApiError(
        "invalid_request_error", f"Idempotency-Key: 1 to {LONGEST_IDEMPOTENCY_KEY} printable ASCII characters."
    )
