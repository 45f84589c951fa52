"""The sandbox keeps to its own OpenAPI description, whatever is sent to it."""

from collections.abc import Iterator
from contextlib import suppress

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from dailies.gateway.testing import RunningSandbox, running_sandbox

EXAMPLES = 25
# What a model takes is no matter of form, so well-formed requests may be refused; and unknown query parameters
# are ignored.
NOT_PROMISED = [positive_data_acceptance, negative_data_rejection]


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    with running_sandbox(tmp_path_factory.mktemp("described")) as running:
        yield running


@pytest.mark.slow
@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode))
def test_every_answer_is_as_described(described: RunningSandbox, mode: schemathesis.GenerationMode):
    description = schemathesis.openapi.from_url(f"{described.root_url}/openapi.json")
    for found in description.get_all_operations():
        operation = found.ok()

        @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy(generation_mode=mode))
        def check(case: schemathesis.Case) -> None:
            # One of the routes revokes keys, another one begins faults.
            described.set_faults()
            headers = {"Authorization": f"Bearer {described.new_key()}"}
            case.call_and_validate(headers=headers, excluded_checks=NOT_PROMISED)

        # Where a route takes nothing, nothing wrong can be sent.
        with suppress(Unsatisfiable):
            check()
