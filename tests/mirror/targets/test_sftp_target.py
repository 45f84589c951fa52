"""The same promises over SFTP, with OpenSSH's own server: `make sshd` installs it."""

import asyncio
import getpass
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from dailies.errors import MirrorError
from dailies.ledger.folder import LedgerFolder
from dailies.ledger.selection import Selection
from dailies.mirror.mirror_run import MirrorRequest, mirror_videos
from dailies.mirror.record import CopyStatus
from dailies.settings import load_settings
from tests.factories import completed, make_folder
from tests.mirror.conftest import SERVICE, Run
from tests.mirror.film import FilmServer, film
from tests.workplace import wait_until

SSHD = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
if SSHD is None:
    reason = "there is no sshd: `make sshd` installs OpenSSH's server on Debian and Ubuntu"
    assert "CI" not in os.environ, f"{reason}, and a CI run skips nothing"
    pytest.skip(reason, allow_module_level=True)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder with a key that logs in, and a host key."""
    folder = tmp_path_factory.mktemp("home")
    (folder / ".ssh").mkdir(mode=0o700)
    for path in (folder / ".ssh/id_ed25519", folder / "host_key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    shutil.copyfile(folder / ".ssh/id_ed25519.pub", folder / "authorized_keys")
    return folder


@pytest.fixture(scope="module")
def port(home: Path) -> Iterator[int]:
    """OpenSSH's server on a free port; its host key is known."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number = free.getsockname()[1]
    host_key = (home / "host_key.pub").read_text().rsplit(" ", 1)[0]
    (home / ".ssh/known_hosts").write_text(f"[127.0.0.1]:{number} {host_key}\n")
    (home / "sshd_config").write_text(
        f"Port {number}\nListenAddress 127.0.0.1\nHostKey {home}/host_key\nPidFile {home}/pid\nUsePAM no\n"
        f"AuthorizedKeysFile {home}/authorized_keys\nStrictModes no\nPasswordAuthentication no\n"
        "Subsystem sftp internal-sftp\nMaxStartups 100\n"
    )
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # sshd wants it, and only the system's service makes it
    with (home / "log").open("wb") as log:
        server = subprocess.Popen([str(SSHD), "-D", "-e", "-f", home / "sshd_config"], stderr=log)
    try:
        wait_until(lambda: server.poll() is not None or "Server listening" in (home / "log").read_text())
        assert server.poll() is None, (home / "log").read_text()
        yield number
    finally:
        server.terminate()
        server.wait()


@pytest.fixture
def to(home: Path, port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return f"sftp://{getpass.getuser()}@127.0.0.1:{port}{tmp_path}/far/videos"


def files(tmp_path: Path) -> dict[str, int]:
    """Every file at the target with its inode, which a second upload would change."""
    root = tmp_path / "far/videos"
    return {path.relative_to(root).as_posix(): path.stat().st_ino for path in root.rglob("*") if path.is_file()}


async def test_videos_are_stored_once_and_whole(
    films: FilmServer, mirror: Run, to: str, tmp_path: Path, ledger: LedgerFolder
) -> None:
    entries = [films.make_video(n) for n in range(12)]
    copied, opened = await mirror(*entries, to=to)
    assert {video.status for video in copied} == {CopyStatus.COPIED}
    assert opened.uploads == 12
    stored = files(tmp_path)
    assert sorted(stored) == sorted(video.name for video in copied)
    assert {(tmp_path / "far/videos" / name).read_bytes() for name in stored} == {film()}
    assert copied[0].address == f"{to}/{copied[0].name}"
    again, opened = await mirror(*entries, to=f"{to}/")
    assert (again, opened.uploads) == ([], 0)
    next((ledger.path / "mirror").glob("*.parquet")).unlink()
    again, opened = await mirror(*entries, to=to)
    assert (len(again), opened.uploads, files(tmp_path)) == (12, 0, stored)
    assert not (tmp_path / "far/videos").joinpath(f".drafts-{ledger.identity.ledger_id}").exists()


async def test_something_else_of_that_name_is_never_overwritten(
    films: FilmServer, mirror: Run, to: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither what the listing shows nor what appears after it."""
    copied, _ = await mirror(films.make_video(1), to=to)
    path = tmp_path / "far/videos" / copied[0].name
    path.write_bytes(b"something else")
    monkeypatch.setattr("dailies.mirror.copier.Copier._is_ours", lambda *_: False)
    shown, _ = await mirror(films.make_video(1), to=to)

    async def nothing(*_: object) -> dict[str, object]:
        return {}

    monkeypatch.setattr("dailies.mirror.targets.sftp_target.SftpTarget.find", nothing)
    hidden, _ = await mirror(films.make_video(1), to=to)
    assert path.read_bytes() == b"something else"
    assert [video.status for video in (*shown, *hidden)] == [CopyStatus.COPIED] * 2
    assert len(files(tmp_path)) == 2


async def test_what_was_changed_on_the_way_does_not_count_as_copied(
    films: FilmServer, mirror: Run, to: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copy is read back: SFTP has no digest."""
    from dailies.mirror.targets.sftp_target import SftpTarget

    put = SftpTarget.put

    async def spoil(self: SftpTarget, name: str, *given: object, **options: bool) -> bool:
        stored = await put(self, name, *given, **options)  # type: ignore[arg-type]
        (tmp_path / "far/videos" / name).write_bytes(b"x" * len(film()))
        return stored

    monkeypatch.setattr(SftpTarget, "put", spoil)
    copied, _ = await mirror(films.make_video(1), to=to)
    assert copied[0].status is CopyStatus.MISSING
    assert "holds something else after the upload" in copied[0].problems[0]


async def test_drafts_of_a_killed_run_are_removed(
    films: FilmServer, mirror: Run, to: str, tmp_path: Path, ledger: LedgerFolder
) -> None:
    drafts = tmp_path / "far/videos" / f".drafts-{ledger.identity.ledger_id}"
    drafts.mkdir(parents=True)
    (drafts / "left.part").write_bytes(b"half")
    await mirror(films.make_video(1), to=to)
    assert not drafts.exists()


async def test_two_mirrors_of_equal_row_keys_overwrite_nothing(films: FilmServer, to: str, tmp_path: Path) -> None:
    async def run(side: str) -> None:
        entries = []
        for number in range(10):
            url = films.add(f"/{side}-{number}.mp4", film(5, prompt=side))
            entries.append(completed(films.make_video(number), job_id=f"{side}-job-{number:04}", video_url=url))
        outcome = await mirror_videos(
            make_folder(tmp_path / side),
            entries,
            MirrorRequest(to, Selection()),
            load_settings(geekhub_base_url=SERVICE),
        )
        assert (outcome.exit_code, outcome.uploads) == (0, 10)

    await asyncio.gather(run("left"), run("right"))
    assert len(files(tmp_path)) == 20


async def test_an_unknown_host_is_refused(mirror: Run, to: str, home: Path) -> None:
    known = (home / ".ssh/known_hosts").read_text()
    (home / ".ssh/known_hosts").write_text("")
    try:
        with pytest.raises(MirrorError, match="the host is unknown; log in once with ssh"):
            await mirror(to=to)
    finally:
        (home / ".ssh/known_hosts").write_text(known)


async def test_a_refused_login_is_named(mirror: Run, to: str) -> None:
    with pytest.raises(MirrorError, match="the login failed"):
        await mirror(to=to.replace(getpass.getuser(), "nobody"))


async def test_a_folder_that_cannot_be_made_is_refused(mirror: Run, to: str, tmp_path: Path) -> None:
    (tmp_path / "far").write_text("a file")
    with pytest.raises(MirrorError, match="the server refuses"):
        await mirror(to=to)


async def test_a_server_that_is_away_is_named(mirror: Run, to: str, port: int) -> None:
    with pytest.raises(MirrorError, match="no connection"):
        await mirror(to=to.replace(str(port), "9"))
