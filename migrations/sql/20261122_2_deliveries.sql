-- Deliveries: where people are reached, what they are told, and every attempt at it.

CREATE TABLE endpoints (
    id UUID NOT NULL,
    department_id UUID,
    user_id UUID,
    kind TEXT NOT NULL,
    label TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    digest BYTEA NOT NULL,
    hint TEXT NOT NULL,
    language TEXT NOT NULL,
    event_kinds TEXT[],
    ord INTEGER DEFAULT '0' NOT NULL,
    active BOOLEAN DEFAULT 'true' NOT NULL,
    resting_until TIMESTAMP WITH TIME ZONE,
    failures INTEGER DEFAULT '0' NOT NULL,
    last_ok_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT endpoints_pkey PRIMARY KEY (id),
    CONSTRAINT endpoints_kind_check CHECK (kind = ANY (ARRAY['wecom', 'dingtalk', 'sms', 'email', 'webpush', 'webhook'])),
    CONSTRAINT endpoints_language_check CHECK (language = ANY (ARRAY['zh', 'en'])),
    CONSTRAINT endpoints_owner_check CHECK (num_nonnulls(department_id, user_id) <= 1 and (kind = 'webhook' or num_nonnulls(department_id, user_id) = 1)),
    CONSTRAINT endpoints_department_id_fkey FOREIGN KEY(department_id) REFERENCES departments (id),
    CONSTRAINT endpoints_user_id_fkey FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX endpoints_department_id_idx ON endpoints (department_id) WHERE active;
CREATE UNIQUE INDEX endpoints_digest_key ON endpoints (digest);
CREATE INDEX endpoints_user_id_idx ON endpoints (user_id);
COMMENT ON TABLE endpoints IS 'Where a department, a duty post, a person or another system is reached. No address stands here in clear.';
COMMENT ON COLUMN endpoints.department_id IS 'owner: a department or duty post; both owners empty: the whole city, for webhooks only';
COMMENT ON COLUMN endpoints.user_id IS 'owner: a member of staff';
COMMENT ON COLUMN endpoints.label IS 'for people: group duty, night phone ...; no contact data';
COMMENT ON COLUMN endpoints.sealed IS 'address and secret, sealed with a key made from the installation''s secret, bound to this row''s id';
COMMENT ON COLUMN endpoints.digest IS 'keyed digest of kind, owner and address: the same address is not saved twice';
COMMENT ON COLUMN endpoints.hint IS 'enough of the address to recognise it, too little to use it';
COMMENT ON COLUMN endpoints.language IS 'of what is sent there';
COMMENT ON COLUMN endpoints.event_kinds IS 'webhooks: which events; empty: all';
COMMENT ON COLUMN endpoints.ord IS 'order of trying among addresses of one owner and kind';
COMMENT ON COLUMN endpoints.resting_until IS 'nothing is sent before: the receiver limits us or did not answer';
COMMENT ON COLUMN endpoints.failures IS 'failures in a row; each lengthens the rest';

CREATE TABLE gateways (
    kind TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    hint TEXT NOT NULL,
    active BOOLEAN DEFAULT 'true' NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT gateways_pkey PRIMARY KEY (kind),
    CONSTRAINT gateways_kind_check CHECK (kind = ANY (ARRAY['sms', 'email']))
);
COMMENT ON TABLE gateways IS 'What text messages and e-mail go through.';
COMMENT ON COLUMN gateways.sealed IS 'address, account and secret, sealed like those of endpoints';
COMMENT ON COLUMN gateways.hint IS 'host and account, for people';

CREATE TABLE deliveries (
    id UUID NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    case_id UUID,
    event_id UUID,
    event_kind TEXT NOT NULL,
    template TEXT NOT NULL,
    facts JSONB NOT NULL,
    channel TEXT NOT NULL,
    endpoint_id UUID,
    department_id UUID,
    user_id UUID,
    report_id UUID,
    above INTEGER DEFAULT '0' NOT NULL,
    except_department_id UUID,
    ladder_id UUID NOT NULL,
    rung INTEGER DEFAULT '0' NOT NULL,
    level INTEGER DEFAULT '0' NOT NULL,
    channels TEXT[] NOT NULL,
    waits_s INTEGER[],
    rung_kind TEXT NOT NULL,
    climb_at TIMESTAMP WITH TIME ZONE,
    state TEXT NOT NULL,
    attempts INTEGER DEFAULT '0' NOT NULL,
    last_attempt INTEGER NOT NULL,
    next_at TIMESTAMP WITH TIME ZONE NOT NULL,
    lease_until TIMESTAMP WITH TIME ZONE,
    lease_id UUID,
    sent_at TIMESTAMP WITH TIME ZONE,
    read_at TIMESTAMP WITH TIME ZONE,
    read_by UUID,
    receipt TEXT,
    last_error TEXT,
    CONSTRAINT deliveries_pkey PRIMARY KEY (id),
    CONSTRAINT deliveries_channel_check CHECK (channel = ANY (ARRAY['wecom', 'dingtalk', 'sms', 'email', 'webpush', 'webhook'])),
    CONSTRAINT deliveries_state_check CHECK (state = ANY (ARRAY['pending', 'sending', 'sent', 'read', 'failed', 'dead', 'discarded'])),
    CONSTRAINT deliveries_rung_kind_check CHECK (rung_kind = ANY (ARRAY['first', 'channel', 'person', 'level'])),
    CONSTRAINT deliveries_case_id_fkey FOREIGN KEY(case_id) REFERENCES cases (id),
    CONSTRAINT deliveries_endpoint_id_fkey FOREIGN KEY(endpoint_id) REFERENCES endpoints (id) ON DELETE SET NULL,
    CONSTRAINT deliveries_department_id_fkey FOREIGN KEY(department_id) REFERENCES departments (id),
    CONSTRAINT deliveries_user_id_fkey FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT deliveries_report_id_fkey FOREIGN KEY(report_id) REFERENCES reports (id) ON DELETE CASCADE,
    CONSTRAINT deliveries_read_by_fkey FOREIGN KEY(read_by) REFERENCES users (id) ON DELETE SET NULL
);
CREATE INDEX deliveries_case_id_idx ON deliveries (case_id, created_at);
CREATE INDEX deliveries_climb_at_idx ON deliveries (climb_at) WHERE climb_at is not null;
CREATE INDEX deliveries_created_at_idx ON deliveries (created_at, id);
CREATE INDEX deliveries_endpoint_id_idx ON deliveries (endpoint_id, created_at);
CREATE INDEX deliveries_ladder_id_idx ON deliveries (ladder_id, rung);
CREATE INDEX deliveries_pending_idx ON deliveries (endpoint_id, next_at) WHERE state = 'pending';
CREATE INDEX deliveries_sending_idx ON deliveries (lease_until) WHERE state = 'sending';
CREATE INDEX deliveries_state_idx ON deliveries (state, created_at) WHERE state in ('pending', 'sending', 'failed', 'dead');
COMMENT ON TABLE deliveries IS 'Messages to be sent, written in the transaction of what caused them.';
COMMENT ON COLUMN deliveries.case_id IS 'empty for test messages';
COMMENT ON COLUMN deliveries.event_id IS 'the event that caused it';
COMMENT ON COLUMN deliveries.facts IS 'what the template says: number, matter, grid, deadline; no contact data, nothing of the reporter';
COMMENT ON COLUMN deliveries.endpoint_id IS 'empty for reporters, whose number is looked up when it is sent';
COMMENT ON COLUMN deliveries.department_id IS 'whom it is about waking: the ladder begins here';
COMMENT ON COLUMN deliveries.user_id IS 'the person to be woken first, where one was named';
COMMENT ON COLUMN deliveries.report_id IS 'the reporter of this report is told';
COMMENT ON COLUMN deliveries.above IS 'the ladder begins so many levels above department_id, or at the highest there is';
COMMENT ON COLUMN deliveries.except_department_id IS 'never told, on no rung: whom the complaint is about';
COMMENT ON COLUMN deliveries.ladder_id IS 'id of the ladder''s first delivery';
COMMENT ON COLUMN deliveries.rung IS '0 for the first; each next channel, person or level is one more';
COMMENT ON COLUMN deliveries.level IS 'how many departments above department_id is told on this rung';
COMMENT ON COLUMN deliveries.channels IS 'channels of the ladder in order of trying; empty: there is no further rung';
COMMENT ON COLUMN deliveries.waits_s IS 'seconds unread before the next channel, person, level; empty: only a failure climbs';
COMMENT ON COLUMN deliveries.rung_kind IS 'what this rung is against the one before';
COMMENT ON COLUMN deliveries.climb_at IS 'the next rung is told if this one has not been read by then; empty once climbed, settled or at the top';
COMMENT ON COLUMN deliveries.last_attempt IS 'the attempt after which it is given up';
COMMENT ON COLUMN deliveries.next_at IS 'not sent before';
COMMENT ON COLUMN deliveries.lease_until IS 'while sending: whoever finds it passed may send again';
COMMENT ON COLUMN deliveries.lease_id IS 'who is sending';
COMMENT ON COLUMN deliveries.receipt IS 'what the receiver answered it is kept under';
COMMENT ON COLUMN deliveries.last_error IS 'why the last attempt failed or it was discarded; no address, no secret';

CREATE TABLE delivery_attempts (
    id UUID NOT NULL,
    delivery_id UUID NOT NULL,
    attempt INTEGER NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    outcome TEXT NOT NULL,
    detail TEXT,
    took_ms INTEGER,
    CONSTRAINT delivery_attempts_pkey PRIMARY KEY (id),
    CONSTRAINT delivery_attempts_outcome_check CHECK (outcome = ANY (ARRAY['accepted', 'later', 'limited', 'refused', 'lost'])),
    CONSTRAINT delivery_attempts_delivery_id_fkey FOREIGN KEY(delivery_id) REFERENCES deliveries (id) ON DELETE CASCADE
);
CREATE INDEX delivery_attempts_delivery_id_idx ON delivery_attempts (delivery_id, at);
COMMENT ON TABLE delivery_attempts IS 'Every attempt to send; rows are never changed.';
COMMENT ON COLUMN delivery_attempts.outcome IS 'lost: the sender was killed before it could say';
COMMENT ON COLUMN delivery_attempts.detail IS 'receipt or reason; no address, no secret';

create trigger delivery_attempts_guard before update on delivery_attempts for each row execute function refuse_change();
