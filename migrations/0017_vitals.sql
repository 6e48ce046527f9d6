-- Vital signs: what was measured at a patient, one row a reading, by the month it was measured in.
-- The readings taken at one time are a set; its id is a UUIDv7 that carries the measured time in place of the time it was
-- made, so that whoever knows the id knows the month, and no register is needed to find a set.
-- A reading is never changed. It is its own history: who recorded it and when stand in the row, and audit_log remembers only
-- what happens to it afterwards, which is that it turns out to be an error. A copy of each would double the busiest clinical
-- table for nothing.

create table app.vitals (
    tenant_id          uuid          not null,
    id                 uuid          not null,
    set_id             uuid          not null,
    patient_id         uuid          not null,
    encounter_id       uuid,
    measured_at        timestamptz   not null,
    kind               text          not null,
    value              numeric(12,4),           -- in the one unit of its kind (clinical/vitals/facts/kinds.csv); systolic of a blood pressure
    diastolic          numeric(12,4),
    code               text,                    -- of a kind that is no number
    given_value        numeric(13,6),           -- as it was said, in the unit it was said in
    given_second       numeric(13,6),           -- the diastolic; the inches beside feet, the ounces beside pounds
    given_unit         text,
    position           text,
    body_site          text,
    spo2_scale         smallint,                -- 2: oxygen saturation is to be kept at 88 to 92 %
    device_id          text,
    note               text,
    confirmed          boolean       not null default false,   -- unusual, and said to be right
    source             text          not null,
    status             text          not null default 'final',
    error_reason       text,
    replaced_by        uuid,                    -- the set that corrects this one
    replaces           uuid,                    -- the set this one corrects
    recorded_by        uuid,
    recorded_at        timestamptz   not null,
    version            bigint        not null default 1,
    updated_at         timestamptz   not null,
    constraint vitals_pkey primary key (tenant_id, measured_at, id),
    constraint vitals_patient_fkey foreign key (tenant_id, patient_id) references app.patients (tenant_id, id),
    constraint vitals_encounter_fkey foreign key (tenant_id, patient_id, encounter_id)
        references app.encounter_register (tenant_id, patient_id, id),
    constraint vitals_kind_check check (kind in ('blood_pressure', 'heart_rate', 'respiratory_rate', 'temperature', 'oxygen_saturation',
        'inhaled_oxygen_flow', 'inhaled_oxygen_concentration', 'weight', 'height', 'head_circumference', 'pain', 'glucose',
        'glasgow_coma_score', 'consciousness', 'pregnancy_status')),
    constraint vitals_one_value_check check (num_nonnulls(value, code) = 1),
    constraint vitals_given_check check ((value is null) = (given_value is null) and (value is null) = (given_unit is null)),
    constraint vitals_pressure_check check ((kind = 'blood_pressure') = (diastolic is not null) and (diastolic is null or diastolic < value)),
    constraint vitals_scale_check check (spo2_scale is null or (kind = 'oxygen_saturation' and spo2_scale in (1, 2))),
    constraint vitals_source_check check (source in ('manual', 'device', 'import')),
    constraint vitals_status_check check (status in ('final', 'entered_in_error')),
    constraint vitals_error_check check ((status = 'final') = (error_reason is null))
) partition by range (measured_at);
-- A patient's sets, newest first; the latest of a kind, and its trend.
create index vitals_patient_idx on app.vitals (tenant_id, patient_id, measured_at, set_id);
create index vitals_kind_idx on app.vitals (tenant_id, patient_id, kind, measured_at);
create trigger vitals_open after insert on app.vitals referencing new table as added
    for each statement execute function app.refuse_merged_of_many();
select app.tenant_table('app.vitals', of_patient => true, history => false,
                        read => '{admin,provider,nurse,patient,system}', write => '{admin,provider,nurse,system}');
create trigger vitals_history after update on app.vitals for each row
    execute function app.record_change('patient_id', '{}', 'vitals', 'partitioned');

-- Old readings lie in one partition; months begin in 2010 and are made when first needed.
create table app.vitals_before_2010 (like app.vitals including defaults including constraints);
alter table app.vitals_before_2010 enable row level security;
alter table app.vitals_before_2010 force row level security;
set local app.context = '00000000-0000-0000-0000-000000000000 nobody nothing   ';
alter table app.vitals attach partition app.vitals_before_2010 for values from (minvalue) to ('2010-01-01 00:00:00+00');

-- What a device has sent before: a reading that comes again, in a batch sent twice, is known by the device's own number. Not
-- partitioned, because the number is unique whatever time comes with it.
create table app.device_readings (
    tenant_id    uuid             not null,
    device_id    text collate "C" not null,
    reading_id   text collate "C" not null,
    patient_id   uuid             not null,
    measured_at  timestamptz      not null,
    set_id       uuid             not null,
    vital_id     uuid             not null,
    constraint device_readings_pkey primary key (tenant_id, device_id, reading_id),
    constraint device_readings_patient_fkey foreign key (tenant_id, patient_id) references app.patients (tenant_id, id)
);
create trigger device_readings_open after insert on app.device_readings referencing new table as added
    for each statement execute function app.refuse_merged_of_many();
select app.tenant_table('app.device_readings', of_patient => true, history => false,
                        read => '{admin,provider,nurse,system}', write => '{}', adds => '{admin,provider,nurse,system}');

-- Something about a patient that somebody has to look at: a score out of range. It holds what was found, as it was found;
-- later readings change nothing in it.
create table app.clinical_alerts (
    tenant_id        uuid        not null,
    id               uuid        not null,
    patient_id       uuid        not null,
    encounter_id     uuid,
    kind             text        not null,
    level            text        not null,
    score            smallint    not null,
    at_least         boolean     not null default false,   -- monitors send neither consciousness nor oxygen: the score is at least this
    parts            jsonb       not null,       -- what made the score
    set_id           uuid        not null,       -- the vitals it was made from
    measured_at      timestamptz not null,
    status           text        not null default 'open',
    raised_at        timestamptz not null,
    acknowledged_by  uuid,
    acknowledged_at  timestamptz,
    note             text,
    version          bigint      not null default 1,
    updated_at       timestamptz not null,
    constraint clinical_alerts_pkey primary key (tenant_id, id),
    constraint clinical_alerts_patient_fkey foreign key (tenant_id, patient_id) references app.patients (tenant_id, id),
    constraint clinical_alerts_encounter_fkey foreign key (tenant_id, patient_id, encounter_id)
        references app.encounter_register (tenant_id, patient_id, id),
    constraint clinical_alerts_user_fkey foreign key (tenant_id, acknowledged_by) references app.users (tenant_id, id),
    constraint clinical_alerts_kind_check check (kind in ('news2', 'qsofa')),
    constraint clinical_alerts_level_check check (level in ('urgent', 'emergency')),
    -- withdrawn: the readings it was made from were an error
    constraint clinical_alerts_status_check check (status in ('open', 'acknowledged', 'withdrawn')),
    constraint clinical_alerts_acknowledged_check check ((acknowledged_at is null) = (acknowledged_by is null)
                                                         and (status <> 'acknowledged' or acknowledged_at is not null))
);
-- One whose number was wrong is withdrawn, and raised anew of the same readings: of a set one of each kind stands.
create unique index clinical_alerts_set_key on app.clinical_alerts (tenant_id, set_id, kind) where status <> 'withdrawn';
create index clinical_alerts_patient_idx on app.clinical_alerts (tenant_id, patient_id, raised_at, id);
create index clinical_alerts_open_idx on app.clinical_alerts (tenant_id, raised_at, id) where status = 'open';
select app.tenant_table('app.clinical_alerts', of_patient => true,
                        read => '{admin,provider,nurse,system}', write => '{admin,provider,nurse,system}');

-- Growth references, as their publishers give them: of a sex, at an age, the three numbers from which a z-score is made.
-- Loaded by an operator (chartwell growth load); none comes with the product.
create table app.growth_references (
    tenant_id   uuid             not null,
    source      text             not null,       -- who
    measure     text             not null,
    sex         text             not null,
    age_months  numeric(8,4)     not null,
    l           double precision not null,       -- power of the Box-Cox transformation
    m           double precision not null,       -- median
    s           double precision not null,       -- coefficient of variation
    constraint growth_references_pkey primary key (tenant_id, source, measure, sex, age_months),
    constraint growth_references_source_check check (source in ('cdc', 'who')),
    constraint growth_references_measure_check check (measure in ('weight', 'height', 'head_circumference', 'bmi')),
    constraint growth_references_sex_check check (sex in ('female', 'male')),
    constraint growth_references_positive_check check (m > 0 and s > 0)
);
select app.tenant_table('app.growth_references', history => false,
                        read => '{admin,provider,nurse,patient,system}', write => '{system}', may_delete => '{system}');
