-- What has begun is told when it began, not when it was planned: the register, by which a patient's encounters are found, knows it.
-- And a patient reads no plan of his that is still being thought about.

alter table app.encounter_register add column began_at timestamptz;
grant insert (began_at), update (began_at) on app.encounter_register to chartwell_runtime;

-- What is there already. The definer sees every organisation's rows; the owner none.
grant update (began_at) on app.encounter_register to chartwell_definer;
set local role chartwell_definer;
update app.encounter_register r set began_at = e.actual_start
  from app.encounters e
 where e.tenant_id = r.tenant_id and e.scheduled_start = r.scheduled_start and e.id = r.id and e.actual_start is not null;
set local role chartwell_owner;
revoke update (began_at) on app.encounter_register from chartwell_definer;

-- Chart and timeline read a patient's encounters by when they began, or are to begin. As in encounter_register_order_idx, the id
-- lets a page end where it ends. A `case`, not a coalesce: that one the planner keeps behind the policies, as it might tell something.
set constraints all immediate;
create index encounter_register_begun_idx
    on app.encounter_register (tenant_id, patient_id, (case when began_at is null then scheduled_start else began_at end), id);

-- A draft is its author's thought: it may name what nobody has decided, and nobody has told the patient. Nor of a referral that was
-- dropped before it was sent.
select app.narrow_policies('app.referrals', $$app.actor_role() <> 'patient' or status <> 'draft'
                                                                           and (sent_at is not null or status <> 'cancelled')$$, 'r');
select app.narrow_policies('app.care_plans', $$app.actor_role() <> 'patient' or status <> 'draft'$$, 'r');
select app.narrow_policies('app.goals', $$app.actor_role() <> 'patient' or status <> 'proposed'$$, 'r');
