"""Coordinates as people type them: either order, decimal degrees or degrees, minutes, seconds, with a datum or without.

``114.917, 27.818`` · ``27.818N 114.917E`` · ``北纬27°49′5″ 东经114°55′1″`` · ``GCJ02 114.9,27.8`` · ``geo:27.818,114.917``
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from geo import datum as datums
from geo.lonlat import Datum, LonLat, PositionError

DEGREE_M: Final = 111_320.0
# Every position of the country has its longitude in the first and its latitude in the second of these ranges: whoever
# types the two the other way round is understood.
_LON_RANGE, _LAT_RANGE = (73.0, 136.0), (3.0, 54.0)

_SYSTEMS = r"(WGS[-_ ]?84|CGCS[-_ ]?2000|GCJ[-_ ]?0?2|BD[-_ ]?0?9(?:LL)?)"
_DATUM = re.compile(rf"^{_SYSTEMS}(?![0-9.])\s*[:=,]?\s*|\s*[,(]?\s*{_SYSTEMS}\)?$", re.IGNORECASE)
_MARK = "N|S|E|W|LATITUDE|LONGITUDE|LAT|LON|LNG|北纬|南纬|东经|西经|纬度|经度"
_ANGLE = (
    r"(?P<pre{0}>" + _MARK + r")?\s*[:=]?\s*(?P<sign{0}>[+-])?(?P<d{0}>\d{{1,3}}(?:\.\d{{1,15}})?)\s*"
    r"(?:[°度]\s*(?:(?P<m{0}>\d{{1,2}}(?:\.\d{{1,12}})?)\s*['分]\s*(?:(?P<s{0}>\d{{1,2}}(?:\.\d{{1,9}})?)\s*[\"秒]\s*)?)?)?(?P<post{0}>[NSEW])?"
)
_PAIR = re.compile(_ANGLE.format(1) + r"\s*[,;/\s]\s*" + _ANGLE.format(2), re.IGNORECASE)
_AXIS = {"N": "lat", "S": "lat", "北": "lat", "南": "lat", "纬": "lat", "E": "lon", "W": "lon", "东": "lon", "西": "lon", "经": "lon"}
# What keyboards and word processors make of ' " ° and of punctuation, and everything in full width.
_WIDE = {code + 0xFEE0: chr(code) for code in range(0x21, 0x7F)}
_PLAIN = _WIDE | {
    ord(char): plain
    for plain, chars in (("'", "′’‘"), ('"', "″”“"), ("°", "º"), (",", "、"), ("-", "−"), (" ", "\u3000\t"))
    for char in chars
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """A position somebody typed, in WGS 84.

    ``precision_m`` is half of the last digit given; ``datum`` is None when none was named (taken as WGS 84); ``turned``
    tells that latitude came first without a mark that says so.
    """

    lonlat: LonLat
    precision_m: float
    datum: Datum | None
    turned: bool


def parse(text: str) -> Typed | None:
    """Read a coordinate pair, or return None when the text is none or names no place on earth."""
    text = text.translate(_PLAIN).strip()
    latitude_first = text[:4].lower() == "geo:"  # RFC 5870 writes latitude first
    text = text[4:].partition(";")[0] if latitude_first else text
    named = _DATUM.search(text)
    if named is not None:
        text = (text[: named.start()] + text[named.end() :]).strip()
    pair = _PAIR.fullmatch(text.strip("() "))
    if pair is None:
        return None
    first, second = _value(pair, 1), _value(pair, 2)
    axes = _axis(pair, 1), _axis(pair, 2)
    if first is None or second is None or (axes[0] is not None and axes[0] == axes[1]):
        return None
    marked = axes[0] == "lat" or axes[1] == "lon" or latitude_first
    turned = not any(axes) and not latitude_first and _turned(first, second)
    lon, lat = (second, first) if marked or turned else (first, second)
    datum = datums.parse_datum((named[1] or named[2]).replace(" ", "")) if named is not None else None
    try:
        at = datums.position(lon=lon, lat=lat, datum=datum or Datum.WGS84, accuracy_m=None)
    except PositionError:
        return None
    return Typed(lonlat=at.lonlat, precision_m=max(_precision_m(pair, 1), _precision_m(pair, 2)), datum=datum, turned=turned)


def _value(pair: re.Match[str], n: int) -> float | None:
    minutes, seconds = float(pair[f"m{n}"] or 0), float(pair[f"s{n}"] or 0)
    if minutes >= 60 or seconds >= 60 or ("." in pair[f"d{n}"] and pair[f"m{n}"]):
        return None
    negative = pair[f"sign{n}"] == "-" or _mark(pair, n)[:1] in ("S", "W", "南", "西")
    value = float(pair[f"d{n}"]) + minutes / 60 + seconds / 3600
    return -value if negative else value


def _mark(pair: re.Match[str], n: int) -> str:
    return (pair[f"pre{n}"] or pair[f"post{n}"] or "").upper()


def _axis(pair: re.Match[str], n: int) -> str | None:
    mark = _mark(pair, n)
    return "lat" if mark.startswith("LA") else "lon" if mark.startswith("LO") or mark == "LNG" else _AXIS.get(mark[:1])


def _turned(first: float, second: float) -> bool:
    return (_LAT_RANGE[0] <= first <= _LAT_RANGE[1] and _LON_RANGE[0] <= second <= _LON_RANGE[1]) or abs(second) > 90.0 >= abs(first)


def _precision_m(pair: re.Match[str], n: int) -> float:
    last, unit = (pair[f"s{n}"], 3600) if pair[f"s{n}"] else (pair[f"m{n}"], 60) if pair[f"m{n}"] else (pair[f"d{n}"], 1)
    decimals = len(last.partition(".")[2])
    return round(max(0.5 * 10.0**-decimals / unit * DEGREE_M, 1.0), 1)
