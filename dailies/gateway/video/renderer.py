"""Renders scenes in the background and keeps their files, one for each content."""

import asyncio
import hashlib
import shutil
import tempfile
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from dailies.catalogue import load_catalogue
from dailies.gateway.jobs.jobs import StoredJob
from dailies.gateway.jobs.lifecycle import VideoFile
from dailies.gateway.video.scene import Scene
from dailies.system.private_files import make_private_folder

# How long a poll waits for a file that the provider's render time says is there; then it answers `processing`.
PATIENCE_S = 10.0
DRAFT = ".draft-"


class Renderer:
    """Renders clips into a folder, in separate threads.

    Args:
        folder: where the files lie; made if missing.
        plain: render one tiny clip for each model, duration and ratio, whatever the prompt.
        threads: encoding leaves the interpreter's lock alone, so a thread does what a process would.
    """

    def __init__(self, folder: Path, plain: bool, threads: int = 2) -> None:
        make_private_folder(folder)
        for abandoned in folder.glob(f"{DRAFT}*"):
            shutil.rmtree(abandoned)
        self.folder = folder
        self.plain = plain
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="render")
        self._rendering: dict[str, Future[VideoFile]] = {}

    def scene_of(self, job: StoredJob) -> Scene:
        """Return what a job's video shows."""
        audio = load_catalogue()[job.model].audio
        prompt = "" if self.plain else job.prompt
        return Scene(prompt, job.model, job.duration_s, job.aspect_ratio, audio, self.plain)

    def start(self, scene: Scene) -> None:
        """Begin to render in the background, unless the file is there or under way."""
        if scene.file_name not in self._rendering and not (self.folder / scene.file_name).exists():
            self._submit(scene)

    async def video_of(self, scene: Scene) -> VideoFile | None:
        """Wait for the rendered file; None if it is not there after ten seconds.

        Raises:
            Exception: what the render raised; the next call tries again.
        """
        rendering = self._rendering.get(scene.file_name) or self._submit(scene)
        done, _ = await asyncio.wait({asyncio.wrap_future(rendering)}, timeout=PATIENCE_S)
        return done.pop().result() if done else None

    def close(self) -> None:
        """Finish the renders under way and drop the waiting ones."""
        self._pool.shutdown(cancel_futures=True)

    def _submit(self, scene: Scene) -> "Future[VideoFile]":
        rendering = self._pool.submit(_render, scene, self.folder)
        self._rendering[scene.file_name] = rendering
        rendering.add_done_callback(lambda _: self._rendering.pop(scene.file_name, None))
        return rendering


def _render(scene: Scene, folder: Path) -> VideoFile:
    path = folder / scene.file_name
    if not path.exists():
        _render_whole(scene, path)
    content = path.read_bytes()
    return VideoFile(scene.file_name, len(content), hashlib.md5(content, usedforsecurity=False).hexdigest())


def _render_whole(scene: Scene, path: Path) -> None:
    """Render beside the final name and rename: a reader never sees half a file."""
    from dailies.gateway.video.encode import render_scene  # PyAV takes a while to import; few processes render.

    with tempfile.TemporaryDirectory(dir=path.parent, prefix=DRAFT) as beside:
        draft = Path(beside) / path.name
        render_scene(scene, draft)
        draft.chmod(0o600)
        draft.replace(path)
