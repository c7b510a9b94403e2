"""In which script a text is written: as much of its language as letters tell."""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache

BLOCKS: tuple[tuple[int, int, str], ...] = (
    (0x0041, 0x005A, "latin"),
    (0x0061, 0x007A, "latin"),
    (0x00C0, 0x024F, "latin"),
    (0x0370, 0x03FF, "greek"),
    (0x0400, 0x052F, "cyrillic"),
    (0x0531, 0x058F, "armenian"),
    (0x0590, 0x05FF, "hebrew"),
    (0x0600, 0x06FF, "arabic"),
    (0x0750, 0x077F, "arabic"),
    (0x0900, 0x097F, "devanagari"),
    (0x0980, 0x09FF, "bengali"),
    (0x0B80, 0x0BFF, "tamil"),
    (0x0C00, 0x0C7F, "telugu"),
    (0x0E00, 0x0E7F, "thai"),
    (0x1100, 0x11FF, "hangul"),
    (0x1E00, 0x1EFF, "latin"),
    (0x3040, 0x30FF, "kana"),
    (0x3130, 0x318F, "hangul"),
    (0x3400, 0x4DBF, "han"),
    (0x4E00, 0x9FFF, "han"),
    (0xAC00, 0xD7AF, "hangul"),
    (0xFB50, 0xFDFF, "arabic"),
    (0xFE70, 0xFEFF, "arabic"),
    (0xFF21, 0xFF5A, "latin"),
    (0xFF66, 0xFF9D, "kana"),
    (0x20000, 0x323AF, "han"),
)
"""Ranges of code points by script (Unicode 15, Blocks.txt), ascending."""

_STARTS = [first for first, _, _ in BLOCKS]


@lru_cache(maxsize=0x10000)
def _script(character: str) -> str:
    """The script of one character, "" for none."""
    code = ord(character)
    at = bisect_right(_STARTS, code) - 1
    return BLOCKS[at][2] if at >= 0 and code <= BLOCKS[at][1] else ""


def script_of(text: str) -> str:
    """The script of most letters; `other` where no letter is of a known one. Kana make a text Japanese
    however many Chinese characters stand beside them.
    """
    if text.isascii():
        return "latin" if text.lower() != text.upper() else "other"
    scripts = [script for script in map(_script, text) if script]
    counts = {script: scripts.count(script) for script in dict.fromkeys(scripts)}
    if "kana" in counts and counts["kana"] + counts.get("han", 0) >= counts.get("latin", 0):
        return "kana"
    return max(counts, key=counts.__getitem__) if counts else "other"
