alter table photos drop column likeness;
drop index cases_open_cell_idx;
drop table case_links;
