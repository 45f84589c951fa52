"""The tree of errors: it pickles, it is drawn in full, and it says what may be sent again."""

import pickle
from collections.abc import Iterator

import pytest

from dailies import errors
from dailies.errors import (
    DailiesError,
    InputError,
    JobFailedError,
    JobNotFoundError,
    JobPending,
    PaceError,
    RowError,
    ServiceError,
    TransportError,
)


def error_classes(root: type[DailiesError] = DailiesError) -> Iterator[type[DailiesError]]:
    yield root
    for child in root.__subclasses__():
        yield from error_classes(child)


@pytest.mark.parametrize("kind", [k for k in error_classes() if issubclass(k, ServiceError)])
def test_service_errors_pickle_with_all_they_carry(kind):
    error = kind("no", "code", 500, "req_1", in_doubt=True, retry_after_s=1.5)

    copy = pickle.loads(pickle.dumps(error))

    assert type(copy) is kind
    assert (str(copy), vars(copy)) == (str(error), vars(error))


@pytest.mark.parametrize(
    "error",
    [
        JobPending("job-1", "still rendering"),
        JobFailedError("job-1", "fal status: ERROR"),
        InputError((RowError("prompts.csv", 3, "prompt", "there is none", "write one"),)),
        *(
            kind("why")
            for kind in error_classes()
            if not issubclass(kind, ServiceError | InputError | errors.JobStateError)
        ),
    ],
    ids=lambda error: type(error).__name__,
)
def test_every_other_error_pickles_too(error):
    copy = pickle.loads(pickle.dumps(error))

    assert (type(copy), str(copy), copy.args) == (type(error), str(error), error.args)


def test_the_tree_of_errors_is_drawn_in_full():
    drawn = errors.__doc__ or ""

    assert [kind.__name__ for kind in error_classes() if kind.__name__ not in drawn] == []


def test_only_what_may_succeed_when_it_is_sent_again_is_retryable():
    retryable = {kind for kind in error_classes() if kind.retryable}

    assert retryable == {PaceError, TransportError, JobNotFoundError, JobPending}
