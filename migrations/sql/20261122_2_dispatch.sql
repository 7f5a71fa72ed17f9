-- Dispatch: duty roster and skills, admissions to grids, leases on cases, hand-overs of shifts, bulk jobs.

alter table departments add column serves_grids boolean default false not null;
comment on column departments.serves_grids is 'its people are grid workers: only admitted matters may be sent to it';
create index cases_open_department_id_idx on cases (department_id, due_at) where closed_at is null;

CREATE TABLE duty_shifts (
	id UUID NOT NULL,
	department_id UUID NOT NULL,
	area_id UUID,
	starts_at TIMESTAMP WITH TIME ZONE NOT NULL,
	ends_at TIMESTAMP WITH TIME ZONE NOT NULL,
	head_count INTEGER NOT NULL,
	user_ids UUID[] DEFAULT '{}' NOT NULL,
	on_call BOOLEAN DEFAULT 'false' NOT NULL,
	saved_by UUID,
	saved_at TIMESTAMP WITH TIME ZONE NOT NULL,
	CONSTRAINT duty_shifts_pkey PRIMARY KEY (id),
	CONSTRAINT duty_shifts_order_check CHECK (ends_at > starts_at),
	CONSTRAINT duty_shifts_head_count_check CHECK (head_count between 0 and 10000),
	CONSTRAINT duty_shifts_department_id_fkey FOREIGN KEY(department_id) REFERENCES departments (id),
	CONSTRAINT duty_shifts_area_id_fkey FOREIGN KEY(area_id) REFERENCES areas (id),
	CONSTRAINT duty_shifts_saved_by_fkey FOREIGN KEY(saved_by) REFERENCES users (id)
);
CREATE INDEX duty_shifts_department_id_idx ON duty_shifts (department_id, ends_at);
COMMENT ON TABLE duty_shifts IS 'Duty roster: how many people of a department are on duty, where, from when to when.';
COMMENT ON COLUMN duty_shifts.area_id IS 'root of the subtree it covers; empty: wherever the department acts';
COMMENT ON COLUMN duty_shifts.ends_at IS 'exclusive';
COMMENT ON COLUMN duty_shifts.head_count IS 'how many people are on duty';
COMMENT ON COLUMN duty_shifts.user_ids IS 'those of them who have accounts; listed, never ranked';
COMMENT ON COLUMN duty_shifts.on_call IS 'reachable, not at work';

CREATE TABLE department_skills (
	id UUID NOT NULL,
	department_id UUID NOT NULL,
	shift_id UUID,
	kind TEXT,
	major TEXT,
	minor TEXT,
	saved_by UUID,
	saved_at TIMESTAMP WITH TIME ZONE NOT NULL,
	CONSTRAINT department_skills_pkey PRIMARY KEY (id),
	CONSTRAINT department_skills_department_id_fkey FOREIGN KEY(department_id) REFERENCES departments (id),
	CONSTRAINT department_skills_shift_id_fkey FOREIGN KEY(shift_id) REFERENCES duty_shifts (id) ON DELETE CASCADE,
	CONSTRAINT department_skills_saved_by_fkey FOREIGN KEY(saved_by) REFERENCES users (id)
);
CREATE INDEX department_skills_department_id_idx ON department_skills (department_id);
CREATE INDEX department_skills_shift_id_idx ON department_skills (shift_id);
COMMENT ON TABLE department_skills IS 'Matters a department, or one of its shifts, is able to handle; a department without rows has said nothing.';
COMMENT ON COLUMN department_skills.shift_id IS 'only while this shift runs; empty: always';
COMMENT ON COLUMN department_skills.kind IS 'component, event, alert; empty = any';

CREATE TABLE admissions (
	id UUID NOT NULL,
	area_id UUID NOT NULL,
	kind TEXT,
	major TEXT,
	minor TEXT,
	task_class TEXT NOT NULL,
	basis TEXT,
	valid_from TIMESTAMP WITH TIME ZONE NOT NULL,
	valid_to TIMESTAMP WITH TIME ZONE,
	saved_by UUID,
	CONSTRAINT admissions_pkey PRIMARY KEY (id),
	CONSTRAINT admissions_valid_order_check CHECK (valid_to is null or valid_to >= valid_from),
	CONSTRAINT admissions_area_id_fkey FOREIGN KEY(area_id) REFERENCES areas (id),
	CONSTRAINT admissions_saved_by_fkey FOREIGN KEY(saved_by) REFERENCES users (id)
);
CREATE INDEX admissions_area_id_idx ON admissions (area_id);
COMMENT ON TABLE admissions IS 'Matters that may be sent to grids; an area no row holds in admits every matter.';
COMMENT ON COLUMN admissions.area_id IS 'root of the subtree in which it holds';
COMMENT ON COLUMN admissions.kind IS 'component, event, alert; empty = any';
COMMENT ON COLUMN admissions.task_class IS 'class of the grid''s task list the matter belongs to';
COMMENT ON COLUMN admissions.basis IS 'decision or list that admitted it';
COMMENT ON COLUMN admissions.valid_to IS 'exclusive; empty while in force';

CREATE TABLE case_claims (
	case_id UUID NOT NULL,
	user_id UUID NOT NULL,
	claimed_at TIMESTAMP WITH TIME ZONE NOT NULL,
	until TIMESTAMP WITH TIME ZONE NOT NULL,
	CONSTRAINT case_claims_pkey PRIMARY KEY (case_id),
	CONSTRAINT case_claims_case_id_fkey FOREIGN KEY(case_id) REFERENCES cases (id),
	CONSTRAINT case_claims_user_id_fkey FOREIGN KEY(user_id) REFERENCES users (id)
);
COMMENT ON TABLE case_claims IS 'Who has a case open at a desk right now; advice to others, never a lock.';
COMMENT ON COLUMN case_claims.until IS 'a short lease: whoever goes away frees it by doing nothing';

CREATE TABLE shift_handovers (
	id UUID NOT NULL,
	at TIMESTAMP WITH TIME ZONE NOT NULL,
	from_user_id UUID NOT NULL,
	to_user_id UUID,
	text TEXT NOT NULL,
	area_ids UUID[] NOT NULL,
	department_ids UUID[] NOT NULL,
	counts JSONB NOT NULL,
	open_ids UUID[] NOT NULL,
	overdue_ids UUID[] NOT NULL,
	watched_ids UUID[] NOT NULL,
	CONSTRAINT shift_handovers_pkey PRIMARY KEY (id),
	CONSTRAINT shift_handovers_from_user_id_fkey FOREIGN KEY(from_user_id) REFERENCES users (id),
	CONSTRAINT shift_handovers_to_user_id_fkey FOREIGN KEY(to_user_id) REFERENCES users (id)
);
CREATE INDEX shift_handovers_at_idx ON shift_handovers (at, id);
COMMENT ON TABLE shift_handovers IS 'What one shift left to the next; append-only.';
COMMENT ON COLUMN shift_handovers.to_user_id IS 'who takes over, where that is known';
COMMENT ON COLUMN shift_handovers.area_ids IS 'areas the desk answers for; with no department either: the whole city';
COMMENT ON COLUMN shift_handovers.counts IS 'open, overdue and supervised cases of the desk at that instant';
COMMENT ON COLUMN shift_handovers.open_ids IS 'open cases, most urgent first, bounded';
COMMENT ON COLUMN shift_handovers.watched_ids IS 'open cases under supervision';

CREATE TABLE handover_acknowledgements (
	handover_id UUID NOT NULL,
	user_id UUID NOT NULL,
	at TIMESTAMP WITH TIME ZONE NOT NULL,
	CONSTRAINT handover_acknowledgements_pkey PRIMARY KEY (handover_id),
	CONSTRAINT handover_acknowledgements_handover_id_fkey FOREIGN KEY(handover_id) REFERENCES shift_handovers (id),
	CONSTRAINT handover_acknowledgements_user_id_fkey FOREIGN KEY(user_id) REFERENCES users (id)
);
COMMENT ON TABLE handover_acknowledgements IS 'Who took a shift over; append-only, once for each hand-over.';

CREATE TABLE bulk_jobs (
	id UUID NOT NULL,
	verb TEXT NOT NULL,
	given JSONB NOT NULL,
	asked_by UUID NOT NULL,
	asked_at TIMESTAMP WITH TIME ZONE NOT NULL,
	undo_of UUID,
	CONSTRAINT bulk_jobs_pkey PRIMARY KEY (id),
	CONSTRAINT bulk_jobs_asked_by_fkey FOREIGN KEY(asked_by) REFERENCES users (id),
	CONSTRAINT bulk_jobs_undo_of_fkey FOREIGN KEY(undo_of) REFERENCES bulk_jobs (id)
);
CREATE INDEX bulk_jobs_asked_by_idx ON bulk_jobs (asked_by, asked_at);
CREATE UNIQUE INDEX bulk_jobs_undo_of_key ON bulk_jobs (undo_of);
COMMENT ON TABLE bulk_jobs IS 'One step over many cases, taken by the worker case by case.';
COMMENT ON COLUMN bulk_jobs.id IS 'made by the client: the same job sent again is the same job';
COMMENT ON COLUMN bulk_jobs.verb IS 'step taken on every case; of an undo: the step that is taken back';
COMMENT ON COLUMN bulk_jobs.given IS 'what every step is given: department, matter, target, reason';
COMMENT ON COLUMN bulk_jobs.asked_by IS 'on whose behalf, with the rights of the moment each step is taken';
COMMENT ON COLUMN bulk_jobs.undo_of IS 'the job whose steps this one takes back';

CREATE TABLE bulk_items (
	job_id UUID NOT NULL,
	case_id UUID NOT NULL,
	ord INTEGER NOT NULL,
	state TEXT NOT NULL,
	done_at TIMESTAMP WITH TIME ZONE,
	before_department_id UUID,
	before_matter_id UUID,
	revision INTEGER,
	code TEXT,
	message_zh TEXT,
	message_en TEXT,
	CONSTRAINT bulk_items_pkey PRIMARY KEY (job_id, case_id),
	CONSTRAINT bulk_items_state_check CHECK (state = ANY (ARRAY['waiting', 'done', 'failed'])),
	CONSTRAINT bulk_items_job_id_fkey FOREIGN KEY(job_id) REFERENCES bulk_jobs (id),
	CONSTRAINT bulk_items_case_id_fkey FOREIGN KEY(case_id) REFERENCES cases (id)
);
CREATE INDEX bulk_items_job_id_ord_idx ON bulk_items (job_id, ord);
CREATE INDEX bulk_items_waiting_idx ON bulk_items (ord, job_id) WHERE state = 'waiting';
COMMENT ON TABLE bulk_items IS 'Each case of a job with its own result.';
COMMENT ON COLUMN bulk_items.ord IS 'place in the job, from 0';
COMMENT ON COLUMN bulk_items.before_department_id IS 'where the case was before the step';
COMMENT ON COLUMN bulk_items.revision IS 'of the case after the step: unchanged means nobody has moved it since';
COMMENT ON COLUMN bulk_items.code IS 'of the error that refused it';

create trigger shift_handovers_guard before update or delete on shift_handovers for each row execute function refuse_change();
create trigger handover_acknowledgements_guard before update or delete on handover_acknowledgements for each row execute function refuse_change();
create trigger admissions_routing after insert or update or delete on admissions for each statement execute function routing_changed();
