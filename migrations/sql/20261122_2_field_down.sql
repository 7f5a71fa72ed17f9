drop index photos_note_id_idx;
-- Photos that only a field note had claimed belong to nothing any more: the sweep takes them.
alter table photos drop column note_id, drop column role, drop column released_at, drop column released_by;
drop table report_publications, case_ratings, case_messages, reply_templates, media_views, case_notes, case_visits, field_actions;
comment on column photos.report_id is 'empty until a report claims it; unclaimed photos are swept';
