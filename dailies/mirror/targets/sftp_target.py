"""A folder of another machine as the target, over SFTP: ``sftp://user@host:port/path``.

A file is written under a draft's name and renamed; OpenSSH's server renames a file only to a name that is free. The
host's key must be known (``~/.ssh/known_hosts``), and the login is by key. paramiko blocks, so calls run in threads.
"""

import asyncio
import contextlib
import stat
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import Empty, LifoQueue
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from dailies.errors import MirrorError, TransportError
from dailies.mirror.target import CHUNK_BYTES, Content, Stored, Target
from dailies.system.retries import retry_transport

if TYPE_CHECKING:
    from paramiko import SFTPClient

T = TypeVar("T")
PORT = 22
TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class SftpPlace:
    """Where the copies go: a folder of a host, and the user who logs in there (None: as ssh does)."""

    host: str
    port: int
    user: str | None
    path: str

    @property
    def url(self) -> str:
        """The place as a URL, always written in the same way."""
        user = f"{self.user}@" if self.user else ""
        port = f":{self.port}" if self.port != PORT else ""
        return f"sftp://{user}{self.host}{port}{self.path}"


def parse_sftp(to: str) -> SftpPlace:
    """Read ``sftp://user@host:port/path``.

    Raises:
        MirrorError: the URL has another form, or a password, which would end in logs and records.
    """
    try:
        url = urlsplit(to)
        host, port, user, password = url.hostname, url.port or PORT, url.username, url.password
    except ValueError:
        host, port, user, password, url = None, PORT, None, None, urlsplit("")
    if password is not None:
        raise MirrorError("leave the password out of sftp://: the mirror logs in with a key of ssh-agent or ~/.ssh")
    steps = url.path.strip("/").split("/")
    if not host or url.query or url.fragment or any(step in ("", ".", "..") for step in steps):
        raise MirrorError("an SFTP target is sftp://user@host/path, such as sftp://me@nas.example/videos")
    return SftpPlace(host, port, user, f"/{'/'.join(steps)}")


class Connections:
    """SFTP sessions that several threads share, each session used by one thread at a time."""

    def __init__(self, place: SftpPlace) -> None:
        self._place = place
        self._idle: LifoQueue[SFTPClient] = LifoQueue()

    @contextlib.contextmanager
    def session(self) -> Iterator["SFTPClient"]:
        """Lend a session; one that broke is not used again.

        Raises:
            MirrorError: the login failed.
            TransportError: the connection failed or broke.
        """
        from paramiko import SSHException

        try:
            session = self._idle.get_nowait()
        except Empty:
            session = self._connect()
        try:
            yield session
        except (SSHException, EOFError, ConnectionError, TimeoutError) as error:
            session.close()
            raise TransportError(f"the connection broke ({type(error).__name__})", code="sftp") from None
        except OSError as error:
            if session.get_channel().closed:
                raise TransportError(f"the connection broke ({error})", code="sftp") from None
            self._idle.put(session)
            raise
        self._idle.put(session)

    def _connect(self) -> "SFTPClient":
        from paramiko import AuthenticationException, BadHostKeyException, RejectPolicy, SSHClient, SSHException

        client = SSHClient()
        client.load_system_host_keys()
        client.set_missing_host_key_policy(RejectPolicy())
        place, problem = self._place, ""
        try:
            client.connect(place.host, place.port, place.user, timeout=TIMEOUT_S, banner_timeout=TIMEOUT_S)
            session = client.open_sftp()
        except AuthenticationException:
            problem = "the login failed; is your key in ssh-agent, or in ~/.ssh without a passphrase?"
        except BadHostKeyException:
            problem = "the host's key has changed; compare it, then correct ~/.ssh/known_hosts"
        except (SSHException, OSError, EOFError) as error:
            if "not found in known_hosts" not in str(error):
                client.close()
                raise TransportError(f"no connection ({type(error).__name__}: {error})", code="sftp") from None
            problem = "the host is unknown; log in once with ssh to check its key"
        if problem:
            client.close()
            raise MirrorError(f"{place.url}: {problem}")
        session.get_channel().settimeout(TIMEOUT_S)
        session.ssh_client = client  # the session lives as long as its client
        return session

    def close(self) -> None:
        """End all sessions."""
        while not self._idle.empty():
            self._idle.get_nowait().ssh_client.close()


class SftpTarget:
    """A folder of another machine."""

    def __init__(self, place: SftpPlace, ledger_id: str) -> None:
        self.url = place.url
        self.drafts: Path | None = None
        self.is_shared = True
        self._root = place.path
        self._drafts = f"{place.path}/.drafts-{ledger_id}"
        self._connections = Connections(place)
        self._made: set[str] = set()

    def address(self, name: str) -> str:
        """Return the file's URL."""
        return f"{self.url}/{name}"

    async def prepare(self) -> None:
        """Make the folders and remove the drafts of a killed run of the same ledger.

        Raises:
            MirrorError: nothing can be written there.
        """
        try:
            await self._call(self._clear_drafts)
        except TransportError as error:
            raise MirrorError(f"{self.url} cannot be used: {error}") from None
        except FileNotFoundError:
            raise MirrorError(f"{self.url}: the server refuses to make the folder") from None

    def _clear_drafts(self, session: "SFTPClient") -> None:
        self._make(session, self._drafts)
        for name in session.listdir(self._drafts):
            session.remove(f"{self._drafts}/{name}")

    async def close(self) -> None:
        """Remove the drafts' folder and end the sessions."""
        with contextlib.suppress(MirrorError, TransportError, FileNotFoundError):
            await self._call(lambda session: session.rmdir(self._drafts))
        self._connections.close()

    async def find(self, names: Collection[str]) -> Mapping[str, Stored]:
        """Return those of some names that are files, by one listing for each folder."""
        by_folder: dict[str, set[str]] = defaultdict(set)
        for name in names:
            by_folder[name.rpartition("/")[0]].add(name)
        found: dict[str, Stored] = {}
        for folder, wanted in sorted(by_folder.items()):
            path = f"{self._root}/{folder}"
            try:
                rows = await self._call(lambda session: session.listdir_attr(path))  # noqa: B023 - called at once
            except FileNotFoundError:
                continue
            except TransportError as error:
                raise MirrorError(f"{self.url} cannot be listed: {error}") from None
            files = {f"{folder}/{row.filename}": row.st_size or 0 for row in rows if stat.S_ISREG(row.st_mode or 0)}
            found |= {name: Stored(files[name]) for name in wanted if name in files}
        return found

    async def stat(self, name: str) -> Stored | None:
        """Return a file's size: SFTP knows no digest."""
        try:
            facts = await self._call(lambda session: session.lstat(f"{self._root}/{name}"))
        except FileNotFoundError:
            return None
        return Stored(facts.st_size or 0)

    async def read(self, name: str) -> AsyncIterator[bytes]:
        """Yield a file's content, piece by piece."""
        offset = 0
        while chunk := await self._call(partial(_read_at, f"{self._root}/{name}", offset)):
            offset += len(chunk)
            yield chunk

    async def put(self, name: str, draft: Path, content_type: str, content: Content, *, replace: bool) -> bool:  # noqa: ARG002 - needed in a bucket
        """Upload a file under a draft's name and rename it."""
        try:
            return await self._call(lambda session: self._put(session, name, draft, replace=replace))
        except FileNotFoundError:
            raise MirrorError(f"{self.url}: the folder has disappeared; run the same command again") from None

    def _put(self, session: "SFTPClient", name: str, draft: Path, *, replace: bool) -> bool:
        path, remote_draft = f"{self._root}/{name}", f"{self._drafts}/{draft.name}"
        self._make(session, path.rpartition("/")[0])
        try:
            session.put(str(draft), remote_draft, confirm=True)
            if replace:
                session.posix_rename(remote_draft, path)
                return True
            return self._rename(session, remote_draft, path)
        finally:
            with contextlib.suppress(OSError, EOFError):
                session.remove(remote_draft)

    def _rename(self, session: "SFTPClient", remote_draft: str, path: str) -> bool:
        """Rename a draft; return False if the name is taken (the server says no more than that it failed)."""
        try:
            session.rename(remote_draft, path)
        except OSError:
            if _exists(session, path):
                return False
            raise
        return True

    def _make(self, session: "SFTPClient", folder: str) -> None:
        """Make a folder and those above it."""
        if folder in self._made or _exists(session, folder):
            self._made.add(folder)
            return
        self._make(session, folder.rpartition("/")[0] or "/")
        try:
            session.mkdir(folder)
        except OSError:
            if not _exists(session, folder):  # another thread may have made it
                raise
        self._made.add(folder)

    @retry_transport
    async def _call(self, call: Callable[["SFTPClient"], T]) -> T:
        """Call paramiko in a thread.

        Raises:
            FileNotFoundError: as the name says.
            MirrorError: the login fails, or the server refuses.
            TransportError: the connection failed or broke.
        """
        return await asyncio.to_thread(self._call_session, call)

    def _call_session(self, call: Callable[["SFTPClient"], T]) -> T:
        try:
            with self._connections.session() as session:
                return call(session)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise MirrorError(f"{self.url}: the server refuses ({error.strerror or error})") from None


def _read_at(path: str, offset: int, session: "SFTPClient") -> bytes:
    with session.open(path, "rb", bufsize=0) as file:
        size = min(CHUNK_BYTES, (file.stat().st_size or 0) - offset)
        return b"".join(file.readv([(offset, size)])) if size > 0 else b""


def _exists(session: "SFTPClient", path: str) -> bool:
    try:
        session.stat(path)
    except FileNotFoundError:
        return False
    return True


@asynccontextmanager
async def open_sftp(place: SftpPlace, ledger_id: str) -> AsyncIterator[Target]:
    """Open a folder of another machine; it is made if it is missing.

    Raises:
        MirrorError: the package is missing, the login fails, or nothing can be written there.
    """
    try:
        import paramiko  # noqa: F401 - an extra
    except ImportError:
        raise MirrorError("sftp:// needs the package paramiko: pip install 'dailies[sftp]'") from None
    target = SftpTarget(place, ledger_id)
    try:
        await target.prepare()
        yield target
    finally:
        await target.close()
