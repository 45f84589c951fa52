"""What a video shows, and the name of the file that keeps it."""

import hashlib
import json
from dataclasses import asdict, dataclass

# Part of every file name, so that a changed picture never meets an old file.
LOOK = "2"
SHORT_SIDE_PX = 270
SHORT_SIDE_PLAIN_PX = 36


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that decides a video's content: the same scene is rendered once.

    Attributes:
        prompt: drawn in the picture; empty for a plain clip.
        model: its name is drawn, too.
        duration_s: exact length in seconds.
        aspect_ratio: such as ``16:9``, kept exactly.
        audio: whether there is a sound track.
        plain: tiny and without text, for mass tests.
    """

    prompt: str
    model: str
    duration_s: int
    aspect_ratio: str
    audio: bool
    plain: bool

    @property
    def digest(self) -> str:
        """SHA-256 of the content, hexadecimal."""
        text = json.dumps([LOOK, asdict(self)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def file_name(self) -> str:
        """The name of its file in the clips folder."""
        return f"{self.digest}.mp4"

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height: even, as H.264 wants them, and in the exact ratio."""
        across, down = (int(part) for part in self.aspect_ratio.split(":"))
        short_side = SHORT_SIDE_PLAIN_PX if self.plain else SHORT_SIDE_PX
        # Twice the ratio's parts is the smallest even frame; take the multiple nearest to the short side.
        step = max(round(short_side / (2 * min(across, down))), 1)
        return 2 * across * step, 2 * down * step
