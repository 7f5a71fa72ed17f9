drop table work_calendars, calendar_days, calendar_state;
drop function calendar_raised, calendar_changed;
