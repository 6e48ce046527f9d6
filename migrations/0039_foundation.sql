-- Until when an encounter keeps its people on the team decides who sees a patient. It follows the encounter, by the triggers of
-- 0035, which run with the definer's rights: the server names it in no statement of its own, and may not.
revoke insert, update on app.encounter_register from chartwell_runtime;
grant insert (tenant_id, id, patient_id, scheduled_start) on app.encounter_register to chartwell_runtime;
grant update (scheduled_start) on app.encounter_register to chartwell_runtime;
