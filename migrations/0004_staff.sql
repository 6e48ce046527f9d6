-- Providers with their credentials; nurses and other staff; who works in which department.

create table app.providers (
    tenant_id           uuid        not null,
    id                  uuid        not null,
    user_id             uuid,                     -- null: known here, without an account (an import, a referring physician)
    npi                 text,
    given_name          text        not null,
    family_name         text        not null,
    credential          text,                     -- MD, DO, NP …
    specialties         text[]      not null default '{}',         -- the primary one first
    subspecialties      text[]      not null default '{}',
    phone               text,
    email               text,
    verified            boolean     not null default false,
    accepting_patients  boolean     not null default true,
    status              text        not null default 'active',
    sort_key            text collate "C" not null,                 -- family, then given, normalised: ordered and searched by
    version             bigint      not null default 1,
    created_at          timestamptz not null,
    updated_at          timestamptz not null,
    constraint providers_pkey primary key (tenant_id, id),
    constraint providers_tenant_fkey foreign key (tenant_id) references app.tenants (tenant_id),
    constraint providers_user_fkey foreign key (tenant_id, user_id) references app.users (tenant_id, id),
    constraint providers_npi_key unique (tenant_id, npi),
    constraint providers_user_key unique (tenant_id, user_id),
    constraint providers_npi_check check (npi ~ '^[12][0-9]{9}$'),
    constraint providers_status_check check (status in ('active', 'inactive'))
);
create index providers_sort_idx on app.providers (tenant_id, sort_key, id);
select app.tenant_table('app.providers', read => '{admin,provider,nurse,staff,billing,patient,system}', write => '{admin,system}');

-- A provider's specialties and subspecialties once more, in the form in which they are compared. A table of its own, because
-- nothing that looks into an array is leakproof: under row-level security no index on one would be used.
create table app.provider_specialty_keys (
    tenant_id    uuid not null,
    provider_id  uuid not null,
    key          text collate "C" not null,
    constraint provider_specialty_keys_pkey primary key (tenant_id, key, provider_id),
    constraint provider_specialty_keys_provider_fkey foreign key (tenant_id, provider_id) references app.providers (tenant_id, id)
);
create index provider_specialty_keys_provider_idx on app.provider_specialty_keys (tenant_id, provider_id);
select app.tenant_table('app.provider_specialty_keys', read => '{admin,provider,nurse,staff,billing,patient,system}',
                        write => '{admin,system}', may_delete => '{admin,system}', history => false);

create table app.provider_licenses (
    tenant_id    uuid        not null,
    id           uuid        not null,
    provider_id  uuid        not null,
    state        text        not null,            -- USPS code
    number       text        not null,
    kind         text        not null default 'medical',
    status       text        not null default 'active',
    issued_on    date,
    expires_on   date        not null,
    version      bigint      not null default 1,
    created_at   timestamptz not null,
    updated_at   timestamptz not null,
    constraint provider_licenses_pkey primary key (tenant_id, id),
    constraint provider_licenses_provider_fkey foreign key (tenant_id, provider_id) references app.providers (tenant_id, id),
    constraint provider_licenses_number_key unique (tenant_id, state, kind, number),
    constraint provider_licenses_state_check check (state ~ '^[A-Z]{2}$'),
    constraint provider_licenses_kind_check check (kind in ('medical', 'dea', 'nursing', 'pharmacy', 'other')),
    constraint provider_licenses_status_check check (status in ('active', 'expired', 'suspended', 'revoked', 'pending')),
    constraint provider_licenses_dates_check check (issued_on <= expires_on)
);
create index provider_licenses_provider_idx on app.provider_licenses (tenant_id, provider_id);
create index provider_licenses_expiry_idx on app.provider_licenses (tenant_id, expires_on);
select app.tenant_table('app.provider_licenses', read => '{admin,provider,nurse,staff,billing,system}', write => '{admin,system}');

create table app.provider_certifications (
    tenant_id    uuid        not null,
    id           uuid        not null,
    provider_id  uuid        not null,
    name         text        not null,
    issuer       text        not null,
    number       text,
    issued_on    date,
    expires_on   date,
    version      bigint      not null default 1,
    created_at   timestamptz not null,
    updated_at   timestamptz not null,
    constraint provider_certifications_pkey primary key (tenant_id, id),
    constraint provider_certifications_provider_fkey foreign key (tenant_id, provider_id) references app.providers (tenant_id, id),
    constraint provider_certifications_dates_check check (issued_on <= expires_on)
);
create index provider_certifications_provider_idx on app.provider_certifications (tenant_id, provider_id);
select app.tenant_table('app.provider_certifications', read => '{admin,provider,nurse,staff,billing,system}', write => '{admin,system}');

-- Nurses, technicians, front desk: whoever has an account and works, without being a provider.
create table app.staff_members (
    tenant_id          uuid        not null,
    id                 uuid        not null,
    user_id            uuid        not null,
    kind               text        not null,
    title              text,
    department_id      uuid,
    credentials        text[]      not null default '{}',    -- RN, LPN, CMA …
    license_number     text,
    license_state      text,
    license_expires_on date,
    status             text        not null default 'active',
    version            bigint      not null default 1,
    created_at         timestamptz not null,
    updated_at         timestamptz not null,
    constraint staff_members_pkey primary key (tenant_id, id),
    constraint staff_members_user_fkey foreign key (tenant_id, user_id) references app.users (tenant_id, id),
    constraint staff_members_department_fkey foreign key (tenant_id, department_id) references app.departments (tenant_id, id),
    constraint staff_members_user_key unique (tenant_id, user_id),
    constraint staff_members_kind_check check (kind in ('nurse', 'medical_assistant', 'technician', 'front_desk', 'billing', 'other')),
    constraint staff_members_state_check check (license_state ~ '^[A-Z]{2}$'),
    constraint staff_members_status_check check (status in ('active', 'inactive'))
);
select app.tenant_table('app.staff_members', read => '{admin,provider,nurse,staff,billing,system}', write => '{admin,system}');

-- Who works where. Under facility scope, it also decides whose charts he may open.
create table app.department_assignments (
    tenant_id      uuid        not null,
    id             uuid        not null,
    user_id        uuid        not null,
    facility_id    uuid        not null,
    department_id  uuid        not null,
    is_primary     boolean     not null default false,
    valid_from     timestamptz not null,
    valid_until    timestamptz,
    version        bigint      not null default 1,
    created_at     timestamptz not null,
    updated_at     timestamptz not null,
    constraint department_assignments_pkey primary key (tenant_id, id),
    constraint department_assignments_user_fkey foreign key (tenant_id, user_id) references app.users (tenant_id, id),
    constraint department_assignments_department_fkey foreign key (tenant_id, facility_id, department_id)
        references app.departments (tenant_id, facility_id, id),
    constraint department_assignments_period_check check (valid_until is null or valid_from <= valid_until)
);
create unique index department_assignments_open_key on app.department_assignments (tenant_id, user_id, department_id)
    where valid_until is null;
-- One first home a person.
create unique index department_assignments_primary_key on app.department_assignments (tenant_id, user_id)
    where is_primary and valid_until is null;
create index department_assignments_user_idx on app.department_assignments (tenant_id, user_id, facility_id);
select app.tenant_table('app.department_assignments', read => '{admin,provider,nurse,staff,billing,system}', write => '{admin,system}');
