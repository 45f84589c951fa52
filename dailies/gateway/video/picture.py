"""Draws the frames of a video: colours that follow from the prompt, a slow pan, the prompt as a caption."""

import colorsys
import unicodedata
from collections.abc import Iterator
from importlib.resources import files
from io import BytesIO

from PIL import Image, ImageDraw, ImageFont

from dailies.gateway.video.scene import Scene

LINES = 7
SEEN_CHARACTERS = 600
BAR_PX = 4


def draw_frames(scene: Scene, count: int) -> Iterator[Image.Image]:
    """Draw ``count`` RGB frames, one after the other."""
    width, height = scene.size_px
    scenery = _draw_scenery(scene)
    caption = None if scene.plain else _draw_caption(scene)
    for number in range(count):
        shift = number * width // count
        frame = scenery.crop((shift, 0, shift + width, height))
        if caption is not None:
            frame.paste(caption, (0, 0), caption)
            bar = (0, height - BAR_PX, (number + 1) * width // count, height)
            frame.paste((255, 255, 255), bar)
        yield frame


def _draw_scenery(scene: Scene) -> Image.Image:
    """Draw a gradient with soft discs, twice as wide as the frame so that the camera can pan over it."""
    width, height = scene.size_px
    seed = bytes.fromhex(scene.digest)
    hue = seed[0] / 256
    light, dark = _rgb(hue, 0.45, 0.85), _rgb(hue + 0.12, 0.75, 0.25)
    ramp = Image.linear_gradient("L").resize((2 * width, height))
    scenery = Image.composite(Image.new("RGB", ramp.size, dark), Image.new("RGB", ramp.size, light), ramp)
    pen = ImageDraw.Draw(scenery, "RGBA")
    for x, y, size in zip(seed[1:9], seed[9:17], seed[17:25], strict=True):
        centre_x, centre_y = x * 2 * width / 256, y * height / 256
        radius = height * (0.05 + size / 256 * 0.25)
        box = (centre_x - radius, centre_y - radius, centre_x + radius, centre_y + radius)
        pen.ellipse(box, fill=(*_rgb(hue + size / 1024, 0.3, 1.0), 60))
    return scenery


def _rgb(hue: float, saturation: float, value: float) -> tuple[int, int, int]:
    red, green, blue = colorsys.hsv_to_rgb(hue % 1.0, saturation, value)
    return round(red * 255), round(green * 255), round(blue * 255)


def _draw_caption(scene: Scene) -> Image.Image:
    """Draw a transparent layer with the wrapped prompt and the model's name."""
    width, height = scene.size_px
    layer = Image.new("RGBA", (width, height))
    pen = ImageDraw.Draw(layer)
    size, margin = 16, 14
    lines = wrap_text(scene.prompt, width - 2 * margin, size)
    pen.rectangle((0, 0, width, 2 * margin + (size + 4) * len(lines)), fill=(0, 0, 0, 110))
    for number, line in enumerate(lines):
        _write(pen, (margin, margin + number * (size + 4)), line, size, (255, 255, 255))
    label = f"{scene.model} - {scene.duration_s} s - sandbox"
    _write(pen, (margin, height - margin - 12), label, 11, (255, 255, 255))
    return layer


def wrap_text(text: str, width_px: int, size: int) -> list[str]:
    """Break a text into at most seven lines that fit, by words or, where one is too long, by characters."""
    font = load_font(size)
    lines = [""]
    for word in _drawable(text[:SEEN_CHARACTERS], font).split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= width_px:
            lines[-1] = longer
            continue
        lines.append("")
        for character in word:
            if font.getlength(lines[-1] + character) > width_px:
                lines.append("")
            lines[-1] += character
    lines = [line for line in lines if line]
    return lines if len(lines) <= LINES else [*lines[: LINES - 1], lines[LINES - 1][:-3] + "..."]


def load_font(size: int) -> ImageFont.FreeTypeFont:
    """Load the captions' font: Open Sans, which has Latin with its accents, Greek and Cyrillic."""
    content = (files("fontpkg_open_sans") / "files" / "OpenSans[wdth,wght].ttf").read_bytes()
    return ImageFont.truetype(BytesIO(content), size, layout_engine=ImageFont.Layout.BASIC)


def _drawable(text: str, font: ImageFont.FreeTypeFont) -> str:
    """Replace what cannot be seen by spaces, and letters that the font does not have by question marks."""
    letters = unicodedata.normalize("NFC", "".join(letter if letter.isprintable() else " " for letter in text))
    return "".join(letter if letter.isspace() or has_glyph(font, letter) else "?" for letter in letters)


def has_glyph(font: ImageFont.FreeTypeFont, letter: str) -> bool:
    """Say whether a font draws a letter. This one draws nothing for those that it does not have."""
    return font.getmask(letter).getbbox() is not None


def _write(
    pen: ImageDraw.ImageDraw, place: tuple[int, int], text: str, size: int, colour: tuple[int, int, int]
) -> None:
    pen.text(place, text, font=load_font(size), fill=colour)
