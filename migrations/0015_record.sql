-- Problems, encounter diagnoses, allergies, procedures, immunizations.
-- Rows are never deleted: what was wrong becomes entered_in_error, with the reason, and the history keeps every state.
-- A day that is only known as a year or a month is kept as it was said: '2019', '2019-03', '2019-03-04', as text in
-- collation C, whose order is that of time.

create function app.is_partial_date(given text) returns boolean language sql immutable parallel safe
    as $$ select given ~ '^\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?$' $$;

-- Problems --------------------------------------------------------------------------------------------------------------

create table app.problems (
    tenant_id       uuid        not null,
    id              uuid        not null,
    patient_id      uuid        not null,
    icd10cm         text,
    snomed          text,
    name            text        not null,
    onset           text collate "C",
    abatement       text collate "C",
    severity        text,
    status          text        not null,
    verification    text        not null,
    note            text,
    encounter_id    uuid,                            -- in which it was found
    recorded_at     timestamptz,                     -- where that was not here: when it was recorded
    error_reason    text,
    version         bigint      not null default 1,
    created_by      uuid,
    created_at      timestamptz not null,
    updated_at      timestamptz not null,
    constraint problems_pkey primary key (tenant_id, id),
    constraint problems_patient_fkey foreign key (tenant_id, patient_id) references app.patients (tenant_id, id),
    constraint problems_encounter_fkey foreign key (tenant_id, patient_id, encounter_id)
        references app.encounter_register (tenant_id, patient_id, id),
    constraint problems_patient_key unique (tenant_id, patient_id, id),
    constraint problems_code_check check (num_nonnulls(icd10cm, snomed) > 0),
    constraint problems_onset_check check (app.is_partial_date(onset)),
    constraint problems_abatement_check check (app.is_partial_date(abatement)),
    constraint problems_severity_check check (severity in ('mild', 'moderate', 'severe', 'critical')),
    constraint problems_status_check check (status in ('active', 'chronic', 'in_remission', 'resolved')),
    constraint problems_verification_check check (verification in ('unconfirmed', 'provisional', 'differential', 'confirmed',
                                                  'refuted', 'entered_in_error')),
    constraint problems_error_check check ((error_reason is not null) = (verification = 'entered_in_error'))
);
create index problems_patient_idx on app.problems (tenant_id, patient_id, created_at, id);
-- A problem that is open stands on the list once, however it is coded.
create unique index problems_open_icd10cm_key on app.problems (tenant_id, patient_id, icd10cm)
    where icd10cm is not null and status <> 'resolved' and verification not in ('refuted', 'entered_in_error');
create unique index problems_open_snomed_key on app.problems (tenant_id, patient_id, snomed)
    where snomed is not null and status <> 'resolved' and verification not in ('refuted', 'entered_in_error');
select app.tenant_table('app.problems', of_patient => true,
                        read => '{admin,provider,nurse,patient,system}', write => '{provider,system}');

-- What an encounter was about, coded: what billing reads, and where a problem on the list may come from.
create table app.encounter_diagnoses (
    tenant_id             uuid        not null,
    id                    uuid        not null,
    patient_id            uuid        not null,
    encounter_id          uuid        not null,
    rank                  integer     not null,       -- 1: principal
    icd10cm               text,
    snomed                text,
    name                  text        not null,
    present_on_admission  text,                       -- Y, N, U (not documented), W (can't be determined), exempt
    problem_id            uuid,                       -- where it stands on the problem list
    status                text        not null default 'active',
    error_reason          text,
    version               bigint      not null default 1,
    created_by            uuid,
    created_at            timestamptz not null,
    updated_at            timestamptz not null,
    constraint encounter_diagnoses_pkey primary key (tenant_id, id),
    constraint encounter_diagnoses_encounter_fkey foreign key (tenant_id, patient_id, encounter_id)
        references app.encounter_register (tenant_id, patient_id, id),
    constraint encounter_diagnoses_problem_fkey foreign key (tenant_id, patient_id, problem_id)
        references app.problems (tenant_id, patient_id, id),
    constraint encounter_diagnoses_code_check check (num_nonnulls(icd10cm, snomed) > 0),
    constraint encounter_diagnoses_rank_check check (rank between 1 and 99),
    constraint encounter_diagnoses_poa_check check (present_on_admission in ('Y', 'N', 'U', 'W', 'exempt')),
    constraint encounter_diagnoses_status_check check (status in ('active', 'entered_in_error')),
    constraint encounter_diagnoses_error_check check ((error_reason is not null) = (status = 'entered_in_error'))
);
create unique index encounter_diagnoses_rank_key on app.encounter_diagnoses (tenant_id, encounter_id, rank) where status = 'active';
create unique index encounter_diagnoses_icd10cm_key on app.encounter_diagnoses (tenant_id, encounter_id, icd10cm)
    where icd10cm is not null and status = 'active';
create unique index encounter_diagnoses_snomed_key on app.encounter_diagnoses (tenant_id, encounter_id, snomed)
    where snomed is not null and status = 'active';
create index encounter_diagnoses_patient_idx on app.encounter_diagnoses (tenant_id, patient_id, created_at);
select app.tenant_table('app.encounter_diagnoses', of_patient => true,
                        read => '{admin,provider,nurse,billing,patient,system}', write => '{provider,system}');

-- Allergies -------------------------------------------------------------------------------------------------------------

create table app.allergies (
    tenant_id       uuid             not null,
    id              uuid             not null,
    patient_id      uuid             not null,
    kind            text             not null,
    substance_kind  text             not null,
    substance_code  text,                             -- RxNorm ingredient, or the key of a drug class; null: not checked at ordering
    substance_text  text             not null,
    substance_key   text collate "C" not null,        -- the code, or the text as it is compared
    severity        text,                             -- of the worst reaction
    criticality     text             not null,
    status          text             not null,
    verification    text             not null,
    onset           text collate "C",
    reactions       jsonb            not null default '[]',   -- [{manifestation, snomed, severity, onset}]
    note            text,
    encounter_id    uuid,
    recorded_at     timestamptz,                      -- where that was not here
    error_reason    text,
    version         bigint           not null default 1,
    created_by      uuid,
    created_at      timestamptz      not null,
    updated_at      timestamptz      not null,
    constraint allergies_pkey primary key (tenant_id, id),
    constraint allergies_patient_fkey foreign key (tenant_id, patient_id) references app.patients (tenant_id, id),
    constraint allergies_encounter_fkey foreign key (tenant_id, patient_id, encounter_id)
        references app.encounter_register (tenant_id, patient_id, id),
    constraint allergies_kind_check check (kind in ('allergy', 'intolerance', 'unknown')),
    constraint allergies_substance_check check (substance_kind in ('drug', 'drug_class', 'food', 'environment')),
    constraint allergies_severity_check check (severity in ('mild', 'moderate', 'severe')),
    constraint allergies_criticality_check check (criticality in ('low', 'high', 'unable_to_assess')),
    constraint allergies_status_check check (status in ('active', 'inactive', 'resolved')),
    constraint allergies_verification_check check (verification in ('unconfirmed', 'confirmed', 'refuted', 'entered_in_error')),
    constraint allergies_onset_check check (app.is_partial_date(onset)),
    constraint allergies_error_check check ((error_reason is not null) = (verification = 'entered_in_error'))
);
create index allergies_patient_idx on app.allergies (tenant_id, patient_id, created_at, id);
-- A second active row for the same substance is a typing mistake; the bedside must see one.
create unique index allergies_active_key on app.allergies (tenant_id, patient_id, substance_kind, substance_key)
    where status = 'active' and verification in ('unconfirmed', 'confirmed');
select app.tenant_table('app.allergies', of_patient => true,
                        read => '{admin,provider,nurse,patient,system}', write => '{provider,nurse,system}');

-- "No known allergies" is what somebody said on a day, not the absence of rows.
create table app.allergy_statements (
    tenant_id          uuid        not null,
    id                 uuid        not null,
    patient_id         uuid        not null,
    statement          text        not null,
    stated_by          uuid,
    stated_at          timestamptz not null,
    note               text,
    withdrawn_by       uuid,
    withdrawn_at       timestamptz,
    withdrawal_reason  text,
    version            bigint      not null default 1,
    created_at         timestamptz not null,
    updated_at         timestamptz not null,
    constraint allergy_statements_pkey primary key (tenant_id, id),
    constraint allergy_statements_patient_fkey foreign key (tenant_id, patient_id) references app.patients (tenant_id, id),
    constraint allergy_statements_stated_by_fkey foreign key (tenant_id, stated_by) references app.users (tenant_id, id),
    constraint allergy_statements_withdrawn_by_fkey foreign key (tenant_id, withdrawn_by) references app.users (tenant_id, id),
    constraint allergy_statements_statement_check check (statement in ('no_known_allergies', 'no_known_drug_allergies',
                                                         'no_known_food_allergies')),
    constraint allergy_statements_withdrawn_check check (withdrawn_at is null = (withdrawal_reason is null))
);
create index allergy_statements_patient_idx on app.allergy_statements (tenant_id, patient_id, stated_at, id);
create unique index allergy_statements_open_key on app.allergy_statements (tenant_id, patient_id, statement) where withdrawn_at is null;
select app.tenant_table('app.allergy_statements', of_patient => true,
                        read => '{admin,provider,nurse,patient,system}', write => '{provider,nurse,system}');

-- Procedures ------------------------------------------------------------------------------------------------------------

create table app.procedures (
    tenant_id        uuid        not null,
    id               uuid        not null,
    patient_id       uuid        not null,
    code_system      text        not null,
    code             text        not null,
    name             text        not null,
    modifiers        jsonb       not null default '[]',   -- of a CPT or HCPCS code, in order
    status           text        not null,
    status_reason    text,
    performed_on     text collate "C",                 -- where only the day, month or year is known
    performed_start  timestamptz,
    performed_end    timestamptz,
    performers       jsonb       not null default '[]',   -- [{provider_id, name, function}]
    body_site        jsonb,                            -- {text, snomed, laterality}
    outcome          text,
    outcome_note     text,
    complications    jsonb       not null default '[]',   -- [{text, icd10cm}]
    note             text,
    encounter_id     uuid,
    error_reason     text,
    version          bigint      not null default 1,
    created_by       uuid,
    created_at       timestamptz not null,
    updated_at       timestamptz not null,
    constraint procedures_pkey primary key (tenant_id, id),
    constraint procedures_patient_fkey foreign key (tenant_id, patient_id) references app.patients (tenant_id, id),
    constraint procedures_encounter_fkey foreign key (tenant_id, patient_id, encounter_id)
        references app.encounter_register (tenant_id, patient_id, id),
    constraint procedures_system_check check (code_system in ('cpt', 'hcpcs', 'snomed', 'icd10pcs')),
    constraint procedures_status_check check (status in ('planned', 'in_progress', 'on_hold', 'not_done', 'stopped', 'completed',
                                              'entered_in_error')),
    constraint procedures_outcome_check check (outcome in ('successful', 'partially_successful', 'unsuccessful')),
    constraint procedures_performed_on_check check (app.is_partial_date(performed_on)),
    constraint procedures_performed_check check (num_nonnulls(performed_on, performed_start) < 2),
    constraint procedures_period_check check (performed_end is null or performed_start <= performed_end),
    constraint procedures_error_check check ((error_reason is not null) = (status = 'entered_in_error'))
);
create index procedures_patient_idx on app.procedures (tenant_id, patient_id, created_at, id);
create index procedures_encounter_idx on app.procedures (tenant_id, encounter_id) where encounter_id is not null;
select app.tenant_table('app.procedures', of_patient => true,
                        read => '{admin,provider,nurse,patient,system}', write => '{provider,system}');

-- What billing may read of a procedure: the coding on the encounter, not its outcome, complications or notes. A policy knows
-- tenant, role and patient and no more, so what only some may read of a row stands in a row of its own. Kept by a trigger
-- that runs as the writer.
create table app.procedure_codings (
    tenant_id        uuid        not null,
    id               uuid        not null,              -- the procedure's
    patient_id       uuid        not null,
    encounter_id     uuid        not null,
    code_system      text        not null,
    code             text        not null,
    name             text        not null,
    modifiers        jsonb       not null,
    status           text        not null,
    performed_on     text collate "C",
    performed_start  timestamptz,
    performed_end    timestamptz,
    performers       jsonb       not null,
    constraint procedure_codings_pkey primary key (tenant_id, id),
    constraint procedure_codings_procedure_fkey foreign key (tenant_id, id) references app.procedures (tenant_id, id),
    constraint procedure_codings_encounter_fkey foreign key (tenant_id, patient_id, encounter_id)
        references app.encounter_register (tenant_id, patient_id, id)
);
create index procedure_codings_encounter_idx on app.procedure_codings (tenant_id, encounter_id, id);
select app.tenant_table('app.procedure_codings', of_patient => true, history => false,
                        read => '{admin,provider,nurse,billing,patient,system}', write => '{provider,system}');

create function app.code_procedure() returns trigger language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    if new.encounter_id is not null then
        insert into app.procedure_codings as c (tenant_id, id, patient_id, encounter_id, code_system, code, name, modifiers, status,
                performed_on, performed_start, performed_end, performers)
        values (new.tenant_id, new.id, new.patient_id, new.encounter_id, new.code_system, new.code, new.name, new.modifiers, new.status,
                new.performed_on, new.performed_start, new.performed_end, new.performers)
        on conflict (tenant_id, id) do update
           set encounter_id = excluded.encounter_id, code_system = excluded.code_system, code = excluded.code, name = excluded.name,
               modifiers = excluded.modifiers, status = excluded.status, performed_on = excluded.performed_on,
               performed_start = excluded.performed_start, performed_end = excluded.performed_end, performers = excluded.performers;
    else
        -- Taken off its encounter: the coding there was a mistake.
        update app.procedure_codings set status = 'entered_in_error' where tenant_id = new.tenant_id and id = new.id;
    end if;
    return null;
end
$$;
revoke all on function app.code_procedure() from public;
-- Of the patient it says nothing: when registrations are merged both rows are moved alike.
create trigger procedures_coding after insert or update of encounter_id, code_system, code, name, modifiers, status, performed_on,
                                                         performed_start, performed_end, performers
    on app.procedures for each row execute function app.code_procedure();

-- Immunizations ---------------------------------------------------------------------------------------------------------

create table app.immunizations (
    tenant_id         uuid             not null,
    id                uuid             not null,
    patient_id        uuid             not null,
    cvx               text             not null,
    name              text             not null,
    status            text             not null,
    occurred_on       text collate "C" not null,       -- given, or not given
    given_at          timestamptz,
    source            text             not null,       -- given here, or told by whom
    manufacturer      text,
    lot_number        text,
    expires_on        date,
    site              text,
    route             text,
    dose_quantity     numeric(9, 4),
    dose_unit         text,                            -- UCUM
    dose_number       integer,
    is_subpotent      boolean          not null default false,   -- too weak, or not given whole: it does not count in the schedule
    vis               jsonb            not null default '[]',   -- [{document, published_on, presented_on}]
    provider_id       uuid,
    performer_name    text,
    not_given_reason  text,
    note              text,
    encounter_id      uuid,
    error_reason      text,
    version           bigint           not null default 1,
    created_by        uuid,
    created_at        timestamptz      not null,
    updated_at        timestamptz      not null,
    constraint immunizations_pkey primary key (tenant_id, id),
    constraint immunizations_patient_fkey foreign key (tenant_id, patient_id) references app.patients (tenant_id, id),
    constraint immunizations_encounter_fkey foreign key (tenant_id, patient_id, encounter_id)
        references app.encounter_register (tenant_id, patient_id, id),
    constraint immunizations_provider_fkey foreign key (tenant_id, provider_id) references app.providers (tenant_id, id),
    constraint immunizations_status_check check (status in ('completed', 'not_given', 'entered_in_error')),
    constraint immunizations_source_check check (source in ('administered', 'other_provider', 'registry', 'written_record',
        'patient_recall', 'school_record', 'birth_certificate', 'public_agency', 'unspecified')),
    constraint immunizations_occurred_check check (app.is_partial_date(occurred_on)),
    constraint immunizations_site_check check (site in ('left_deltoid', 'right_deltoid', 'left_thigh', 'right_thigh', 'left_gluteus',
        'right_gluteus', 'left_forearm', 'right_forearm', 'mouth', 'nose', 'other')),
    constraint immunizations_route_check check (route in ('intramuscular', 'subcutaneous', 'intradermal', 'oral', 'intranasal',
        'intravenous', 'percutaneous', 'other')),
    constraint immunizations_dose_check check (num_nonnulls(dose_quantity, dose_unit) <> 1 and dose_quantity > 0),
    constraint immunizations_number_check check (dose_number between 1 and 20),
    constraint immunizations_reason_check check (not_given_reason in ('patient_refusal', 'guardian_refusal', 'religious_exemption',
        'philosophical_exemption', 'contraindication', 'immunity', 'illness', 'out_of_stock', 'other')),
    constraint immunizations_given_check check (status = 'entered_in_error' or (status = 'not_given') = (not_given_reason is not null)),
    constraint immunizations_error_check check ((error_reason is not null) = (status = 'entered_in_error'))
);
create index immunizations_patient_idx on app.immunizations (tenant_id, patient_id, occurred_on, id);
-- The same vaccine on the same day is the same dose, told twice.
create unique index immunizations_dose_key on app.immunizations (tenant_id, patient_id, cvx, occurred_on)
    where status = 'completed' and length(occurred_on) = 10;
select app.tenant_table('app.immunizations', of_patient => true,
                        read => '{admin,provider,nurse,patient,system}', write => '{provider,nurse,system}');
