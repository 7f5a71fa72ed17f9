"""Types every context uses: words in two languages, positions, pages."""

from __future__ import annotations

from enum import Enum

import strawberry

from api.entity import told
from domain.cases.lifecycle import STATE_NAMES


@strawberry.type(description="The same words in Chinese and English.")
class Words:
    """A name in two languages."""

    zh: str = told("In Chinese.")
    en: str = told("In English.")


@strawberry.type(description="Where a page of a list stands.")
class PageInfo:
    """The two ends of a page."""

    has_next_page: bool = told("Whether more follow after endCursor.")
    has_previous_page: bool = told("Whether this page was asked for with a cursor, so that something stands before it.")
    start_cursor: str | None = told("Cursor of the first edge; null on an empty page.")
    end_cursor: str | None = told("Cursor of the last edge; give it as `after` for the next page.")


@strawberry.type(description="Another case, named: it may lie outside the caller's remit.")
class CaseRef:
    """A reference to a case."""

    id: strawberry.ID = told("Id.")
    number: str = told("Number.")
    state: str = told("Key of the state.")


class Datum(Enum):
    """Datums a sender may declare."""

    WGS84 = "WGS84"
    CGCS2000 = "CGCS2000"
    GCJ02 = "GCJ02"
    BD09 = "BD09"


strawberry.enum(
    Datum,
    description="The coordinate system a position is given in: GPS and browsers give WGS84; CGCS2000 differs by decimetres;"
    " GCJ02 is that of Chinese web maps; BD09 is Baidu's. Only WGS 84 is ever given out.",
)


@strawberry.input(description="A position as its sender knows it, with the datum it is in.")
class PositionInput:
    """A position with datum and accuracy."""

    lon: float = told("Longitude in degrees.")
    lat: float = told("Latitude in degrees.")
    datum: Datum = told("Coordinate system of lon and lat; never guessed.")
    accuracy_m: float | None = told("Radius in metres the receiver claims; leave out when unknown.", default=None)


STATE_WORDS = {state: {"zh": zh, "en": en} for state, (zh, en) in STATE_NAMES.items()}


def state_words(state: str) -> dict[str, str]:
    """Name a state of a case in two languages."""
    return STATE_WORDS[state]
