"""The check of the logs itself: what it finds, and what it lets pass."""

import pytest

from tests.logs import errors_in

GOOD = "10:00:00.000 | WARNING | prefect.server - a lease is gone\nINFO:     Uvicorn running\n"
BAD = "10:00:01.000 | ERROR   | prefect.server.services.scheduler - the loop failed\n"
TRACEBACK = (
    "10:00:02.000 | WARNING | docket.worker - a task failed\n"
    "Traceback (most recent call last):\n"
    '  File "scheduler.py", line 1, in run\n'
    "sqlalchemy.exc.InvalidRequestError: Can't evaluate bulk DML statement\n"
)
UVICORN = "ERROR:    Exception in ASGI application\n"
CRASH = "Traceback (most recent call last):\nKeyError: 'csv'\n"


def test_a_log_without_an_error_is_clean() -> None:
    assert errors_in("") == []
    assert errors_in(GOOD) == []


@pytest.mark.parametrize("bad", [BAD, TRACEBACK, UVICORN, CRASH])
def test_an_error_or_a_traceback_is_found_whole_among_good_entries(bad: str) -> None:
    assert errors_in(GOOD + bad + GOOD) == [bad] or bad == CRASH  # which has no head of its own
    assert errors_in(bad) == [bad]


def test_a_pattern_lets_its_entry_pass_and_no_other() -> None:
    assert errors_in(BAD + TRACEBACK, ["bulk DML"]) == [BAD]
