"""From words to ranked positions: what the search box and the hotline desk ask.

Four sources answer one question: coordinates as typed, names and codes of areas (present and former), and the gazetteer. A name
answers a text in one of five ways, best first: it *is* the text, it begins with it, it contains it, the text contains the name
(「健康路一处窨井盖」 contains 健康路), or the two merely share pairs of characters. Confidence is the share a candidate has among all
that answered, under a ceiling for the way it did: two villages of one name get half each, because nobody can know which was meant.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid5

from psycopg.rows import dict_row

from domain.base import Conn
from domain.errors import Invalid
from domain.places import typed
from domain.places.fold import BAR, bigrams, fold

MAX_TEXT: Final = 200
MAX_FIRST: Final = 50
CONSIDERED: Final = 200  # candidates read from each source; a text that fits more says too little to rank

_COORDINATES: Final = UUID("0a4c3b0e-5f4e-5c39-9a53-6f1f5d0f6d11")  # names typed positions, so that equal ones get equal ids
# How a name answers: ceiling of the confidence, weight against the other candidates.
_WAYS: Final = {"exact": (0.99, 1.0), "code": (0.99, 1.0), "former": (0.9, 0.8), "prefix": (0.9, 0.02), "inside": (0.75, 0.005), "within": (0.8, 0.02), "fuzzy": (0.4, 0.001)}
_RANK: Final = {way: rank for rank, way in enumerate(("exact", "code", "former", "prefix", "inside", "within", "fuzzy"))}
# In a sentence the finest name is the place; a county's name is only its frame.
_FINENESS: Final = {"province": 0.05, "city": 0.1, "county": 0.3, "town": 0.6, "village": 1.0, "grid": 1.0}

_AREAS: Final = """
with asked as (select %(text)s::text as q, %(code)s::text as code),
named as materialized (
    select v.id as version_id, v.area_id, v.level, v.code, v.name, v.valid_to, n.folded,
           regexp_replace(n.folded, '(社区)?(居民委员会|居委会)$|村民委员会$|村委会$', '') as short
    from area_versions v, lateral (select translate(lower(v.name), ' ·()（）-', '') as folded) n
    where v.valid_from <= %(at)s
), answers as (
    select named.*, case
        when code_of.former or valid_to <= %(at)s then 'former'
        when folded = q or short = q then 'exact'
        when named.code = asked.code then 'code'
        when starts_with(folded, q) or starts_with(named.code, asked.code) then 'prefix'
        when strpos(folded, q) > 0 then 'inside'
        else 'within' end as way,
        case when strpos(q, folded) > 0 then length(folded) when strpos(q, short) > 0 then length(short) else length(q) end as said
    from asked, named, lateral (select exists (
        select from area_codes c where c.area_id = named.area_id and c.code = asked.code and named.code <> c.code) as former) code_of
    where case when valid_to is null or valid_to > %(at)s
        then code_of.former or strpos(folded, q) > 0 or short = q or starts_with(named.code, asked.code)
             or (length(folded) > 1 and strpos(q, folded) > 0) or (length(short) > 1 and short <> folded and strpos(q, short) > 0)
        else folded = q or named.code = asked.code end
), best as (
    select distinct on (area_id) * from answers order by area_id, way = 'former', valid_to desc nulls first
), few as (
    select * from best order by array_position(array['exact', 'code', 'former', 'prefix', 'within', 'inside'], way), length(name),
        array_position(array['province', 'city', 'county', 'town', 'village'], level), code limit %(considered)s
)
select few.area_id as id, few.area_id, few.level as kind, now.name, few.name as matched, few.code, few.way, few.said, length(few.folded) as length,
       st_x(p.point) as lon, st_y(p.point) as lat, sqrt(now.area_m2 / pi()) as precision_m,
       array[st_xmin(now.geom), st_ymin(now.geom), st_xmax(now.geom), st_ymax(now.geom)] as bbox, now.path,
       (select string_agg(a.name, ' ' order by o.ord) from unnest(now.path) with ordinality o(area_id, ord)
        join area_versions a on a.area_id = o.area_id and a.valid_from <= %(at)s and (a.valid_to is null or a.valid_to > %(at)s)
        where o.area_id <> now.area_id) as frame
from few join lateral (select * from area_versions v where v.area_id = few.area_id and v.valid_from <= %(at)s order by v.valid_from desc limit 1) now on true,
     lateral (select st_transform(now.label_point, 4326) as point) p
"""
_PLACE_COLUMNS: Final = """
select p.id, null::uuid as area_id, p.kind, p.name, p.name as matched, p.code, p.way, p.said, p.length, st_x(p.position) as lon, st_y(p.position) as lat,
       p.precision_m, null::float8[] as bbox, coalesce(frame.path, '{{}}') as path, frame.names as frame
from ({0}) p left join lateral (
    select v.path, (select string_agg(a.name, ' ' order by o.ord) from unnest(v.path) with ordinality o(area_id, ord)
        join area_versions a on a.area_id = o.area_id and a.valid_from <= %(at)s and (a.valid_to is null or a.valid_to > %(at)s)) as names
    from area_versions v
    where v.layer = 'admin' and v.level in ('city', 'county', 'town') and v.valid_from <= %(at)s and (v.valid_to is null or v.valid_to > %(at)s)
        and st_intersects(v.geom, p.position)
    order by cardinality(v.path) desc limit 1
) frame on true
"""
# The pairs are found through the GIN index; what they cannot tell (order, whole names) is checked on the few rows left.
_CONTAINING: Final = """
select p.*, length(%(text)s) as said, length(p.name) as length,
       case when strpos(search_key, %(exact)s) > 0 then 'exact' when strpos(search_key, %(prefix)s) > 0 then 'prefix' else 'inside' end as way
from places p where bigrams @> %(pairs)s::text[] and strpos(search_key, %(text)s) > 0
order by strpos(search_key, %(exact)s) = 0, strpos(search_key, %(prefix)s) = 0, length(search_key), id limit %(considered)s
"""
_CONTAINED: Final = """
select p.*, n.said, n.said as length, 'within' as way
from (select distinct unnest(%(heads)s::text[]) as head) h join places p on p.bigrams @> string_to_array(h.head, ' ')
cross join lateral (select max(length(name)) as said from unnest(string_to_array(search_key, '|')) name
                    where length(name) > 1 and starts_with(name, substr(h.head, 2, 1) || right(h.head, 1)) and strpos(%(text)s, name) > 0) n
where n.said is not null order by n.said desc, id limit %(considered)s
"""
_SHARING: Final = """
select p.*, shared.said, length(p.name) as length, 'fuzzy' as way
from places p, lateral (select count(*)::int as said from unnest(p.bigrams) pair where pair = any(%(pairs)s::text[])) shared
where bigrams && %(pairs)s::text[] and shared.said * 2 >= cardinality(%(pairs)s::text[])
order by shared.said desc, length(search_key), id limit %(considered)s
"""
CONTAINING, CONTAINED, SHARING = (_PLACE_COLUMNS.format(inner) for inner in (_CONTAINING, _CONTAINED, _SHARING))


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceCandidate:
    """A place the text may mean. ``lonlat`` is WGS 84; ``precision_m`` is how far the real place may be from it; ``bbox`` is west, south, east, north."""

    id: UUID
    kind: str
    name: str
    detail: str
    lonlat: tuple[float, float]
    precision_m: float
    confidence: float
    area_id: UUID | None = None
    bbox: tuple[float, float, float, float] | None = None


async def search(conn: Conn, text: str, *, first: int, at: datetime) -> list[PlaceCandidate]:
    """Find the places a text may mean, best first; none when it says nothing.

    Raises Invalid when the text is longer than MAX_TEXT characters or ``first`` is not in 1..MAX_FIRST.
    """
    if len(text) > MAX_TEXT:
        raise Invalid(f"search for at most {MAX_TEXT} characters", f"搜索内容不能超过 {MAX_TEXT} 个字符", field="text")
    if not 1 <= first <= MAX_FIRST:
        raise Invalid(f"ask for 1 to {MAX_FIRST} places", f"请求的地点数应在 1 到 {MAX_FIRST} 之间", field="first")
    if (pair := typed.parse(text)) is not None:
        return [_typed(pair)]
    asked = fold(text)
    if not asked:
        return []
    rows = await _answers(conn, asked, at=at)
    return _ranked(asked, rows)[:first]


async def _answers(conn: Conn, asked: str, *, at: datetime) -> list[dict[str, Any]]:
    pairs = bigrams(asked) or [BAR + asked]
    heads = sorted({f"{BAR}{asked[i]} {asked[i : i + 2]}" for i in range(len(asked) - 1)})
    values = {
        "at": at, "text": asked, "code": asked if len(asked) >= 4 and asked.isascii() and asked.isdigit() else None, "considered": CONSIDERED,
        "exact": f"{BAR}{asked}{BAR}", "prefix": BAR + asked, "pairs": pairs, "heads": heads,
    }  # fmt: skip
    async with conn.cursor(row_factory=dict_row) as cursor:
        rows: list[dict[str, Any]] = []
        for statement in (_AREAS, CONTAINING, CONTAINED):
            rows += await (await cursor.execute(statement, values)).fetchall()
        if not any(_RANK[row["way"]] < _RANK["fuzzy"] for row in rows) and len(asked) > 2:
            rows += await (await cursor.execute(SHARING, values)).fetchall()
    return _once(rows)


def _once(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Keep the best answer of each place; an area and the gazetteer's point with its code are one place, and the area knows its extent."""
    kept: dict[object, dict[str, Any]] = {}
    for row in sorted(rows, key=lambda row: (row["area_id"] is None, _RANK[row["way"]], -row["said"])):
        kept.setdefault(row["code"] or row["id"], row)
        if row["area_id"] is None and _RANK[row["way"]] < _RANK[kept[row["code"] or row["id"]]["way"]]:
            kept[row["code"] or row["id"]].update(way=row["way"], said=row["said"])
    return list(kept.values())


def _ranked(asked: str, rows: Sequence[dict[str, Any]]) -> list[PlaceCandidate]:
    named = {row["area_id"] for row in rows if row["way"] == "within" and row["area_id"] is not None}
    weights = [_weight(asked, row, named) for row in rows]
    total = sum(weights)
    order = sorted(zip(weights, rows, strict=True), key=lambda pair: (-pair[0], len(pair[1]["name"]), str(pair[1]["code"]), pair[1]["id"]))
    return [_candidate(row, asked, weight / total) for weight, row in order]


def _weight(asked: str, row: dict[str, Any], named: set[UUID]) -> float:
    """Weigh one answer against the others; a place inside an area that the text names too is the more likely one."""
    weight = _WAYS[row["way"]][1]
    if row["way"] == "within":
        inside = len(named.intersection(row["path"]) - {row["area_id"]})
        return weight * row["said"] ** 2 * _FINENESS.get(row["kind"], 1.2) * (1 + 3 * inside)
    if row["way"] == "fuzzy":
        return float(weight * (row["said"] / max(len(asked), row["length"])) ** 4)
    return float(weight * min(len(asked) / max(row["length"], 1), 1.0)) if row["way"] in ("prefix", "inside") else weight


def _candidate(row: dict[str, Any], asked: str, share: float) -> PlaceCandidate:
    ceiling = _WAYS[row["way"]][0]
    if row["way"] == "within":  # a sentence says more than the name: the less of it the name explains, the less is known
        ceiling *= 0.6 + 0.4 * row["said"] / len(asked)
    elif row["way"] == "fuzzy":
        ceiling *= row["said"] / max(len(asked) - 1, 1)
    former = f"原{row['matched']} {row['code']}" if row["way"] == "former" else row["code"] if row["area_id"] else None
    return PlaceCandidate(
        id=row["id"], kind=row["kind"], name=row["name"], detail=" · ".join(part for part in (row["frame"], former) if part),
        lonlat=(row["lon"], row["lat"]), precision_m=max(float(row["precision_m"]), 1.0), confidence=round(ceiling * share, 3),
        area_id=row["area_id"], bbox=tuple(row["bbox"]) if row["bbox"] else None,
    )  # fmt: skip


def _typed(pair: typed.Typed) -> PlaceCandidate:
    lon, lat = round(pair.lonlat.lon, 6), round(pair.lonlat.lat, 6)
    notes = (str(pair.datum) if pair.datum else "WGS84?", "纬度在前" if pair.turned else "")
    return PlaceCandidate(
        id=uuid5(_COORDINATES, f"{lon},{lat}"), kind="coordinates", name=f"{lon:.6f}, {lat:.6f}", detail=" · ".join(note for note in notes if note),
        lonlat=(lon, lat), precision_m=pair.precision_m, confidence=1.0 if pair.datum else 0.9 if not pair.turned else 0.85,
    )  # fmt: skip
