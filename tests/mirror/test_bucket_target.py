"""The same promises in a bucket of a Supabase project, through the official client."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from dailies.errors import MirrorError
from dailies.gateway.storage.buckets import create_bucket
from dailies.gateway.store import connect
from dailies.gateway.testing import RunningSandbox, running_sandbox
from dailies.mirror.record import CopyStatus
from tests.mirror.conftest import Run, names
from tests.mirror.film import FilmServer, film

TO = "supabase://clips/autumn"


@pytest.fixture
def project(tmp_path: Path) -> Iterator[RunningSandbox]:
    with running_sandbox(tmp_path / "project") as running:
        yield running


@pytest.fixture
def keys(project: RunningSandbox) -> dict[str, Any]:
    return {"supabase_url": project.storage.url, "supabase_service_key": project.storage.service_key}


def objects(project: RunningSandbox) -> dict[str, tuple[int, str]]:
    """Size and version of everything in the bucket."""
    store = connect(project.data_dir)
    rows = store.execute("SELECT key, size, version FROM storage_objects WHERE bucket_id = 'clips'").fetchall()
    store.close()
    return {row["key"]: (row["size"], row["version"]) for row in rows}


async def test_videos_are_uploaded_once(
    films: FilmServer, mirror: Run, project: RunningSandbox, keys: dict[str, Any]
) -> None:
    entries = [films.shoot(n) for n in range(12)]
    copied, _ = await mirror(*entries, to=TO, **keys)
    assert {video.status for video in copied} == {CopyStatus.COPIED}
    assert copied[0].address == "supabase://clips/autumn/prompts/row-1-kling-2-take-1.mp4"
    stored = objects(project)
    assert sorted(stored) == sorted(f"autumn/{name}" for name in names(copied))
    assert {size for size, _ in stored.values()} == {len(film())}
    again, opened = await mirror(*entries, to=f"{TO}/", **keys)
    assert (again, opened.uploads) == ([], 0)
    assert objects(project) == stored


async def test_a_public_bucket_gives_addresses_that_play(
    films: FilmServer, mirror: Run, project: RunningSandbox, keys: dict[str, Any]
) -> None:
    store = connect(project.data_dir)
    create_bucket(store, {"name": "clips", "public": True}, 0)
    store.close()
    copied, _ = await mirror(films.shoot(1), to="supabase://clips", **keys)
    async with httpx.AsyncClient() as http:
        answer = await http.get(str(copied[0].address))
    assert (answer.content, answer.headers["content-type"]) == (film(), "video/mp4")


async def test_what_lies_there_without_a_record_is_not_sent_again(
    films: FilmServer, mirror: Run, project: RunningSandbox, keys: dict[str, Any], ledger: Any
) -> None:
    entries = [films.shoot(n) for n in range(3)]
    await mirror(*entries, to=TO, **keys)
    before = objects(project)
    next((ledger.path / "mirror").glob("*.parquet")).unlink()
    copied, opened = await mirror(*entries, to=TO, **keys)
    assert (len(copied), opened.uploads) == (3, 0)
    assert objects(project) == before


async def test_a_strangers_object_is_never_overwritten(
    films: FilmServer, mirror: Run, project: RunningSandbox, keys: dict[str, Any], ledger: Any
) -> None:
    await mirror(films.shoot(1), to=TO, **keys)
    next((ledger.path / "mirror").glob("*.parquet")).unlink()
    copied, _ = await mirror(films.shoot(1, film(5, prompt="another", audio=True)), to=TO, **keys)
    assert copied[0].status is CopyStatus.COPIED
    assert len(objects(project)) == 2


async def test_a_lost_answer_to_an_upload_leads_to_no_second_object(
    films: FilmServer, mirror: Run, project: RunningSandbox, keys: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    send = httpx.AsyncClient.request
    lost = []

    async def lose_once(self: httpx.AsyncClient, method: str, url: str, **options: Any) -> httpx.Response:
        answer = await send(self, method, url, **options)
        if options.get("files") and not lost:
            lost.append(url)
            raise httpx.ReadError("lost")
        return answer

    monkeypatch.setattr(httpx.AsyncClient, "request", lose_once)
    copied, _ = await mirror(films.shoot(1), to=TO, **keys)
    assert (len(lost), copied[0].status) == (1, CopyStatus.COPIED)
    assert len(objects(project)) == 1


async def test_an_object_that_is_too_large_is_that_videos_problem_only(
    films: FilmServer, mirror: Run, project: RunningSandbox, keys: dict[str, Any]
) -> None:
    store = connect(project.data_dir)
    create_bucket(store, {"name": "clips", "file_size_limit": len(film()) + 10}, 0)
    store.close()
    copied, _ = await mirror(films.shoot(1, film(10)), films.shoot(2), to=TO, **keys)
    assert [video.status for video in copied] == [CopyStatus.MISSING, CopyStatus.COPIED]
    assert "maximum allowed size" in copied[0].problems[0]


async def test_a_wrong_key_is_refused_before_anything_is_fetched(
    films: FilmServer, mirror: Run, keys: dict[str, Any]
) -> None:
    wrong = {**keys, "supabase_service_key": keys["supabase_service_key"][:-4] + "AAAA"}
    with pytest.raises(MirrorError, match="SUPABASE_SERVICE_KEY") as caught:
        await mirror(films.shoot(1), to=TO, **wrong)
    assert wrong["supabase_service_key"] not in str(caught.value)
    assert films.asked == []


async def test_the_anon_key_may_not_write(
    films: FilmServer, mirror: Run, project: RunningSandbox, keys: dict[str, Any]
) -> None:
    with pytest.raises(MirrorError, match="row-level security"):
        await mirror(films.shoot(1), to=TO, **{**keys, "supabase_service_key": project.storage.anon_key})


async def test_without_a_project_the_remedy_is_told(films: FilmServer, mirror: Run) -> None:
    with pytest.raises(MirrorError, match="SUPABASE_URL and SUPABASE_SERVICE_KEY"):
        await mirror(films.shoot(1), to=TO)


async def test_a_project_that_does_not_answer_is_told(films: FilmServer, mirror: Run, keys: dict[str, Any]) -> None:
    with pytest.raises(MirrorError, match="no answer"):
        await mirror(films.shoot(1), to=TO, **{**keys, "supabase_url": "http://127.0.0.1:9"})
