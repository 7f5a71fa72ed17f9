drop table case_parts, case_requests, case_escalations, case_timers, case_clock;
drop index case_transitions_command_id_key, cases_open_due_at_idx, cases_party_ids_idx, cases_merged_into_id_idx;
alter table case_transitions drop column command_id, drop column occurred_at, drop column details;
alter table reports drop constraint reports_source_check;
update reports set source = 'hotline' where source = 'police110';
update reports set source = 'citizen' where source = 'qr';
alter table reports add constraint reports_source_check check (source = ANY (ARRAY['citizen', 'hotline', 'staff']));
alter table cases drop constraint cases_state_check;
-- The foundation knows six states: the nearest of them is kept.
update cases set state = case when state = 'checking' then 'filed' when state in ('handling', 'suspended') then 'accepted'
    when state in ('verified', 'rated') then 'handled' else 'rejected' end
    where state not in ('filed', 'dispatched', 'accepted', 'handled', 'closed', 'rejected');
alter table cases add constraint cases_state_check check (state = ANY (ARRAY['filed', 'dispatched', 'accepted', 'handled', 'closed', 'rejected']));
create index cases_due_at_idx on cases (due_at) where overdue_at is null and closed_at is null and due_at is not null;
alter table cases
    drop column phase,
    drop column due_provisional,
    drop column filed_at,
    drop column dispatched_at,
    drop column accepted_at,
    drop column handled_at,
    drop column verified_at,
    drop column first_reply_at,
    drop column handle_due_at,
    drop column late_at,
    drop column proposed_department_id,
    drop column about_department_id,
    drop column party_ids,
    drop column open_parts,
    drop column bounces,
    drop column reworks,
    drop column reopens,
    drop column extensions,
    drop column level,
    drop column supervised_at,
    drop column pending_request,
    drop column back_to,
    drop column merged_into_id,
    drop column split_from_id,
    drop column wants_rating,
    drop column rate_until,
    drop column satisfaction;
delete from user_roles where role = 'supervisor';
alter table user_roles drop constraint user_roles_role_check,
    add constraint user_roles_role_check check (role = ANY (ARRAY['dispatcher', 'clerk', 'grid_worker', 'rail_guard', 'rail_office', 'area_admin', 'leader', 'system_admin']));
