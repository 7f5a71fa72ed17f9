drop table routing_state, photos, detections, contacts, reports, case_transitions, alerts, cases, receipts, area_cells, user_roles, refresh_tokens, duties, area_versions, area_codes, users, filing_conditions, areas, submissions, routing_rules, rail_lines, places, matters, installation, events, event_cursor, devices, departments, area_layers cascade;
drop sequence case_numbers;
drop function routing_changed, refuse_change, only_position_may_be_given, only_valid_to_may_be_set;
