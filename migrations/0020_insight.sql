-- Forecasts, the chance that somebody does not come, and proposed schedules.

-- What was expected, as it was said on a day, with the test it stood beforehand and what "as a week ago" said. Counts only:
-- nothing here names a patient. A forecast is never changed; a newer one stands beside it.
create table app.forecasts (
    tenant_id      uuid        not null,
    id             uuid        not null,
    facility_id    uuid        not null,
    department_id  uuid,
    service_id     uuid,
    request        jsonb       not null,              -- what was asked for, whole
    origin         text        not null,              -- asked for, or made at night
    source         text        not null,              -- what was counted
    method         text        not null,
    beats_naive    boolean     not null,
    first_day      date        not null,
    horizon_days   integer     not null,
    history_from   date        not null,
    history_until  date        not null,
    backtest       jsonb       not null,
    points         jsonb       not null,              -- a day each: expected, intervals, naive, capacity, alert, people
    hours          jsonb       not null,              -- the share of each local hour, by weekday; empty where nothing was counted
    basis          jsonb       not null,              -- minutes a visit takes, and the like
    alerts         integer     not null,              -- days with an alert
    version        bigint      not null default 1,
    created_by     uuid,
    created_at     timestamptz not null,
    updated_at     timestamptz not null,
    constraint forecasts_pkey primary key (tenant_id, id),
    constraint forecasts_facility_fkey foreign key (tenant_id, facility_id) references app.facilities (tenant_id, id),
    constraint forecasts_department_fkey foreign key (tenant_id, facility_id, department_id)
        references app.departments (tenant_id, facility_id, id),
    constraint forecasts_service_fkey foreign key (tenant_id, service_id) references app.scheduling_services (tenant_id, id),
    constraint forecasts_origin_check check (origin in ('asked', 'nightly')),
    constraint forecasts_source_check check (source in ('appointments', 'encounters')),
    constraint forecasts_method_check check (method in ('seasonal_naive', 'holt_winters', 'mstl', 'combined')),
    constraint forecasts_horizon_check check (horizon_days between 1 and 90)
);
create index forecasts_facility_idx on app.forecasts (tenant_id, facility_id, id);
select app.tenant_table('app.forecasts', read => '{admin,provider,nurse,staff,system}', write => '{admin,staff,system}', history => false);

-- A logistic model of missed appointments, made of the tenant's own. One a day at most: the day is the lock that keeps two
-- servers from making it twice. A day without enough to learn from leaves a row without coefficients, which says so.
create table app.no_show_models (
    tenant_id     uuid        not null,
    id            uuid        not null,
    made_on       date        not null,
    visits        integer     not null,
    missed        integer     not null,
    coefficients  jsonb,
    judgement     jsonb,
    version       bigint      not null default 1,
    created_at    timestamptz not null,
    updated_at    timestamptz not null,
    constraint no_show_models_pkey primary key (tenant_id, id),
    constraint no_show_models_tenant_fkey foreign key (tenant_id) references app.tenants (tenant_id),
    constraint no_show_models_day_key unique (tenant_id, made_on),
    constraint no_show_models_whole_check check ((coefficients is null) = (judgement is null))
);
select app.tenant_table('app.no_show_models', read => '{admin,provider,nurse,staff,system}', write => '{system}', history => false);

-- What the model says of a coming appointment. For those who plan; never for patients.
create table app.no_show_scores (
    tenant_id       uuid             not null,
    appointment_id  uuid             not null,
    patient_id      uuid             not null,
    model_id        uuid             not null,
    probability     double precision not null,
    scored_at       timestamptz      not null,
    constraint no_show_scores_pkey primary key (tenant_id, appointment_id),
    constraint no_show_scores_appointment_fkey foreign key (tenant_id, patient_id, appointment_id)
        references app.appointments (tenant_id, patient_id, id),
    constraint no_show_scores_model_fkey foreign key (tenant_id, model_id) references app.no_show_models (tenant_id, id),
    constraint no_show_scores_range_check check (probability between 0 and 1)
);
create index no_show_scores_patient_idx on app.no_show_scores (tenant_id, patient_id);
select app.tenant_table('app.no_show_scores', of_patient => true, history => false,
                        read => '{admin,provider,nurse,staff,system}', write => '{system}');

-- What a tenant's plans are worth: the weights of the soft goals. No row: the planner's own.
create table app.schedule_plan_weights (
    tenant_id   uuid        not null,
    weights     jsonb       not null,
    version     bigint      not null default 1,
    created_at  timestamptz not null,
    updated_at  timestamptz not null,
    constraint schedule_plan_weights_pkey primary key (tenant_id),
    constraint schedule_plan_weights_tenant_fkey foreign key (tenant_id) references app.tenants (tenant_id)
);
select app.tenant_table('app.schedule_plan_weights', read => '{admin,provider,nurse,staff,system}', write => '{admin,system}',
                        history => false);

-- A proposed schedule. `problem` and `plan` name patients only by the keys of the requests below, which belong to them.
-- A plan that is made anew from another one refers to it.
create table app.schedule_plans (
    tenant_id    uuid        not null,
    id           uuid        not null,
    status       text        not null default 'proposed',
    first_day    date        not null,
    days         integer     not null,
    time_zone    text        not null,
    request      jsonb       not null,                -- what was asked for, without the requests
    problem      jsonb       not null,
    plan         jsonb       not null,
    replans      uuid,
    comparison   jsonb,                               -- with the plan it was made from
    version      bigint      not null default 1,
    created_by   uuid,
    created_at   timestamptz not null,
    updated_at   timestamptz not null,
    constraint schedule_plans_pkey primary key (tenant_id, id),
    constraint schedule_plans_tenant_fkey foreign key (tenant_id) references app.tenants (tenant_id),
    constraint schedule_plans_replans_fkey foreign key (tenant_id, replans) references app.schedule_plans (tenant_id, id),
    constraint schedule_plans_status_check check (status in ('proposed', 'partly_applied', 'applied')),
    constraint schedule_plans_days_check check (days between 1 and 31)
);
select app.tenant_table('app.schedule_plans', read => '{admin,provider,staff,system}', write => '{admin,provider,staff,system}',
                        history => false);

-- One request of a plan, and what became of it. An appointment that may be moved is a request with `moves`.
create table app.schedule_plan_requests (
    tenant_id       uuid        not null,
    id              uuid        not null,
    plan_id         uuid        not null,
    patient_id      uuid        not null,
    key             text        not null,             -- its name in problem and plan
    service_id      uuid        not null,
    request         jsonb       not null,
    moves           uuid,                             -- the appointment that stands
    outcome         text        not null default 'open',
    appointment_id  uuid,                             -- what was booked
    refusal         text,                             -- the code of the problem that stood in the way
    created_at      timestamptz not null,
    updated_at      timestamptz not null,
    constraint schedule_plan_requests_pkey primary key (tenant_id, id),
    constraint schedule_plan_requests_key_key unique (tenant_id, plan_id, key),
    constraint schedule_plan_requests_plan_fkey foreign key (tenant_id, plan_id) references app.schedule_plans (tenant_id, id),
    constraint schedule_plan_requests_patient_fkey foreign key (tenant_id, patient_id) references app.patients (tenant_id, id),
    constraint schedule_plan_requests_service_fkey foreign key (tenant_id, service_id)
        references app.scheduling_services (tenant_id, id),
    constraint schedule_plan_requests_moves_fkey foreign key (tenant_id, patient_id, moves)
        references app.appointments (tenant_id, patient_id, id),
    constraint schedule_plan_requests_booked_fkey foreign key (tenant_id, patient_id, appointment_id)
        references app.appointments (tenant_id, patient_id, id),
    constraint schedule_plan_requests_outcome_check check (outcome in ('open', 'booked', 'moved', 'refused')),
    constraint schedule_plan_requests_key_check check (key ~ '^[A-Za-z0-9_.-]{1,60}$')
);
create index schedule_plan_requests_patient_idx on app.schedule_plan_requests (tenant_id, patient_id);
select app.tenant_table('app.schedule_plan_requests', of_patient => true, history => false,
                        read => '{admin,provider,staff,system}', write => '{admin,provider,staff,system}');
