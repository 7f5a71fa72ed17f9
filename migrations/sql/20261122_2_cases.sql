-- Cases: the whole life-cycle, the clock's ledger, timers, escalations, requests and joint action.

alter table cases
    add column phase TEXT,
    add column due_provisional BOOLEAN DEFAULT 'false' NOT NULL,
    add column filed_at TIMESTAMP WITH TIME ZONE,
    add column dispatched_at TIMESTAMP WITH TIME ZONE,
    add column accepted_at TIMESTAMP WITH TIME ZONE,
    add column handled_at TIMESTAMP WITH TIME ZONE,
    add column verified_at TIMESTAMP WITH TIME ZONE,
    add column first_reply_at TIMESTAMP WITH TIME ZONE,
    add column handle_due_at TIMESTAMP WITH TIME ZONE,
    add column late_at TIMESTAMP WITH TIME ZONE,
    add column proposed_department_id UUID,
    add column about_department_id UUID,
    add column party_ids UUID[] DEFAULT '{}' NOT NULL,
    add column open_parts INTEGER DEFAULT '0' NOT NULL,
    add column bounces INTEGER DEFAULT '0' NOT NULL,
    add column reworks INTEGER DEFAULT '0' NOT NULL,
    add column reopens INTEGER DEFAULT '0' NOT NULL,
    add column extensions INTEGER DEFAULT '0' NOT NULL,
    add column level INTEGER DEFAULT '0' NOT NULL,
    add column supervised_at TIMESTAMP WITH TIME ZONE,
    add column pending_request TEXT,
    add column back_to TEXT,
    add column merged_into_id UUID,
    add column split_from_id UUID,
    add column wants_rating BOOLEAN DEFAULT 'false' NOT NULL,
    add column rate_until TIMESTAMP WITH TIME ZONE,
    add column satisfaction TEXT,
    add constraint cases_proposed_department_id_fkey foreign key (proposed_department_id) references departments (id) not valid,
    add constraint cases_about_department_id_fkey foreign key (about_department_id) references departments (id) not valid,
    add constraint cases_merged_into_id_fkey foreign key (merged_into_id) references cases (id) not valid,
    add constraint cases_split_from_id_fkey foreign key (split_from_id) references cases (id) not valid,
    drop constraint cases_state_check;
alter table cases add constraint cases_phase_check check (phase = ANY (ARRAY['check', 'handle', 'verify'])) not valid;
alter table cases add constraint cases_pending_request_check check (pending_request = ANY (ARRAY['extension', 'suspension'])) not valid;
alter table cases add constraint cases_satisfaction_check check (satisfaction = ANY (ARRAY['satisfied', 'fair', 'dissatisfied'])) not valid;
alter table cases add constraint cases_state_check check (state = ANY (ARRAY['checking', 'filed', 'dispatched', 'accepted', 'handling', 'handled', 'verified', 'rated', 'suspended', 'closed', 'rejected', 'withdrawn', 'merged'])) not valid;
alter table cases validate constraint cases_proposed_department_id_fkey;
alter table cases validate constraint cases_about_department_id_fkey;
alter table cases validate constraint cases_merged_into_id_fkey;
alter table cases validate constraint cases_split_from_id_fkey;
alter table cases validate constraint cases_state_check;
alter table cases validate constraint cases_phase_check;
alter table cases validate constraint cases_pending_request_check;
alter table cases validate constraint cases_satisfaction_check;
COMMENT ON COLUMN cases.phase IS 'what the clock measures now: check, handle or verify; empty when it has stopped';
COMMENT ON COLUMN cases.due_provisional IS 'the deadline lies beyond the published holidays and may move';
COMMENT ON COLUMN cases.filed_at IS 'filed for handling, latest';
COMMENT ON COLUMN cases.dispatched_at IS 'latest';
COMMENT ON COLUMN cases.accepted_at IS 'latest';
COMMENT ON COLUMN cases.handled_at IS 'latest';
COMMENT ON COLUMN cases.verified_at IS 'latest';
COMMENT ON COLUMN cases.first_reply_at IS 'first answer by a person to the reporter';
COMMENT ON COLUMN cases.handle_due_at IS 'latest deadline of handling; kept when the clock stops';
COMMENT ON COLUMN cases.late_at IS 'the handling deadline that was missed; never taken back';
COMMENT ON COLUMN cases.proposed_department_id IS 'whom routing would send it to once it is filed';
COMMENT ON COLUMN cases.about_department_id IS 'whom the complaint is about: never handles it and never sees it';
COMMENT ON COLUMN cases.party_ids IS 'departments with an open or done part of a joint action';
COMMENT ON COLUMN cases.open_parts IS 'parts of the joint action not done yet';
COMMENT ON COLUMN cases.bounces IS 'how often it was returned since it was last filed';
COMMENT ON COLUMN cases.level IS 'how high it has risen: 0 grid, 1 town, 2 district, 3 city';
COMMENT ON COLUMN cases.supervised_at IS 'since when it is under supervision';
COMMENT ON COLUMN cases.pending_request IS 'kind of the request that waits for a decision';
COMMENT ON COLUMN cases.back_to IS 'state to go back to when a suspension or a merge ends';
COMMENT ON COLUMN cases.wants_rating IS 'a member of the public raised it and is asked to rate the result';
COMMENT ON COLUMN cases.rate_until IS 'end of the time for rating';
COMMENT ON COLUMN cases.satisfaction IS 'worst of the ratings given';
drop index cases_due_at_idx;
create index cases_open_due_at_idx on cases (due_at, id) where closed_at is null;
create index cases_party_ids_idx on cases using gin (party_ids);
create index cases_merged_into_id_idx on cases (merged_into_id) where merged_into_id is not null;
alter table case_transitions add column command_id uuid, add column occurred_at timestamp with time zone, add column details jsonb;
create unique index case_transitions_command_id_key on case_transitions (command_id) where command_id is not null;
COMMENT ON COLUMN case_transitions.command_id IS 'made by the client; the same command sent again is the same step';
COMMENT ON COLUMN case_transitions.occurred_at IS 'the sender''s clock, where the step was taken without a connection';
COMMENT ON COLUMN case_transitions.details IS 'what the step was given: ids and figures, no text of the reporter';

alter table reports drop constraint reports_source_check,
    add constraint reports_source_check check (source = ANY (ARRAY['citizen', 'hotline', 'staff', 'police110', 'qr'])) not valid;
alter table reports validate constraint reports_source_check;

CREATE TABLE case_clock (
	id UUID NOT NULL, 
	case_id UUID NOT NULL, 
	seq INTEGER NOT NULL, 
	at TIMESTAMP WITH TIME ZONE NOT NULL, 
	kind TEXT NOT NULL, 
	phase TEXT NOT NULL, 
	amount INTEGER, 
	unit TEXT, 
	calendar_version TEXT NOT NULL, 
	due_at TIMESTAMP WITH TIME ZONE, 
	provisional BOOLEAN DEFAULT 'false' NOT NULL, 
	actor_id UUID, 
	reason TEXT, 
	CONSTRAINT case_clock_pkey PRIMARY KEY (id), 
	CONSTRAINT case_clock_kind_check CHECK (kind = ANY (ARRAY['start', 'pause', 'resume', 'extend', 'stop', 'recompute'])), 
	CONSTRAINT case_clock_phase_check CHECK (phase = ANY (ARRAY['check', 'handle', 'verify'])), 
	CONSTRAINT case_clock_unit_check CHECK (unit = ANY (ARRAY['urgent_hour', 'work_hour', 'work_day', 'urgent_day'])), 
	CONSTRAINT case_clock_case_id_fkey FOREIGN KEY(case_id) REFERENCES cases (id), 
	CONSTRAINT case_clock_actor_id_fkey FOREIGN KEY(actor_id) REFERENCES users (id)
);
CREATE UNIQUE INDEX case_clock_case_id_seq_key ON case_clock (case_id, seq);
COMMENT ON TABLE case_clock IS 'Ledger of every clock: append-only; a deadline is a pure function of these rows and a calendar.';
COMMENT ON COLUMN case_clock.seq IS 'order of the case''s entries, from 1';
COMMENT ON COLUMN case_clock.at IS 'from when the entry holds';
COMMENT ON COLUMN case_clock.amount IS 'allowance given by a start or an extension';
COMMENT ON COLUMN case_clock.calendar_version IS 'holidays, hours and zone the deadline was computed with';
COMMENT ON COLUMN case_clock.due_at IS 'the deadline after this entry; empty while the clock does not run';
COMMENT ON COLUMN case_clock.provisional IS 'due_at lies beyond the published holidays';
COMMENT ON COLUMN case_clock.actor_id IS 'empty: the system or the reporter';

CREATE TABLE case_timers (
	case_id UUID NOT NULL, 
	chain TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	due_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	CONSTRAINT case_timers_pkey PRIMARY KEY (case_id, chain), 
	CONSTRAINT case_timers_case_id_fkey FOREIGN KEY(case_id) REFERENCES cases (id)
);
CREATE INDEX case_timers_due_at_idx ON case_timers (due_at);
COMMENT ON TABLE case_timers IS 'What each case wakes for next; a row is taken, acted on and replaced or removed in one transaction.';
COMMENT ON COLUMN case_timers.chain IS 'deadline, accept or rate: a case has one next timer in each';
COMMENT ON COLUMN case_timers.kind IS 'what happens: warn, overdue, escalate, accept_late, rate_end ...';

CREATE TABLE case_escalations (
	id UUID NOT NULL, 
	case_id UUID NOT NULL, 
	level INTEGER NOT NULL, 
	phase TEXT NOT NULL, 
	due_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	at TIMESTAMP WITH TIME ZONE NOT NULL, 
	department_id UUID, 
	explanation TEXT, 
	explained_at TIMESTAMP WITH TIME ZONE, 
	explained_by UUID, 
	CONSTRAINT case_escalations_pkey PRIMARY KEY (id), 
	CONSTRAINT case_escalations_case_id_fkey FOREIGN KEY(case_id) REFERENCES cases (id), 
	CONSTRAINT case_escalations_department_id_fkey FOREIGN KEY(department_id) REFERENCES departments (id), 
	CONSTRAINT case_escalations_explained_by_fkey FOREIGN KEY(explained_by) REFERENCES users (id)
);
CREATE INDEX case_escalations_case_id_idx ON case_escalations (case_id, at);
COMMENT ON TABLE case_escalations IS 'Each missed deadline and each rise after it, and the unit''s written explanation.';
COMMENT ON COLUMN case_escalations.level IS '0 the unit itself at the deadline, 1 town, 2 district, 3 city';
COMMENT ON COLUMN case_escalations.due_at IS 'when it was due to rise';
COMMENT ON COLUMN case_escalations.at IS 'when that was noticed';
COMMENT ON COLUMN case_escalations.department_id IS 'who had the case and owes the explanation; empty where no unit does';

CREATE TABLE case_requests (
	id UUID NOT NULL, 
	case_id UUID NOT NULL, 
	kind TEXT NOT NULL, 
	amount INTEGER, 
	unit TEXT, 
	reason TEXT NOT NULL, 
	asked_by UUID, 
	asked_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	decision TEXT, 
	decided_by UUID, 
	decided_at TIMESTAMP WITH TIME ZONE, 
	CONSTRAINT case_requests_pkey PRIMARY KEY (id), 
	CONSTRAINT case_requests_kind_check CHECK (kind = ANY (ARRAY['extension', 'suspension'])), 
	CONSTRAINT case_requests_decision_check CHECK (decision = ANY (ARRAY['granted', 'refused', 'lapsed'])), 
	CONSTRAINT case_requests_case_id_fkey FOREIGN KEY(case_id) REFERENCES cases (id), 
	CONSTRAINT case_requests_asked_by_fkey FOREIGN KEY(asked_by) REFERENCES users (id), 
	CONSTRAINT case_requests_decided_by_fkey FOREIGN KEY(decided_by) REFERENCES users (id)
);
CREATE INDEX case_requests_case_id_idx ON case_requests (case_id, asked_at);
CREATE UNIQUE INDEX case_requests_pending_key ON case_requests (case_id) WHERE decision is null;
COMMENT ON TABLE case_requests IS 'Requests of a unit to extend or suspend; somebody else decides.';

CREATE TABLE case_parts (
	id UUID NOT NULL, 
	case_id UUID NOT NULL, 
	department_id UUID NOT NULL, 
	task TEXT NOT NULL, 
	asked_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	arrived_at TIMESTAMP WITH TIME ZONE, 
	done_at TIMESTAMP WITH TIME ZONE, 
	result TEXT, 
	CONSTRAINT case_parts_pkey PRIMARY KEY (id), 
	CONSTRAINT case_parts_case_id_fkey FOREIGN KEY(case_id) REFERENCES cases (id), 
	CONSTRAINT case_parts_department_id_fkey FOREIGN KEY(department_id) REFERENCES departments (id)
);
CREATE UNIQUE INDEX case_parts_case_id_department_id_key ON case_parts (case_id, department_id);
CREATE INDEX case_parts_department_id_idx ON case_parts (department_id);
COMMENT ON TABLE case_parts IS 'Joint action: what each called unit has to do; the case''s department leads.';
COMMENT ON COLUMN case_parts.arrived_at IS 'reported in';

alter table user_roles drop constraint user_roles_role_check,
    add constraint user_roles_role_check check (role = ANY (ARRAY['dispatcher', 'supervisor', 'clerk', 'grid_worker', 'rail_guard', 'rail_office', 'area_admin', 'leader', 'system_admin']));

create trigger case_clock_guard before update or delete on case_clock for each row execute function refuse_change();

-- Cases that are open when this migration runs keep their deadline as the first row of their ledger.
update cases set phase = 'handle', filed_at = opened_at, handle_due_at = due_at
    where closed_at is null and state in ('filed', 'dispatched', 'accepted') and due_at is not null;
insert into case_clock (id, case_id, seq, at, kind, phase, amount, unit, calendar_version, due_at)
    select gen_random_uuid(), c.id, 1, c.opened_at, 'start', 'handle', coalesce(f.limit_amount, 24), coalesce(f.limit_unit, 'urgent_hour'),
           'weekends-only/1', c.due_at
    from cases c left join filing_conditions f on f.id = c.condition_id where c.phase = 'handle';
insert into case_timers (case_id, chain, kind, due_at)
    select id, 'deadline', 'overdue', due_at from cases where phase = 'handle' and overdue_at is null;
