-- Who books in turn, and what a patient may change of the calendar.

-- A sum is kept only if nobody adds to it meanwhile: how much a provider is booked in a week, how many appointments a patient has
-- to come. Whoever is about to add holds whom the sum is of. Neither may change those rows otherwise, so the owner's rights lock
-- them, and nothing else.
create function app.hold_providers(wanted uuid[]) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    tenant uuid := app.tenant_id();
begin
    -- In everybody's order, so that nobody waits in a circle.
    perform from app.providers p where p.tenant_id = tenant and p.id = any(wanted) order by p.id for no key update;
end
$$;
alter function app.hold_providers(uuid[]) owner to chartwell_definer;
revoke all on function app.hold_providers(uuid[]) from public;
grant execute on function app.hold_providers(uuid[]) to chartwell_runtime;
-- Locking a row takes the right to change some column of it.
grant update (version) on app.providers to chartwell_definer;

create function app.hold_own_chart() returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    tenant uuid := app.tenant_id();
begin
    perform from app.patients p where p.tenant_id = tenant and p.id = app.own_patient_id() for no key update;
end
$$;
alter function app.hold_own_chart() owner to chartwell_definer;
revoke all on function app.hold_own_chart() from public;
grant execute on function app.hold_own_chart() to chartwell_runtime;

-- A hold that has run out stands in the way until somebody who wants its place releases it, and that may be anybody.
create function app.release_stale_holds(resources uuid[], wanted_from timestamptz, wanted_until timestamptz, at timestamptz) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    tenant uuid := app.tenant_id();
begin
    update app.reservations set state = 'released'
     where tenant_id = tenant and id in (
           select r.id from app.reservations r
            where r.tenant_id = tenant and r.resource_id = any(resources) and r.state = 'held' and r.expires_at <= at
              and r.starts_at > wanted_from - interval '40 hours' and r.starts_at < wanted_until and r.ends_at > wanted_from
            order by r.resource_id, r.id
              for update);
end
$$;
alter function app.release_stale_holds(uuid[], timestamptz, timestamptz, timestamptz) owner to chartwell_definer;
revoke all on function app.release_stale_holds(uuid[], timestamptz, timestamptz, timestamptz) from public;
grant execute on function app.release_stale_holds(uuid[], timestamptz, timestamptz, timestamptz) to chartwell_runtime;
grant update (state) on app.reservations to chartwell_definer;

-- The rows of a provider or a room name no patient, and so were anybody's to change. A patient's are those of an appointment or a
-- hold that he may see.
create function app.is_of_own_visit(appointment uuid, hold uuid) returns boolean
    language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return exists (select from app.appointments a where a.tenant_id = app.tenant_id() and a.id = appointment and app.may_see(a.patient_id))
        or exists (select from app.appointment_holds h where h.tenant_id = app.tenant_id() and h.id = hold and app.may_see(h.patient_id));
end
$$;
revoke all on function app.is_of_own_visit(uuid, uuid) from public;
grant execute on function app.is_of_own_visit(uuid, uuid) to chartwell_runtime;
select app.narrow_policies('app.reservations', $condition$ app.actor_role() <> 'patient' or app.is_of_own_visit(appointment_id, hold_id) $condition$,
                           'aw');

