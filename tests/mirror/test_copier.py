"""Finished videos become files of the user's own: each once, whole, under a name that says what it is."""

import hashlib
from pathlib import Path

import pytest

from dailies.errors import LedgerError, MirrorError
from dailies.ledger.folder import LedgerFolder
from dailies.mirror.mirror_run import open_mirror
from dailies.mirror.record import CopyStatus, read_records
from dailies.settings import load_settings
from tests.factories import completed, make_entry
from tests.mirror.conftest import SERVICE, Run, names
from tests.mirror.film import FilmServer, film


async def test_videos_are_copied_checked_and_recorded(
    films: FilmServer, mirror: Run, ledger: LedgerFolder, tmp_path: Path
) -> None:
    entries = [films.make_video(1), films.make_video(2, prompt_id="hero")]
    copied, _ = await mirror(*entries)
    assert names(copied) == ["prompts/row-2-kling-2-take-1.mp4", "prompts/hero-kling-2-take-1.mp4"]
    for video in copied:
        content = (tmp_path / "videos" / video.name).read_bytes()
        assert content == film()
        assert video.status is CopyStatus.COPIED
        assert video.sha256 == hashlib.sha256(content).hexdigest()
        assert (video.size, video.duration_s, video.has_audio) == (len(content), 5.0, False)
        assert video.address == str(tmp_path / "videos" / video.name)
    assert read_records(ledger.path) == copied
    assert not list((tmp_path / "videos").glob(".drafts*"))


async def test_doing_it_again_copies_nothing(films: FilmServer, mirror: Run) -> None:
    entries = [films.make_video(n) for n in range(5)]
    await mirror(*entries)
    again, opened = await mirror(*entries)
    assert again == []
    assert opened.uploads == 0
    assert len(films.asked) == 5


async def test_new_videos_join_those_that_are_there(films: FilmServer, mirror: Run) -> None:
    first = films.make_video(1)
    await mirror(first)
    copied, _ = await mirror(first, films.make_video(2))
    assert [video.job_id for video in copied] == ["job-2"]


async def test_a_file_that_is_gone_or_was_changed_is_copied_again(
    films: FilmServer, mirror: Run, tmp_path: Path
) -> None:
    entries = [films.make_video(n) for n in range(3)]
    copied, _ = await mirror(*entries)
    (tmp_path / "videos" / copied[0].name).unlink()
    (tmp_path / "videos" / copied[1].name).write_bytes(b"half a vid")
    again, _ = await mirror(*entries)
    assert [video.job_id for video in again] == ["job-0", "job-1"]
    assert (tmp_path / "videos" / copied[1].name).read_bytes() == film()


async def test_what_lies_there_without_a_record_is_not_written_again(
    films: FilmServer, mirror: Run, ledger: LedgerFolder
) -> None:
    """As after a kill between the copy and its record."""
    entries = [films.make_video(n) for n in range(3)]
    await mirror(*entries)
    next((ledger.path / "mirror").glob("*.parquet")).unlink()
    again, opened = await mirror(*entries)
    assert len(again) == 3
    assert opened.uploads == 0


async def test_a_strangers_file_is_never_overwritten(films: FilmServer, mirror: Run, tmp_path: Path) -> None:
    mine = tmp_path / "videos/prompts/row-2-kling-2-take-1.mp4"
    mine.parent.mkdir(parents=True)
    mine.write_text("something else")
    copied, _ = await mirror(films.make_video(1))
    assert mine.read_text() == "something else"
    assert copied[0].status is CopyStatus.COPIED
    assert (tmp_path / "videos" / copied[0].name).read_bytes() == film()


async def test_a_passing_fault_is_waited_out(films: FilmServer, mirror: Run) -> None:
    entry = films.make_video(1)
    films.failures["/generated-videos/org/job-1/video.mp4"] = 2
    copied, _ = await mirror(entry)
    assert copied[0].status is CopyStatus.COPIED
    assert len(films.asked) == 3


async def test_a_video_that_is_not_there_is_reported_and_tried_again_next_time(films: FilmServer, mirror: Run) -> None:
    entry = completed(make_entry("lost"), job_id="job-9", video_url=f"{films.url}/nothing.mp4")
    copied, _ = await mirror(entry, films.make_video(1))
    assert [video.status for video in copied] == [CopyStatus.MISSING, CopyStatus.COPIED]
    assert "HTTP 400" in copied[0].problems[0]
    films.add("/nothing.mp4", film())
    again, _ = await mirror(entry)
    assert again[0].status is CopyStatus.COPIED


async def test_a_cut_connection_leaves_no_half_file(films: FilmServer, mirror: Run, tmp_path: Path) -> None:
    entry = films.make_video(1)
    films.headers["/generated-videos/org/job-1/video.mp4"] = {
        "content-length": str(len(film()) + 10),
        "connection": "close",
    }
    copied, _ = await mirror(entry)
    assert copied[0].status is CopyStatus.MISSING
    assert [path for path in (tmp_path / "videos").rglob("*") if path.is_file()] == []


async def test_two_mirrors_to_one_target_do_not_run_at_once(
    ledger: LedgerFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dailies.mirror.record._WAIT_S", 0.0)
    to = str(tmp_path / "videos")
    async with open_mirror(ledger, to, load_settings(geekhub_base_url=SERVICE)):
        with pytest.raises(LedgerError, match="locked by another process"):
            async with open_mirror(ledger, f"{to}/", load_settings(geekhub_base_url=SERVICE)):
                pass


async def test_a_symbolic_link_leads_nothing_out_of_the_target(films: FilmServer, mirror: Run, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos/prompts").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(MirrorError, match="lead out of"):
        await mirror(films.make_video(1))
    assert not list((tmp_path / "elsewhere").iterdir())


async def test_a_folder_that_cannot_be_written_is_refused(films: FilmServer, mirror: Run, tmp_path: Path) -> None:
    (tmp_path / "videos").write_text("a file")
    with pytest.raises(MirrorError, match="cannot be written"):
        await mirror(films.make_video(1))


@pytest.mark.parametrize(
    "to",
    [
        *("ftp://bucket", "supabase://", "supabase://a/../b", "supabase://a b", "supabase://x//y"),
        *("sftp://user:secret@host/path", "sftp://host", "sftp://host/a/../b", "sftp://host:x/a"),
    ],
)
async def test_a_target_that_cannot_be_meant_is_refused(mirror: Run, to: str) -> None:
    with pytest.raises(MirrorError, match=r"supabase://|sftp://") as caught:
        await mirror(to=to)
    assert "secret" not in str(caught.value)


async def test_a_storage_that_is_away_ends_the_mirror_and_the_next_run_goes_on(
    films: FilmServer, mirror: Run, ledger: LedgerFolder
) -> None:
    entries = [films.make_video(n) for n in range(60)]
    films.failures = dict.fromkeys(list(films.films)[10:], 99)
    with pytest.raises(MirrorError, match="run the same command later"):
        await mirror(*entries, mirror_parallel=4)
    assert len(films.asked) < 10 + 4 * 40
    assert sum(video.status is CopyStatus.COPIED for video in read_records(ledger.path)) == 10
    films.failures.clear()
    copied, _ = await mirror(*entries)
    assert {video.status for video in copied} == {CopyStatus.COPIED}
