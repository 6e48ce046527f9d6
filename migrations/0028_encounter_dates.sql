-- Of many an imported encounter only the day, the month or the year is known. What was said is kept and told beside the instant,
-- which only gives it its place in the order.

alter table app.encounters
    add column starts_on text constraint encounters_starts_on_check check (app.is_partial_date(starts_on)),
    add column ends_on   text constraint encounters_ends_on_check check (app.is_partial_date(ends_on));

drop function app.encounters_at_a_glance(text[], uuid[], uuid[]);
create function app.encounters_at_a_glance(contexts text[], tenants uuid[], ids uuid[])
    returns table (place integer, id uuid, patient_id uuid, class text, status text, scheduled_start timestamptz,
                   scheduled_end timestamptz, actual_start timestamptz, actual_end timestamptz, starts_on text, ends_on text,
                   time_zone text, facility_id uuid, department_id uuid, attending_provider_id uuid, chief_complaint text,
                   reason_codes jsonb, disposition text, cancel_reason text, version bigint, created_at timestamptz,
                   updated_at timestamptz, given_name text, family_name text, credential text)
    language plpgsql volatile
as $$
begin
    for i in 1 .. cardinality(ids) loop
        perform pg_catalog.set_config('app.context', contexts[i], true);
        return query
            select i, e.id, e.patient_id, e.class, e.status, e.scheduled_start, e.scheduled_end, e.actual_start, e.actual_end,
                   e.starts_on, e.ends_on, e.time_zone, e.facility_id, e.department_id, e.attending_provider_id, e.chief_complaint,
                   e.reason_codes, e.disposition, e.cancel_reason, e.version, e.created_at, e.updated_at,
                   p.given_name, p.family_name, p.credential
              from app.encounter_by_id(tenants[i], ids[i]) e
              left join app.providers p on p.tenant_id = tenants[i] and p.id = e.attending_provider_id;
    end loop;
end
$$;
revoke all on function app.encounters_at_a_glance(text[], uuid[], uuid[]) from public;
grant execute on function app.encounters_at_a_glance(text[], uuid[], uuid[]) to chartwell_glance;
