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
