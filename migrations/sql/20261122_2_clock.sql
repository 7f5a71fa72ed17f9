-- The working calendar: what the city sets itself, and every version of it that deadlines were computed with.

CREATE TABLE calendar_state (
	id INTEGER NOT NULL, 
	revision BIGINT NOT NULL, 
	zone TEXT NOT NULL, 
	hours TEXT NOT NULL, 
	known_until DATE, 
	CONSTRAINT calendar_state_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE calendar_state IS 'Office hours of the city and the revision of its working calendar: a single row.';
COMMENT ON COLUMN calendar_state.id IS 'always 1';
COMMENT ON COLUMN calendar_state.revision IS 'raised by a trigger on every change: processes then read again';
COMMENT ON COLUMN calendar_state.zone IS 'IANA name';
COMMENT ON COLUMN calendar_state.hours IS 'office hours of a working day: 08:00-12:00 14:00-18:00';
COMMENT ON COLUMN calendar_state.known_until IS 'the city has set all holidays until then itself; empty: what the library knows';

CREATE TABLE calendar_days (
	day DATE NOT NULL, 
	works BOOLEAN NOT NULL, 
	name TEXT NOT NULL, 
	set_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	CONSTRAINT calendar_days_pkey PRIMARY KEY (day)
);
COMMENT ON TABLE calendar_days IS 'Days the city set itself.';
COMMENT ON COLUMN calendar_days.works IS 'true: a working day, false: a day off; goes before the published holidays';
COMMENT ON COLUMN calendar_days.name IS 'why: the holiday or the notice';

CREATE TABLE work_calendars (
	version TEXT NOT NULL, 
	kept_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	zone TEXT NOT NULL, 
	hours TEXT NOT NULL, 
	known_until DATE NOT NULL, 
	off_days DATE[] NOT NULL, 
	work_days DATE[] NOT NULL, 
	CONSTRAINT work_calendars_pkey PRIMARY KEY (version)
);
COMMENT ON TABLE work_calendars IS 'Every version of the calendar, whole, so that a deadline can be computed again years later; append-only.';
COMMENT ON COLUMN work_calendars.version IS 'as it stands in the ledgers: library, release and a hash of all below';
COMMENT ON COLUMN work_calendars.known_until IS 'last day whose public holidays were published';
COMMENT ON COLUMN work_calendars.off_days IS 'Mondays to Fridays on which the office is closed';
COMMENT ON COLUMN work_calendars.work_days IS 'Saturdays and Sundays on which it is open';

create function calendar_raised() returns trigger language plpgsql as $$
begin
    new.revision := old.revision + 1;
    return new;
end $$;

create function calendar_changed() returns trigger language plpgsql as $$
begin
    update calendar_state set revision = revision + 1;
    return null;
end $$;

create trigger calendar_state_raised before update on calendar_state for each row execute function calendar_raised();
create trigger calendar_days_changed after insert or update or delete on calendar_days for each statement execute function calendar_changed();
create trigger work_calendars_guard before update or delete on work_calendars for each row execute function refuse_change();

insert into calendar_state (id, revision, zone, hours) values (1, 1, 'Asia/Shanghai', '08:00-12:00 14:00-18:00');

-- What deadlines were computed with before: Mondays to Fridays, no holidays.
insert into work_calendars (version, kept_at, zone, hours, known_until, off_days, work_days)
    values ('weekends-only/1', now(), 'Asia/Shanghai', '08:00-12:00 14:00-18:00', '2010-01-01', '{}', '{}');
