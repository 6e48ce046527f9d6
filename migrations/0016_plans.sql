-- What a chart plans and what lies behind it: family and social history, goals, care plans, referrals.
-- A row is never deleted: a mistake becomes status 'entered_in_error' with its reason, and does not change any more.
-- Codes are kept as they were settled when they were written (system, code, display): a later version changes no chart.

-- One row a relative. That nothing is known of his health is a statement (extent), not a missing row.
create table app.family_history (
    tenant_id     uuid        not null,
    id            uuid        not null,
    patient_id    uuid        not null,
    encounter_id  uuid,
    status        text        not null,
    extent        text        not null,
    relationship  text        not null,
    sex           text,
    born_year     integer,
    deceased      boolean,
    deceased_age  integer,                                 -- in years
    conditions    jsonb       not null default '[]',       -- condition, onset age, whether it led to death
    note          text,
    error_reason  text,
    version       bigint      not null default 1,
    created_by    uuid,
    created_at    timestamptz not null,
    updated_at    timestamptz not null,
    constraint family_history_pkey primary key (tenant_id, id),
    constraint family_history_patient_fkey foreign key (tenant_id, patient_id) references app.patients (tenant_id, id),
    constraint family_history_encounter_fkey foreign key (tenant_id, patient_id, encounter_id)
        references app.encounter_register (tenant_id, patient_id, id),
    constraint family_history_status_check check (status in ('recorded', 'entered_in_error')),
    constraint family_history_extent_check check (extent in ('partial', 'completed', 'health_unknown')),
    constraint family_history_relationship_check check (relationship in ('mother', 'father', 'sister', 'brother', 'half_sibling', 'twin',
        'daughter', 'son', 'maternal_grandmother', 'maternal_grandfather', 'paternal_grandmother', 'paternal_grandfather',
        'maternal_aunt', 'maternal_uncle', 'paternal_aunt', 'paternal_uncle', 'cousin', 'niece_or_nephew', 'grandchild', 'other')),
    constraint family_history_sex_check check (sex in ('female', 'male', 'other', 'unknown')),
    constraint family_history_error_check check ((status = 'entered_in_error') = (error_reason is not null))
);
create index family_history_patient_idx on app.family_history (tenant_id, patient_id, created_at, id);
select app.tenant_table('app.family_history', of_patient => true,
                        read => '{admin,provider,nurse,patient,system}', write => '{provider,nurse,system}');

-- One row a moment at which something was asked: a single question, or a whole screening instrument with its answers.
create table app.social_history (
    tenant_id       uuid        not null,
    id              uuid        not null,
    patient_id      uuid        not null,
    encounter_id    uuid,
    status          text        not null,
    category        text        not null,
    effective_at    timestamptz not null,
    smoking_status  text,                                  -- with the category smoking_status, and only with it
    instrument      jsonb,                                 -- the coded screening instrument
    answers         jsonb       not null default '[]',     -- coded question, and exactly one kind of answer
    note            text,
    error_reason    text,
    version         bigint      not null default 1,
    created_by      uuid,
    created_at      timestamptz not null,
    updated_at      timestamptz not null,
    constraint social_history_pkey primary key (tenant_id, id),
    constraint social_history_patient_fkey foreign key (tenant_id, patient_id) references app.patients (tenant_id, id),
    constraint social_history_encounter_fkey foreign key (tenant_id, patient_id, encounter_id)
        references app.encounter_register (tenant_id, patient_id, id),
    constraint social_history_status_check check (status in ('recorded', 'entered_in_error')),
    constraint social_history_category_check check (category in ('smoking_status', 'tobacco', 'alcohol', 'substance_use', 'sdoh',
        'occupation', 'education', 'living_situation', 'travel', 'other')),
    constraint social_history_smoking_check check (smoking_status in ('current_every_day', 'current_some_day', 'former', 'never',
        'current_unknown', 'unknown', 'heavy', 'light')),
    constraint social_history_smoking_category_check check ((category = 'smoking_status') = (smoking_status is not null)),
    constraint social_history_error_check check ((status = 'entered_in_error') = (error_reason is not null))
);
create index social_history_patient_idx on app.social_history (tenant_id, patient_id, effective_at, id);
select app.tenant_table('app.social_history', of_patient => true,
                        read => '{admin,provider,nurse,patient,system}', write => '{provider,nurse,system}');

create table app.care_plans (
    tenant_id      uuid        not null,
    id             uuid        not null,
    patient_id     uuid        not null,
    encounter_id   uuid,
    provider_id    uuid,                                   -- who is responsible
    status         text        not null,
    status_reason  text,
    title          text        not null,
    description    text,
    category       jsonb,
    addresses      jsonb       not null default '[]',      -- the coded problems it is about
    starts_on      date,
    ends_on        date,
    activities     jsonb       not null default '[]',      -- what is to be done, by whom, and how far it is
    note           text,
    error_reason   text,
    version        bigint      not null default 1,
    created_by     uuid,
    created_at     timestamptz not null,
    updated_at     timestamptz not null,
    constraint care_plans_pkey primary key (tenant_id, id),
    constraint care_plans_patient_key unique (tenant_id, patient_id, id),
    constraint care_plans_patient_fkey foreign key (tenant_id, patient_id) references app.patients (tenant_id, id),
    constraint care_plans_encounter_fkey foreign key (tenant_id, patient_id, encounter_id)
        references app.encounter_register (tenant_id, patient_id, id),
    constraint care_plans_provider_fkey foreign key (tenant_id, provider_id) references app.providers (tenant_id, id),
    constraint care_plans_status_check check (status in ('draft', 'active', 'on_hold', 'completed', 'revoked', 'entered_in_error')),
    constraint care_plans_period_check check (starts_on <= ends_on),
    constraint care_plans_error_check check ((status = 'entered_in_error') = (error_reason is not null))
);
create index care_plans_patient_idx on app.care_plans (tenant_id, patient_id, created_at, id);
select app.tenant_table('app.care_plans', of_patient => true,
                        read => '{admin,provider,nurse,patient,system}', write => '{provider,system}');

-- A goal may belong to a care plan of the same patient.
create table app.goals (
    tenant_id      uuid        not null,
    id             uuid        not null,
    patient_id     uuid        not null,
    care_plan_id   uuid,
    provider_id    uuid,
    status         text        not null,
    status_reason  text,
    achievement    text        not null,
    description    text        not null,
    priority       text,
    addresses      jsonb       not null default '[]',
    starts_on      date,
    due_on         date,
    targets        jsonb       not null default '[]',      -- coded measure, comparison, value, unit
    note           text,
    error_reason   text,
    version        bigint      not null default 1,
    created_by     uuid,
    created_at     timestamptz not null,
    updated_at     timestamptz not null,
    constraint goals_pkey primary key (tenant_id, id),
    constraint goals_patient_fkey foreign key (tenant_id, patient_id) references app.patients (tenant_id, id),
    constraint goals_care_plan_fkey foreign key (tenant_id, patient_id, care_plan_id) references app.care_plans (tenant_id, patient_id, id),
    constraint goals_provider_fkey foreign key (tenant_id, provider_id) references app.providers (tenant_id, id),
    constraint goals_status_check check (status in ('proposed', 'active', 'on_hold', 'completed', 'cancelled', 'entered_in_error')),
    constraint goals_achievement_check check (achievement in ('in_progress', 'improving', 'worsening', 'no_change', 'achieved',
        'sustaining', 'not_achieved', 'not_attainable')),
    constraint goals_priority_check check (priority in ('high', 'medium', 'low')),
    constraint goals_period_check check (starts_on <= due_on),
    constraint goals_error_check check ((status = 'entered_in_error') = (error_reason is not null))
);
create index goals_patient_idx on app.goals (tenant_id, patient_id, created_at, id);
create index goals_care_plan_idx on app.goals (tenant_id, care_plan_id) where care_plan_id is not null;
select app.tenant_table('app.goals', of_patient => true,
                        read => '{admin,provider,nurse,patient,system}', write => '{provider,system}');

-- To a provider of the house or to an organisation outside. The loop is closed by the note of a consultant of the house, or by the
-- document that one outside sent.
create table app.referrals (
    tenant_id          uuid        not null,
    id                 uuid        not null,
    patient_id         uuid        not null,
    encounter_id       uuid,
    provider_id        uuid,                               -- who refers
    to_provider_id     uuid,
    to_organization    jsonb,                              -- name, telephone, fax, NPI; exactly one of the two
    status             text        not null,
    status_reason      text,
    priority           text        not null,
    specialty          text,
    reason             text        not null,
    reason_codes       jsonb       not null default '[]',
    needed_by          date,
    note               text,
    sent_at            timestamptz,
    answered_at        timestamptz,                        -- accepted or declined
    scheduled_for      timestamptz,
    closed_at          timestamptz,                        -- completed or cancelled
    consult_note_id    uuid,                               -- the note that closed the loop,
    consult_document_id uuid,                              -- or the document
    error_reason       text,
    version            bigint      not null default 1,
    created_by         uuid,
    created_at         timestamptz not null,
    updated_at         timestamptz not null,
    constraint referrals_pkey primary key (tenant_id, id),
    constraint referrals_patient_fkey foreign key (tenant_id, patient_id) references app.patients (tenant_id, id),
    constraint referrals_encounter_fkey foreign key (tenant_id, patient_id, encounter_id)
        references app.encounter_register (tenant_id, patient_id, id),
    constraint referrals_provider_fkey foreign key (tenant_id, provider_id) references app.providers (tenant_id, id),
    constraint referrals_to_provider_fkey foreign key (tenant_id, to_provider_id) references app.providers (tenant_id, id),
    constraint referrals_consult_note_fkey foreign key (tenant_id, patient_id, consult_note_id) references app.notes (tenant_id, patient_id, id),
    constraint referrals_consult_document_fkey foreign key (tenant_id, patient_id, consult_document_id)
        references app.documents (tenant_id, patient_id, id),
    constraint referrals_target_check check (num_nonnulls(to_provider_id, to_organization) = 1),
    constraint referrals_status_check check (status in ('draft', 'sent', 'accepted', 'declined', 'scheduled', 'completed', 'cancelled',
        'entered_in_error')),
    constraint referrals_priority_check check (priority in ('routine', 'urgent', 'stat')),
    constraint referrals_loop_check check (status <> 'completed' or num_nonnulls(consult_note_id, consult_document_id) = 1),
    constraint referrals_appointment_check check (status <> 'scheduled' or scheduled_for is not null),
    constraint referrals_error_check check ((status = 'entered_in_error') = (error_reason is not null))
);
create index referrals_patient_idx on app.referrals (tenant_id, patient_id, created_at, id);
create index referrals_to_provider_idx on app.referrals (tenant_id, to_provider_id, status) where to_provider_id is not null;
select app.tenant_table('app.referrals', of_patient => true,
                        read => '{admin,provider,nurse,staff,patient,system}', write => '{provider,staff,system}', adds => '{provider,system}');

-- The front desk keeps the appointment of a referral, and changes nothing else of it.
create function app.guard_referral() returns trigger
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    if app.actor_role() = 'staff'
       and (to_jsonb(new) - '{status,scheduled_for,version,updated_at}'::text[]
            is distinct from to_jsonb(old) - '{status,scheduled_for,version,updated_at}'::text[]
            or new.status is distinct from old.status and new.status <> 'scheduled') then
        raise exception 'the front desk keeps the appointment of a referral' using errcode = 'insufficient_privilege';
    end if;
    return new;
end
$$;
create trigger referrals_guard before update on app.referrals for each row execute function app.guard_referral();

-- Who is referred to: whoever is sent a referral is on the team until it is declined or ends, and thirty days beyond one that was
-- completed. Until when it keeps him there: infinity while it runs; null if it does not.
create function app.referral_until(status text, closed_at timestamptz) returns timestamptz
    language sql immutable parallel safe
as $$
    select case when status in ('sent', 'accepted', 'scheduled') then 'infinity'::timestamptz
                when status = 'completed' then closed_at + interval '30 days'
           end
$$;
revoke all on function app.referral_until(text, timestamptz) from public;
grant execute on function app.referral_until(text, timestamptz) to chartwell_definer;
grant select on app.referrals to chartwell_definer;

-- Makes one person's membership what the referrals of this patient to him say.
create function app.follow_referrals(tenant uuid, patient uuid, member uuid) returns void
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    running uuid[];
    until   timestamptz;
    since   timestamptz;
begin
    -- Whoever changes another referral to him at the same time waits here, and then counts this one too. More than one
    -- membership is running where two registrations were merged.
    running := array(select m.id from app.care_team_members m
                      where m.tenant_id = tenant and m.patient_id = patient and m.user_id = member and m.source = 'referral'
                        and (m.valid_until is null or m.valid_until > now())
                      order by m.valid_until desc nulls first, m.id
                        for no key update);
    select max(app.referral_until(r.status, r.closed_at)), min(r.sent_at) into until, since
      from app.referrals r join app.providers p on p.tenant_id = tenant and p.id = r.to_provider_id and p.user_id = member
     where r.tenant_id = tenant and r.patient_id = patient and app.referral_until(r.status, r.closed_at) > now();
    if until is null then
        update app.care_team_members m
           set valid_until = greatest(m.valid_from, now()), updated_at = now(), version = m.version + 1
         where m.tenant_id = tenant and m.id = any(running);
        return;
    end if;
    until := nullif(until, 'infinity');
    if cardinality(running) = 0 then
        insert into app.care_team_members (tenant_id, id, patient_id, user_id, role, source, valid_from, valid_until, created_by, created_at, updated_at)
        values (tenant, gen_random_uuid(), patient, member, 'consulting', 'referral', least(since, now()), until, app.user_id(), now(), now());
        return;
    end if;
    update app.care_team_members m
       set valid_until = case when until is not null then greatest(m.valid_from, until) end, updated_at = now(), version = m.version + 1
     where m.tenant_id = tenant and m.id = any(running)
       and case when m.id = running[1] then m.valid_until is distinct from until
                else coalesce(m.valid_until, 'infinity') > coalesce(until, 'infinity') end;
end
$$;
revoke all on function app.follow_referrals(uuid, uuid, uuid) from public;
grant execute on function app.follow_referrals(uuid, uuid, uuid) to chartwell_definer;

-- When the transaction ends: whoever declines a referral has its answer as his last look.
create function app.join_team_of_referral() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    tenant uuid := new.tenant_id;
    before uuid := case when tg_op = 'UPDATE' then old.to_provider_id end;
    member uuid;
begin
    -- One without an account has no chart to open. In one order, so that two referrals do not wait for each other.
    for member in
        select p.user_id from app.providers p
         where p.tenant_id = tenant and p.id in (before, new.to_provider_id) and p.user_id is not null
         order by 1
    loop
        perform app.follow_referrals(tenant, new.patient_id, member);
    end loop;
    return null;
end
$$;
alter function app.join_team_of_referral() owner to chartwell_definer;
revoke all on function app.join_team_of_referral() from public;
create constraint trigger referrals_team after insert or update of status, to_provider_id, closed_at on app.referrals
    deferrable initially deferred for each row when (new.status <> 'draft') execute function app.join_team_of_referral();
