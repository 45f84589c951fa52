"""Bytes into lines of text: UTF-8, UTF-16 by its mark or its zeros, and other encodings by option."""

import codecs
import io
import re
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO

from dailies.errors import InputError, RowError
from dailies.prompts.cells import shown
from dailies.prompts.sources.budget import MAX_BYTES, too_big
from dailies.prompts.sources.table import refuse, unreadable

_UTF16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_ZIP = b"PK\x03\x04"
_SAVE_AS_UTF8 = "save it as CSV in UTF-8"
_WORD = re.compile(r"\w*[^\x00-\x7f]\w*")
_WORDS = 3


class NotUtf8Error(InputError):
    """A text has bytes that are not UTF-8; it may be in the encoding of Excel's CSV."""


def decode_lines(
    stream: BinaryIO,
    source: str,
    encoding: str = "utf-8",
    say: Callable[[str], None] | None = None,
    *,
    quote: bool = False,
) -> Iterator[str]:
    """Read a text line by line, each line with its end; a byte order mark is left out.

    Lines end at LF, CRLF and CR only: ``str.splitlines`` would cut at U+2028 and its like, too.

    Args:
        stream: the bytes.
        source: what to call the file in messages.
        encoding: how the text is encoded; UTF-16 is recognised by itself.
        say: takes one sentence about what was decided.
        quote: whether messages may quote words of the file.

    Raises:
        InputError: the bytes are not in that encoding, or cannot be read.
    """
    try:
        start = stream.read(512)
        found = _utf16(start)
        pieces = _pieces(_chunks(start, stream, source))
        if found is not None:
            if say:
                say("read as UTF-16")
            yield from _unmarked(_decode_whole(b"".join(pieces), found, source))
        elif encoding != "utf-8":
            content = b"".join(pieces)
            text = _by_option(content, encoding, source)
            if say:
                say(f"read as {encoding}{_proof(content, encoding, quote=quote)}")
            yield from _unmarked(text)
        else:
            for number, piece in enumerate(pieces, 1):
                yield _decode(_checked(piece, source) if number == 1 else piece, number, source, quote=quote)
    except OSError as error:
        raise unreadable(source, error) from error


def _chunks(start: bytes, stream: BinaryIO, source: str) -> Iterator[bytes]:
    """Yield the stream in chunks that end where a line ends, so that no CRLF is cut; long lines make long chunks."""
    total, rest = len(start), start
    while chunk := stream.read(max(1 << 16, len(rest))):
        total += len(chunk)
        if total > MAX_BYTES:
            raise too_big(source)
        whole = rest + chunk
        cut = max(whole.rfind(b"\n"), whole.rfind(b"\r", 0, len(whole) - 1)) + 1
        yield whole[:cut]
        rest = whole[cut:]
    yield rest


def _pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    return (piece for chunk in chunks for piece in chunk.splitlines(keepends=True))


def _utf16(start: bytes) -> str | None:
    """Detect UTF-16 by its mark, or because every second byte of the beginning is zero."""
    if start[:2] in _UTF16:
        return _UTF16[start[:2]]
    head = start[: len(start) // 2 * 2][:64]
    if len(head) >= 4 and not any(head[1::2]) and all(head[::2]):
        return "utf-16-le"
    if len(head) >= 4 and not any(head[::2]) and all(head[1::2]):
        return "utf-16-be"
    return None


def _decode_whole(content: bytes, encoding: str, source: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        where = f"byte {error.start + 1} of the file is no {encoding}"
        raise refuse(source, None, where, _SAVE_AS_UTF8) from error


def _by_option(content: bytes, encoding: str, source: str) -> str:
    """Decode by option, unless the file is in UTF-8 after all: then the words would change."""
    try:
        content.decode()
    except UnicodeDecodeError:
        return _decode_whole(content, encoding, source)
    if content.isascii():
        return content.decode()
    raise refuse(source, None, f"the file is in UTF-8, not in {encoding}", "leave out --encoding")


def _unmarked(text: str) -> Iterator[str]:
    lines = io.StringIO(text.removeprefix("\ufeff"), newline="")
    return iter(lines)


def _checked(first: bytes, source: str) -> bytes:
    if first.startswith(_ZIP):
        reason = "the file is an Excel workbook or a ZIP archive, not text"
        raise refuse(source, None, reason, f"{_SAVE_AS_UTF8}, or name it .xlsx")
    return first.removeprefix(codecs.BOM_UTF8)


def _decode(piece: bytes, line: int, source: str, *, quote: bool) -> str:
    if b"\0" in piece:
        where = f"byte {piece.index(0) + 1} of the line is NUL, which no text contains"
        raise refuse(source, line, where, f"remove it, or {_SAVE_AS_UTF8}")
    try:
        return piece.decode()
    except UnicodeDecodeError as error:
        raise _not_utf8(piece, line, source, error, quote=quote) from error


def _not_utf8(piece: bytes, line: int, source: str, error: UnicodeDecodeError, *, quote: bool) -> InputError:
    where = f"byte {error.start + 1} of the line (0x{piece[error.start]:02X}) is not UTF-8"
    proof = _proof(piece, "cp1252", quote=quote)
    remedy = f"{_SAVE_AS_UTF8}, or say --encoding cp1252 if it was saved so{proof}"
    return NotUtf8Error((RowError(source, line, None, where, remedy),))


def _proof(content: bytes, encoding: str, *, quote: bool) -> str:
    """Return the first words whose letters depend on the encoding."""
    words = list(dict.fromkeys(_WORD.findall(content[: 1 << 20].decode(encoding, "replace"))))[:_WORDS]
    return f": {', '.join(map(shown, words))}" if words and quote else ""
