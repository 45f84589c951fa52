"""What was delivered short of what was paid is found, whatever the header of the file claims."""

import pytest

from dailies.mirror.record import CopyStatus
from tests.mirror.conftest import Run
from tests.mirror.film import FilmServer, cut, damaged, film


async def problem(mirror: Run, *entries: object, decode: bool = False) -> str:
    copied, _ = await mirror(*entries, decode=decode)
    assert copied[0].status is CopyStatus.SHORT
    return "; ".join(copied[0].problems)


async def test_a_video_that_is_too_short_is_found(films: FilmServer, mirror: Run) -> None:
    assert await problem(mirror, films.make_video(1, film(4))) == "it lasts 4.00 s, but 5 s were paid"


async def test_a_truncated_video_still_claims_its_duration_and_is_found(films: FilmServer, mirror: Run) -> None:
    """Its ETag and length are those of the truncated content: only reading it shows that."""
    words = await problem(mirror, films.make_video(1, cut(film())))
    assert "(it claims 5.00 s), but 5 s were paid" in words


async def test_a_corrupted_video_is_found_by_its_etag(films: FilmServer, mirror: Run) -> None:
    entry = films.make_video(1, damaged(film()))
    films.headers["/generated-videos/org/job-1/video.mp4"] = {"etag": '"0123456789abcdef0123456789abcdef"'}
    assert "its content is damaged" in await problem(mirror, entry)


async def test_a_corrupted_video_under_its_own_etag_is_found_by_decoding(films: FilmServer, mirror: Run) -> None:
    entry = films.make_video(1, damaged(film()))
    copied, _ = await mirror(entry)
    assert copied[0].status is CopyStatus.COPIED
    assert not copied[0].decoded
    assert "it cannot be read" in await problem(mirror, entry, decode=True)


async def test_decoding_looks_at_what_was_only_read_before(films: FilmServer, mirror: Run) -> None:
    entry = films.make_video(1)
    await mirror(entry)
    copied, opened = await mirror(entry, decode=True)
    assert copied[0].decoded
    assert opened.uploads == 0
    assert (await mirror(entry, decode=True))[0] == []


async def test_sound_that_was_paid_is_missed(films: FilmServer, mirror: Run) -> None:
    silent = films.make_video(1, film(8), model="google/veo-3.1", duration_s=8)
    assert await problem(mirror, silent) == "it has no sound, but google/veo-3.1 is paid with sound"
    sounding = films.make_video(2, film(8, audio=True), model="google/veo-3.1", duration_s=8)
    assert (await mirror(sounding))[0][0].status is CopyStatus.COPIED


async def test_another_ratio_than_ordered_is_found(films: FilmServer, mirror: Run) -> None:
    words = await problem(mirror, films.make_video(1, film(aspect_ratio="9:16")))
    assert words.endswith("but 16:9 was ordered")


@pytest.mark.parametrize("content", [b"", b"<html>not a film</html>", b"\0" * 5000])
async def test_what_is_no_video_is_found(films: FilmServer, mirror: Run, content: bytes) -> None:
    """Only video is stored as video."""
    copied, opened = await mirror(films.make_video(1, content))
    assert (copied[0].status, opened.uploads) == (CopyStatus.MISSING, 0)
    assert "it cannot be read" in "; ".join(copied[0].problems)


async def test_another_content_type_is_found(films: FilmServer, mirror: Run) -> None:
    entry = films.make_video(1)
    films.headers["/generated-videos/org/job-1/video.mp4"] = {"content-type": "text/html; charset=utf-8"}
    assert await problem(mirror, entry) == "the storage calls it text/html, not a video"


async def test_a_short_video_is_kept_looked_at_again_and_replaced_when_it_is_put_right(
    films: FilmServer, mirror: Run, tmp_path
) -> None:
    entry = films.make_video(1, film(4))
    for uploads in (1, 0):
        copied, opened = await mirror(entry)
        assert (copied[0].status, opened.uploads) == (CopyStatus.SHORT, uploads)
    films.make_video(1, film(5))
    copied, _ = await mirror(entry)
    assert copied[0].status is CopyStatus.COPIED
    assert (tmp_path / "videos" / copied[0].name).read_bytes() == film(5)
