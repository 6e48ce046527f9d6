-- A series that is changed, or called off, from some day on ends before that day; with the change another one goes on.
alter table app.appointment_series add column split_from uuid;              -- the series this one goes on with
-- Adding a foreign key checks the rows through the policies, which want a context: nobody's.
set local app.context = '00000000-0000-0000-0000-000000000000 nobody nothing   ';
alter table app.appointment_series add constraint appointment_series_split_fkey foreign key (tenant_id, split_from)
    references app.appointment_series (tenant_id, id);
create index appointment_series_split_idx on app.appointment_series (tenant_id, split_from) where split_from is not null;

-- A planned encounter is booked once at a time.
create unique index appointments_encounter_key on app.appointments (tenant_id, encounter_id)
    where encounter_id is not null and status not in ('cancelled', 'no_show', 'rescheduled');
