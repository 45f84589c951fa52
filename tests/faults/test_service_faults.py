"""A service that loses replies, refuses, stumbles and misleads: every row gets its video, none is bought twice."""

from collections import Counter
from typing import Any

import pytest

from dailies.gateway.errors import ApiError
from dailies.gateway.rate_limit import RateLimit
from dailies.ledger.entry import EntryStatus
from tests.faults.place import Place
from tools.chaos.promises import breaches_at_the_end, durable_entries


def assert_bought_once(place: Place, rows: int) -> None:
    """All rows completed, and every promise kept."""
    assert list(breaches_at_the_end(place.ledger, place.sandbox, rows)) == []
    assert Counter(job.status for job in place.sandbox.jobs() if job.polls)["completed"] == rows


def test_every_fifth_lost_reply_leaves_no_row_in_doubt_and_buys_none_twice(place: Place) -> None:
    place.sandbox.set_faults({"kind": "lost_reply", "every": 5})
    csv = place.write_csv(50)
    doubtful = 0
    with place.begin(csv) as process:
        while process.poll() is None:
            if place.has_ledger:
                doubtful = max(doubtful, Counter(e.status for e in durable_entries(place.ledger))[EntryStatus.IN_DOUBT])
    assert process.returncode == 0, place.said()
    assert doubtful > 0, "a row whose answer was lost is in doubt in the journal, for all to see"
    assert_bought_once(place, 50)


@pytest.mark.slow
def test_429_is_heeded_by_the_whole_run(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    refusals = 0
    take = RateLimit.take

    def counted(self: RateLimit, *arguments: Any) -> None:
        nonlocal refusals
        try:
            take(self, *arguments)
        except ApiError:
            refusals += 1
            raise

    monkeypatch.setattr(RateLimit, "take", counted)
    place.sandbox.set_faults({"kind": "throttle", "requests_per_second": 5, "burst": 5, "retry_after_s": 2})
    assert place.run_csv(place.write_csv(40), DAILIES_SUBMIT_RATE_PER_S="10") == 0, place.said()
    assert_bought_once(place, 40)
    requests = 40 + refusals + sum(job.polls for job in place.sandbox.jobs())
    assert refusals < 0.1 * requests


@pytest.mark.slow
def test_a_fifth_of_all_answers_is_5xx_and_two_commands_are_enough(place: Place) -> None:
    place.sandbox.set_faults(
        {"kind": "server_error", "rate": 0.1, "status": 503},
        {"kind": "server_error", "rate": 0.05, "status": 500},
        {"kind": "server_error", "rate": 0.05, "status": 502, "body": False, "carried_out": True},
    )
    csv = place.write_csv(200)
    assert 0 in (place.run_csv(csv), place.run_csv(csv)), place.said()
    assert_bought_once(place, 200)


def test_nonsense_of_many_kinds_at_once_is_never_believed(place: Place) -> None:
    place.sandbox.set_faults(
        {"kind": "ignore_idempotency"},
        {"kind": "lost_reply", "every": 4},
        {"kind": "garble", "form": "truncated", "routes": ["submit", "poll"], "rate": 0.1},
        {"kind": "odd_answer", "form": "wrong_types", "rate": 0.1},
        {"kind": "odd_answer", "form": "unknown_status", "rate": 0.2},
        {"kind": "odd_answer", "form": "no_url", "times": 2},
        {"kind": "vanish", "polls": 2, "rate": 0.5},
        {"kind": "pending_job", "rate": 0.5},
    )
    assert place.run_csv(place.write_csv(10)) == 0, place.said()
    assert_bought_once(place, 10)


@pytest.mark.slow
@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "garble", "form": "truncated", "routes": ["submit", "poll"], "rate": 0.3},
        {"kind": "garble", "form": "html", "routes": ["submit", "poll"], "rate": 0.3},
        {"kind": "odd_answer", "form": "wrong_types", "rate": 0.3},
        {"kind": "odd_answer", "form": "extra_fields"},
        {"kind": "odd_answer", "form": "unknown_status", "rate": 0.5},
        {"kind": "odd_answer", "form": "no_url", "times": 3},
        {"kind": "vanish", "polls": 3},
        {"kind": "pending_job"},
        {"kind": "slow", "seconds": 0.3, "rate": 0.3},
        {"kind": "lost_reply", "routes": ["poll"], "rate": 0.3},
        {"kind": "ignore_idempotency"},
    ],
    ids=lambda fault: "-".join(str(fault[word]) for word in ("kind", "form") if word in fault),
)
def test_nonsense_is_asked_again_and_never_believed(direct: Place, fault: dict[str, Any]) -> None:
    direct.sandbox.set_faults(fault, {"kind": "lost_reply", "times": 1})
    assert direct.run_csv(direct.write_csv(8)) == 0, direct.said()
    assert_bought_once(direct, 8)


def test_a_failed_job_is_tried_again_and_the_ledger_shows_every_attempt(place: Place) -> None:
    place.sandbox.set_faults(
        {"kind": "fail_job", "models": ["fal/kling-2"], "pattern": "number 1 "},
        {"kind": "fail_job", "models": ["fal/kling-2"], "pattern": "number 2 ", "times": 1, "at": "submit"},
    )
    csv = place.write_csv(2, model="fal/kling-2", fallback="fal/luma-ray-2")
    assert place.run_csv(csv) == 0, place.said()
    attempts = sorted((entry.source_line, entry.attempt, entry.model, entry.status) for entry in place.entries())
    assert attempts == [
        (2, 1, "fal/kling-2", EntryStatus.FAILED),
        (2, 2, "fal/kling-2", EntryStatus.FAILED),
        (2, 3, "fal/luma-ray-2", EntryStatus.COMPLETED),
        (3, 1, "fal/kling-2", EntryStatus.FAILED),
        (3, 2, "fal/kling-2", EntryStatus.COMPLETED),
    ]
    assert list(breaches_at_the_end(place.ledger, place.sandbox, 2)) == []


@pytest.mark.parametrize("how", ["reply", "job"])
def test_a_filtered_prompt_fails_with_its_reason_and_is_not_sent_again(place: Place, how: str) -> None:
    place.sandbox.set_faults({"kind": "content_filter", "how": how, "pattern": "number 3 "})
    csv = place.write_csv(4, fallback="fal/luma-ray-2")
    assert place.run_csv(csv) == 1, place.said()
    (failed,) = (entry for entry in place.entries() if entry.status is EntryStatus.FAILED)
    assert (failed.source_line, failed.attempt, failed.error_code) == (4, 1, "content_filter")
    assert "content filter" in str(failed.error)
    asked = len(place.sandbox.jobs())
    assert place.run_csv(csv) == 1
    assert len(place.sandbox.jobs()) == asked
    assert list(breaches_at_the_end(place.ledger, place.sandbox, 4)) == []


def test_a_stuck_job_stays_open_and_is_never_ordered_again(place: Place) -> None:
    place.sandbox.set_faults({"kind": "stuck_job", "pattern": "number 1 "})
    csv = place.write_csv(3)
    for _ in range(2):
        assert place.run_csv(csv, DAILIES_GIVE_UP_AFTER_S="300") == 3, place.said()
    assert Counter(entry.status for entry in place.entries()) == {EntryStatus.COMPLETED: 2, EntryStatus.PROCESSING: 1}
    assert len(place.sandbox.jobs()) == 3


def test_a_row_in_doubt_can_be_held_for_a_person(place: Place) -> None:
    place.sandbox.set_faults({"kind": "lost_reply", "times": 1})
    csv = place.write_csv(3)
    for _ in range(2):
        assert place.run_csv(csv, DAILIES_IN_DOUBT="hold") == 3, place.said()
        statuses = Counter(entry.status for entry in place.entries())
        assert statuses == {EntryStatus.COMPLETED: 2, EntryStatus.IN_DOUBT: 1}
    assert place.run_csv(csv) == 0, place.said()
    assert_bought_once(place, 3)
    assert len(place.sandbox.jobs()) == 3, "sent again with the same key, it was the same job"
