-- Duplicates: links between reports and cases that are about one thing and picture hashes.

CREATE TABLE case_links (
    id UUID NOT NULL, 
    case_id UUID NOT NULL, 
    kind TEXT NOT NULL, 
    report_id UUID, 
    other_case_id UUID, 
    score DOUBLE PRECISION, 
    features JSONB NOT NULL, 
    actor_id UUID, 
    at TIMESTAMP WITH TIME ZONE NOT NULL, 
    undone_at TIMESTAMP WITH TIME ZONE, 
    undone_by UUID, 
    CONSTRAINT case_links_pkey PRIMARY KEY (id), 
    CONSTRAINT case_links_kind_check CHECK (kind = ANY (ARRAY['folded', 'same_as', 'merged', 'split'])), 
    CONSTRAINT case_links_case_id_fkey FOREIGN KEY(case_id) REFERENCES cases (id), 
    CONSTRAINT case_links_report_id_fkey FOREIGN KEY(report_id) REFERENCES reports (id), 
    CONSTRAINT case_links_other_case_id_fkey FOREIGN KEY(other_case_id) REFERENCES cases (id), 
    CONSTRAINT case_links_actor_id_fkey FOREIGN KEY(actor_id) REFERENCES users (id), 
    CONSTRAINT case_links_undone_by_fkey FOREIGN KEY(undone_by) REFERENCES users (id)
);
CREATE INDEX case_links_case_id_idx ON case_links (case_id, at);
CREATE UNIQUE INDEX case_links_merged_key ON case_links (other_case_id) WHERE kind = 'merged' and undone_at is null;
CREATE UNIQUE INDEX case_links_report_id_key ON case_links (report_id) WHERE report_id is not null and undone_at is null;
COMMENT ON TABLE case_links IS 'Reports and cases found to be about the same thing; rows are ended, never removed.';
COMMENT ON COLUMN case_links.case_id IS 'the case that stands for the thing; of a split, the new case';
COMMENT ON COLUMN case_links.kind IS 'folded: joined by itself; same_as: the reporter said so; merged and split: by staff';
COMMENT ON COLUMN case_links.report_id IS 'the report that joined; empty for merged and split cases';
COMMENT ON COLUMN case_links.other_case_id IS 'the case merged into case_id, or the one it was split off';
COMMENT ON COLUMN case_links.score IS 'likeness when it was linked, 0-1';
COMMENT ON COLUMN case_links.features IS 'what was compared: distances, seconds, shares, bits; no text of a reporter';
COMMENT ON COLUMN case_links.actor_id IS 'empty: the system or the reporter';
COMMENT ON COLUMN case_links.undone_at IS 'since when it no longer holds';
CREATE INDEX cases_open_cell_idx ON cases (cell, matter_id) WHERE closed_at is null;
alter table photos add column likeness bigint;
COMMENT ON COLUMN photos.likeness IS '64-bit difference hash of the picture, signed; like pictures differ in few bits';
