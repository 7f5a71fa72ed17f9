-- Figures: definitions, cases packed by day, and the queue of cases that changed.

CREATE TABLE figure_definitions (
	id UUID NOT NULL, 
	code TEXT NOT NULL, 
	version INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	name_en TEXT NOT NULL, 
	statistic TEXT NOT NULL, 
	anchor TEXT NOT NULL, 
	numerator JSONB NOT NULL, 
	denominator JSONB, 
	filter JSONB, 
	measure TEXT, 
	unit TEXT NOT NULL, 
	valid_from DATE NOT NULL, 
	valid_to DATE, 
	basis TEXT NOT NULL, 
	ord INTEGER DEFAULT '100' NOT NULL, 
	CONSTRAINT figure_definitions_pkey PRIMARY KEY (id), 
	CONSTRAINT figure_definitions_statistic_check CHECK (statistic = ANY (ARRAY['count', 'share', 'median', 'p90'])), 
	CONSTRAINT figure_definitions_anchor_check CHECK (anchor = ANY (ARRAY['received', 'due', 'handled', 'closed'])), 
	CONSTRAINT figure_definitions_measure_check CHECK (measure = ANY (ARRAY['first_reply', 'auto_reply', 'handling'])), 
	CONSTRAINT figure_definitions_unit_check CHECK (unit = ANY (ARRAY['cases', 'percent', 'minutes']))
);
CREATE UNIQUE INDEX figure_definitions_code_version_key ON figure_definitions (code, version);
CREATE UNIQUE INDEX figure_definitions_in_force_key ON figure_definitions (code) WHERE valid_to is null;
COMMENT ON TABLE figure_definitions IS 'What a figure counts, by version; a version that has counted is never rewritten.';
COMMENT ON COLUMN figure_definitions.statistic IS 'count: cases of the numerator; share: numerator by denominator; median and p90: of the measure';
COMMENT ON COLUMN figure_definitions.anchor IS 'the instant of a case that decides in which period it is counted';
COMMENT ON COLUMN figure_definitions.numerator IS 'condition over named facts (domain/insights/conditions.py)';
COMMENT ON COLUMN figure_definitions.denominator IS 'condition over named facts; shares have one';
COMMENT ON COLUMN figure_definitions.filter IS 'condition that holds for both';
COMMENT ON COLUMN figure_definitions.measure IS 'what a median or p90 is taken of, in seconds';
COMMENT ON COLUMN figure_definitions.unit IS 'cases, percent or minutes';
COMMENT ON COLUMN figure_definitions.valid_to IS 'exclusive; empty while in force';
COMMENT ON COLUMN figure_definitions.basis IS 'why it is counted this way, or whose definition it is';

CREATE TABLE figure_blocks (
	anchor TEXT NOT NULL, 
	day DATE NOT NULL, 
	mark UUID NOT NULL, 
	layout TEXT NOT NULL, 
	stale BOOLEAN NOT NULL, 
	cases INTEGER NOT NULL, 
	ids BYTEA NOT NULL, 
	moments BYTEA NOT NULL, 
	columns BYTEA NOT NULL, 
	CONSTRAINT figure_blocks_pkey PRIMARY KEY (anchor, day)
);
CREATE INDEX figure_blocks_stale_idx ON figure_blocks (day) WHERE stale;
COMMENT ON TABLE figure_blocks IS 'Cases as packed columns, by anchor and day: what figures are counted from.';
COMMENT ON COLUMN figure_blocks.day IS 'local day of the anchor';
COMMENT ON COLUMN figure_blocks.mark IS 'another one after every change: what a copy in memory is known by';
COMMENT ON COLUMN figure_blocks.layout IS 'facts and zone the columns were made with; another one is made again';
COMMENT ON COLUMN figure_blocks.stale IS 'must be made from the cases before it is used';
COMMENT ON COLUMN figure_blocks.ids IS '16 bytes a case';
COMMENT ON COLUMN figure_blocks.moments IS 'the anchor, microseconds since 1970, 8 bytes a case';
COMMENT ON COLUMN figure_blocks.columns IS 'place, unit, kind, facts and measures, one column after the other, 4 bytes a case';

CREATE TABLE figure_changes (
	id BIGINT GENERATED ALWAYS AS IDENTITY, 
	case_id UUID NOT NULL, 
	before TIMESTAMP WITH TIME ZONE[], 
	CONSTRAINT figure_changes_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE figure_changes IS 'Cases changed since they were last packed; written by a trigger, taken by the worker.';
COMMENT ON COLUMN figure_changes.before IS 'the case''s anchors before the change, in order; empty for a new case';

CREATE TABLE figure_places (
	id INTEGER GENERATED ALWAYS AS IDENTITY, 
	area_ids UUID[] NOT NULL, 
	CONSTRAINT figure_places_pkey PRIMARY KEY (id)
);
CREATE UNIQUE INDEX figure_places_area_ids_key ON figure_places (area_ids);
COMMENT ON TABLE figure_places IS 'Numbers for the sets of areas that cases lie in.';

CREATE TABLE figure_units (
	id INTEGER GENERATED ALWAYS AS IDENTITY, 
	key TEXT NOT NULL, 
	department_id UUID, 
	about_department_id UUID, 
	party_ids UUID[] NOT NULL, 
	CONSTRAINT figure_units_pkey PRIMARY KEY (id)
);
CREATE UNIQUE INDEX figure_units_key_key ON figure_units (key);
COMMENT ON TABLE figure_units IS 'Numbers for who has a case, whom it is about and who has a part in it.';
COMMENT ON COLUMN figure_units.key IS 'the three others as text';

CREATE TABLE figure_kinds (
	id INTEGER GENERATED ALWAYS AS IDENTITY, 
	key TEXT NOT NULL, 
	matter_id UUID, 
	source TEXT NOT NULL, 
	CONSTRAINT figure_kinds_pkey PRIMARY KEY (id)
);
CREATE UNIQUE INDEX figure_kinds_key_key ON figure_kinds (key);
COMMENT ON TABLE figure_kinds IS 'Numbers for what cases are about and where they come from.';
COMMENT ON COLUMN figure_kinds.key IS 'the two others as text';
COMMENT ON COLUMN figure_kinds.source IS 'of the first report, or alert';

CREATE INDEX cases_deadline_idx ON cases (coalesce(late_at, handle_due_at));
CREATE INDEX cases_handled_at_idx ON cases (handled_at);
CREATE INDEX cases_closed_at_idx ON cases (closed_at) WHERE closed_at is not null;

alter table figure_blocks alter column ids set storage external, alter column moments set storage external, alter column columns set storage external;

create function figure_cases_opened() returns trigger language plpgsql as $$
begin
    insert into figure_changes (case_id) select id from fresh;
    return null;
end $$;

create function figure_cases_changed() returns trigger language plpgsql as $$
begin
    insert into figure_changes (case_id, before)
        select id, array[opened_at, coalesce(late_at, handle_due_at), handled_at, closed_at] from gone;
    return null;
end $$;

create trigger figure_cases_opened after insert on cases referencing new table as fresh for each statement execute function figure_cases_opened();
create trigger figure_cases_changed after update on cases referencing old table as gone for each statement execute function figure_cases_changed();

-- Cases that are there already are packed by the worker, day by day.
insert into figure_blocks (anchor, day, mark, layout, stale, cases, ids, moments, columns)
select a.anchor, d.day, gen_random_uuid(), '', true, 0, '', '', ''
from (
    select distinct a.ord, (a.instant at time zone (select zone from calendar_state))::date as day
    from cases c, unnest(array[c.opened_at, coalesce(c.late_at, c.handle_due_at), c.handled_at, c.closed_at]) with ordinality a(instant, ord)
    where a.instant is not null
) d join (values (1, 'received'), (2, 'due'), (3, 'handled'), (4, 'closed')) a(ord, anchor) on a.ord = d.ord;

insert into figure_definitions (id, code, version, name, name_en, statistic, anchor, numerator, denominator, filter, measure, unit, valid_from, basis, ord) values
    (gen_random_uuid(), 'received', 1, '受理数', 'Received', 'count', 'received', '{"any": ["report", "alert"]}', null, null, null, 'cases', '2000-01-01', '每个进入系统的案件计一次，含后来并案、撤回和不予受理的。', 10),
    (gen_random_uuid(), 'filed', 1, '立案率', 'Filed', 'share', 'received', '"filed"', '{"any": ["report", "alert"]}', null, null, 'percent', '2000-01-01', '受理的案件中已立案的。', 20),
    (gen_random_uuid(), 'auto_reply_60s', 1, '60 秒内自动回应率', 'Answered automatically within 60 s', 'share', 'received', '{"within": ["auto_reply", 60]}', '{"any": ["report", "alert"]}', '{"source": ["citizen", "hotline", "police110", "qr"]}', null, 'percent', '2000-01-01', '群众来源的案件中，60 秒内自动回应的。', 30),
    (gen_random_uuid(), 'first_reply_24h', 1, '24 小时内人工回应率', 'Answered by a person within 24 h', 'share', 'received', '{"within": ["first_reply", 86400]}', '{"any": ["report", "alert"]}', '{"source": ["citizen", "hotline", "police110", "qr"]}', null, 'percent', '2000-01-01', '群众来源的案件中，24 小时内由人工首次回应的。', 40),
    (gen_random_uuid(), 'on_time', 1, '按期处置率', 'Handled in time', 'share', 'due', '"on_time"', '{"any": ["late", {"none": ["rejected", "withdrawn", "merged", "suspended"]}]}', null, null, 'percent', '2000-01-01', '期限落在本期间的案件全部计入分母，未办结且超期的计为超期；超期一经记录不再撤销，挂账中尚未超期的不计。', 50),
    (gen_random_uuid(), 'overdue_open', 1, '超期未办数', 'Overdue and open', 'count', 'due', '{"all": ["open", "not:handled", "not:suspended"]}', null, null, null, 'cases', '2000-01-01', '期限已过仍未办结的案件。', 60),
    (gen_random_uuid(), 'closure', 1, '结案率', 'Closed', 'share', 'received', '"closed"', '{"none": ["rejected", "withdrawn", "merged"]}', null, null, 'percent', '2000-01-01', '受理的案件除不予受理、撤回和并案外，已结案的。', 70),
    (gen_random_uuid(), 'closed', 1, '结案数', 'Closed in the period', 'count', 'closed', '"closed"', null, null, null, 'cases', '2000-01-01', '本期间结案的案件。', 80),
    (gen_random_uuid(), 'returned', 1, '退回率', 'Returned', 'share', 'received', '"returned"', '"filed"', null, null, 'percent', '2000-01-01', '立案的案件中，被承办单位退回过的（自最近一次立案起）。', 90),
    (gen_random_uuid(), 'bounced', 1, '多次退回数', 'Returned more than once', 'count', 'received', '"bounced"', null, null, null, 'cases', '2000-01-01', '被退回两次及以上的案件（自最近一次立案起）。', 100),
    (gen_random_uuid(), 'joint', 1, '联合处置数', 'Joint actions', 'count', 'received', '"joint"', null, null, null, 'cases', '2000-01-01', '吹哨报到、多个单位联合处置的案件。', 110),
    (gen_random_uuid(), 'reworked', 1, '返工率', 'Redone', 'share', 'handled', '"reworked"', '{"any": ["report", "alert"]}', null, null, 'percent', '2000-01-01', '本期间处置完成的案件中，返工过的。', 120),
    (gen_random_uuid(), 'reopened', 1, '重开率', 'Reopened', 'share', 'received', '"reopened"', '{"any": ["closed", "reopened"]}', null, null, 'percent', '2000-01-01', '受理的案件中结过案的，有多少重开。', 130),
    (gen_random_uuid(), 'satisfaction', 1, '满意率', 'Satisfied', 'share', 'handled', '{"any": ["satisfied", "fair"]}', '"rated"', null, null, 'percent', '2000-01-01', '本期间处置完成并已评价的案件中，满意和基本满意的；一案多评取最差。', 140),
    (gen_random_uuid(), 'rated', 1, '评价率', 'Rated', 'share', 'handled', '"rated"', '"wants_rating"', null, null, 'percent', '2000-01-01', '本期间处置完成、应由群众评价的案件中，已评价的。', 150),
    (gen_random_uuid(), 'handling_median', 1, '处置用时中位数', 'Handling time, median', 'median', 'handled', '"filed"', null, null, 'handling', 'minutes', '2000-01-01', '从立案到处置完成的自然时间，精确取值：不少于一半的案件不超过它。', 160),
    (gen_random_uuid(), 'handling_p90', 1, '处置用时九成位', 'Handling time, 90th percentile', 'p90', 'handled', '"filed"', null, null, 'handling', 'minutes', '2000-01-01', '从立案到处置完成的自然时间，精确取值：不少于九成的案件不超过它。', 170),
    (gen_random_uuid(), 'suspended', 1, '挂账数', 'Suspended', 'count', 'received', '"suspended"', null, null, null, 'cases', '2000-01-01', '受理的案件中现在挂账的。', 180),
    (gen_random_uuid(), 'extended', 1, '延期率', 'Extended', 'share', 'received', '"extended"', '"filed"', null, null, 'percent', '2000-01-01', '立案的案件中，批准过延期的。', 190),
    (gen_random_uuid(), 'escalated', 1, '升级率', 'Escalated', 'share', 'received', '"escalated"', '"filed"', null, null, 'percent', '2000-01-01', '立案的案件中，因超期升级的。', 200),
    (gen_random_uuid(), 'supervised', 1, '督办数', 'Under supervision', 'count', 'received', '"supervised"', null, null, null, 'cases', '2000-01-01', '受理的案件中被督办过的。', 210);
