"""The same promises in a bucket of a Supabase project, through the official client."""

import asyncio
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import stamina

from dailies.errors import MirrorError
from dailies.gateway.storage.bodies import NewBucket
from dailies.gateway.storage.buckets import create_bucket
from dailies.gateway.store import connect
from dailies.gateway.testing import RunningSandbox, running_sandbox
from dailies.ledger.entry import LedgerEntry
from dailies.ledger.folder import LedgerFolder
from dailies.ledger.selection import Selection
from dailies.mirror.mirror_run import MirrorOutcome, MirrorRequest, mirror_videos
from dailies.mirror.record import CopyStatus, MirrorRecord
from dailies.mirror.target import clean_etag
from dailies.mirror.targets.bucket_target import BucketTarget
from dailies.settings import load_settings
from tests.factories import completed, make_folder
from tests.gateway.storage.supabase_client import storage_client
from tests.mirror.conftest import SERVICE, Run, names
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
    entries = [films.make_video(n) for n in range(12)]
    copied, _ = await mirror(*entries, to=TO, **keys)
    assert {video.status for video in copied} == {CopyStatus.COPIED}
    job = hashlib.sha256(b"job-0").hexdigest()[:32]
    assert copied[0].address == f"supabase://clips/autumn/prompts/row-1-kling-2-take-1-{job}.mp4"
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
    create_bucket(store, NewBucket(name="clips", public=True), 0)
    store.close()
    copied, _ = await mirror(films.make_video(1), to="supabase://clips", **keys)
    async with httpx.AsyncClient() as http:
        answer = await http.get(str(copied[0].address))
    assert (answer.content, answer.headers["content-type"]) == (film(), "video/mp4")


async def test_what_lies_there_without_a_record_is_not_sent_again(
    films: FilmServer, mirror: Run, project: RunningSandbox, keys: dict[str, Any], ledger: Any
) -> None:
    entries = [films.make_video(n) for n in range(3)]
    await mirror(*entries, to=TO, **keys)
    before = objects(project)
    next((ledger.path / "mirror").glob("*.parquet")).unlink()
    copied, opened = await mirror(*entries, to=TO, **keys)
    assert (len(copied), opened.uploads) == (3, 0)
    assert objects(project) == before


async def test_a_strangers_object_is_never_overwritten(
    films: FilmServer, mirror: Run, project: RunningSandbox, keys: dict[str, Any], ledger: Any
) -> None:
    await mirror(films.make_video(1), to=TO, **keys)
    next((ledger.path / "mirror").glob("*.parquet")).unlink()
    copied, _ = await mirror(films.make_video(1, film(5, prompt="another", audio=True)), to=TO, **keys)
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
    copied, _ = await mirror(films.make_video(1), to=TO, **keys)
    assert (len(lost), copied[0].status) == (1, CopyStatus.COPIED)
    assert len(objects(project)) == 1


async def test_an_object_that_is_too_large_is_that_videos_problem_only(
    films: FilmServer, mirror: Run, project: RunningSandbox, keys: dict[str, Any]
) -> None:
    store = connect(project.data_dir)
    create_bucket(store, NewBucket(name="clips", file_size_limit=len(film()) + 10), 0)
    store.close()
    copied, _ = await mirror(films.make_video(1, film(10)), films.make_video(2), to=TO, **keys)
    assert [video.status for video in copied] == [CopyStatus.MISSING, CopyStatus.COPIED]
    limit, size = len(film()) + 10, len(film(10))
    assert copied[0].problems[0] == f"the bucket clips takes files of up to {limit:,} bytes; this one has {size:,}"


async def test_a_wrong_key_is_refused_before_anything_is_fetched(
    films: FilmServer, mirror: Run, keys: dict[str, Any]
) -> None:
    wrong = {**keys, "supabase_service_key": keys["supabase_service_key"][:-4] + "AAAA"}
    with pytest.raises(MirrorError, match="SUPABASE_SERVICE_KEY") as caught:
        await mirror(films.make_video(1), to=TO, **wrong)
    assert wrong["supabase_service_key"] not in str(caught.value)
    assert films.asked == []


async def test_the_anon_key_may_not_write(
    films: FilmServer, mirror: Run, project: RunningSandbox, keys: dict[str, Any]
) -> None:
    with pytest.raises(MirrorError, match="row-level security"):
        await mirror(films.make_video(1), to=TO, **{**keys, "supabase_service_key": project.storage.anon_key})


async def test_without_a_project_the_remedy_is_told(films: FilmServer, mirror: Run) -> None:
    with pytest.raises(MirrorError, match="SUPABASE_URL and SUPABASE_SERVICE_KEY"):
        await mirror(films.make_video(1), to=TO)


async def test_a_project_that_does_not_answer_is_told(films: FilmServer, mirror: Run, keys: dict[str, Any]) -> None:
    with pytest.raises(MirrorError, match="no answer"):
        await mirror(films.make_video(1), to=TO, **{**keys, "supabase_url": "http://127.0.0.1:9"})


Alter = Callable[[str, str, httpx.Response], httpx.Response]


def alter_answers(monkeypatch: pytest.MonkeyPatch, alter: Alter) -> None:
    """Change what the server answers to the Supabase client: ``alter`` gets method, path and answer."""
    send = httpx.AsyncClient.request

    async def request(self: httpx.AsyncClient, method: str, url: str, **options: Any) -> httpx.Response:
        answer = await send(self, method, url, **options)
        return alter(method, url.partition("/storage/v1")[2], answer)

    monkeypatch.setattr(httpx.AsyncClient, "request", request)


ETAGS: dict[str, Callable[[dict[str, Any]], str]] = {
    "of parts": lambda facts: '"9b2cf535f27731c974343645a3985328-3"',
    "made with a key of its own": lambda facts: hashlib.md5(json.dumps(facts).encode()).hexdigest(),
    "of time and size": lambda facts: f'W/"18c9f0a2b3d-{facts["size"]:x}"',
    "in capitals": lambda facts: str(facts["etag"]).upper(),
}


@pytest.mark.parametrize("keeps_metadata", [True, False])
@pytest.mark.parametrize("kind", ETAGS)
async def test_an_etag_of_another_form_leads_to_no_second_upload(
    films: FilmServer,
    mirror: Run,
    project: RunningSandbox,
    keys: dict[str, Any],
    ledger: LedgerFolder,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    keeps_metadata: bool,
) -> None:
    def alter(method: str, path: str, answer: httpx.Response) -> httpx.Response:
        if answer.is_error or not path.startswith(("/object/info", "/object/list")):
            return answer
        facts = answer.json()
        if path.startswith("/object/list"):
            for row in facts:
                if row["metadata"]:
                    shown = {"size": row["metadata"]["size"], "etag": row["metadata"]["eTag"]}
                    row["metadata"]["eTag"] = ETAGS[kind](shown)
        else:
            facts["etag"] = ETAGS[kind]({"size": facts["size"], "etag": facts["etag"]})
            facts["metadata"] = facts["metadata"] if keeps_metadata else {}
        return httpx.Response(answer.status_code, json=facts, request=answer.request)

    alter_answers(monkeypatch, alter)
    entries = [films.make_video(n) for n in range(3)]
    copied, _ = await mirror(*entries, to=TO, **keys)
    assert {video.status for video in copied} == {CopyStatus.COPIED}
    stored = objects(project)
    again, _ = await mirror(*entries, to=TO, **keys)
    assert again == []
    next((ledger.path / "mirror").glob("*.parquet")).unlink()
    unrecorded, opened = await mirror(*entries, to=TO, **keys)
    assert {video.status for video in unrecorded} == {CopyStatus.COPIED}
    assert (opened.uploads, objects(project)) == (0, stored)


def test_etags_are_compared_without_quotes_weakness_and_case() -> None:
    assert [clean_etag(text) for text in ('W/"AB-2"', '"ab"', "", None)] == ["ab-2", "ab", None, None]


async def test_two_mirrors_of_equal_row_keys_overwrite_nothing(
    films: FilmServer, project: RunningSandbox, keys: dict[str, Any], tmp_path: Path
) -> None:
    contents = {side: film(5, prompt=side) for side in ("left", "right")}
    entries = {side: [shot(films, number, side, contents[side]) for number in range(20)] for side in contents}
    ledgers = {side: make_folder(tmp_path / side) for side in contents}
    requests = [(ledgers[side], entries[side]) for side in contents]
    outcomes = await asyncio.gather(*(mirror_all(folder, of, keys) for folder, of in requests))
    assert [outcome.exit_code for outcome in outcomes] == [0, 0]
    assert len(objects(project)) == 40
    for outcome, content in zip(outcomes, contents.values(), strict=True):
        for video in outcome.videos:
            assert download(project, video.name) == content
    assert [row for row in rows(project) if row["created_us"] != row["updated_us"]] == []


def shot(films: FilmServer, number: int, side: str, content: bytes) -> LedgerEntry:
    entry = films.make_video(number, content)
    url = films.add(f"/{side}-{number}.mp4", content)
    return completed(entry, job_id=f"{side}-job-{number:04}", video_url=url)


async def mirror_all(
    folder: LedgerFolder, entries: list[LedgerEntry], keys: dict[str, Any], *, with_ledger: bool = False
) -> MirrorOutcome:
    request = MirrorRequest(TO, Selection(), with_ledger=with_ledger)
    return await mirror_videos(folder, entries, request, load_settings(geekhub_base_url=SERVICE, **keys))


def rows(project: RunningSandbox) -> list[Any]:
    store = connect(project.data_dir)
    found = store.execute("SELECT * FROM storage_objects WHERE bucket_id = 'clips'").fetchall()
    store.close()
    return found


def download(project: RunningSandbox, name: str) -> bytes:
    row = next(row for row in rows(project) if row["key"] == f"autumn/{name}")
    return (project.data_dir / row["place"] / row["file"]).read_bytes()


async def test_a_name_without_the_job_is_kept_but_never_overwritten(
    films: FilmServer, mirror: Run, project: RunningSandbox, keys: dict[str, Any], ledger: LedgerFolder
) -> None:
    """Older versions named copies without the job, so another ledger's video may have taken such a name since."""
    entry = films.make_video(1, film(4))
    copied, _ = await mirror(entry, to=TO, **keys)
    record = MirrorRecord(ledger.path, f"{project.storage.url} clips/autumn")
    with record.hold():
        record.save([replace(copied[0], name="prompts/old.mp4")])
    await upload(project, "autumn/prompts/old.mp4", b"another ledger's video")
    films.make_video(1, film(5))
    again, _ = await mirror(entry, to=TO, **keys)
    assert again[0].status is CopyStatus.COPIED
    assert download(project, again[0].name) == film(5)
    assert download(project, "prompts/old.mp4") == b"another ledger's video"


async def upload(project: RunningSandbox, key: str, content: bytes) -> None:
    async with storage_client(project) as storage:
        await storage.from_("clips").upload(key, content, {"content-type": "video/mp4", "upsert": "true"})


async def test_an_upload_that_something_else_replaced_does_not_count_as_copied(
    films: FilmServer,
    mirror: Run,
    project: RunningSandbox,
    keys: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    put = BucketTarget.put

    async def overtaken(self: BucketTarget, name: str, *given: Any, **options: Any) -> bool:
        stored = await put(self, name, *given, **options)
        await upload(project, f"autumn/{name}", b"something else")
        return stored

    monkeypatch.setattr(BucketTarget, "put", overtaken)
    copied, _ = await mirror(films.make_video(1), to=TO, **keys)
    assert copied[0].status is CopyStatus.MISSING
    assert "holds something else after the upload" in copied[0].problems[0]


async def test_folders_that_differ_by_case_alone_are_two(
    films: FilmServer, mirror: Run, project: RunningSandbox, keys: dict[str, Any]
) -> None:
    """The server's listing of one shows the objects of both."""
    entries = [films.make_video(n) for n in range(3)]
    for to in ("supabase://clips/autumn", "supabase://clips/Autumn"):
        await mirror(*entries, to=to, **keys)
    assert len(objects(project)) == 6
    async with storage_client(project) as storage:
        gone = next(key for key in objects(project) if key.startswith("autumn/"))
        await storage.from_("clips").remove([gone])
    copied, opened = await mirror(*entries, to="supabase://clips/autumn", **keys)
    assert (len(copied), opened.uploads, len(objects(project))) == (1, 1, 6)


async def test_ledger_files_that_the_bucket_refuses_are_named_and_the_others_copied(
    films: FilmServer, project: RunningSandbox, keys: dict[str, Any], ledger: LedgerFolder
) -> None:
    store = connect(project.data_dir)
    create_bucket(store, NewBucket(name="clips", allowed_mime_types=["video/*", "application/vnd.apache.parquet"]), 0)
    store.close()
    ledger.put([films.make_video(1)])
    outcome = await mirror_all(ledger, list(ledger.entries()), keys, with_ledger=True)
    kinds = "video/*, application/vnd.apache.parquet"
    refused = f"the bucket clips takes {kinds} only; this file is application/json"
    assert outcome.ledger.problems == (f"books/ledger/ledger.json: {refused}",)
    assert any(name.endswith(".parquet") for name in outcome.ledger.written)
    assert outcome.exit_code == 1


async def test_the_copy_of_another_ledger_is_not_overwritten(
    project: RunningSandbox, keys: dict[str, Any], tmp_path: Path
) -> None:
    await mirror_all(make_folder(tmp_path / "one"), [], keys, with_ledger=True)
    with pytest.raises(MirrorError, match="the copy of another ledger"):
        await mirror_all(make_folder(tmp_path / "other"), [], keys, with_ledger=True)


@pytest.mark.parametrize("status", [200, 404])
async def test_a_server_that_is_no_storage_is_named(
    films: FilmServer, mirror: Run, keys: dict[str, Any], monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    page = httpx.Response(status, html="<html>Welcome</html>", request=httpx.Request("GET", keys["supabase_url"]))
    alter_answers(monkeypatch, lambda method, path, answer: page)
    with pytest.raises(MirrorError, match="is SUPABASE_URL right"):
        await mirror(films.make_video(1), to=TO, **keys)


async def test_a_bucket_that_disappears_ends_the_mirror(
    films: FilmServer, mirror: Run, keys: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = {"statusCode": "404", "error": "Bucket not found", "message": "Bucket not found", "code": "NoSuchBucket"}

    def alter(method: str, path: str, answer: httpx.Response) -> httpx.Response:
        return httpx.Response(400, json=gone, request=answer.request) if path.startswith("/object/clips") else answer

    alter_answers(monkeypatch, alter)
    with pytest.raises(MirrorError, match="Bucket not found"):
        await mirror(films.make_video(1), to=TO, **keys)


async def test_the_pause_that_supabase_asks_for_is_kept(
    films: FilmServer, mirror: Run, keys: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    stamina.instrumentation.set_on_retry_hooks([lambda details: pauses.append(details.wait_for)])
    send, busy = httpx.AsyncClient.send, [1]

    async def send_busy(self: httpx.AsyncClient, request: httpx.Request, **options: Any) -> httpx.Response:
        if "/object/clips/" in request.url.path and busy:
            busy.pop()
            answer = httpx.Response(429, headers={"retry-after": "0.3"}, request=request)
            for hook in self.event_hooks["response"]:
                await hook(answer)
            return answer
        return await send(self, request, **options)

    monkeypatch.setattr(httpx.AsyncClient, "send", send_busy)
    try:
        with stamina.set_testing(False):
            copied, _ = await mirror(films.make_video(1), to=TO, **keys)
    finally:
        stamina.instrumentation.set_on_retry_hooks(None)
    assert copied[0].status is CopyStatus.COPIED
    assert pauses == [0.3]
