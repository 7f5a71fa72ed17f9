-- What has happened is not rewritten: these guards hold for every door, the console included.

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception using message = tg_table_name || ' is append-only', errcode = 'restrict_violation';
end $$;

create function only_position_may_be_given() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' or old.position is not null or
       (old.id, old.seq, old.at, old.kind, old.subject_kind, old.subject_id, old.area_ids, old.department_ids,
        old.left_area_ids, old.left_department_ids, old.actor_id) is distinct from
       (new.id, new.seq, new.at, new.kind, new.subject_kind, new.subject_id, new.area_ids, new.department_ids,
        new.left_area_ids, new.left_department_ids, new.actor_id) then
        raise exception 'events is append-only' using errcode = 'restrict_violation';
    end if;
    return new;
end $$;

create function only_valid_to_may_be_set() returns trigger language plpgsql as $$
begin
    if (old.id, old.area_id, old.layer, old.level, old.code, old.name, old.name_en, old.parent_id, old.path, old.valid_from, old.area_m2,
        old.approximate, old.basis, old.source) is distinct from
       (new.id, new.area_id, new.layer, new.level, new.code, new.name, new.name_en, new.parent_id, new.path, new.valid_from, new.area_m2,
        new.approximate, new.basis, new.source) or not st_orderingequals(old.geom, new.geom) then
        raise exception 'a version of an area is not rewritten: close it and open the next' using errcode = 'restrict_violation';
    end if;
    return new;
end $$;

create trigger events_guard before update or delete on events for each row execute function only_position_may_be_given();
create trigger case_transitions_guard before update or delete on case_transitions for each row execute function refuse_change();
create trigger receipts_guard before update or delete on receipts for each row execute function refuse_change();
create trigger area_versions_guard before update on area_versions for each row execute function only_valid_to_may_be_set();

create function routing_changed() returns trigger language plpgsql as $$
begin
    update routing_state set version = version + 1;
    return null;
end $$;

create trigger departments_routing after insert or update or delete on departments for each statement execute function routing_changed();
create trigger duties_routing after insert or update or delete on duties for each statement execute function routing_changed();
create trigger matters_routing after insert or update or delete on matters for each statement execute function routing_changed();
create trigger filing_conditions_routing after insert or update or delete on filing_conditions for each statement execute function routing_changed();
create trigger routing_rules_routing after insert or update or delete on routing_rules for each statement execute function routing_changed();

insert into routing_state (id, version) values (1, 1);

insert into event_cursor (id, position) values (1, 0);

insert into area_layers (code, name, name_en, promise, routed, home, ord) values
    ('admin', '行政区划', 'Administrative areas', 'free', false, false, 0),
    ('grid', '综治网格', 'Governance grids', 'partition', true, true, 1),
    ('unit_grid', '城管单元网格', 'Unit grids', 'disjoint', true, false, 2),
    ('special_grid', '专属网格', 'Special grids', 'free', true, false, 3),
    ('rail_section', '护路区段', 'Rail sections', 'free', true, false, 4);

insert into routing_rules (id, code, version, kind, first, second, legal_ref, valid_from) values
    ('01930000-0000-7000-8000-000000000001', 'component.default', 1, 'component', 'owner', 'territory', '部件先属主后属地', '1970-01-01T00:00:00Z'),
    ('01930000-0000-7000-8000-000000000002', 'event.default', 1, 'event', 'territory', 'owner', '事件先属地后属主', '1970-01-01T00:00:00Z'),
    ('01930000-0000-7000-8000-000000000003', 'alert.default', 1, 'alert', 'owner', 'territory', null, '1970-01-01T00:00:00Z');
