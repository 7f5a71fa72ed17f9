create extension if not exists postgis;
create extension if not exists btree_gist;

CREATE SEQUENCE case_numbers;

CREATE TABLE area_layers (
    code TEXT NOT NULL,
    name TEXT NOT NULL,
    name_en TEXT NOT NULL,
    promise TEXT NOT NULL,
    version BIGINT DEFAULT '0' NOT NULL,
    routed BOOLEAN DEFAULT 'true' NOT NULL,
    home BOOLEAN DEFAULT 'false' NOT NULL,
    ord INTEGER DEFAULT '0' NOT NULL,
    CONSTRAINT area_layers_pkey PRIMARY KEY (code),
    CONSTRAINT area_layers_promise_check CHECK (promise = ANY (ARRAY['partition', 'disjoint', 'free']))
);
CREATE UNIQUE INDEX area_layers_home_key ON area_layers (home) WHERE home;
COMMENT ON TABLE area_layers IS 'Layers of areas: the administrative tree, governance grids, unit grids, special grids, rail sections.';
COMMENT ON COLUMN area_layers.promise IS 'partition: no gap and no overlap; disjoint: no overlap; free: anything';
COMMENT ON COLUMN area_layers.version IS 'raised by every change of the layer; indexes older than it reload';
COMMENT ON COLUMN area_layers.routed IS 'a receipt names this layer''s owner';
COMMENT ON COLUMN area_layers.home IS 'the layer whose grid owns the case';

CREATE TABLE departments (
    id UUID NOT NULL,
    code TEXT NOT NULL,
    name TEXT NOT NULL,
    name_en TEXT,
    kind TEXT NOT NULL,
    parent_id UUID,
    active BOOLEAN DEFAULT 'true' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT departments_pkey PRIMARY KEY (id),
    CONSTRAINT departments_kind_check CHECK (kind = ANY (ARRAY['government', 'external'])),
    CONSTRAINT departments_parent_id_fkey FOREIGN KEY(parent_id) REFERENCES departments (id)
);
CREATE UNIQUE INDEX departments_code_key ON departments (code);
COMMENT ON TABLE departments IS 'Bodies that own duties: government departments, towns, and external organisations.';
COMMENT ON COLUMN departments.kind IS 'government: a public body; external: a property company or other organisation, which sees only its own cases';

CREATE TABLE devices (
    id UUID NOT NULL,
    code TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    key_hash BYTEA NOT NULL,
    position geometry(POINT,4326) NOT NULL,
    active BOOLEAN DEFAULT 'true' NOT NULL,
    is_demo BOOLEAN DEFAULT 'false' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT devices_pkey PRIMARY KEY (id)
);
CREATE UNIQUE INDEX devices_code_key ON devices (code);
CREATE UNIQUE INDEX devices_key_hash_key ON devices (key_hash);
CREATE INDEX devices_position_idx ON devices USING gist (position);
COMMENT ON TABLE devices IS 'Registered devices that may send detections.';
COMMENT ON COLUMN devices.kind IS 'camera, radar, vibration ...: an open list';
COMMENT ON COLUMN devices.key_hash IS 'SHA-256 of the device key; the key is random, so no slow hash is needed';

CREATE TABLE event_cursor (
    id INTEGER NOT NULL,
    position BIGINT NOT NULL,
    CONSTRAINT event_cursor_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE event_cursor IS 'The relay''s counter: a single row, locked while positions are given.';
COMMENT ON COLUMN event_cursor.id IS 'always 1';
COMMENT ON COLUMN event_cursor.position IS 'last position given';

CREATE TABLE events (
    id UUID NOT NULL,
    seq BIGINT GENERATED ALWAYS AS IDENTITY,
    position BIGINT,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    kind TEXT NOT NULL,
    subject_kind TEXT NOT NULL,
    subject_id UUID NOT NULL,
    area_ids UUID[] NOT NULL,
    department_ids UUID[] NOT NULL,
    left_area_ids UUID[] DEFAULT '{}' NOT NULL,
    left_department_ids UUID[] DEFAULT '{}' NOT NULL,
    actor_id UUID,
    CONSTRAINT events_pkey PRIMARY KEY (id)
);
CREATE INDEX events_pending_idx ON events (seq) WHERE position is null;
CREATE UNIQUE INDEX events_position_key ON events (position);
CREATE INDEX events_subject_id_idx ON events (subject_id, at);
COMMENT ON TABLE events IS 'What happened, to what, and who may see it: audit trail, outbox and live feed in one row.';
COMMENT ON COLUMN events.seq IS 'order of insertion; decides only the order within one relay batch';
COMMENT ON COLUMN events.position IS 'dense order of publication, given after commit; the cursor of live readers';

CREATE TABLE installation (
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT installation_pkey PRIMARY KEY (key)
);
COMMENT ON TABLE installation IS 'Facts about this installation, such as which demo data was loaded.';

CREATE TABLE matters (
    id UUID NOT NULL,
    scheme TEXT NOT NULL,
    scheme_version TEXT NOT NULL,
    kind TEXT NOT NULL,
    major TEXT NOT NULL,
    major_name TEXT NOT NULL,
    minor TEXT NOT NULL,
    name TEXT NOT NULL,
    name_en TEXT,
    enabled BOOLEAN DEFAULT 'true' NOT NULL,
    basis TEXT NOT NULL,
    CONSTRAINT matters_pkey PRIMARY KEY (id),
    CONSTRAINT matters_kind_check CHECK (kind = ANY (ARRAY['component', 'event', 'alert']))
);
CREATE UNIQUE INDEX matters_scheme_scheme_version_kind_major_minor_key ON matters (scheme, scheme_version, kind, major, minor);
COMMENT ON TABLE matters IS 'What can be wrong: managed components and events, with scheme and version.';
COMMENT ON COLUMN matters.kind IS 'component: a managed object; event: something happening; alert: raised by devices';
COMMENT ON COLUMN matters.minor IS 'text of any width: the national scheme is moving from two digits to three';
COMMENT ON COLUMN matters.enabled IS 'classes about people rather than places ship disabled';
COMMENT ON COLUMN matters.basis IS 'where code and name are from';

CREATE TABLE places (
    id UUID NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    name_en TEXT,
    aliases TEXT[] DEFAULT '{}' NOT NULL,
    code TEXT,
    search_key TEXT NOT NULL,
    bigrams TEXT[] NOT NULL,
    position geometry(POINT,4326) NOT NULL,
    precision_m DOUBLE PRECISION NOT NULL,
    source TEXT NOT NULL,
    source_key TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT places_pkey PRIMARY KEY (id)
);
CREATE INDEX places_bigrams_idx ON places USING gin (bigrams);
CREATE INDEX places_position_idx ON places USING gist (position);
CREATE UNIQUE INDEX places_source_source_key_key ON places (source, source_key);
COMMENT ON TABLE places IS 'Gazetteer: named places with position and precision.';
COMMENT ON COLUMN places.kind IS 'station, village, road, address, institution ...: an open list';
COMMENT ON COLUMN places.search_key IS 'names and aliases, folded to one form';
COMMENT ON COLUMN places.bigrams IS 'every two neighbouring characters of search_key; two-character words are found through the index';
COMMENT ON COLUMN places.precision_m IS 'how far the real place may be from the position';
COMMENT ON COLUMN places.source IS 'the gazetteer it came from; an import replaces its own source';
COMMENT ON COLUMN places.source_key IS 'the place''s key in its source';

CREATE TABLE rail_lines (
    id UUID NOT NULL,
    code TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    geom geometry(LINESTRING,4326) NOT NULL,
    geom_3857 geometry(LINESTRING,3857) NOT NULL,
    approximate BOOLEAN NOT NULL,
    source TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT rail_lines_pkey PRIMARY KEY (id),
    CONSTRAINT rail_lines_kind_check CHECK (kind = ANY (ARRAY['high_speed', 'conventional', 'heavy_haul', 'branch']))
);
CREATE UNIQUE INDEX rail_lines_code_key ON rail_lines (code);
CREATE INDEX rail_lines_geom_3857_idx ON rail_lines USING gist (geom_3857);
COMMENT ON TABLE rail_lines IS 'Railway lines.';
COMMENT ON COLUMN rail_lines.geom_3857 IS 'for tiles; derived from geom';
COMMENT ON COLUMN rail_lines.approximate IS 'not the surveyed alignment; shown as approximate';
COMMENT ON COLUMN rail_lines.source IS 'where it is from, with licence';

CREATE TABLE routing_rules (
    id UUID NOT NULL,
    code TEXT NOT NULL,
    version INTEGER NOT NULL,
    kind TEXT NOT NULL,
    first TEXT NOT NULL,
    second TEXT,
    legal_ref TEXT,
    valid_from TIMESTAMP WITH TIME ZONE NOT NULL,
    valid_to TIMESTAMP WITH TIME ZONE,
    CONSTRAINT routing_rules_pkey PRIMARY KEY (id)
);
CREATE UNIQUE INDEX routing_rules_code_version_key ON routing_rules (code, version);
COMMENT ON TABLE routing_rules IS 'Order of the capacities asked; the default is components owner first, events territory first.';
COMMENT ON COLUMN routing_rules.kind IS 'component, event or alert';
COMMENT ON COLUMN routing_rules.first IS 'capacity asked first';
COMMENT ON COLUMN routing_rules.second IS 'capacity asked when the first has nobody';

CREATE TABLE routing_state (
    id INTEGER NOT NULL,
    version BIGINT NOT NULL,
    CONSTRAINT routing_state_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE routing_state IS 'Version of the routing table, so that processes know when to read it again.';
COMMENT ON COLUMN routing_state.id IS 'always 1';
COMMENT ON COLUMN routing_state.version IS 'raised by a trigger on every change of departments, duties, matters, conditions and rules';

CREATE TABLE submissions (
    submission_id UUID NOT NULL,
    kind TEXT NOT NULL,
    result_id UUID NOT NULL,
    digest BYTEA NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT submissions_pkey PRIMARY KEY (submission_id),
    CONSTRAINT submissions_kind_check CHECK (kind = ANY (ARRAY['report', 'alert']))
);
COMMENT ON TABLE submissions IS 'Client-made ids already taken in, so that a retry is the same submission.';
COMMENT ON COLUMN submissions.submission_id IS 'made by the client; a retry carries the same one';
COMMENT ON COLUMN submissions.digest IS 'SHA-256 of the submitted content: the same id with other content is a conflict';

CREATE TABLE areas (
    id UUID NOT NULL,
    layer TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT areas_pkey PRIMARY KEY (id),
    CONSTRAINT areas_layer_fkey FOREIGN KEY(layer) REFERENCES area_layers (code)
);
CREATE INDEX areas_layer_idx ON areas (layer);
COMMENT ON TABLE areas IS 'The identity of an area; everything that can change stands in its versions.';

CREATE TABLE filing_conditions (
    id UUID NOT NULL,
    matter_id UUID NOT NULL,
    ord INTEGER NOT NULL,
    wording TEXT NOT NULL,
    wording_basis TEXT NOT NULL,
    limit_amount INTEGER NOT NULL,
    limit_unit TEXT NOT NULL,
    limit_basis TEXT NOT NULL,
    CONSTRAINT filing_conditions_pkey PRIMARY KEY (id),
    CONSTRAINT filing_conditions_limit_unit_check CHECK (limit_unit = ANY (ARRAY['urgent_hour', 'work_hour', 'work_day', 'urgent_day'])),
    CONSTRAINT filing_conditions_matter_id_fkey FOREIGN KEY(matter_id) REFERENCES matters (id)
);
CREATE UNIQUE INDEX filing_conditions_matter_id_ord_key ON filing_conditions (matter_id, ord);
COMMENT ON TABLE filing_conditions IS 'When a matter is filed and how long its handling may take; the limit belongs to the condition, not to the matter.';
COMMENT ON COLUMN filing_conditions.wording_basis IS 'own_wording: our words, not the city''s';

CREATE TABLE users (
    id UUID NOT NULL,
    username TEXT NOT NULL,
    display_name TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    department_id UUID,
    active BOOLEAN DEFAULT 'true' NOT NULL,
    is_demo BOOLEAN DEFAULT 'false' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT users_pkey PRIMARY KEY (id),
    CONSTRAINT users_department_id_fkey FOREIGN KEY(department_id) REFERENCES departments (id)
);
CREATE UNIQUE INDEX users_username_key ON users (username);
COMMENT ON TABLE users IS 'Staff who sign in. No phone numbers here: contact data lives in contacts alone.';
COMMENT ON COLUMN users.password_hash IS 'argon2id, encoded';
COMMENT ON COLUMN users.is_demo IS 'made by the demo loader; a public host is refused while one exists';

CREATE TABLE area_codes (
    id UUID NOT NULL,
    area_id UUID NOT NULL,
    scheme TEXT NOT NULL,
    code TEXT NOT NULL,
    valid_from TIMESTAMP WITH TIME ZONE,
    valid_to TIMESTAMP WITH TIME ZONE,
    note TEXT,
    CONSTRAINT area_codes_pkey PRIMARY KEY (id),
    CONSTRAINT area_codes_area_id_fkey FOREIGN KEY(area_id) REFERENCES areas (id)
);
CREATE UNIQUE INDEX area_codes_area_id_scheme_code_key ON area_codes (area_id, scheme, code);
CREATE INDEX area_codes_code_idx ON area_codes (code);
COMMENT ON TABLE area_codes IS 'Other and former codes of an area, so that an old code still finds it.';
COMMENT ON COLUMN area_codes.scheme IS 'GB/T 2260, statistical code, local ...';

CREATE TABLE area_versions (
    id UUID NOT NULL,
    area_id UUID NOT NULL,
    layer TEXT NOT NULL,
    level TEXT NOT NULL,
    code TEXT NOT NULL,
    name TEXT NOT NULL,
    name_en TEXT,
    parent_id UUID,
    path UUID[] NOT NULL,
    valid_from TIMESTAMP WITH TIME ZONE NOT NULL,
    valid_to TIMESTAMP WITH TIME ZONE,
    geom geometry(MULTIPOLYGON,4326) NOT NULL,
    geom_3857 geometry(MULTIPOLYGON,3857) NOT NULL,
    label_point geometry(POINT,3857) NOT NULL,
    area_m2 DOUBLE PRECISION NOT NULL,
    approximate BOOLEAN DEFAULT 'false' NOT NULL,
    basis TEXT,
    source TEXT,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT area_versions_pkey PRIMARY KEY (id),
    CONSTRAINT area_versions_level_check CHECK (level = ANY (ARRAY['province', 'city', 'county', 'town', 'village', 'grid', 'unit_grid', 'special_grid', 'rail_section', 'other'])),
    CONSTRAINT area_versions_valid_order_check CHECK (valid_to is null or valid_to > valid_from),
    CONSTRAINT area_versions_one_at_a_time EXCLUDE USING gist (area_id WITH =, tstzrange(valid_from, valid_to) WITH &&),
    CONSTRAINT area_versions_one_code_at_a_time EXCLUDE USING gist (layer WITH =, code WITH =, tstzrange(valid_from, valid_to) WITH &&),
    CONSTRAINT area_versions_area_id_fkey FOREIGN KEY(area_id) REFERENCES areas (id),
    CONSTRAINT area_versions_layer_fkey FOREIGN KEY(layer) REFERENCES area_layers (code),
    CONSTRAINT area_versions_parent_id_fkey FOREIGN KEY(parent_id) REFERENCES areas (id)
);
CREATE INDEX area_versions_area_id_idx ON area_versions (area_id, valid_from);
CREATE INDEX area_versions_geom_3857_idx ON area_versions USING gist (geom_3857);
CREATE INDEX area_versions_geom_idx ON area_versions USING gist (geom);
CREATE INDEX area_versions_layer_level_idx ON area_versions (layer, level, code);
CREATE INDEX area_versions_parent_id_idx ON area_versions (parent_id);
CREATE INDEX area_versions_path_idx ON area_versions USING gin (path);
COMMENT ON TABLE area_versions IS 'What an area was, from when to when.';
COMMENT ON COLUMN area_versions.code IS 'national or local code, unique in its layer at any instant';
COMMENT ON COLUMN area_versions.path IS 'area ids from the root down to this area, itself included';
COMMENT ON COLUMN area_versions.valid_to IS 'exclusive; empty while in force';
COMMENT ON COLUMN area_versions.geom_3857 IS 'for tiles; derived from geom';
COMMENT ON COLUMN area_versions.area_m2 IS 'geodesic';
COMMENT ON COLUMN area_versions.approximate IS 'not a surveyed boundary; shown as approximate';
COMMENT ON COLUMN area_versions.basis IS 'how the boundary was made';
COMMENT ON COLUMN area_versions.source IS 'where it is from, with licence';

CREATE TABLE duties (
    id UUID NOT NULL,
    department_id UUID NOT NULL,
    area_id UUID NOT NULL,
    capacity TEXT NOT NULL,
    kind TEXT,
    major TEXT,
    minor TEXT,
    valid_from TIMESTAMP WITH TIME ZONE NOT NULL,
    valid_to TIMESTAMP WITH TIME ZONE,
    CONSTRAINT duties_pkey PRIMARY KEY (id),
    CONSTRAINT duties_capacity_check CHECK (capacity = ANY (ARRAY['owner', 'territory'])),
    CONSTRAINT duties_department_id_fkey FOREIGN KEY(department_id) REFERENCES departments (id),
    CONSTRAINT duties_area_id_fkey FOREIGN KEY(area_id) REFERENCES areas (id)
);
CREATE INDEX duties_area_id_idx ON duties (area_id);
CREATE INDEX duties_department_id_idx ON duties (department_id);
COMMENT ON TABLE duties IS 'Which department answers for which matters in which area, and in what capacity.';
COMMENT ON COLUMN duties.area_id IS 'root of the subtree in which the duty holds';
COMMENT ON COLUMN duties.capacity IS 'owner: owns the thing or the subject; territory: answers for the ground';
COMMENT ON COLUMN duties.kind IS 'component, event, alert; empty = any';

CREATE TABLE refresh_tokens (
    id UUID NOT NULL,
    family_id UUID NOT NULL,
    user_id UUID NOT NULL,
    token_hash BYTEA NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    spent_at TIMESTAMP WITH TIME ZONE,
    revoked_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT refresh_tokens_pkey PRIMARY KEY (id),
    CONSTRAINT refresh_tokens_user_id_fkey FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX refresh_tokens_family_id_idx ON refresh_tokens (family_id);
CREATE UNIQUE INDEX refresh_tokens_token_hash_key ON refresh_tokens (token_hash);
CREATE INDEX refresh_tokens_user_id_idx ON refresh_tokens (user_id);
COMMENT ON TABLE refresh_tokens IS 'Refresh tokens, one row a token, grouped in families.';
COMMENT ON COLUMN refresh_tokens.family_id IS 'one sign-in; re-use of a spent token revokes the family';
COMMENT ON COLUMN refresh_tokens.token_hash IS 'SHA-256 of the token; the token itself is never stored';

CREATE TABLE user_roles (
    id UUID NOT NULL,
    user_id UUID NOT NULL,
    role TEXT NOT NULL,
    area_id UUID,
    department_id UUID,
    CONSTRAINT user_roles_pkey PRIMARY KEY (id),
    CONSTRAINT user_roles_role_check CHECK (role = ANY (ARRAY['dispatcher', 'clerk', 'grid_worker', 'rail_guard', 'rail_office', 'area_admin', 'leader', 'system_admin'])),
    CONSTRAINT user_roles_user_id_fkey FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT user_roles_area_id_fkey FOREIGN KEY(area_id) REFERENCES areas (id),
    CONSTRAINT user_roles_department_id_fkey FOREIGN KEY(department_id) REFERENCES departments (id)
);
CREATE INDEX user_roles_user_id_idx ON user_roles (user_id);
COMMENT ON TABLE user_roles IS 'What a user may do and where: a role over an area subtree, a department, or (both empty) the whole city.';
COMMENT ON COLUMN user_roles.area_id IS 'root of the subtree in which the role holds';
COMMENT ON COLUMN user_roles.department_id IS 'department for which the role holds';

CREATE TABLE area_cells (
    version_id UUID NOT NULL,
    cell BIGINT NOT NULL,
    whole BOOLEAN NOT NULL,
    CONSTRAINT area_cells_pkey PRIMARY KEY (version_id, cell),
    CONSTRAINT area_cells_version_id_fkey FOREIGN KEY(version_id) REFERENCES area_versions (id) ON DELETE CASCADE
);
CREATE INDEX area_cells_cell_idx ON area_cells (cell, version_id) INCLUDE (whole);
COMMENT ON TABLE area_cells IS 'H3 cover of each version: candidates for set re-assignment inside the database.';
COMMENT ON COLUMN area_cells.cell IS 'H3 cell at resolution 10, signed';
COMMENT ON COLUMN area_cells.whole IS 'the cell lies surely inside, so no exact test is needed';

CREATE TABLE receipts (
    id UUID NOT NULL,
    subject_kind TEXT NOT NULL,
    subject_id UUID NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    position geometry(POINT,4326) NOT NULL,
    accuracy_m DOUBLE PRECISION,
    rule_code TEXT NOT NULL,
    rule_version INTEGER NOT NULL,
    matter_id UUID,
    department_id UUID,
    capacity TEXT,
    duty_id UUID,
    home_version_id UUID,
    owners JSONB NOT NULL,
    candidates JSONB NOT NULL,
    why JSONB NOT NULL,
    CONSTRAINT receipts_pkey PRIMARY KEY (id),
    CONSTRAINT receipts_subject_kind_check CHECK (subject_kind = ANY (ARRAY['report', 'alert', 'case'])),
    CONSTRAINT receipts_matter_id_fkey FOREIGN KEY(matter_id) REFERENCES matters (id),
    CONSTRAINT receipts_department_id_fkey FOREIGN KEY(department_id) REFERENCES departments (id),
    CONSTRAINT receipts_home_version_id_fkey FOREIGN KEY(home_version_id) REFERENCES area_versions (id)
);
CREATE INDEX receipts_home_version_id_idx ON receipts (home_version_id);
CREATE INDEX receipts_subject_id_idx ON receipts (subject_id, at);
COMMENT ON TABLE receipts IS 'Why a thing was assigned as it was; never changed afterwards.';
COMMENT ON COLUMN receipts.home_version_id IS 'version of the owning governance grid; empty when unowned';
COMMENT ON COLUMN receipts.owners IS 'one owner per layer: layer, layer_version, area_id, version_id, code, name';
COMMENT ON COLUMN receipts.candidates IS 'near a border: version, distance in metres, share of the accuracy disc';
COMMENT ON COLUMN receipts.why IS 'ordered reasons, each a code with values';

CREATE TABLE cases (
    id UUID NOT NULL,
    number TEXT NOT NULL,
    origin TEXT NOT NULL,
    state TEXT NOT NULL,
    title TEXT NOT NULL,
    matter_id UUID,
    condition_id UUID,
    position geometry(POINT,4326) NOT NULL,
    position_3857 geometry(POINT,3857) NOT NULL,
    cell BIGINT NOT NULL,
    home_area_id UUID,
    home_version_id UUID,
    area_ids UUID[] NOT NULL,
    department_id UUID,
    receipt_id UUID NOT NULL,
    opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE,
    due_basis TEXT,
    overdue_at TIMESTAMP WITH TIME ZONE,
    closed_at TIMESTAMP WITH TIME ZONE,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    revision INTEGER DEFAULT '1' NOT NULL,
    synthetic BOOLEAN DEFAULT 'false' NOT NULL,
    CONSTRAINT cases_pkey PRIMARY KEY (id),
    CONSTRAINT cases_origin_check CHECK (origin = ANY (ARRAY['report', 'alert'])),
    CONSTRAINT cases_state_check CHECK (state = ANY (ARRAY['filed', 'dispatched', 'accepted', 'handled', 'closed', 'rejected'])),
    CONSTRAINT cases_matter_id_fkey FOREIGN KEY(matter_id) REFERENCES matters (id),
    CONSTRAINT cases_condition_id_fkey FOREIGN KEY(condition_id) REFERENCES filing_conditions (id),
    CONSTRAINT cases_home_area_id_fkey FOREIGN KEY(home_area_id) REFERENCES areas (id),
    CONSTRAINT cases_home_version_id_fkey FOREIGN KEY(home_version_id) REFERENCES area_versions (id),
    CONSTRAINT cases_department_id_fkey FOREIGN KEY(department_id) REFERENCES departments (id),
    CONSTRAINT cases_receipt_id_fkey FOREIGN KEY(receipt_id) REFERENCES receipts (id)
);
CREATE INDEX cases_area_ids_idx ON cases USING gin (area_ids);
CREATE INDEX cases_department_id_idx ON cases (department_id, opened_at);
CREATE INDEX cases_due_at_idx ON cases (due_at) WHERE overdue_at is null and closed_at is null and due_at is not null;
CREATE INDEX cases_home_area_id_idx ON cases (home_area_id);
CREATE UNIQUE INDEX cases_number_key ON cases (number);
CREATE INDEX cases_open_idx ON cases (state, opened_at) WHERE closed_at is null;
CREATE INDEX cases_opened_at_idx ON cases (opened_at, id);
CREATE INDEX cases_position_3857_idx ON cases USING gist (position_3857);
CREATE INDEX cases_position_idx ON cases USING gist (position);
COMMENT ON TABLE cases IS 'Whatever somebody must act on.';
COMMENT ON COLUMN cases.number IS 'for people: date and sequence; says nothing secret';
COMMENT ON COLUMN cases.origin IS 'report or alert';
COMMENT ON COLUMN cases.title IS 'name of the matter or the alert; no words of the reporter';
COMMENT ON COLUMN cases.condition_id IS 'filing condition that sets the clock';
COMMENT ON COLUMN cases.position_3857 IS 'for tiles; derived from position';
COMMENT ON COLUMN cases.cell IS 'H3 cell at resolution 10, signed';
COMMENT ON COLUMN cases.home_area_id IS 'owning governance grid; empty when unowned';
COMMENT ON COLUMN cases.area_ids IS 'every area it lies in, over all layers and levels, as valid when assigned: what scope is checked against';
COMMENT ON COLUMN cases.receipt_id IS 'latest receipt';
COMMENT ON COLUMN cases.due_at IS 'from the filing condition and the calendar named in due_basis';
COMMENT ON COLUMN cases.due_basis IS 'amount, unit and calendar version the deadline was computed with';
COMMENT ON COLUMN cases.overdue_at IS 'the due instant, once the worker has announced that it passed';
COMMENT ON COLUMN cases.revision IS 'raised by every change; a caller''s stale revision is a conflict';
COMMENT ON COLUMN cases.synthetic IS 'part of the demo history';

CREATE TABLE alerts (
    id UUID NOT NULL,
    kind TEXT NOT NULL,
    case_id UUID NOT NULL,
    position geometry(POINT,4326) NOT NULL,
    cell BIGINT NOT NULL,
    first_at TIMESTAMP WITH TIME ZONE NOT NULL,
    last_at TIMESTAMP WITH TIME ZONE NOT NULL,
    detection_count INTEGER NOT NULL,
    confidence DOUBLE PRECISION NOT NULL,
    CONSTRAINT alerts_pkey PRIMARY KEY (id),
    CONSTRAINT alerts_case_id_fkey FOREIGN KEY(case_id) REFERENCES cases (id)
);
CREATE INDEX alerts_case_id_idx ON alerts (case_id);
CREATE INDEX alerts_kind_cell_last_at_idx ON alerts (kind, cell, last_at);
COMMENT ON TABLE alerts IS 'One incident, seen by one or many detections.';
COMMENT ON COLUMN alerts.kind IS 'what was seen: person_on_track, large_livestock, falling_object ...: kinds, never identities';
COMMENT ON COLUMN alerts.cell IS 'H3 cell at resolution 9, signed: finds the open alert near a detection';
COMMENT ON COLUMN alerts.confidence IS 'highest of its detections, 0-1';

CREATE TABLE case_transitions (
    id UUID NOT NULL,
    case_id UUID NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    verb TEXT NOT NULL,
    from_state TEXT,
    to_state TEXT NOT NULL,
    actor_id UUID,
    department_id UUID,
    reason TEXT,
    CONSTRAINT case_transitions_pkey PRIMARY KEY (id),
    CONSTRAINT case_transitions_case_id_fkey FOREIGN KEY(case_id) REFERENCES cases (id),
    CONSTRAINT case_transitions_actor_id_fkey FOREIGN KEY(actor_id) REFERENCES users (id),
    CONSTRAINT case_transitions_department_id_fkey FOREIGN KEY(department_id) REFERENCES departments (id)
);
CREATE INDEX case_transitions_case_id_idx ON case_transitions (case_id, at);
COMMENT ON TABLE case_transitions IS 'Every step of every case; append-only.';
COMMENT ON COLUMN case_transitions.actor_id IS 'empty: the system';
COMMENT ON COLUMN case_transitions.department_id IS 'department after the step';

CREATE TABLE reports (
    id UUID NOT NULL,
    case_id UUID NOT NULL,
    source TEXT NOT NULL,
    matter_id UUID,
    description TEXT NOT NULL,
    position geometry(POINT,4326) NOT NULL,
    raw_lon DOUBLE PRECISION NOT NULL,
    raw_lat DOUBLE PRECISION NOT NULL,
    datum TEXT NOT NULL,
    accuracy_m DOUBLE PRECISION,
    occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
    received_at TIMESTAMP WITH TIME ZONE NOT NULL,
    submitted_by UUID,
    tracking_hash BYTEA NOT NULL,
    CONSTRAINT reports_pkey PRIMARY KEY (id),
    CONSTRAINT reports_source_check CHECK (source = ANY (ARRAY['citizen', 'hotline', 'staff'])),
    CONSTRAINT reports_datum_check CHECK (datum = ANY (ARRAY['WGS84', 'CGCS2000', 'GCJ02', 'BD09'])),
    CONSTRAINT reports_case_id_fkey FOREIGN KEY(case_id) REFERENCES cases (id),
    CONSTRAINT reports_matter_id_fkey FOREIGN KEY(matter_id) REFERENCES matters (id),
    CONSTRAINT reports_submitted_by_fkey FOREIGN KEY(submitted_by) REFERENCES users (id)
);
CREATE INDEX reports_case_id_idx ON reports (case_id);
CREATE INDEX reports_received_at_idx ON reports (received_at);
CREATE UNIQUE INDEX reports_tracking_hash_key ON reports (tracking_hash);
COMMENT ON TABLE reports IS 'What somebody reported, as received.';
COMMENT ON COLUMN reports.datum IS 'datum of raw_lon, raw_lat as declared by the sender';
COMMENT ON COLUMN reports.accuracy_m IS 'radius the sender''s receiver claims';
COMMENT ON COLUMN reports.occurred_at IS 'the sender''s clock';
COMMENT ON COLUMN reports.submitted_by IS 'staff member; empty for the public';
COMMENT ON COLUMN reports.tracking_hash IS 'SHA-256 of the tracking code given to the reporter';

CREATE TABLE contacts (
    report_id UUID NOT NULL,
    name TEXT,
    phone TEXT,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT contacts_pkey PRIMARY KEY (report_id),
    CONSTRAINT contacts_report_id_fkey FOREIGN KEY(report_id) REFERENCES reports (id) ON DELETE CASCADE
);
COMMENT ON TABLE contacts IS 'How to reach a reporter: the only table that holds contact data.';

CREATE TABLE detections (
    id UUID NOT NULL,
    device_id UUID,
    detection_key TEXT NOT NULL,
    alert_id UUID NOT NULL,
    kind TEXT NOT NULL,
    confidence DOUBLE PRECISION NOT NULL,
    position geometry(POINT,4326) NOT NULL,
    raw_lon DOUBLE PRECISION NOT NULL,
    raw_lat DOUBLE PRECISION NOT NULL,
    datum TEXT NOT NULL,
    accuracy_m DOUBLE PRECISION,
    occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
    received_at TIMESTAMP WITH TIME ZONE NOT NULL,
    evidence JSONB,
    CONSTRAINT detections_pkey PRIMARY KEY (id),
    CONSTRAINT detections_datum_check CHECK (datum = ANY (ARRAY['WGS84', 'CGCS2000', 'GCJ02', 'BD09'])),
    CONSTRAINT detections_device_id_fkey FOREIGN KEY(device_id) REFERENCES devices (id),
    CONSTRAINT detections_alert_id_fkey FOREIGN KEY(alert_id) REFERENCES alerts (id)
);
CREATE INDEX detections_alert_id_idx ON detections (alert_id);
CREATE UNIQUE INDEX detections_device_id_detection_key_key ON detections (device_id, detection_key);
CREATE INDEX detections_received_at_idx ON detections (received_at);
COMMENT ON TABLE detections IS 'What a device saw.';
COMMENT ON COLUMN detections.device_id IS 'empty when a person raised the alert';
COMMENT ON COLUMN detections.detection_key IS 'the device''s own id of this detection; a repeat is the same detection';
COMMENT ON COLUMN detections.evidence IS 'bounded; no identity field';

CREATE TABLE photos (
    id UUID NOT NULL,
    report_id UUID,
    media_key TEXT NOT NULL,
    claim_hash BYTEA NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    byte_count BIGINT NOT NULL,
    taken_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT photos_pkey PRIMARY KEY (id),
    CONSTRAINT photos_report_id_fkey FOREIGN KEY(report_id) REFERENCES reports (id)
);
CREATE UNIQUE INDEX photos_claim_hash_key ON photos (claim_hash);
CREATE INDEX photos_media_key_idx ON photos (media_key);
CREATE INDEX photos_report_id_idx ON photos (report_id);
COMMENT ON TABLE photos IS 'Photos, re-encoded without EXIF.';
COMMENT ON COLUMN photos.report_id IS 'empty until a report claims it; unclaimed photos are swept';
COMMENT ON COLUMN photos.media_key IS 'name in the media store: SHA-256 of the stored bytes';
COMMENT ON COLUMN photos.claim_hash IS 'SHA-256 of the token that lets a report claim this photo';
COMMENT ON COLUMN photos.taken_at IS 'from the original''s EXIF, before it was removed';

