"""A target is opened only where the settings let copies go."""

from pathlib import Path

import pytest

from dailies.errors import MirrorError
from dailies.mirror.open_target import require_target
from dailies.settings import load_settings


async def test_a_folder_is_held_to_the_one_that_the_settings_name(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    outside.mkdir()
    (inside / "link").symlink_to(outside)
    await require_target(load_settings(mirror_dir=inside, mirror_to=str(inside / "clips")))
    for to in (str(outside), str(inside / ".." / "out"), str(inside / "link" / "clips"), str(tmp_path / "in2")):
        with pytest.raises(MirrorError, match="does not lie in DAILIES_MIRROR_DIR"):
            await require_target(load_settings(mirror_dir=inside, mirror_to=to))
    assert not list(outside.iterdir())


async def test_chains_of_urls_are_no_target() -> None:
    for to in ("simplecache::s3://bucket/x", "reference::x", "a::b"):
        with pytest.raises(MirrorError, match="chains of URLs"):
            await require_target(load_settings(mirror_to=to))
