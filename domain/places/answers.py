"""The statements behind the search: names and codes of areas, and the gazetteer through its pairs of characters.

Every row says in which ``way`` a name answered, how many characters of the text it explains (``said``), and where it lies. The
pairs are found through the GIN index of ``places.bigrams``; what pairs cannot tell (order, whole names) is checked on the few left.
"""

from __future__ import annotations

from typing import Any, Final

from psycopg.rows import dict_row

from domain.base import Conn
from domain.places.fold import BAR, bigrams

CONSIDERED: Final = 200  # candidates read from each source; a text that fits more says too little to rank
LEAST_CODE: Final = 4  # digits from which a number is looked up as a code
WAYS: Final = ("exact", "code", "former", "prefix", "inside", "within", "fuzzy")

_IN_FORCE: Final = "{0}.valid_from <= %(at)s and ({0}.valid_to is null or {0}.valid_to > %(at)s)"
_NAMES_OF: Final = f"""
(select string_agg(a.name, ' ' order by o.ord) from unnest({{0}}.path) with ordinality o(area_id, ord)
 join area_versions a on a.area_id = o.area_id and {_IN_FORCE.format("a")} where o.area_id <> {{1}})
"""
AREAS: Final = f"""
with named as materialized (
    select v.area_id, v.level, v.code, v.name, v.valid_to, v.valid_to is null or v.valid_to > %(at)s as in_force, n.folded,
           regexp_replace(n.folded, '(社区|村)?(居民委员会|村民委员会|居委会|村委会)$|专属网格$', '') as short
    from area_versions v, lateral (select translate(lower(v.name), ' ·()（）-', '') as folded) n
    where v.valid_from <= %(at)s
), other_codes as materialized (
    select area_id from area_codes where code = %(code)s
), answers as (
    select named.*, case
        when not in_force then 'former'
        when folded = %(text)s or short = %(text)s then 'exact'
        when code = %(code)s then 'code'
        when area_id in (select area_id from other_codes) then 'former'
        when starts_with(folded, %(text)s) or starts_with(code, %(code)s) then 'prefix'
        when strpos(folded, %(text)s) > 0 then 'inside'
        else 'within' end as way,
        case when strpos(%(text)s, folded) > 0 then length(folded)
             when length(short) > 1 and strpos(%(text)s, short) > 0 then length(short)
             else length(%(text)s) end as said
    from named
    where case when in_force
        then strpos(folded, %(text)s) > 0 or short = %(text)s or starts_with(code, %(code)s)
             or area_id in (select area_id from other_codes)
             or (length(folded) > 1 and strpos(%(text)s, folded) > 0)
             or (length(short) > 1 and short <> folded and strpos(%(text)s, short) > 0)
        else folded = %(text)s or code = %(code)s end
), best as (
    select distinct on (area_id) * from answers order by area_id, in_force desc, valid_to desc nulls first
), few as (
    select * from best
    order by array_position(array['exact', 'code', 'former', 'prefix', 'within', 'inside'], way), length(name),
             array_position(array['province', 'city', 'county', 'town', 'village'], level), code
    limit %(considered)s
)
select few.area_id as id, few.area_id, few.level as kind, now.name, few.name as matched, now.code, few.code as matched_code, few.way,
       few.said, length(few.folded) as length, st_x(p.point) as lon, st_y(p.point) as lat, sqrt(now.area_m2 / pi()) as precision_m,
       array[st_xmin(now.geom), st_ymin(now.geom), st_xmax(now.geom), st_ymax(now.geom)] as bbox, now.path,
       {_NAMES_OF.format("now", "now.area_id")} as frame
from few join lateral (
    select * from area_versions v where v.area_id = few.area_id and v.valid_from <= %(at)s order by v.valid_from desc limit 1
) now on true, lateral (select st_transform(now.label_point, 4326) as point) p
"""
# The gazetteer's points are told apart by the town, county or city they lie in.
_PLACES: Final = f"""
select p.id, null::uuid as area_id, p.kind, p.name, p.name as matched, p.code, p.code as matched_code, p.way, p.said, p.length,
       st_x(p.position) as lon, st_y(p.position) as lat, p.precision_m, null::float8[] as bbox,
       coalesce(frame.path, '{{{{}}}}') as path, frame.names as frame
from ({{0}}) p left join lateral (
    select v.path, {_NAMES_OF.format("v", "'00000000-0000-0000-0000-000000000000'")} as names from area_versions v
    where v.layer = 'admin' and v.level in ('city', 'county', 'town') and {_IN_FORCE.format("v")} and st_intersects(v.geom, p.position)
    order by cardinality(v.path) desc limit 1
) frame on true
"""
CONTAINING: Final = _PLACES.format("""
select p.*, length(%(text)s) as said, length(p.name) as length,
       case when strpos(search_key, %(exact)s) > 0 then 'exact' when strpos(search_key, %(prefix)s) > 0 then 'prefix'
            else 'inside' end as way
from places p where bigrams @> %(pairs)s::text[] and strpos(search_key, %(text)s) > 0
order by strpos(search_key, %(exact)s) = 0, strpos(search_key, %(prefix)s) = 0, length(search_key), id limit %(considered)s
""")
# A name can only stand in the text where its beginning does: each place in the text is asked for names that begin there.
CONTAINED: Final = _PLACES.format("""
select p.*, n.said, n.said as length, 'within' as way
from unnest(%(heads)s::text[], %(starts)s::text[]) as h(head, start)
join places p on p.bigrams @> array[h.head, h.start]
cross join lateral (
    select max(length(name)) as said from unnest(string_to_array(search_key, '|')) name
    where length(name) > 1 and starts_with(name, h.start) and strpos(%(text)s, name) > 0
) n
where n.said is not null order by n.said desc, id limit %(considered)s
""")
SHARING: Final = _PLACES.format("""
select p.*, shared.said, length(p.name) as length, 'fuzzy' as way
from places p, lateral (select count(*)::int as said from unnest(p.bigrams) pair where pair = any(%(pairs)s::text[])) shared
where bigrams && %(pairs)s::text[] and shared.said * 2 >= cardinality(%(pairs)s::text[])
order by shared.said desc, length(search_key), id limit %(considered)s
""")


def parameters(asked: str, *, at: object) -> dict[str, object]:
    """Give the statements' values for a folded text."""
    beginnings = sorted({asked[i : i + 2] for i in range(len(asked) - 1)})
    is_code = len(asked) >= LEAST_CODE and asked.isascii() and asked.isdigit()
    return {
        "at": at,
        "text": asked,
        "code": asked if is_code else None,
        "considered": CONSIDERED,
        "exact": f"{BAR}{asked}{BAR}",
        "prefix": BAR + asked,
        "pairs": bigrams(asked) or [BAR + asked],
        "heads": [BAR + start[0] for start in beginnings],
        "starts": beginnings,
    }


async def read(conn: Conn, asked: str, *, at: object) -> list[dict[str, Any]]:
    """Read everything that answers a folded text; what merely resembles it only when nothing else does."""
    values = parameters(asked, at=at)
    rows: list[dict[str, Any]] = []
    async with conn.cursor(row_factory=dict_row) as cursor:
        for statement in (AREAS, CONTAINING, CONTAINED):
            rows += await (await cursor.execute(statement, values)).fetchall()
        if not rows and len(asked) > 2:
            rows += await (await cursor.execute(SHARING, values)).fetchall()
    return rows
