-- Connectors: keys of other systems, hand-overs, what was handed up, imports; and the schema of the job queue.

CREATE TABLE connector_clients (
	id UUID NOT NULL, 
	code TEXT NOT NULL, 
	name TEXT NOT NULL, 
	door TEXT NOT NULL, 
	source TEXT NOT NULL, 
	key_hash BYTEA NOT NULL, 
	active BOOLEAN DEFAULT 'true' NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	CONSTRAINT connector_clients_pkey PRIMARY KEY (id), 
	CONSTRAINT connector_clients_door_check CHECK (door = ANY (ARRAY['open311', 'handover'])), 
	CONSTRAINT connector_clients_source_check CHECK (source = ANY (ARRAY['citizen', 'hotline', 'police110']))
);
CREATE UNIQUE INDEX connector_clients_code_key ON connector_clients (code);
CREATE UNIQUE INDEX connector_clients_key_hash_key ON connector_clients (key_hash);
COMMENT ON TABLE connector_clients IS 'Other systems that may hand things to us, each with a key of its own.';
COMMENT ON COLUMN connector_clients.door IS 'the one door its key opens';
COMMENT ON COLUMN connector_clients.source IS 'source of the reports that come through it';
COMMENT ON COLUMN connector_clients.key_hash IS 'SHA-256 of the key; the key is random, so no slow hash is needed';

CREATE TABLE diversions (
	id UUID NOT NULL, 
	client_id UUID NOT NULL, 
	external_number TEXT NOT NULL, 
	diverted_from TEXT NOT NULL, 
	handover_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	received_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	content_hash BYTEA NOT NULL, 
	state TEXT NOT NULL, 
	matter_id UUID, 
	description TEXT NOT NULL, 
	address_text TEXT, 
	candidates JSONB NOT NULL, 
	area_ids UUID[] NOT NULL, 
	sealed_contact BYTEA, 
	position geometry(POINT,4326), 
	accuracy_m DOUBLE PRECISION, 
	datum TEXT, 
	place_name TEXT, 
	place_confidence DOUBLE PRECISION, 
	placed_by UUID, 
	accepted_at TIMESTAMP WITH TIME ZONE, 
	report_id UUID, 
	returned_at TIMESTAMP WITH TIME ZONE, 
	returned_reason TEXT, 
	returned_by UUID, 
	CONSTRAINT diversions_pkey PRIMARY KEY (id), 
	CONSTRAINT diversions_state_check CHECK (state = ANY (ARRAY['needs_place', 'accepted', 'returned'])), 
	CONSTRAINT diversions_datum_check CHECK (datum = ANY (ARRAY['WGS84', 'CGCS2000', 'GCJ02', 'BD09'])), 
	CONSTRAINT diversions_accepted_check CHECK (state <> 'accepted' or (report_id is not null and position is not null and accepted_at is not null)), 
	CONSTRAINT diversions_returned_check CHECK (state <> 'returned' or (returned_reason is not null and returned_at is not null)), 
	CONSTRAINT diversions_client_id_fkey FOREIGN KEY(client_id) REFERENCES connector_clients (id), 
	CONSTRAINT diversions_matter_id_fkey FOREIGN KEY(matter_id) REFERENCES matters (id), 
	CONSTRAINT diversions_placed_by_fkey FOREIGN KEY(placed_by) REFERENCES users (id), 
	CONSTRAINT diversions_report_id_fkey FOREIGN KEY(report_id) REFERENCES reports (id), 
	CONSTRAINT diversions_returned_by_fkey FOREIGN KEY(returned_by) REFERENCES users (id)
);
CREATE UNIQUE INDEX diversions_client_id_external_number_key ON diversions (client_id, external_number);
CREATE INDEX diversions_report_id_idx ON diversions (report_id);
CREATE INDEX diversions_waiting_idx ON diversions (received_at, id) WHERE state = 'needs_place';
COMMENT ON TABLE diversions IS 'Hand-overs of hotlines and of 110: accepted as a case, waiting for a place, or returned with a reason.';
COMMENT ON COLUMN diversions.external_number IS 'the sender''s own number; with the sender it names the hand-over';
COMMENT ON COLUMN diversions.diverted_from IS '12345, 110 or another line the call came in on';
COMMENT ON COLUMN diversions.handover_at IS 'when the sender handed it over, by the sender''s clock; the clock of the case counts from here';
COMMENT ON COLUMN diversions.content_hash IS 'SHA-256 of the content: one number cannot stand for two hand-overs';
COMMENT ON COLUMN diversions.candidates IS 'places the address may mean, best first, with confidence and precision';
COMMENT ON COLUMN diversions.area_ids IS 'areas of every candidate: who may see it while it waits; the case''s own once placed';
COMMENT ON COLUMN diversions.sealed_contact IS 'how to reach the caller, encrypted, until a report exists whose contact it becomes; then empty';
COMMENT ON COLUMN diversions.position IS 'empty until somebody or the search is sure of it';
COMMENT ON COLUMN diversions.datum IS 'datum the sender declared, where the sender gave a position';
COMMENT ON COLUMN diversions.place_name IS 'what was taken for the place';
COMMENT ON COLUMN diversions.place_confidence IS '0-1; empty where a person chose';
COMMENT ON COLUMN diversions.placed_by IS 'who chose the place; empty: the search or the sender';
COMMENT ON COLUMN diversions.accepted_at IS 'when the case was opened';

CREATE TABLE open311_posts (
	id UUID NOT NULL, 
	client_id UUID NOT NULL, 
	resend_hash BYTEA NOT NULL, 
	content_hash BYTEA NOT NULL, 
	report_id UUID, 
	diversion_id UUID, 
	media_url TEXT, 
	at TIMESTAMP WITH TIME ZONE NOT NULL, 
	CONSTRAINT open311_posts_pkey PRIMARY KEY (id), 
	CONSTRAINT open311_posts_one_result_check CHECK ((report_id is null) <> (diversion_id is null)), 
	CONSTRAINT open311_posts_client_id_fkey FOREIGN KEY(client_id) REFERENCES connector_clients (id), 
	CONSTRAINT open311_posts_report_id_fkey FOREIGN KEY(report_id) REFERENCES reports (id), 
	CONSTRAINT open311_posts_diversion_id_fkey FOREIGN KEY(diversion_id) REFERENCES diversions (id)
);
CREATE INDEX open311_posts_report_id_idx ON open311_posts (report_id);
CREATE INDEX open311_posts_resend_idx ON open311_posts (client_id, resend_hash, at);
COMMENT ON TABLE open311_posts IS 'Requests taken in through Open311: what makes a resend the same request. The id is the token.';
COMMENT ON COLUMN open311_posts.resend_hash IS 'SHA-256 of the Idempotency-Key, or of the content where none was sent';
COMMENT ON COLUMN open311_posts.content_hash IS 'SHA-256 of the content: one key cannot stand for two requests';
COMMENT ON COLUMN open311_posts.diversion_id IS 'waits for a place; the token stands for it meanwhile';
COMMENT ON COLUMN open311_posts.media_url IS 'as sent; never fetched';

CREATE TABLE connector_targets (
	id UUID NOT NULL, 
	code TEXT NOT NULL, 
	name TEXT NOT NULL, 
	base_url TEXT NOT NULL, 
	format TEXT NOT NULL, 
	jurisdiction_id TEXT, 
	sealed_key BYTEA, 
	service_codes JSONB DEFAULT '{}' NOT NULL, 
	active BOOLEAN DEFAULT 'true' NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	CONSTRAINT connector_targets_pkey PRIMARY KEY (id), 
	CONSTRAINT connector_targets_format_check CHECK (format = ANY (ARRAY['json', 'xml']))
);
CREATE UNIQUE INDEX connector_targets_code_key ON connector_targets (code);
COMMENT ON TABLE connector_targets IS 'Other platforms that cases are handed up to.';
COMMENT ON COLUMN connector_targets.base_url IS 'of an Open311 GeoReport v2 server, without a slash at its end';
COMMENT ON COLUMN connector_targets.sealed_key IS 'the api_key we were given there, encrypted';
COMMENT ON COLUMN connector_targets.service_codes IS 'our service code to theirs; * stands for every other';

CREATE TABLE upward_reports (
	id UUID NOT NULL, 
	case_id UUID NOT NULL, 
	target_id UUID NOT NULL, 
	state TEXT NOT NULL, 
	queued_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	queued_by UUID, 
	attempts INTEGER DEFAULT '0' NOT NULL, 
	last_error TEXT, 
	sent_at TIMESTAMP WITH TIME ZONE, 
	token TEXT, 
	external_id TEXT, 
	external_status TEXT, 
	external_notes TEXT, 
	external_at TIMESTAMP WITH TIME ZONE, 
	asked_at TIMESTAMP WITH TIME ZONE, 
	CONSTRAINT upward_reports_pkey PRIMARY KEY (id), 
	CONSTRAINT upward_reports_state_check CHECK (state = ANY (ARRAY['queued', 'sent', 'refused'])), 
	CONSTRAINT upward_reports_case_id_fkey FOREIGN KEY(case_id) REFERENCES cases (id), 
	CONSTRAINT upward_reports_target_id_fkey FOREIGN KEY(target_id) REFERENCES connector_targets (id), 
	CONSTRAINT upward_reports_queued_by_fkey FOREIGN KEY(queued_by) REFERENCES users (id)
);
CREATE INDEX upward_reports_ask_idx ON upward_reports (asked_at) WHERE state = 'sent' and external_status is distinct from 'closed';
CREATE UNIQUE INDEX upward_reports_case_id_target_id_key ON upward_reports (case_id, target_id);
COMMENT ON TABLE upward_reports IS 'Cases handed up to another platform, and what became of them there.';
COMMENT ON COLUMN upward_reports.last_error IS 'why the latest attempt failed';
COMMENT ON COLUMN upward_reports.token IS 'given instead of a number by a platform that numbers later';
COMMENT ON COLUMN upward_reports.external_id IS 'the case''s number there';
COMMENT ON COLUMN upward_reports.external_status IS 'open or closed, as last heard';
COMMENT ON COLUMN upward_reports.external_at IS 'when it changed there';
COMMENT ON COLUMN upward_reports.asked_at IS 'when we last asked';

CREATE TABLE imports (
	id UUID NOT NULL, 
	file_name TEXT NOT NULL, 
	file_hash BYTEA NOT NULL, 
	source TEXT NOT NULL, 
	dry_run BOOLEAN NOT NULL, 
	rows_total INTEGER NOT NULL, 
	rows_done INTEGER DEFAULT '0' NOT NULL, 
	accepted INTEGER DEFAULT '0' NOT NULL, 
	repeated INTEGER DEFAULT '0' NOT NULL, 
	refused INTEGER DEFAULT '0' NOT NULL, 
	problems JSONB DEFAULT '[]' NOT NULL, 
	started_by UUID, 
	started_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	finished_at TIMESTAMP WITH TIME ZONE, 
	CONSTRAINT imports_pkey PRIMARY KEY (id), 
	CONSTRAINT imports_started_by_fkey FOREIGN KEY(started_by) REFERENCES users (id)
);
CREATE INDEX imports_started_at_idx ON imports (started_at);
COMMENT ON TABLE imports IS 'Lists of reports brought in from files, with their progress.';
COMMENT ON COLUMN imports.file_hash IS 'SHA-256 of the file';
COMMENT ON COLUMN imports.problems IS 'row, column, code and words; the first 1000';
COMMENT ON COLUMN imports.started_by IS 'empty: the command line';

CREATE TABLE workorder_prints (
	id UUID NOT NULL, 
	case_id UUID NOT NULL, 
	user_id UUID NOT NULL, 
	with_contact BOOLEAN NOT NULL, 
	at TIMESTAMP WITH TIME ZONE NOT NULL, 
	CONSTRAINT workorder_prints_pkey PRIMARY KEY (id), 
	CONSTRAINT workorder_prints_case_id_fkey FOREIGN KEY(case_id) REFERENCES cases (id), 
	CONSTRAINT workorder_prints_user_id_fkey FOREIGN KEY(user_id) REFERENCES users (id)
);
CREATE INDEX workorder_prints_case_id_idx ON workorder_prints (case_id, at);
COMMENT ON TABLE workorder_prints IS 'Who took a work order off the system, and when; append-only.';
COMMENT ON COLUMN workorder_prints.with_contact IS 'whether it showed how to reach the reporter';

-- Steps are only ever added, so a few kilobytes find a week of them among millions; made in one quick pass.
create index case_transitions_at_idx on case_transitions using brin (at);

create trigger workorder_prints_guard before update or delete on workorder_prints for each row execute function refuse_change();

-- The job queue of the connectors: the tables and functions of Procrastinate 3.10.0 as it ships them (MIT licence,
-- copyright its authors), in a schema of their own so that they never mix with ours. Percent signs are doubled because the
-- migration runs these statements through a driver that looks for parameters.
create schema jobs;
set local search_path to jobs, public;

-- Procrastinate Schema

-- Enums

CREATE TYPE procrastinate_job_status AS ENUM (
    'todo',  -- The job is queued
    'doing',  -- The job has been fetched by a worker
    'succeeded',  -- The job ended successfully
    'failed',  -- The job ended with an error
    'cancelled', -- The job was cancelled
    'aborting',  -- legacy, not used anymore since v3.0.0
    'aborted'  -- The job was aborted
);

CREATE TYPE procrastinate_job_event_type AS ENUM (
    'deferred',  -- Job created, in todo
    'started',  -- todo -> doing
    'deferred_for_retry',  -- doing -> todo
    'failed',  -- doing -> failed
    'succeeded',  -- doing -> succeeded
    'cancelled', -- todo -> cancelled
    'abort_requested', -- not a state transition, but set in a separate field
    'aborted', -- doing -> aborted (only allowed when abort_requested field is set)
    'scheduled', -- not a state transition, but recording when a task is scheduled for
    'retried' -- Manually retried failed job
);

-- Composite Types

CREATE TYPE procrastinate_job_to_defer_v1 AS (
    queue_name character varying,
    task_name character varying,
    priority integer,
    lock text,
    queueing_lock text,
    args jsonb,
    scheduled_at timestamp with time zone
);

-- Tables

CREATE TABLE procrastinate_workers(
    id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    last_heartbeat timestamp with time zone NOT NULL DEFAULT NOW()
);

CREATE TABLE procrastinate_jobs (
    id bigserial PRIMARY KEY,
    queue_name character varying(128) NOT NULL,
    task_name character varying(128) NOT NULL,
    priority integer DEFAULT 0 NOT NULL,
    lock text,
    queueing_lock text,
    args jsonb DEFAULT '{}' NOT NULL,
    status procrastinate_job_status DEFAULT 'todo'::procrastinate_job_status NOT NULL,
    scheduled_at timestamp with time zone NULL,
    attempts integer DEFAULT 0 NOT NULL,
    abort_requested boolean DEFAULT false NOT NULL,
    worker_id bigint REFERENCES procrastinate_workers(id) ON DELETE SET NULL,
    CONSTRAINT check_not_todo_abort_requested CHECK (NOT (status = 'todo' AND abort_requested = true))
);

CREATE TABLE procrastinate_periodic_defers (
    id bigserial PRIMARY KEY,
    task_name character varying(128) NOT NULL,
    defer_timestamp bigint,
    job_id bigint REFERENCES procrastinate_jobs(id) NULL,
    periodic_id character varying(128) NOT NULL DEFAULT '',
    CONSTRAINT procrastinate_periodic_defers_unique UNIQUE (task_name, periodic_id, defer_timestamp)
);

CREATE TABLE procrastinate_events (
    id bigserial PRIMARY KEY,
    job_id bigint NOT NULL REFERENCES procrastinate_jobs ON DELETE CASCADE,
    type procrastinate_job_event_type,
    at timestamp with time zone DEFAULT NOW() NULL
);

-- Constraints & Indices

-- this prevents from having several jobs with the same queueing lock in the "todo" state
CREATE UNIQUE INDEX procrastinate_jobs_queueing_lock_idx_v1 ON procrastinate_jobs (queueing_lock) WHERE status = 'todo';
-- this prevents from having several jobs with the same lock in the "doing" state
CREATE UNIQUE INDEX procrastinate_jobs_lock_idx_v1 ON procrastinate_jobs (lock) WHERE status = 'doing';

-- Index for select_stalled_jobs_by_heartbeat query
CREATE INDEX idx_procrastinate_jobs_worker_not_null ON procrastinate_jobs(worker_id) WHERE worker_id IS NOT NULL AND status = 'doing'::procrastinate_job_status;

CREATE INDEX procrastinate_jobs_queue_name_idx_v1 ON procrastinate_jobs(queue_name);
CREATE INDEX procrastinate_jobs_id_lock_idx_v1 ON procrastinate_jobs (id, lock) WHERE status = ANY (ARRAY['todo'::procrastinate_job_status, 'doing'::procrastinate_job_status]);
CREATE INDEX procrastinate_jobs_priority_idx_v1 ON procrastinate_jobs(priority desc, id asc) WHERE (status = 'todo'::procrastinate_job_status);

CREATE INDEX procrastinate_events_job_id_fkey_v1 ON procrastinate_events(job_id);

CREATE INDEX procrastinate_periodic_defers_job_id_fkey_v1 ON procrastinate_periodic_defers(job_id);

CREATE INDEX idx_procrastinate_workers_last_heartbeat ON procrastinate_workers(last_heartbeat);

-- Functions
CREATE FUNCTION procrastinate_defer_jobs_v1(
    jobs procrastinate_job_to_defer_v1[]
)
    RETURNS bigint[]
    LANGUAGE plpgsql
AS $$
DECLARE
    job_ids bigint[];
BEGIN
    WITH inserted_jobs AS (
        INSERT INTO procrastinate_jobs (queue_name, task_name, priority, lock, queueing_lock, args, scheduled_at)
        SELECT (job).queue_name,
               (job).task_name,
               (job).priority,
               (job).lock,
               (job).queueing_lock,
               (job).args,
               (job).scheduled_at
        FROM unnest(jobs) AS job
        RETURNING id
    )
    SELECT array_agg(id) FROM inserted_jobs INTO job_ids;

    RETURN job_ids;
END;
$$;

CREATE FUNCTION procrastinate_defer_periodic_job_v2(
    _queue_name character varying,
    _lock character varying,
    _queueing_lock character varying,
    _task_name character varying,
    _priority integer,
    _periodic_id character varying,
    _defer_timestamp bigint,
    _args jsonb
)
    RETURNS bigint
    LANGUAGE plpgsql
AS $$
DECLARE
	_job_id bigint;
	_defer_id bigint;
BEGIN
    INSERT
        INTO procrastinate_periodic_defers (task_name, periodic_id, defer_timestamp)
        VALUES (_task_name, _periodic_id, _defer_timestamp)
        ON CONFLICT DO NOTHING
        RETURNING id into _defer_id;

    IF _defer_id IS NULL THEN
        RETURN NULL;
    END IF;

    UPDATE procrastinate_periodic_defers
        SET job_id = (
            SELECT COALESCE((
                SELECT unnest(procrastinate_defer_jobs_v1(
                    ARRAY[
                        ROW(
                            _queue_name,
                            _task_name,
                            _priority,
                            _lock,
                            _queueing_lock,
                            _args,
                            NULL::timestamptz
                        )
                    ]::procrastinate_job_to_defer_v1[]
                ))
            ), NULL)
        )
        WHERE id = _defer_id
        RETURNING job_id INTO _job_id;

    DELETE
        FROM procrastinate_periodic_defers
        USING (
            SELECT id
            FROM procrastinate_periodic_defers
            WHERE procrastinate_periodic_defers.task_name = _task_name
            AND procrastinate_periodic_defers.periodic_id = _periodic_id
            AND procrastinate_periodic_defers.defer_timestamp < _defer_timestamp
            ORDER BY id
            FOR UPDATE
        ) to_delete
        WHERE procrastinate_periodic_defers.id = to_delete.id;

    RETURN _job_id;
END;
$$;

CREATE FUNCTION procrastinate_fetch_job_v2(
    target_queue_names character varying[],
    p_worker_id bigint
)
    RETURNS procrastinate_jobs
    LANGUAGE plpgsql
AS $$
DECLARE
	found_jobs procrastinate_jobs;
BEGIN
    WITH candidate AS (
        SELECT jobs.*
            FROM procrastinate_jobs AS jobs
            WHERE
                -- reject the job if its lock has earlier or higher priority jobs
                NOT EXISTS (
                    SELECT 1
                        FROM procrastinate_jobs AS other_jobs
                        WHERE
                            jobs.lock IS NOT NULL
                            AND other_jobs.lock = jobs.lock
                            AND (
                                -- job with same lock is already running
                                other_jobs.status = 'doing'
                                OR
                                -- job with same lock is waiting and has higher priority (or same priority but was queued first)
                                (
                                    other_jobs.status = 'todo'
                                    AND (
                                        other_jobs.priority > jobs.priority
                                        OR (
                                        other_jobs.priority = jobs.priority
                                        AND other_jobs.id < jobs.id
                                        )
                                    )
                                )
                            )
                )
                AND jobs.status = 'todo'
                AND (target_queue_names IS NULL OR jobs.queue_name = ANY( target_queue_names ))
                AND (jobs.scheduled_at IS NULL OR jobs.scheduled_at <= now())
            ORDER BY jobs.priority DESC, jobs.id ASC LIMIT 1
            FOR UPDATE OF jobs SKIP LOCKED
    )
    UPDATE procrastinate_jobs
        SET status = 'doing', worker_id = p_worker_id
        FROM candidate
        WHERE procrastinate_jobs.id = candidate.id
        RETURNING procrastinate_jobs.* INTO found_jobs;

 RETURN found_jobs;
END;
$$;

CREATE FUNCTION procrastinate_finish_job_v1(job_id bigint, end_status procrastinate_job_status, delete_job boolean)
    RETURNS void
    LANGUAGE plpgsql
AS $$
DECLARE
    _job_id bigint;
BEGIN
    IF end_status NOT IN ('succeeded', 'failed', 'aborted') THEN
        RAISE 'End status should be either "succeeded", "failed" or "aborted" (job id: %%)', job_id;
    END IF;
    IF delete_job THEN
        DELETE FROM procrastinate_jobs
        WHERE id = job_id AND status IN ('todo', 'doing')
        RETURNING id INTO _job_id;
    ELSE
        UPDATE procrastinate_jobs
        SET status = end_status,
            abort_requested = false,
            attempts = CASE status
                WHEN 'doing' THEN attempts + 1 ELSE attempts
            END
        WHERE id = job_id AND status IN ('todo', 'doing')
        RETURNING id INTO _job_id;
    END IF;
    IF _job_id IS NULL THEN
        RAISE 'Job was not found or not in "doing" or "todo" status (job id: %%)', job_id;
    END IF;
END;
$$;

CREATE FUNCTION procrastinate_cancel_job_v1(job_id bigint, abort boolean, delete_job boolean)
    RETURNS bigint
    LANGUAGE plpgsql
AS $$
DECLARE
    _job_id bigint;
BEGIN
    IF delete_job THEN
        DELETE FROM procrastinate_jobs
        WHERE id = job_id AND status = 'todo'
        RETURNING id INTO _job_id;
    END IF;
    IF _job_id IS NULL THEN
        IF abort THEN
            UPDATE procrastinate_jobs
            SET abort_requested = true,
                status = CASE status
                    WHEN 'todo' THEN 'cancelled'::procrastinate_job_status ELSE status
                END
            WHERE id = job_id AND status IN ('todo', 'doing')
            RETURNING id INTO _job_id;
        ELSE
            UPDATE procrastinate_jobs
            SET status = 'cancelled'::procrastinate_job_status
            WHERE id = job_id AND status = 'todo'
            RETURNING id INTO _job_id;
        END IF;
    END IF;
    RETURN _job_id;
END;
$$;

CREATE FUNCTION procrastinate_retry_job_v1(
    job_id bigint,
    retry_at timestamp with time zone,
    new_priority integer,
    new_queue_name character varying,
    new_lock character varying
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    _job_id bigint;
    _abort_requested boolean;
BEGIN
    SELECT abort_requested FROM procrastinate_jobs
    WHERE id = job_id AND status = 'doing'
    FOR UPDATE
    INTO _abort_requested;
    IF _abort_requested THEN
        UPDATE procrastinate_jobs
        SET status = 'failed'::procrastinate_job_status
        WHERE id = job_id AND status = 'doing'
        RETURNING id INTO _job_id;
    ELSE
        UPDATE procrastinate_jobs
        SET status = 'todo'::procrastinate_job_status,
            attempts = attempts + 1,
            scheduled_at = retry_at,
            priority = COALESCE(new_priority, priority),
            queue_name = COALESCE(new_queue_name, queue_name),
            lock = COALESCE(new_lock, lock)
        WHERE id = job_id AND status = 'doing'
        RETURNING id INTO _job_id;
    END IF;

    IF _job_id IS NULL THEN
        RAISE 'Job was not found or not in "doing" status (job id: %%)', job_id;
    END IF;
END;
$$;

CREATE FUNCTION procrastinate_retry_job_v2(
    job_id bigint,
    retry_at timestamp with time zone,
    new_priority integer,
    new_queue_name character varying,
    new_lock character varying
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    _job_id bigint;
    _abort_requested boolean;
    _current_status procrastinate_job_status;
BEGIN
    SELECT status, abort_requested FROM procrastinate_jobs
    WHERE id = job_id AND status IN ('doing', 'failed')
    FOR UPDATE
    INTO _current_status, _abort_requested;
    IF _current_status = 'doing' AND _abort_requested THEN
        UPDATE procrastinate_jobs
        SET status = 'failed'::procrastinate_job_status
        WHERE id = job_id AND status = 'doing'
        RETURNING id INTO _job_id;
    ELSE
        UPDATE procrastinate_jobs
        SET status = 'todo'::procrastinate_job_status,
            attempts = attempts + 1,
            scheduled_at = retry_at,
            priority = COALESCE(new_priority, priority),
            queue_name = COALESCE(new_queue_name, queue_name),
            lock = COALESCE(new_lock, lock)
        WHERE id = job_id AND status IN ('doing', 'failed')
        RETURNING id INTO _job_id;
    END IF;

    IF _job_id IS NULL THEN
        RAISE 'Job was not found or has an invalid status to retry (job id: %%)', job_id;
    END IF;

END;
$$;

CREATE FUNCTION procrastinate_notify_queue_job_inserted_v1()
    RETURNS trigger
    LANGUAGE plpgsql
AS $$
DECLARE
    payload TEXT;
BEGIN
    SELECT json_build_object('type', 'job_inserted', 'job_id', NEW.id)::text INTO payload;
	PERFORM pg_notify('procrastinate_queue_v1#' || NEW.queue_name, payload);
	PERFORM pg_notify('procrastinate_any_queue_v1', payload);
	RETURN NEW;
END;
$$;

CREATE FUNCTION procrastinate_notify_queue_abort_job_v1()
RETURNS trigger
    LANGUAGE plpgsql
AS $$
DECLARE
    payload TEXT;
BEGIN
    SELECT json_build_object('type', 'abort_job_requested', 'job_id', NEW.id)::text INTO payload;
	PERFORM pg_notify('procrastinate_queue_v1#' || NEW.queue_name, payload);
	PERFORM pg_notify('procrastinate_any_queue_v1', payload);
	RETURN NEW;
END;
$$;

CREATE FUNCTION procrastinate_trigger_function_status_events_insert_v1()
    RETURNS trigger
    LANGUAGE plpgsql
AS $$
BEGIN
    INSERT INTO procrastinate_events(job_id, type)
        VALUES (NEW.id, 'deferred'::procrastinate_job_event_type);
	RETURN NEW;
END;
$$;

CREATE FUNCTION procrastinate_trigger_function_status_events_update_v1()
    RETURNS trigger
    LANGUAGE plpgsql
AS $$
BEGIN
    WITH t AS (
        SELECT CASE
            WHEN OLD.status = 'todo'::procrastinate_job_status
                AND NEW.status = 'doing'::procrastinate_job_status
                THEN 'started'::procrastinate_job_event_type
            WHEN OLD.status = 'doing'::procrastinate_job_status
                AND NEW.status = 'todo'::procrastinate_job_status
                THEN 'deferred_for_retry'::procrastinate_job_event_type
            WHEN OLD.status = 'doing'::procrastinate_job_status
                AND NEW.status = 'failed'::procrastinate_job_status
                THEN 'failed'::procrastinate_job_event_type
            WHEN OLD.status = 'doing'::procrastinate_job_status
                AND NEW.status = 'succeeded'::procrastinate_job_status
                THEN 'succeeded'::procrastinate_job_event_type
            WHEN OLD.status = 'todo'::procrastinate_job_status
                AND (
                    NEW.status = 'cancelled'::procrastinate_job_status
                    OR NEW.status = 'failed'::procrastinate_job_status
                    OR NEW.status = 'succeeded'::procrastinate_job_status
                )
                THEN 'cancelled'::procrastinate_job_event_type
            WHEN OLD.status = 'doing'::procrastinate_job_status
                AND NEW.status = 'aborted'::procrastinate_job_status
                THEN 'aborted'::procrastinate_job_event_type
            WHEN OLD.status = 'failed'::procrastinate_job_status
                AND NEW.status = 'todo'::procrastinate_job_status
                THEN 'retried'::procrastinate_job_event_type
            ELSE NULL
        END as event_type
    )
    INSERT INTO procrastinate_events(job_id, type)
        SELECT NEW.id, t.event_type
        FROM t
        WHERE t.event_type IS NOT NULL;
	RETURN NEW;
END;
$$;

CREATE FUNCTION procrastinate_trigger_function_scheduled_events_v1()
    RETURNS trigger
    LANGUAGE plpgsql
AS $$
BEGIN
    INSERT INTO procrastinate_events(job_id, type, at)
        VALUES (NEW.id, 'scheduled'::procrastinate_job_event_type, NEW.scheduled_at);

	RETURN NEW;
END;
$$;

CREATE FUNCTION procrastinate_trigger_abort_requested_events_procedure_v1()
    RETURNS trigger
    LANGUAGE plpgsql
AS $$
BEGIN
    INSERT INTO procrastinate_events(job_id, type)
        VALUES (NEW.id, 'abort_requested'::procrastinate_job_event_type);
    RETURN NEW;
END;
$$;

CREATE FUNCTION procrastinate_unlink_periodic_defers_v1()
    RETURNS trigger
    LANGUAGE plpgsql
AS $$
BEGIN
    UPDATE procrastinate_periodic_defers
    SET job_id = NULL
    WHERE job_id = OLD.id;
    RETURN OLD;
END;
$$;

CREATE FUNCTION procrastinate_register_worker_v1()
    RETURNS TABLE(worker_id bigint)
    LANGUAGE plpgsql
AS $$
BEGIN
    RETURN QUERY
    INSERT INTO procrastinate_workers DEFAULT VALUES
    RETURNING procrastinate_workers.id;
END;
$$;

CREATE FUNCTION procrastinate_unregister_worker_v1(worker_id bigint)
    RETURNS void
    LANGUAGE plpgsql
AS $$
BEGIN
    DELETE FROM procrastinate_workers
    WHERE id = worker_id;
END;
$$;

CREATE FUNCTION procrastinate_update_heartbeat_v1(worker_id bigint)
    RETURNS void
    LANGUAGE plpgsql
AS $$
BEGIN
    UPDATE procrastinate_workers
    SET last_heartbeat = NOW()
    WHERE id = worker_id;
END;
$$;

CREATE FUNCTION procrastinate_prune_stalled_workers_v1(seconds_since_heartbeat float)
    RETURNS TABLE(worker_id bigint)
    LANGUAGE plpgsql
AS $$
BEGIN
    RETURN QUERY
    DELETE FROM procrastinate_workers
    WHERE last_heartbeat < NOW() - (seconds_since_heartbeat || 'SECOND')::INTERVAL
    RETURNING procrastinate_workers.id;
END;
$$;

-- Triggers

CREATE TRIGGER procrastinate_jobs_notify_queue_job_inserted_v1
    AFTER INSERT ON procrastinate_jobs
    FOR EACH ROW WHEN ((new.status = 'todo'::procrastinate_job_status))
    EXECUTE PROCEDURE procrastinate_notify_queue_job_inserted_v1();

CREATE TRIGGER procrastinate_jobs_notify_queue_job_aborted_v1
    AFTER UPDATE OF abort_requested ON procrastinate_jobs
    FOR EACH ROW WHEN ((old.abort_requested = false AND new.abort_requested = true AND new.status = 'doing'::procrastinate_job_status))
    EXECUTE PROCEDURE procrastinate_notify_queue_abort_job_v1();

CREATE TRIGGER procrastinate_trigger_status_events_update_v1
    AFTER UPDATE OF status ON procrastinate_jobs
    FOR EACH ROW
    EXECUTE PROCEDURE procrastinate_trigger_function_status_events_update_v1();

CREATE TRIGGER procrastinate_trigger_status_events_insert_v1
    AFTER INSERT ON procrastinate_jobs
    FOR EACH ROW WHEN ((new.status = 'todo'::procrastinate_job_status))
    EXECUTE PROCEDURE procrastinate_trigger_function_status_events_insert_v1();

CREATE TRIGGER procrastinate_trigger_scheduled_events_v1
    AFTER UPDATE OR INSERT ON procrastinate_jobs
    FOR EACH ROW WHEN ((new.scheduled_at IS NOT NULL AND new.status = 'todo'::procrastinate_job_status))
    EXECUTE PROCEDURE procrastinate_trigger_function_scheduled_events_v1();

CREATE TRIGGER procrastinate_trigger_abort_requested_events_v1
    AFTER UPDATE OF abort_requested ON procrastinate_jobs
    FOR EACH ROW WHEN ((new.abort_requested = true))
    EXECUTE PROCEDURE procrastinate_trigger_abort_requested_events_procedure_v1();

CREATE TRIGGER procrastinate_trigger_delete_jobs_v1
    BEFORE DELETE ON procrastinate_jobs
    FOR EACH ROW EXECUTE PROCEDURE procrastinate_unlink_periodic_defers_v1();


-- Called from our own transactions, whose search path does not hold this schema.
do $$
declare made regprocedure;
begin
    for made in select p.oid::regprocedure from pg_proc p where p.pronamespace = 'jobs'::regnamespace loop
        execute format('alter function %%s set search_path = jobs, pg_catalog', made);
    end loop;
end $$;
set local search_path to "$user", public;
