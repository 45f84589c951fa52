"""The same promises in an object store: S3, as moto's server speaks it."""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from dailies.errors import MirrorError
from dailies.ledger.folder import LedgerFolder
from dailies.ledger.selection import Selection
from dailies.mirror.mirror_run import MirrorRequest, mirror_videos
from dailies.mirror.record import CopyStatus
from dailies.mirror.targets.store_target import AzureBlobs, GoogleStorage
from dailies.settings import load_settings
from tests.factories import completed, make_folder
from tests.mirror.conftest import SERVICE, Run, names
from tests.mirror.film import FilmServer, film

TO = "s3://clips/autumn"
# A video of more than two parts, so that it is uploaded in parts and its ETag is no MD5: a real one and free space.
PART_BYTES = 5 * 1024**2  # the least that S3 takes
FREE_BYTES = 2 * PART_BYTES + 1024**2


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture
def s3(moto: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A client of an S3 with the empty bucket ``clips``."""
    for name, value in {"ENDPOINT_URL": moto, "ACCESS_KEY_ID": "a", "SECRET_ACCESS_KEY": "b"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr("dailies.mirror.targets.store_target._PART_BYTES", PART_BYTES)
    client = boto3.client("s3")
    client.create_bucket(Bucket="clips")
    yield client
    for key in objects(client):
        client.delete_object(Bucket="clips", Key=key)
    client.delete_bucket(Bucket="clips")
    client.close()


def objects(s3: Any) -> dict[str, Any]:
    """Time and size of everything in the bucket."""
    rows = s3.list_objects_v2(Bucket="clips").get("Contents", [])
    return {row["Key"]: (row["LastModified"], row["Size"]) for row in rows}


def large() -> bytes:
    """A video with an MP4 box of free space at its end."""
    return film() + FREE_BYTES.to_bytes(4, "big") + b"free" + bytes(FREE_BYTES - 8)


async def test_videos_are_uploaded_once_large_ones_too(
    films: FilmServer, mirror: Run, s3: Any, ledger: LedgerFolder
) -> None:
    entries = [films.make_video(1), films.make_video(2), films.make_video(3, large())]
    copied, opened = await mirror(*entries, to=TO)
    assert {video.status for video in copied} == {CopyStatus.COPIED}
    assert opened.uploads == 3
    assert "-" in (copied[2].target_etag or "")
    stored = objects(s3)
    assert sorted(stored) == sorted(f"autumn/{name}" for name in names(copied))
    head = s3.head_object(Bucket="clips", Key=f"autumn/{copied[2].name}")
    assert (head["ContentType"], head["Metadata"]) == ("video/mp4", {"sha256": copied[2].sha256})
    assert copied[0].address == f"s3://clips/autumn/{copied[0].name}"
    again, opened = await mirror(*entries, to="S3://clips/autumn/")
    assert (again, opened.uploads) == ([], 0)
    next((ledger.path / "mirror").glob("*.parquet")).unlink()
    again, opened = await mirror(*entries, to=TO)
    assert (len(again), opened.uploads, objects(s3)) == (3, 0, stored)


async def test_what_is_gone_or_changed_is_copied_again(films: FilmServer, mirror: Run, s3: Any) -> None:
    entries = [films.make_video(n) for n in range(3)]
    copied, _ = await mirror(*entries, to=TO)
    s3.delete_object(Bucket="clips", Key=f"autumn/{copied[0].name}")
    s3.put_object(Bucket="clips", Key=f"autumn/{copied[1].name}", Body=b"x" * len(film()))
    again, _ = await mirror(*entries, to=TO)
    assert [video.job_id for video in again] == ["job-0", "job-1"]
    for video in again:
        assert s3.get_object(Bucket="clips", Key=f"autumn/{video.name}")["Body"].read() == film()


async def test_something_else_of_that_name_is_never_overwritten(
    films: FilmServer, mirror: Run, s3: Any, ledger: LedgerFolder
) -> None:
    copied, _ = await mirror(films.make_video(1), to=TO)
    key = f"autumn/{copied[0].name}"
    for content in (b"something else", large()[: len(large()) // 2]):  # uploaded whole, and in parts
        s3.put_object(Bucket="clips", Key=key, Body=content)
        next((ledger.path / "mirror").glob("*.parquet")).unlink()
        again, _ = await mirror(films.make_video(1, large()), to=TO)
        assert again[0].status is CopyStatus.COPIED
        assert again[0].name != copied[0].name
        assert s3.get_object(Bucket="clips", Key=key)["Body"].read() == content


async def test_the_store_itself_refuses_a_second_upload_of_one_name(
    films: FilmServer, mirror: Run, s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when another mirror stored the object after this one had listed the folder."""
    await mirror(films.make_video(1), to=TO)
    (key,) = objects(s3)
    s3.put_object(Bucket="clips", Key=key, Body=b"something else")

    async def nothing(*_: Any) -> dict[str, Any]:
        return {}

    monkeypatch.setattr("dailies.mirror.targets.store_target.StoreTarget.find", nothing)
    monkeypatch.setattr("dailies.mirror.copier.Copier._is_ours", lambda *_: False)
    copied, _ = await mirror(films.make_video(1), to=TO)
    assert copied[0].status is CopyStatus.COPIED
    assert s3.get_object(Bucket="clips", Key=key)["Body"].read() == b"something else"


async def test_two_mirrors_of_equal_row_keys_overwrite_nothing(films: FilmServer, s3: Any, tmp_path: Path) -> None:
    async def run(side: str) -> None:
        content = film(5, prompt=side)
        entries = []
        for number in range(10):
            url = films.add(f"/{side}-{number}.mp4", content)
            entries.append(completed(films.make_video(number), job_id=f"{side}-job-{number:04}", video_url=url))
        folder = make_folder(tmp_path / side)
        outcome = await mirror_videos(
            folder, entries, MirrorRequest(TO, Selection()), load_settings(geekhub_base_url=SERVICE)
        )
        assert (outcome.exit_code, outcome.uploads) == (0, 10)
        for video in outcome.videos:
            assert s3.get_object(Bucket="clips", Key=f"autumn/{video.name}")["Body"].read() == content

    await asyncio.gather(run("left"), run("right"))
    assert len(objects(s3)) == 20


async def test_the_ledger_can_be_copied_too(films: FilmServer, s3: Any, ledger: LedgerFolder) -> None:
    ledger.put([films.make_video(1)])
    request = MirrorRequest("s3://clips", Selection(), with_ledger=True)
    for written in (True, False):
        outcome = await mirror_videos(ledger, ledger.entries(), request, load_settings(geekhub_base_url=SERVICE))
        assert ("books/ledger/ledger.json" in outcome.ledger.written) is written


@pytest.mark.usefixtures("s3")
async def test_a_missing_bucket_is_named(mirror: Run) -> None:
    with pytest.raises(MirrorError, match="there is no bucket elsewhere; make it first"):
        await mirror(to="s3://elsewhere/autumn")


PACKAGES = {"s3": "s3fs", "gs": "gcsfs", "az": "adlfs", "sftp": "paramiko"}


@pytest.mark.parametrize("scheme", PACKAGES)
async def test_a_missing_package_is_named(mirror: Run, monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    package = PACKAGES[scheme]
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules["fsspec.registry"].__dict__["_registry"], scheme, raising=False)
    remedy = rf"{scheme}:// needs the package {package}: pip install 'dailies\[{scheme}\]'"
    with pytest.raises(MirrorError, match=remedy):
        await mirror(to=f"{scheme}://bucket/prefix")


def test_google_and_azure_rows_are_read_as_they_come() -> None:
    """Their servers are not at hand in tests: these are rows as their packages return them."""
    google = GoogleStorage.listed({"size": "3", "md5Hash": "kAFQmDzST7DWlj99KOF/cg==", "metadata": {"sha256": "ab"}})
    assert (google.size, google.etag, google.sha256) == (3, "900150983cd24fb0d6963f7d28e17f72", "ab")
    assert GoogleStorage.listed({"size": 3, "etag": "CKih/Q=="}).sha256 is None
    assert AzureBlobs.listed({"size": 3, "etag": '"0x8DC"'}).etag == "0x8dc"
