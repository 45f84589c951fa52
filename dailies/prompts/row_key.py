"""The row key: the same request is the same row, in every file and for ever.

That a key never changes is a promise: finished rows are recognised by it, and a changed key would buy them
again. The canonical form, version 1, is these fields joined by U+001F (which none of them can contain)::

    dailies.row.1 · model · duration_s in decimal · aspect_ratio · take in decimal · prompt

in UTF-8, with model, duration and ratio resolved (never empty) and the prompt in normal form: line ends
LF, Unicode NFC, no white space around it. The key is its UUID version 5 (RFC 9562) in ``NAMESPACE``.
"""

import hashlib
import unicodedata
from uuid import UUID

NAMESPACE = UUID("da111e50-6c5e-5b0f-9d1c-2f6f5d0a7e11")
_NAMESPACE_OCTETS = NAMESPACE.bytes
_ROW = "dailies.row.1"
_REJECTED = "dailies.rejected.1"
_VARIANT = {digit: "89ab"[int(digit, 16) % 4] for digit in "0123456789abcdef"}


def normal_text(text: str) -> str:
    """Bring a text into the normal form that is hashed, counted and sent: LF, NFC, stripped."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.strip() if text.isascii() else unicodedata.normalize("NFC", text).strip()


def row_key(prompt: str, model: str, duration_s: int, aspect_ratio: str, take: int) -> str:
    """Compute the key of one request, as a canonical UUID string.

    Args:
        prompt: in the form of ``normal_text``, without control characters.
        model: the namespaced id, such as ``fal/kling-2``.
        duration_s: seconds, the model's default resolved.
        aspect_ratio: such as ``16:9``, the model's default resolved.
        take: which of several identical requests this is, from 1.
    """
    return _uuid5(f"{_ROW}\x1f{model}\x1f{duration_s}\x1f{aspect_ratio}\x1f{take}\x1f{prompt}")


def rejected_key(source: str, line: int, cells: tuple[str, ...]) -> str:
    """Compute the key of a row that cannot be sent: its file, its physical line and its raw cells.

    A cell's length stands before it, because a rejected cell may contain anything.
    """
    parts = [source, str(line), *cells]
    return _uuid5(_REJECTED + "".join(f"\x1f{len(part)}:{part}" for part in parts))


def _uuid5(name: str) -> str:
    """Return ``str(uuid.uuid5(NAMESPACE, name))`` in a third of its time: there is one for every row."""
    octets = _NAMESPACE_OCTETS + name.encode("utf-8", "surrogatepass")
    digits = hashlib.sha1(octets, usedforsecurity=False).hexdigest()
    variant = _VARIANT[digits[16]]
    return f"{digits[:8]}-{digits[8:12]}-5{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:32]}"
