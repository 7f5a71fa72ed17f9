-- Field work and replies: actions of phones, visits, notes, looks at photos; messages, templates, ratings, publication.

CREATE TABLE field_actions (
    id UUID NOT NULL, 
    case_id UUID NOT NULL, 
    user_id UUID NOT NULL, 
    kind TEXT NOT NULL, 
    digest BYTEA NOT NULL, 
    refusal JSONB, 
    warning JSONB, 
    stage_before UUID, 
    stage_after UUID, 
    received_at TIMESTAMP WITH TIME ZONE NOT NULL, 
    occurred_at TIMESTAMP WITH TIME ZONE NOT NULL, 
    said_at TIMESTAMP WITH TIME ZONE NOT NULL, 
    skew_s DOUBLE PRECISION NOT NULL, 
    CONSTRAINT field_actions_pkey PRIMARY KEY (id), 
    CONSTRAINT field_actions_kind_check CHECK (kind = ANY (ARRAY['arrive', 'note', 'photo', 'step'])), 
    CONSTRAINT field_actions_case_id_fkey FOREIGN KEY(case_id) REFERENCES cases (id), 
    CONSTRAINT field_actions_user_id_fkey FOREIGN KEY(user_id) REFERENCES users (id)
);
CREATE INDEX field_actions_case_id_idx ON field_actions (case_id);
CREATE INDEX field_actions_received_at_idx ON field_actions (received_at);
COMMENT ON TABLE field_actions IS 'Actions phones have handed in, so that a resent one is known; forgotten after a while.';
COMMENT ON COLUMN field_actions.id IS 'made by the phone; the same action sent again carries the same one';
COMMENT ON COLUMN field_actions.digest IS 'SHA-256 of the content: the same id with other content is refused';
COMMENT ON COLUMN field_actions.refusal IS 'code, zh, en and field; empty when it was done';
COMMENT ON COLUMN field_actions.warning IS 'code, zh, en of what was missing though it was done';
COMMENT ON COLUMN field_actions.stage_before IS 'latest step that had moved the case when this one came; steps only';
COMMENT ON COLUMN field_actions.stage_after IS 'latest step that had moved the case after this one; steps only';
COMMENT ON COLUMN field_actions.received_at IS 'the server''s clock: what counts';
COMMENT ON COLUMN field_actions.occurred_at IS 'said_at corrected by how wrong the phone''s clock was';
COMMENT ON COLUMN field_actions.said_at IS 'the phone''s clock';
COMMENT ON COLUMN field_actions.skew_s IS 'seconds the phone''s clock was ahead when it sent this';

CREATE TABLE case_visits (
    id UUID NOT NULL, 
    case_id UUID NOT NULL, 
    user_id UUID NOT NULL, 
    at TIMESTAMP WITH TIME ZONE NOT NULL, 
    occurred_at TIMESTAMP WITH TIME ZONE NOT NULL, 
    verdict TEXT NOT NULL, 
    distance_m DOUBLE PRECISION, 
    accuracy_m DOUBLE PRECISION, 
    CONSTRAINT case_visits_pkey PRIMARY KEY (id), 
    CONSTRAINT case_visits_verdict_check CHECK (verdict = ANY (ARRAY['inside', 'outside', 'uncertain'])), 
    CONSTRAINT case_visits_case_id_fkey FOREIGN KEY(case_id) REFERENCES cases (id), 
    CONSTRAINT case_visits_user_id_fkey FOREIGN KEY(user_id) REFERENCES users (id)
);
CREATE INDEX case_visits_case_id_idx ON case_visits (case_id, at);
COMMENT ON TABLE case_visits IS 'Arrivals at a case. A fact about the visit: where the person stood is not kept.';
COMMENT ON COLUMN case_visits.at IS 'the server''s clock';
COMMENT ON COLUMN case_visits.occurred_at IS 'when it was, the phone''s clock corrected';
COMMENT ON COLUMN case_visits.distance_m IS 'from the case; empty without a position';
COMMENT ON COLUMN case_visits.accuracy_m IS 'radius the phone''s receiver claimed';

CREATE TABLE case_notes (
    id UUID NOT NULL, 
    case_id UUID NOT NULL, 
    author_id UUID NOT NULL, 
    kind TEXT NOT NULL, 
    text TEXT, 
    at TIMESTAMP WITH TIME ZONE NOT NULL, 
    occurred_at TIMESTAMP WITH TIME ZONE NOT NULL, 
    attempted JSONB, 
    CONSTRAINT case_notes_pkey PRIMARY KEY (id), 
    CONSTRAINT case_notes_kind_check CHECK (kind = ANY (ARRAY['note', 'photos', 'conflict'])), 
    CONSTRAINT case_notes_case_id_fkey FOREIGN KEY(case_id) REFERENCES cases (id), 
    CONSTRAINT case_notes_author_id_fkey FOREIGN KEY(author_id) REFERENCES users (id)
);
CREATE INDEX case_notes_case_id_idx ON case_notes (case_id, at);
COMMENT ON TABLE case_notes IS 'What those at the spot wrote down; for staff.';
COMMENT ON COLUMN case_notes.kind IS 'conflict: something attempted on the spot that could not be done any more';
COMMENT ON COLUMN case_notes.at IS 'the server''s clock';
COMMENT ON COLUMN case_notes.occurred_at IS 'when it was, the phone''s clock corrected';
COMMENT ON COLUMN case_notes.attempted IS 'of a conflict: what was tried and the code of the refusal';

CREATE TABLE media_views (
    id UUID NOT NULL, 
    photo_id UUID NOT NULL, 
    case_id UUID NOT NULL, 
    user_id UUID, 
    report_id UUID, 
    at TIMESTAMP WITH TIME ZONE NOT NULL, 
    CONSTRAINT media_views_pkey PRIMARY KEY (id), 
    CONSTRAINT media_views_photo_id_fkey FOREIGN KEY(photo_id) REFERENCES photos (id), 
    CONSTRAINT media_views_case_id_fkey FOREIGN KEY(case_id) REFERENCES cases (id), 
    CONSTRAINT media_views_user_id_fkey FOREIGN KEY(user_id) REFERENCES users (id), 
    CONSTRAINT media_views_report_id_fkey FOREIGN KEY(report_id) REFERENCES reports (id)
);
CREATE INDEX media_views_at_idx ON media_views (at);
CREATE INDEX media_views_case_id_idx ON media_views (case_id, at);
COMMENT ON TABLE media_views IS 'Every look at an original photo; forgotten after a while.';
COMMENT ON COLUMN media_views.user_id IS 'member of staff; empty for a reporter';
COMMENT ON COLUMN media_views.report_id IS 'report whose tracking code was shown; empty for staff';

CREATE TABLE reply_templates (
    code TEXT NOT NULL, 
    kind TEXT NOT NULL, 
    name TEXT NOT NULL, 
    text_zh TEXT NOT NULL, 
    text_en TEXT NOT NULL, 
    enabled BOOLEAN DEFAULT 'true' NOT NULL, 
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL, 
    updated_by UUID, 
    CONSTRAINT reply_templates_pkey PRIMARY KEY (code), 
    CONSTRAINT reply_templates_kind_check CHECK (kind = ANY (ARRAY['auto_reply', 'question', 'reply'])), 
    CONSTRAINT reply_templates_updated_by_fkey FOREIGN KEY(updated_by) REFERENCES users (id)
);
COMMENT ON TABLE reply_templates IS 'Texts for reporters, in both languages.';
COMMENT ON COLUMN reply_templates.name IS 'for whoever chooses it';
COMMENT ON COLUMN reply_templates.text_zh IS 'may name {number}, {matter}, {area}, {department} and {due}';
COMMENT ON COLUMN reply_templates.text_en IS 'the same in English';
COMMENT ON COLUMN reply_templates.updated_by IS 'empty: shipped with the product';

CREATE TABLE case_messages (
    id UUID NOT NULL, 
    case_id UUID NOT NULL, 
    report_id UUID, 
    kind TEXT NOT NULL, 
    text TEXT NOT NULL, 
    text_en TEXT, 
    template_code TEXT, 
    author_id UUID, 
    at TIMESTAMP WITH TIME ZONE NOT NULL, 
    submission_id UUID, 
    CONSTRAINT case_messages_pkey PRIMARY KEY (id), 
    CONSTRAINT case_messages_kind_check CHECK (kind = ANY (ARRAY['auto_reply', 'question', 'reply', 'answer', 'withdrawal', 'reopening'])), 
    CONSTRAINT case_messages_case_id_fkey FOREIGN KEY(case_id) REFERENCES cases (id), 
    CONSTRAINT case_messages_report_id_fkey FOREIGN KEY(report_id) REFERENCES reports (id), 
    CONSTRAINT case_messages_author_id_fkey FOREIGN KEY(author_id) REFERENCES users (id)
);
CREATE INDEX case_messages_case_id_idx ON case_messages (case_id, at);
CREATE INDEX case_messages_report_id_idx ON case_messages (report_id) WHERE report_id is not null;
CREATE UNIQUE INDEX case_messages_submission_id_key ON case_messages (submission_id) WHERE submission_id is not null;
COMMENT ON TABLE case_messages IS 'What was said between the city and the reporters of a case.';
COMMENT ON COLUMN case_messages.report_id IS 'whose; empty: to every reporter of the case';
COMMENT ON COLUMN case_messages.text IS 'as typed, or the Chinese text of a template';
COMMENT ON COLUMN case_messages.text_en IS 'the English text of a template';
COMMENT ON COLUMN case_messages.author_id IS 'member of staff; empty for the system and the reporter';
COMMENT ON COLUMN case_messages.submission_id IS 'made by the client; a retry carries the same one';

CREATE TABLE case_ratings (
    id UUID NOT NULL, 
    case_id UUID NOT NULL, 
    report_id UUID NOT NULL, 
    round INTEGER NOT NULL, 
    satisfaction TEXT NOT NULL, 
    words TEXT, 
    at TIMESTAMP WITH TIME ZONE NOT NULL, 
    submission_id UUID NOT NULL, 
    CONSTRAINT case_ratings_pkey PRIMARY KEY (id), 
    CONSTRAINT case_ratings_satisfaction_check CHECK (satisfaction = ANY (ARRAY['satisfied', 'fair', 'dissatisfied'])), 
    CONSTRAINT case_ratings_case_id_fkey FOREIGN KEY(case_id) REFERENCES cases (id), 
    CONSTRAINT case_ratings_report_id_fkey FOREIGN KEY(report_id) REFERENCES reports (id)
);
CREATE INDEX case_ratings_case_id_idx ON case_ratings (case_id, at);
CREATE UNIQUE INDEX case_ratings_report_id_case_id_round_key ON case_ratings (report_id, case_id, round);
CREATE UNIQUE INDEX case_ratings_submission_id_key ON case_ratings (submission_id);
COMMENT ON TABLE case_ratings IS 'How content each reporter was with each result.';
COMMENT ON COLUMN case_ratings.round IS 'how often the case had been redone or reopened: each result is rated anew';
COMMENT ON COLUMN case_ratings.submission_id IS 'made by the client; a retry carries the same one';

CREATE TABLE report_publications (
    report_id UUID NOT NULL, 
    case_id UUID NOT NULL, 
    public_text TEXT NOT NULL, 
    moderated_by UUID NOT NULL, 
    moderated_at TIMESTAMP WITH TIME ZONE NOT NULL, 
    CONSTRAINT report_publications_pkey PRIMARY KEY (report_id), 
    CONSTRAINT report_publications_report_id_fkey FOREIGN KEY(report_id) REFERENCES reports (id), 
    CONSTRAINT report_publications_case_id_fkey FOREIGN KEY(case_id) REFERENCES cases (id), 
    CONSTRAINT report_publications_moderated_by_fkey FOREIGN KEY(moderated_by) REFERENCES users (id)
);
CREATE INDEX report_publications_case_id_idx ON report_publications (case_id);
COMMENT ON TABLE report_publications IS 'What of a report may be shown on the public map.';
COMMENT ON COLUMN report_publications.public_text IS 'written by staff for everybody; never the reporter''s own words unseen';

alter table photos
    add column note_id UUID,
    add column role TEXT,
    add column released_at TIMESTAMP WITH TIME ZONE,
    add column released_by UUID,
    add constraint photos_note_id_fkey foreign key (note_id) references case_notes (id) not valid,
    add constraint photos_released_by_fkey foreign key (released_by) references users (id) not valid,
    add constraint photos_role_check check (role = ANY (ARRAY['before', 'after'])) not valid;
alter table photos validate constraint photos_note_id_fkey;
alter table photos validate constraint photos_released_by_fkey;
alter table photos validate constraint photos_role_check;
CREATE INDEX photos_note_id_idx ON photos (note_id) WHERE note_id is not null;
COMMENT ON COLUMN photos.report_id IS 'the report that claimed it; photos nothing claims are swept';
COMMENT ON COLUMN photos.note_id IS 'the field note that claimed it';
COMMENT ON COLUMN photos.role IS 'of a field photo: before or after the work';
COMMENT ON COLUMN photos.released_at IS 'since when the reporters of the case may see it';

insert into reply_templates (code, kind, name, text_zh, text_en, updated_at) values
    ('auto_reply', 'auto_reply', '自动回复', '您好，您反映的「{matter}」已收到（编号 {number}，{area}），由{department}负责，{due} 前会有进一步结果。感谢您的关心。', 'Hello, your report "{matter}" has been received (number {number}, {area}). {department} will see to it; expect news by {due}. Thank you.', now()),
    ('ask_place', 'question', '请补充位置', '请补充更具体的位置，例如门牌号、附近商铺或路口。', 'Please tell us the exact place, such as a house number, a shop nearby or a crossing.', now()),
    ('ask_time', 'question', '请补充时间', '请问这一情况是什么时候发生的，现在是否仍然存在？', 'When did this happen, and is it still so?', now()),
    ('ask_photo', 'question', '请描述现场', '请再描述一下现场的情况，便于我们准确处置。', 'Please describe once more what it looks like, so that we can deal with it properly.', now()),
    ('reply_started', 'reply', '正在处置', '您反映的「{matter}」（编号 {number}）正在处置，预计 {due} 前完成。', 'Your report "{matter}" (number {number}) is being handled and should be done by {due}.', now()),
    ('reply_waiting', 'reply', '需要时间', '您反映的「{matter}」（编号 {number}）需要更多时间，我们会继续跟进并及时告知您。', 'Your report "{matter}" (number {number}) needs more time; we keep at it and will tell you.', now()),
    ('reply_done', 'reply', '处置完成', '您反映的「{matter}」（编号 {number}）已处置完成，请您评价。', 'Your report "{matter}" (number {number}) has been dealt with; please rate the result.', now()),
    ('reply_elsewhere', 'reply', '不属受理范围', '您反映的「{matter}」（编号 {number}）不属于本平台受理范围，请向有关部门反映。', 'Your report "{matter}" (number {number}) is not for this office; please turn to the one in charge.', now());
