-- What is told follows from what is known: a thought is nobody's plan when it is dropped, either, and its source says no more than the
-- entry; when a visit began stands in its row; of what was measured or asked elsewhere sometimes only the month is known.

-- A draft that was dropped was never more than its author's thought. Whether an entry ever was more, it says itself: one that came
-- here as what was revoked or cancelled elsewhere had been followed there.
alter table app.care_plans add column decided boolean not null default true;
alter table app.goals add column decided boolean not null default true;

create function app.keep_whether_decided() returns trigger
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    new.decided := tg_op = 'UPDATE' and old.decided
                   or new.status not in ('draft', 'proposed', 'entered_in_error')
                      and (tg_op = 'INSERT' or new.status not in ('revoked', 'cancelled'));
    return new;
end
$$;
revoke all on function app.keep_whether_decided() from public;

-- What is there already: by its history. An import wrote what was revoked or cancelled elsewhere as a draft first, in one transaction
-- with what it is: a draft that nobody ever saw. Nothing happens to the entries, so their histories do not hear of it.
set constraints all immediate;
alter table app.care_plans disable trigger user;
alter table app.goals disable trigger user;
grant update (decided) on app.care_plans, app.goals to chartwell_definer;
set local role chartwell_definer;
update app.care_plans p set decided = false
 where p.status in ('draft', 'revoked', 'entered_in_error')
   and exists (select from app.audit_log d
                where d.tenant_id = p.tenant_id and d.table_name = 'care_plans' and d.row_id = p.id and d.after ->> 'status' = 'draft'
                  and not exists (select from app.audit_log n
                                   where n.tenant_id = d.tenant_id and n.table_name = 'care_plans' and n.row_id = d.row_id
                                     and n.xid = d.xid and n.version > d.version and n.after ->> 'status' <> 'draft'))
   and not exists (select from app.audit_log a
                    where a.tenant_id = p.tenant_id and a.table_name = 'care_plans' and a.row_id = p.id
                      and a.after ->> 'status' in ('active', 'on_hold', 'completed'));
update app.goals g set decided = false
 where g.status in ('proposed', 'cancelled', 'entered_in_error')
   and (exists (select from app.audit_log d
                 where d.tenant_id = g.tenant_id and d.table_name = 'goals' and d.row_id = g.id and d.after ->> 'status' = 'proposed'
                   and not exists (select from app.audit_log n
                                    where n.tenant_id = d.tenant_id and n.table_name = 'goals' and n.row_id = d.row_id
                                      and n.xid = d.xid and n.version > d.version and n.after ->> 'status' <> 'proposed'))
        -- Rejected elsewhere: never more than proposed.
        or g.id in (select r.entry_id from app.imported_resources r
                     where r.tenant_id = g.tenant_id and r.entry_kind = 'goal' and r.content ->> 'lifecycleStatus' = 'rejected'))
   and not exists (select from app.audit_log a
                    where a.tenant_id = g.tenant_id and a.table_name = 'goals' and a.row_id = g.id
                      and a.after ->> 'status' in ('active', 'on_hold', 'completed'));
set local role chartwell_owner;
revoke update (decided) on app.care_plans, app.goals from chartwell_definer;
alter table app.care_plans enable trigger user;
alter table app.goals enable trigger user;

create trigger care_plans_decided before insert or update on app.care_plans
    for each row execute function app.keep_whether_decided();
create trigger goals_decided before insert or update on app.goals
    for each row execute function app.keep_whether_decided();
select app.narrow_policies('app.care_plans', $$app.actor_role() <> 'patient' or decided$$, 'r');
select app.narrow_policies('app.goals', $$app.actor_role() <> 'patient' or decided$$, 'r');
-- And a referral that nobody sent, whatever became of it.
select app.narrow_policies('app.referrals', $$app.actor_role() <> 'patient' or sent_at is not null or status <> 'entered_in_error'$$, 'r');

-- The source of such an entry says the same as the entry, and more. So it is a patient's to read as notes and results are: when a
-- provider has released it. This is the one place that says what needs it; policies, lists, chart and timeline ask the column.
create function app.is_a_thought(resource_type text, content jsonb) returns boolean
    language sql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
    select case resource_type when 'Goal' then coalesce(content ->> 'lifecycleStatus' in ('proposed', 'planned', 'rejected'), false)
                              else coalesce(content ->> 'status' = 'draft', false) end
$$;
-- What was only thought of stays so until its source says that it is meant.
create function app.is_meant(resource_type text, content jsonb) returns boolean
    language sql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
    select coalesce(content ->> case resource_type when 'Goal' then 'lifecycleStatus' else 'status' end
                        in ('active', 'accepted', 'on-hold', 'completed', 'requested', 'received', 'ready', 'in-progress', 'stopped', 'failed'),
                    false)
$$;
revoke all on function app.is_a_thought(text, jsonb), app.is_meant(text, jsonb) from public;
grant execute on function app.is_a_thought(text, jsonb), app.is_meant(text, jsonb) to chartwell_runtime, chartwell_definer;

-- A generated column knows nothing of the state before.
alter table app.imported_resources alter column needs_release drop expression;

create function app.keep_needs_release() returns trigger
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    new.needs_release := app.imported_needs_release(new.resource_type, new.content -> 'category')
                         or app.is_a_thought(new.resource_type, new.content)
                         or tg_op = 'UPDATE' and old.needs_release and not app.is_meant(new.resource_type, new.content)
                            and not app.imported_needs_release(old.resource_type, old.content -> 'category');
    return new;
end
$$;
revoke all on function app.keep_needs_release() from public;

set constraints all immediate;
alter table app.imported_resources disable trigger user;
grant update (needs_release) on app.imported_resources to chartwell_definer;
set local role chartwell_definer;
update app.imported_resources r set needs_release = true
 where not r.needs_release
   and (app.is_a_thought(r.resource_type, r.content)
        or not app.is_meant(r.resource_type, r.content)
           and exists (select from app.imported_resource_states s
                        where s.tenant_id = r.tenant_id and s.resource_id = r.id and app.is_a_thought(s.resource_type, s.content))
           and not exists (select from app.imported_resource_states s
                            where s.tenant_id = r.tenant_id and s.resource_id = r.id and app.is_meant(s.resource_type, s.content)));
set local role chartwell_owner;
revoke update (needs_release) on app.imported_resources from chartwell_definer;
alter table app.imported_resources enable trigger user;
-- After the guard, which takes from the content what was destroyed.
create trigger imported_resources_release before insert or update on app.imported_resources
    for each row execute function app.keep_needs_release();

-- When an encounter began the register knows from the encounter itself, whichever server wrote that. One of 30 may say it, too.
create function app.register_begin_of_encounter() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    update app.encounter_register r set began_at = new.actual_start
     where r.tenant_id = new.tenant_id and r.id = new.id and r.began_at is distinct from new.actual_start;
    return null;
end
$$;
alter function app.register_begin_of_encounter() owner to chartwell_definer;
revoke all on function app.register_begin_of_encounter() from public;
grant update (began_at) on app.encounter_register to chartwell_definer;
create trigger encounters_begin after insert or update of actual_start on app.encounters
    for each row execute function app.register_begin_of_encounter();
-- Those that an older server began since 30.
set constraints all immediate;
set local role chartwell_definer;
update app.encounter_register r set began_at = e.actual_start
  from app.encounters e
 where e.tenant_id = r.tenant_id and e.scheduled_start = r.scheduled_start and e.id = r.id and e.actual_start is distinct from r.began_at;
set local role chartwell_owner;

-- Of many an imported reading or answer only the day, the month or the year is known, as of encounters (0028). What was said is kept
-- and told beside the instant, which only gives it its place in the order.
alter table app.vitals add column measured_on text constraint vitals_measured_on_check check (app.is_partial_date(measured_on));
alter table app.social_history
    add column effective_on text constraint social_history_effective_on_check check (app.is_partial_date(effective_on));

-- Which rows changed hands between this registration and others, and when: nothing but a merge and its end moves a row (0018), so of
-- whom nobody was merged the answer is at hand. Whoever tells the past must know it: asked of each row whether a later image is
-- another's, the planner would read the history of the whole organisation, 5 s instead of 0.2.
create function app.moves_of(patient uuid) returns table (table_name text, row_id uuid, at timestamptz, was uuid, item jsonb)
    language plpgsql stable rows 1 security definer set search_path = pg_catalog, pg_temp
as $$
declare
    tenant uuid := app.tenant_id();
begin
    if app.actor_role() not in ('admin', 'provider', 'nurse', 'system') or not (app.sees_every_patient() or app.may_see(patient)) then
        return;
    end if;
    return query
        select a.table_name, a.row_id, a.at, (a.before ->> 'patient_id')::uuid, a.after
          from (select distinct w.id
                  from app.patient_merges m cross join lateral (values (m.survivor_id), (m.merged_id)) w (id)
                 where m.tenant_id = tenant and patient in (m.survivor_id, m.merged_id)) p
          join app.audit_log a on a.tenant_id = tenant and a.patient_id = p.id and a.before ? 'patient_id';
end
$$;
alter function app.moves_of(uuid) owner to chartwell_definer;
revoke all on function app.moves_of(uuid) from public;
grant execute on function app.moves_of(uuid) to chartwell_runtime;
