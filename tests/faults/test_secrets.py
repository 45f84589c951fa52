"""A key appears nowhere but where it was put: not in Prefect's database, logs, ledger, journal, results, tracebacks."""

import traceback
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from dailies.geekhub_client.client import GeekHubClient
from dailies.geekhub_client.job import VideoRequest
from tests.faults.place import Place, open_place


@pytest.fixture
def watched(tmp_path: Path, prefect_api_url: str) -> Iterator[Place]:
    """A place whose runs go through the whole of Prefect, and say all that they can say."""
    with open_place(tmp_path, prefect_api_url) as opened:
        yield opened


def files_with(secret: str, *folders: Path) -> list[Path]:
    """Every file that holds the secret, in any of the forms in which text is kept."""
    forms = [secret.encode(), secret.encode("utf-16-le"), secret[13:].encode()]
    files = (path for folder in folders for path in folder.rglob("*") if path.is_file())
    return [path for path in files if any(form in path.read_bytes() for form in forms)]


@pytest.mark.e2e
def test_a_key_is_found_in_no_file_that_a_run_writes(watched: Place, tmp_path_factory: pytest.TempPathFactory) -> None:
    watched.sandbox.set_faults(
        {"kind": "server_error", "rate": 0.1}, {"kind": "fail_job", "rate": 0.3}, {"kind": "lost_reply", "every": 4}
    )
    csv = watched.write_csv(8, **{"meta.shot": "7"})
    loud = {"DAILIES_LOG_LEVEL": "DEBUG", "PREFECT_LOGGING_LEVEL": "DEBUG"}
    watched.run_csv(csv, "after-answer:4", **loud)  # a crash leaves a journal
    key = watched.sandbox.api_key
    assert files_with(key, watched.path / "data") == []
    assert watched.run_csv(csv, **loud) in (0, 1, 3), watched.said()
    watched.sandbox.revoke_key()
    other = watched.sandbox.new_key()
    watched.run_csv(watched.write_csv(2, "other.csv"), **loud)  # refused
    server = tmp_path_factory.getbasetemp()
    homes = [path for path in server.iterdir() if (path / "server.log").exists()]
    assert homes, "the Prefect server of this suite keeps its database and log there"
    found = files_with(key, watched.path, *homes) + files_with(other, watched.path, *homes)
    assert [path.relative_to(watched.path).as_posix() for path in found] == ["sandbox/connection.json"]


async def test_a_key_is_in_no_traceback_not_even_with_its_local_variables() -> None:
    """A defect inside the transport, reported as loudly as Python can."""
    key = "ghub_sk_test_" + "s3cr3t" * 5 + "xx"

    def break_down(request: httpx.Request) -> httpx.Response:
        raise RuntimeError(f"cannot send to {request.url}")

    async with GeekHubClient(
        "https://geekhub.test/v1", SecretStr(key), transport=httpx.MockTransport(break_down)
    ) as client:
        with pytest.raises(RuntimeError) as defect:
            await client.create_video(VideoRequest("fal/kling-2", "a fox", 5, "16:9"), "key")
        assert defect.value.__traceback__ is not None
        below = defect.value.__traceback__.tb_next  # this test's own variables hold the key on purpose
        trace = "".join(traceback.TracebackException(RuntimeError, defect.value, below, capture_locals=True).format())
        assert "create_video" in trace
        assert key not in trace
        assert key not in repr(client)
