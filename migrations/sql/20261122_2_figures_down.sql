-- Takes the figures away.

drop trigger figure_cases_changed on cases;
drop trigger figure_cases_opened on cases;
drop function figure_cases_changed();
drop function figure_cases_opened();
drop index cases_deadline_idx;
drop index cases_handled_at_idx;
drop index cases_closed_at_idx;
drop table figure_kinds;
drop table figure_units;
drop table figure_places;
drop table figure_changes;
drop table figure_blocks;
drop table figure_definitions;
