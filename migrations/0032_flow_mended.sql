-- One patient in a room, the best of those who wait, and who is still in the house after midnight.

-- Who sits in a room ------------------------------------------------------------------------------------------------------
-- Whoever puts a patient into a room may not be allowed to see who sits there, and two may do it at once: the index says no to
-- both. Where more than one may sit (a family, chairs for infusions) it is said, and the row stands outside of the index.
alter table app.appointments add column roomed_alone boolean not null default false;
create unique index appointments_room_key on app.appointments (tenant_id, roomed_in)
    where roomed_alone and status in ('checked_in', 'in_progress');

-- Whether somebody else sits there, seen by the caller or not.
create function app.sits_in_room(room uuid, besides uuid) returns boolean
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    tenant uuid := app.tenant_id();
begin
    return exists (select from app.appointments own
                     join app.appointments a on a.tenant_id = tenant and a.facility_id = own.facility_id
                          and a.status in ('checked_in', 'in_progress') and a.roomed_in = room and a.id <> besides
                    where own.tenant_id = tenant and own.id = besides);
end
$$;
alter function app.sits_in_room(uuid, uuid) owner to chartwell_definer;
revoke all on function app.sits_in_room(uuid, uuid) from public;
grant execute on function app.sits_in_room(uuid, uuid) to chartwell_runtime;

-- Who is here -------------------------------------------------------------------------------------------------------------
-- The board shows them whatever the day, and the question above is asked of them: few rows of a table that grows for years.
create index appointments_here_idx on app.appointments (tenant_id, facility_id, starts_at) where status in ('checked_in', 'in_progress');

-- Who comes first ---------------------------------------------------------------------------------------------------------
-- The points of waitlist/triage.rs, for putting those who wait in order before the first so many are looked at one by one.
create function app.waitlist_points(rules jsonb, priority text, flags text[], waiting_since timestamptz, missed bigint, at timestamptz)
    returns bigint language sql stable set search_path = pg_catalog, pg_temp
as $$
    select (rules -> 'priority' ->> priority)::bigint
         + (rules ->> 'per_waiting_day')::bigint
           * least(greatest(extract(epoch from at - waiting_since)::bigint / 86400, 0), (rules ->> 'waiting_days_at_most')::bigint)
         + (rules ->> 'per_missed_visit')::bigint * missed
         + coalesce((select sum(f.points::bigint)::bigint from jsonb_each_text(coalesce(rules -> 'flags', '{}')) f (flag, points)
                      where f.flag = any (flags)), 0)
$$;
