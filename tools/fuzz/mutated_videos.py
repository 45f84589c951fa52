"""MP4s with changed, missing and doubled bytes: each is probed and drawn in a child, and is one failure of its own."""

import asyncio
import math
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

from dailies.mirror import probe
from dailies.mirror.probe import Footage, probe_confined
from dailies.report.html import first_picture
from dailies.system.confined import Confined, ConfinedError
from tests.mirror.film import film

CASES = 1_500
CHILDREN = 2
DEADLINE_S = 20.0
BOXES = b"moov trak stsz stts ctts elst stsd avc1 mp4a stco mdat ftyp tkhd mdhd".split()
EXTREMES = tuple(number.to_bytes(4, "big") for number in (0, 1, 2**31 - 1, 2**31, 2**32 - 1))
LISTS = (b"ffconcat version 1.0\nfile /etc/passwd\n", b"#EXTM3U\n#EXTINF:5,\nfile:///etc/passwd\n")


def cases(chance: random.Random) -> Iterator[str | None]:
    """Probe and draw mutated videos; a finding is a child that failed in another way than by saying so."""
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner() as runner:
        readers = Confined(probe.FUNCTION, CHILDREN, DEADLINE_S)
        painters = Confined(first_picture.FUNCTION, CHILDREN, DEADLINE_S)
        try:
            for number in range(CASES):
                path = Path(folder) / "video.mp4"
                path.write_bytes(mutate(chance))
                yield runner.run(_case(readers, painters, path, number, decode=chance.random() < 0.5))
        finally:
            runner.run(readers.close())
            runner.run(painters.close())


def mutate(chance: random.Random) -> bytes:
    """One video in which something is wrong."""
    content = bytearray(film(4, audio=chance.random() < 0.5))
    if chance.random() < 0.05:
        return chance.choice((*LISTS, b"", b"<svg/>", b"RIFF"))
    for _ in range(chance.randint(1, 4)):
        place = _place(chance, content)
        match chance.randrange(5):
            case 0:
                content[place : place + 4] = chance.choice(EXTREMES)
            case 1:
                content[place : place + 4] = chance.randbytes(4)
            case 2:
                del content[place : place + chance.choice((1, 4, 100, len(content)))]
            case 3:
                content[place:place] = content[place : place + chance.choice((8, 100, 1000))]
            case 4:
                content[place : place + 4] = chance.choice(BOXES)
    return bytes(content)


def _place(chance: random.Random, content: bytearray) -> int:
    """Anywhere, or, more often, in the fields of a box."""
    if chance.random() < 0.3 or not content:
        return chance.randrange(len(content) + 1)
    found = content.find(chance.choice(BOXES))
    return max(found - 4, 0) + chance.randrange(64)


async def _case(readers: Confined, painters: Confined, path: Path, number: int, *, decode: bool) -> str | None:
    footage = await probe_confined(readers, path, decode=decode)
    if problem := _is_odd(footage):
        return f"case {number}: {problem}"
    try:
        await painters.call(str(path))
    except ConfinedError as error:
        return f"case {number}: not drawn: {error}"
    return None


def _is_odd(footage: Footage) -> str | None:
    """What no footage may say: it goes into a record whose columns have bounds."""
    if footage.fault is not None and "its reader ended" in footage.fault:
        return footage.fault
    if not (0 <= footage.width < 2**31 and 0 <= footage.height < 2**31):
        return f"{footage.width} x {footage.height}"
    if not all(math.isfinite(s) and s >= 0 for s in (footage.readable_s, footage.sound_s)):
        return f"{footage.readable_s} s and {footage.sound_s} s"
    return None
