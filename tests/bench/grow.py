"""Makes a city's history long: settled cases of the demo are copied into the past, with their reports and everything beside them.

A copy is the same row with its ids and instants moved back together, so every row stays consistent with the others. It is one
INSERT ... SELECT a table, without indexes, which are made again afterwards.
"""

from __future__ import annotations

import time
from typing import Final

import psycopg

SETTLED_AFTER_DAYS: Final = 9
# Steps and messages of every so many copied cases: what they cost is disk, and a view of a case reads one case's.
DETAILED_EVERY: Final = 4

_COPIED: Final = """
create or replace function copied(id uuid, days integer) returns uuid immutable strict parallel safe language sql as $$
    select (lpad(to_hex(('x' || left(h, 12))::bit(48)::bigint - days * 86400000::bigint), 12, '0') || right(h, 20))::uuid
    from (select replace(id::text, '-', '') as h) x
$$
"""
_TABLES: Final = ("cases", "reports", "case_transitions", "case_messages", "case_ratings")
_IDS: Final = {"id", "case_id", "report_id", "submission_id"}
_KEPT_IDS: Final = {"reports": {"submitted_by"}}
_SPECIAL: Final = {
    ("cases", "number"): "to_char(t.opened_at - s.days * interval '1 day', 'YYYYMMDD') || '-' || nextval('case_numbers')",
    ("reports", "tracking_hash"): "sha256(t.tracking_hash || int4send(s.days))",
    ("case_transitions", "command_id"): "null",
}
_COLUMNS: Final = """
select attname, format_type(atttypid, atttypmod) from pg_attribute
where attrelid = %s::regclass and attnum > 0 and not attisdropped and attgenerated = '' order by attnum
"""
_INDEXES: Final = """
select indexrelid::regclass::text, pg_get_indexdef(indexrelid) from pg_index i
where indrelid = %s::regclass and not exists (select from pg_constraint c where c.conindid = i.indexrelid)
"""
_STALE: Final = """
insert into figure_blocks (anchor, day, mark, layout, stale, cases, ids, moments, columns)
select a.anchor, d.day, gen_random_uuid(), '', true, 0, '', '', ''
from (
    select distinct i.ord, (i.at at time zone 'Asia/Shanghai')::date as day
    from cases c, unnest(array[c.opened_at, coalesce(c.late_at, c.handle_due_at), c.handled_at, c.closed_at]) with ordinality i(at, ord)
    where i.at is not null
) d join (values (1, 'received'), (2, 'due'), (3, 'handled'), (4, 'closed')) a(ord, anchor) on a.ord = d.ord
on conflict (anchor, day) do update set stale = true
"""


class Grower:
    """A city whose settled cases are copied back again and again until there are enough."""

    def __init__(self, conn: psycopg.Connection[tuple[object, ...]]) -> None:
        self.conn = conn
        self.conn.execute(_COPIED)
        self.conn.execute("set session_replication_role = replica")
        self.conn.execute("set synchronous_commit = off")
        self.conn.execute("set maintenance_work_mem = '1GB'")
        newest = self.one("select max(opened_at) from cases where synthetic")
        self.conn.execute(
            "create table templates as select id, row_number() over (order by id) %% %s = 0 as detailed from cases"
            " where synthetic and closed_at is not null and opened_at < %s - %s * interval '1 day'",
            (DETAILED_EVERY, newest, SETTLED_AFTER_DAYS),
        )
        self.templates = int(str(self.one("select count(*) from templates")))
        self.span_days = int(str(self.one(
            "select ceil(extract(epoch from max(c.opened_at) - min(c.opened_at)) / 86400) from cases c join templates using (id)"
        )))  # fmt: skip
        self.copies = 0

    def one(self, query: str, *values: object) -> object:
        """Read one value."""
        row = self.conn.execute(query, values or None).fetchone()
        return row[0] if row else None

    def grow(self, wanted: int) -> dict[str, float]:
        """Copy until there are about ``wanted`` cases; give the seconds the rows, the indexes and the statistics took."""
        have = int(str(self.one("select count(*) from cases")))
        more = max(round((wanted - have) / self.templates), 0)
        begun = time.perf_counter()
        if not more:
            return {}
        indexes = [found for table in _TABLES for found in self.conn.execute(_INDEXES, (table,)).fetchall()]
        for name, _ in indexes:
            self.conn.execute(f"drop index {name}")
        for table in _TABLES:
            self._copy(table, self.copies + 1, self.copies + more)
        self.copies += more
        rows = time.perf_counter()
        for _, definition in indexes:
            self.conn.execute(str(definition))
        made = time.perf_counter()
        self.conn.execute(_STALE)
        for table in (*_TABLES, "receipts"):
            self.conn.execute(f"vacuum (analyze) {table}")
        return {"rows_s": rows - begun, "indexes_s": made - rows, "statistics_s": time.perf_counter() - made}

    def _copy(self, table: str, first: int, last: int) -> None:
        columns = self.conn.execute(_COLUMNS, (table,)).fetchall()
        values = ", ".join(self._value(table, str(name), str(kind)) for name, kind in columns)
        names = ", ".join(str(name) for name, _ in columns)
        key = "id" if table == "cases" else "case_id"
        only = "" if table in ("cases", "reports") else " and m.detailed"
        self.conn.execute(
            f"insert into {table} ({names}) select {values} from {table} t join templates m on m.id = t.{key}{only},"
            " (select number * %s::integer as days from generate_series(%s::integer, %s::integer) number) s order by s.days desc",
            (self.span_days, first, last),
        )

    def _value(self, table: str, name: str, kind: str) -> str:
        if (special := _SPECIAL.get((table, name))) is not None:
            return special
        if kind.startswith("timestamp"):
            return f"t.{name} - s.days * interval '1 day'"
        return f"copied(t.{name}, s.days)" if name in _IDS else f"t.{name}"
