-- A document lies where its day begins on the organisation's clocks, for the search as for the timeline; and what took place
-- somewhere on a day can be read as it stood.

-- The day of a document as an instant: where it begins on the clocks of the caller's organisation.
create or replace function app.document_instant(day date) returns timestamptz
    language sql stable parallel safe
as $$
    select day::timestamp at time zone coalesce((select t.time_zone from app.tenants t where t.tenant_id = app.tenant_id()), 'UTC')
$$;

-- Another zone has other days: those of the documents move with it.
create function app.follow_time_zone() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    update app.search_texts s set happened_at = d.document_date::timestamp at time zone new.time_zone
      from app.documents d
     where d.tenant_id = new.tenant_id and s.tenant_id = new.tenant_id and s.kind = 'document' and s.source_id = d.id
       and s.happened_at is distinct from d.document_date::timestamp at time zone new.time_zone;
    return null;
end
$$;
alter function app.follow_time_zone() owner to chartwell_definer;
revoke all on function app.follow_time_zone() from public;
create trigger tenants_time_zone after update on app.tenants
    for each row when (new.time_zone <> old.time_zone) execute function app.follow_time_zone();

-- The history of encounters by the day, in UTC, on which they were to begin: a list of a provider or a facility as it stood knows
-- no patient to begin with. No operator that reads JSON is leakproof, so the index is reached through a function.
create index audit_log_encounters_idx on app.audit_log (tenant_id, left(after ->> 'scheduled_start', 10)) where table_name = 'encounters';

-- The encounters that at an instant were on record as attended by a provider, or as at a facility, and as beginning in
-- since..until: the rows of the history with their last images, which the caller looks up under his policies.
create function app.encounters_then(of_provider uuid, of_facility uuid, since timestamptz, until timestamptz, instant timestamptz)
    returns table (at timestamptz, id uuid)
    language plpgsql stable rows 50 security definer
    set search_path = pg_catalog, pg_temp set plan_cache_mode = force_custom_plan
as $$
declare
    tenant uuid := app.tenant_id();
begin
    return query
        select l.at, l.id
          from (select distinct a.row_id from app.audit_log a
                 where a.tenant_id = tenant and a.table_name = 'encounters' and a.at <= instant
                   -- A day before and after, whatever the offset in which the image names its instant.
                   and left(a.after ->> 'scheduled_start', 10) between to_char(since - interval '1 day', 'YYYY-MM-DD')
                                                                   and to_char(until + interval '1 day', 'YYYY-MM-DD')
                   and (of_provider is null or a.after ->> 'attending_provider_id' = of_provider::text)
                   and (of_facility is null or a.after ->> 'facility_id' = of_facility::text)) once
         cross join lateral (select a.at, a.id, a.after, a.action from app.audit_log a
                              where a.tenant_id = tenant and a.table_name = 'encounters' and a.row_id = once.row_id and a.at <= instant
                              order by a.at desc, a.version desc limit 1) l
         where l.action <> 'delete'
           and (of_provider is null or l.after ->> 'attending_provider_id' = of_provider::text)
           and (of_facility is null or l.after ->> 'facility_id' = of_facility::text)
           and (l.after ->> 'scheduled_start')::timestamptz >= since and (l.after ->> 'scheduled_start')::timestamptz < until;
end
$$;
alter function app.encounters_then(uuid, uuid, timestamptz, timestamptz, timestamptz) owner to chartwell_definer;
revoke all on function app.encounters_then(uuid, uuid, timestamptz, timestamptz, timestamptz) from public;
grant execute on function app.encounters_then(uuid, uuid, timestamptz, timestamptz, timestamptz) to chartwell_runtime;

-- What is there already. The definer sees every organisation's rows; the owner none.
set local role chartwell_definer;
update app.search_texts s set happened_at = d.document_date::timestamp at time zone t.time_zone
  from app.documents d
  join app.tenants t on t.tenant_id = d.tenant_id
 where d.tenant_id = s.tenant_id and s.kind = 'document' and s.source_id = d.id
   and s.happened_at is distinct from d.document_date::timestamp at time zone t.time_zone;
set local role chartwell_owner;
