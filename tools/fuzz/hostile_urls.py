"""URLs of videos as a hostile service chooses them: none is fetched, and each is one failure of its own."""

import asyncio
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

from dailies.errors import MirrorError
from dailies.mirror.mirror_run import open_mirror
from dailies.mirror.record import CopyStatus, MirroredVideo
from dailies.settings import Settings, load_settings
from tests.factories import completed, make_entry, make_folder
from tests.mirror.film import FilmServer, film, film_server

# {port} is that of a server on this machine, which nobody may ask; {public} is one that answers with a redirect.
URLS = (
    *("http://[::1", "http://v.test:99999/a", "http://v.test:x/a", "http:///a", "http://", "//v.test", "/etc/passwd"),
    *("http://127.0.0.1:{port}/a", "http://localhost:{port}/a", "http://[::1]:{port}/a", "http://127.1:{port}/a"),
    *("http://2130706433:{port}/a", "http://0x7f000001:{port}/a", "http://0177.0.0.1:{port}/a", "http://0:{port}/a"),
    *("http://[::ffff:127.0.0.1]:{port}/a", "http://[64:ff9b::7f00:1]:{port}/a", "http://[2002:7f00:1::]:{port}/a"),
    *("http://169.254.169.254/latest/meta-data", "http://[fe80::1%25lo]:{port}/a", "http://10.0.0.1:{port}/a"),
    *("http://user:secret@127.0.0.1:{port}/a", "http://localhost.:{port}/a", "http://LOCALHOST:{port}/a"),
    *("file:///etc/passwd", "ftp://v.test/a", "data:video/mp4;base64,AAAA", "javascript:alert(1)", "concat:a|b"),
    *("http://v.test/\r\nx: y", "http://v.test/a b", "http://v.test/\x00", "http://v.test/\u202e", "http://\u2488/"),
)
ROUNDS = 12


def cases(chance: random.Random) -> Iterator[str | None]:
    """Mirror hostile URLs beside each other, as of a service of the internet."""
    with film_server() as server:
        for _ in range(ROUNDS):
            urls = chance.sample(URLS, len(URLS))
            for url, video in zip(urls, asyncio.run(_mirror(server, urls)), strict=True):
                asked = len(server.asked)
                server.asked.clear()
                yield _judge(url, video, asked)


async def _mirror(server: FilmServer, urls: list[str]) -> list[MirroredVideo | str]:
    port = server.url.rpartition(":")[2]
    server.add("/a", film())
    entries = [
        completed(make_entry(f"shot {n}", source_line=n + 2), job_id=f"job-{n}", video_url=url.replace("{port}", port))
        for n, url in enumerate(urls)
    ]
    with tempfile.TemporaryDirectory() as folder:
        ledger = make_folder(Path(folder) / "ledger")
        settings: Settings = load_settings(geekhub_base_url="https://1.1.1.1/v1")
        async with open_mirror(ledger, str(Path(folder) / "videos"), settings) as copier:
            found: list[MirroredVideo | str] = []
            for item in await copier.pending(entries):
                try:
                    found += await copier.copy_all([item])
                except MirrorError as error:
                    found.append(str(error))
                copier._silent = 0
            return found


def _judge(url: str, video: MirroredVideo | str, asked: int) -> str | None:
    if asked:
        return f"{url!r} was fetched"
    if isinstance(video, str):
        return f"{url!r} ended the mirror: {video}"
    if video.status is not CopyStatus.MISSING or not video.problems:
        return f"{url!r}: {video.status}"
    return None
