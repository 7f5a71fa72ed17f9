"""Letters on a work order: one embedded font for Chinese, one for the rest, and what neither has is shown as 〓."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from html import escape
from itertools import groupby
from pathlib import Path
from typing import Final

import reportlab
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

CHINESE: Final = "Droid Sans Fallback"
LATIN: Final = "Bitstream Vera Sans"
MISSING: Final = "〓"  # what printers set for a letter they have not
_FILES: Final = {
    CHINESE: Path(__file__).parent / "fonts" / "DroidSansFallbackFull.ttf",
    LATIN: Path(reportlab.__file__).parent / "fonts" / "Vera.ttf",
}


def runs(text: str) -> Iterator[tuple[str, str]]:
    """Split a text into (font, part); characters that can be drawn by neither font become 〓."""
    fonts = _glyphs()
    for font, part in groupby(text, key=lambda char: next((name for name in (LATIN, CHINESE) if ord(char) in fonts[name]), "")):
        letters = "".join(part)
        yield (font, letters) if font else (CHINESE, MISSING * len(letters))


def marked(text: object) -> str:
    """Write a text as a paragraph's markup: nothing in it is taken for markup, lines stay lines."""
    lines = str(text).replace("\r\n", "\n").replace("\t", " ").split("\n")
    return "<br/>".join("".join(f'<font name="{font}">{escape(part)}</font>' for font, part in runs(line)) for line in lines)


@cache
def _glyphs() -> dict[str, frozenset[int]]:
    """Load both fonts, once a process, and tell which characters they have."""
    found = {}
    for name, path in _FILES.items():
        font = TTFont(name, path)
        pdfmetrics.registerFont(font)
        found[name] = frozenset(font.face.charToGlyph)
    return found
