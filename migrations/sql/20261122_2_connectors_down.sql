drop schema jobs cascade;
drop table workorder_prints, imports, upward_reports, connector_targets, open311_posts, diversions, connector_clients;
drop index case_transitions_at_idx;
