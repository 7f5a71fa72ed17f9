"""One form for names: what people type and what gazetteers write meet here.

A folded key holds letters and digits only (any script), in lower case and in one width. The key of a place is its names
between bars, ``|新余北站|新余北|``, so that "begins with" and "is exactly" are plain substrings of it, and a bar in what
somebody types cannot be mistaken for one: folding takes it away.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

MAX_NAME = 120
BAR = "|"
# What an office is called on its sign and nowhere else; people say the shorter name.
_OFFICE = re.compile(r"(?:社区)?(居民委员会|居委会)$|(村民委员会|村委会)$")


def fold(text: str) -> str:
    """Return letters and digits of the text, full width made half, upper case made lower.

    >>> fold("新余 Ｎｏｒｔｈ（北）站")
    '新余north北站'
    """
    return "".join(char for char in unicodedata.normalize("NFKC", text).casefold() if char.isalnum())


def short_name(name: str) -> str:
    """Return the name people say: 百花湖社区 for 百花湖社区居民委员会, 下村 for 下村村民委员会.

    >>> short_name("百花湖社区居民委员会"), short_name("水北村村民委员会"), short_name("桥头村委会")
    ('百花湖社区', '水北村', '桥头村')
    """
    found = _OFFICE.search(name)
    if found is None or found.start() == 0:
        return name
    stem, kind = name[: found.start()], "社区" if found.group(1) else "村"
    return stem if stem.endswith(kind) else stem + kind


def search_key(names: Iterable[str]) -> str:
    """Return the key of a place from all its names, each once, between bars; empty names are left out."""
    folded = dict.fromkeys(key for name in names if (key := fold(name)))
    return BAR + "".join(key + BAR for key in folded) if folded else ""


def bigrams(key: str) -> list[str]:
    """Return every two neighbouring characters, each once, sorted; of a place's key this includes ``|新``, its beginnings.

    >>> bigrams("|新余|")
    ['|新', '余|', '新余']
    """
    return sorted({key[i : i + 2] for i in range(len(key) - 1)})
