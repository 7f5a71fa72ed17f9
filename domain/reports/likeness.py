"""How alike two reports are: place, time, words and pictures, each on its own and together. Pure.

``sure`` is for folding without anybody looking and is meant to miss rather than to fold two things into one: every one of its
conditions must hold. The score only ranks what people are shown. The limits of place and time are those of a live city system:
the same class within 50 m and 24 hours.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from geo.lonlat import LonLat, distance_m

SURE_M: Final = 50.0
SURE_APART: Final = timedelta(hours=24)
NEAR_M: Final = 200.0
RECENT: Final = timedelta(days=7)
# Fewer characters than these say what kind of thing it is, not which one.
TELLING_CHARACTERS: Final = 8
SAME_WORDS: Final = 0.6
# Of 64 bits; the same picture sent again differs in 0-3, re-encoded and scaled in up to 6, another scene in 20 and more.
SAME_PICTURE_BITS: Final = 6
# A picture without structure (a black frame, a wall) has a hash of nearly one kind of bit, like any other such picture.
LEAST_MIXED_BITS: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """What is compared of a report, or of a case through its latest reports."""

    matter_id: UUID | None
    lonlat: LonLat
    at: datetime
    accuracy_m: float | None = None
    texts: Sequence[str] = ()
    hashes: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Likeness:
    """The comparison: metres and seconds apart, share of common words (0-1), differing bits of the nearest pictures."""

    same_matter: bool
    distance_m: float
    apart_s: float
    words_share: float
    picture_bits: int | None
    same_words: bool
    sure: bool
    score: float

    def features(self) -> dict[str, object]:
        """Give what is written down beside a link, so that anybody can see why."""
        return {
            "same_matter": self.same_matter, "distance_m": round(self.distance_m, 1), "apart_s": round(self.apart_s),
            "words_share": round(self.words_share, 3), "picture_bits": self.picture_bits, "sure": self.sure,
        }  # fmt: skip


def compare(one: Trace, other: Trace) -> Likeness:
    """Compare two reports; the order makes no difference."""
    apart_s = abs((one.at - other.at).total_seconds())
    metres = distance_m(one.lonlat, other.lonlat)
    same_matter = one.matter_id is not None and one.matter_id == other.matter_id
    pairs = [(mine, theirs) for mine in one.texts for theirs in other.texts]
    share = max((words_share(mine, theirs) for mine, theirs in pairs), default=0.0)
    same_words = any(tell_the_same(mine, theirs) for mine, theirs in pairs)
    bits = picture_bits(one.hashes, other.hashes)
    same_picture = bits is not None and bits <= SAME_PICTURE_BITS
    sure = (
        same_matter
        and metres <= SURE_M
        and apart_s <= SURE_APART.total_seconds()
        and all((trace.accuracy_m or 0.0) <= SURE_M for trace in (one, other))
        and (same_words or same_picture)
    )
    evidence = max(share, 1.0 if same_picture else 0.0)
    closeness, recency = max(0.0, 1 - metres / NEAR_M), max(0.0, 1 - apart_s / RECENT.total_seconds())
    score = 0.35 * closeness + 0.15 * recency + 0.5 * evidence
    return Likeness(same_matter, metres, apart_s, share, bits, same_words, sure, round(score if same_matter else 0.8 * score, 4))


def words_share(one: str, other: str) -> float:
    """Give the share of common character pairs (Dice, 0-1) of two texts, punctuation and width apart.

    >>> words_share("路灯坏了", "路灯坏了。")
    1.0
    """
    mine, theirs = _pairs(one), _pairs(other)
    total = mine.total() + theirs.total()
    return 2 * (mine & theirs).total() / total if total else 0.0


def tell_the_same(one: str, other: str) -> bool:
    """Tell whether two texts speak of the same single thing: long enough, mostly the same, and no different numbers in them.

    >>> tell_the_same("三单元门口的垃圾堆了三天没人收", "3单元门口垃圾堆了三天没人收了")
    True
    >>> tell_the_same("5栋楼下的路灯不亮很久了", "8栋楼下的路灯不亮很久了")
    False
    """
    if min(len(_plain(one)), len(_plain(other))) < TELLING_CHARACTERS or words_share(one, other) < SAME_WORDS:
        return False
    mine, theirs = _numbers(one), _numbers(other)
    return not mine or not theirs or mine <= theirs or theirs <= mine


def picture_bits(one: Sequence[int], other: Sequence[int]) -> int | None:
    """Give the fewest bits in which a picture of one differs from a picture of the other; None without telling pictures."""
    mine, theirs = [_unsigned(h) for h in one if is_telling(h)], [_unsigned(h) for h in other if is_telling(h)]
    return min(((a ^ b).bit_count() for a in mine for b in theirs), default=None)


def is_telling(picture_hash: int) -> bool:
    """Tell whether a picture's hash has enough structure to be compared."""
    return LEAST_MIXED_BITS <= _unsigned(picture_hash).bit_count() <= 64 - LEAST_MIXED_BITS


def _unsigned(picture_hash: int) -> int:
    return picture_hash & 0xFFFF_FFFF_FFFF_FFFF


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text).lower())


def _pairs(text: str) -> Counter[str]:
    plain = _plain(text)
    return Counter(plain[i : i + 2] for i in range(len(plain) - 1))


def _numbers(text: str) -> set[str]:
    """List the numbers of a text; the Chinese digits of house and unit numbers count as figures."""
    plain = unicodedata.normalize("NFKC", text).translate(_DIGITS)
    return set(re.findall(r"\d+", plain))


_DIGITS: Final = str.maketrans("〇零一二三四五六七八九", "00123456789")
