-- Tenants, their places, their people, and how people prove who they are.

create table app.tenants (
    tenant_id         uuid        not null,
    slug              text        not null,
    name              text        not null,
    status            text        not null default 'active',
    time_zone         text        not null default 'America/New_York',
    mrn_prefix        text        not null default '',
    mrn_digits        smallint    not null default 8,
    chart_access      text        not null default 'care_team',   -- what a provider or nurse may see
    session_hours     smallint    not null default 24,            -- a session ends, whatever is refreshed
    idle_minutes      integer     not null default 60,
    password_min      smallint    not null default 12,
    version           bigint      not null default 1,
    created_at        timestamptz not null,
    updated_at        timestamptz not null,
    constraint tenants_pkey primary key (tenant_id),
    -- The one global unique: a slug is what people type to log in, and an operator, not a tenant, hands them out.
    constraint tenants_slug_key unique (slug),
    constraint tenants_slug_check check (slug ~ '^[a-z][a-z0-9-]{1,62}$'),
    constraint tenants_status_check check (status in ('active', 'suspended')),
    constraint tenants_chart_access_check check (chart_access in ('care_team', 'facility', 'organization')),
    constraint tenants_mrn_check check (mrn_digits between 5 and 12 and mrn_prefix ~ '^[A-Z0-9-]{0,8}$'),
    constraint tenants_session_check check (session_hours between 1 and 24 and idle_minutes between 5 and 1440),
    constraint tenants_password_check check (password_min between 8 and 64)
);
select app.tenant_table('app.tenants', read => '{admin,provider,nurse,staff,billing,patient,system}', write => '{admin,system}',
                        adds => '{system}', history => false);

-- Data keys, each wrapped by a master key that is not in the database.
-- A new data key seals from the moment it is committed; a sealed value names its key, and the old ones go on opening until
-- everything has been sealed anew. Blind indexes can't change one by one: they come from the key with the newest
-- `indexed_at`, or, where none has one, from the tenant's oldest.
create table app.tenant_keys (
    tenant_id      uuid        not null,
    id             uuid        not null,
    wrapped        bytea       not null,
    master_key_id  text        not null,
    created_at     timestamptz not null,
    indexed_at     timestamptz,
    retired_at     timestamptz,                  -- seals no more, still opens
    drained_at     timestamptz,                  -- since then no value in a table names it
    constraint tenant_keys_pkey primary key (tenant_id, id),
    constraint tenant_keys_tenant_fkey foreign key (tenant_id) references app.tenants (tenant_id)
);
create unique index tenant_keys_current_key on app.tenant_keys (tenant_id) where retired_at is null;
select app.tenant_table('app.tenant_keys', read => '{admin,provider,nurse,staff,billing,patient,system}', write => '{system}',
                        history => false);

-- Keys of the installation, not of a tenant: what signs access tokens and seals. Private halves are wrapped. From the instant
-- `compromised_at` on a key is known to have been in other hands: what it signed before is believed, what bears a later time
-- is not.
create table app.signing_keys (
    id             text        not null,
    purpose        text        not null,
    public_key     bytea       not null,
    wrapped        bytea       not null,
    master_key_id  text        not null,
    created_at     timestamptz not null,
    retired_at     timestamptz,                  -- signs no more, still verifies
    compromised_at timestamptz,
    constraint signing_keys_pkey primary key (id),
    constraint signing_keys_purpose_check check (purpose in ('access_token', 'seal', 'record_mac'))
);
grant select, insert on app.signing_keys to chartwell_runtime;
grant update (wrapped, master_key_id, retired_at, compromised_at) on app.signing_keys to chartwell_runtime;

create table app.counters (                       -- gapless numbers, one row a series
    tenant_id uuid   not null,
    name      text   not null,
    value     bigint not null default 0,
    constraint counters_pkey primary key (tenant_id, name)
);
select app.tenant_table('app.counters', read => '{admin,provider,nurse,staff,system}', write => '{admin,provider,nurse,staff,system}',
                        history => false);

create table app.facilities (
    tenant_id   uuid        not null,
    id          uuid        not null,
    code        text        not null,
    name        text        not null,
    kind        text        not null default 'clinic',
    time_zone   text        not null,
    phone       text,
    address     jsonb,
    status      text        not null default 'active',
    version     bigint      not null default 1,
    created_at  timestamptz not null,
    updated_at  timestamptz not null,
    constraint facilities_pkey primary key (tenant_id, id),
    constraint facilities_tenant_fkey foreign key (tenant_id) references app.tenants (tenant_id),
    constraint facilities_code_key unique (tenant_id, code),
    constraint facilities_kind_check check (kind in ('clinic', 'hospital', 'laboratory', 'imaging', 'other')),
    constraint facilities_status_check check (status in ('active', 'inactive'))
);
select app.tenant_table('app.facilities', read => '{admin,provider,nurse,staff,billing,patient,system}', write => '{admin,system}');

create table app.departments (
    tenant_id    uuid        not null,
    id           uuid        not null,
    facility_id  uuid        not null,
    code         text        not null,
    name         text        not null,
    specialty    text,
    status       text        not null default 'active',
    version      bigint      not null default 1,
    created_at   timestamptz not null,
    updated_at   timestamptz not null,
    constraint departments_pkey primary key (tenant_id, id),
    constraint departments_facility_fkey foreign key (tenant_id, facility_id) references app.facilities (tenant_id, id),
    constraint departments_facility_id_key unique (tenant_id, facility_id, id),
    constraint departments_code_key unique (tenant_id, facility_id, code),
    constraint departments_status_check check (status in ('active', 'inactive'))
);
select app.tenant_table('app.departments', read => '{admin,provider,nurse,staff,billing,patient,system}', write => '{admin,system}');

create table app.users (
    tenant_id        uuid        not null,
    id               uuid        not null,
    email            text        not null,
    email_key        text        not null,        -- lower case; what is unique and looked up
    given_name       text        not null,
    family_name      text        not null,
    role             text        not null,
    status           text        not null default 'active',
    phone            text,
    avatar_ref       text,
    password_hash    text,                        -- argon2id PHC string; null until the invitation is taken up
    password_set_at  timestamptz,
    failed_logins    integer     not null default 0,
    last_failed_at   timestamptz,                 -- failures a day apart are not a row
    locked_until     timestamptz,
    last_login_at    timestamptz,
    version          bigint      not null default 1,
    created_at       timestamptz not null,
    updated_at       timestamptz not null,
    deleted_at       timestamptz,
    constraint users_pkey primary key (tenant_id, id),
    constraint users_tenant_fkey foreign key (tenant_id) references app.tenants (tenant_id),
    constraint users_role_check check (role in ('admin', 'provider', 'nurse', 'staff', 'billing', 'patient')),
    constraint users_status_check check (status in ('active', 'inactive', 'suspended'))
);
-- An e-mail frees up when its account is retired.
create unique index users_email_key on app.users (tenant_id, email_key) where deleted_at is null;
create index users_name_idx on app.users (tenant_id, family_name collate "C", id);
select app.tenant_table('app.users', read => '{admin,provider,nurse,staff,billing,system}', write => '{admin,system}', own_column => 'id',
                        secrets => '{password_hash,failed_logins,locked_until,last_login_at,last_failed_at}');

create table app.sessions (
    tenant_id     uuid        not null,
    id            uuid        not null,
    user_id       uuid        not null,
    created_at    timestamptz not null,
    expires_at    timestamptz not null,           -- at most 24 h after created_at, whatever is refreshed
    idle_until    timestamptz not null,
    last_used_at  timestamptz not null,
    address       text        not null,
    user_agent    text        not null,
    ended_at      timestamptz,
    end_reason    text,
    constraint sessions_pkey primary key (tenant_id, id),
    constraint sessions_user_fkey foreign key (tenant_id, user_id) references app.users (tenant_id, id),
    constraint sessions_length_check check (expires_at <= created_at + interval '24 hours'),
    constraint sessions_reason_check check (end_reason in ('logout', 'revoked', 'refresh_reuse', 'password_changed', 'account_changed'))
);
create index sessions_user_idx on app.sessions (tenant_id, user_id, created_at);
-- Everybody may end his own.
select app.tenant_table('app.sessions', read => '{admin,system}', write => '{admin,system}', adds => '{system}', own_column => 'user_id',
                        own_write => true, history => false);

create table app.refresh_tokens (
    tenant_id   uuid        not null,
    id          uuid        not null,
    session_id  uuid        not null,
    token_hash  bytea       not null,             -- SHA-256 of a 256-bit random secret: no salt needed, no dictionary exists
    created_at  timestamptz not null,
    used_at     timestamptz,                      -- a second use of a used token ends the session
    constraint refresh_tokens_pkey primary key (tenant_id, id),
    constraint refresh_tokens_session_fkey foreign key (tenant_id, session_id) references app.sessions (tenant_id, id),
    constraint refresh_tokens_hash_key unique (tenant_id, token_hash)
);
create index refresh_tokens_session_idx on app.refresh_tokens (tenant_id, session_id);
select app.tenant_table('app.refresh_tokens', read => '{system}', write => '{system}', may_delete => '{system}', history => false);

create table app.one_time_tokens (
    tenant_id   uuid        not null,
    id          uuid        not null,
    user_id     uuid        not null,
    purpose     text        not null,
    token_hash  bytea       not null,
    created_at  timestamptz not null,
    expires_at  timestamptz not null,
    used_at     timestamptz,
    issued      bigint      not null generated always as identity,   -- the latest is told by this: no clock tells it surely
    constraint one_time_tokens_pkey primary key (tenant_id, id),
    constraint one_time_tokens_user_fkey foreign key (tenant_id, user_id) references app.users (tenant_id, id),
    constraint one_time_tokens_hash_key unique (tenant_id, token_hash),
    constraint one_time_tokens_purpose_check check (purpose in ('invitation', 'password_reset'))
);
select app.tenant_table('app.one_time_tokens', read => '{system}', write => '{system}', adds => '{admin,system}', may_delete => '{system}',
                        history => false);

-- What happened at the door. Attempts against a tenant that does not exist are kept under the nil tenant.
create table app.security_events (
    tenant_id   uuid        not null,
    at          timestamptz not null,
    id          uuid        not null,
    kind        text        not null,
    outcome     text        not null,
    user_id     uuid,
    session_id  uuid,
    subject_id  uuid,                             -- the account acted upon, where it is another than the actor's
    address     text        not null,
    user_agent  text        not null,
    reason      text,
    request_id  uuid,
    constraint security_events_pkey primary key (tenant_id, at, id),
    constraint security_events_kind_check check (kind in ('login', 'logout', 'refresh', 'refresh_reuse', 'lockout', 'password_change',
        'password_reset', 'role_change', 'status_change', 'account_created', 'session_revoked', 'permission_refused', 'rate_limited',
        'key_rotation')),
    constraint security_events_outcome_check check (outcome in ('success', 'failure'))
) partition by range (at);
create index security_events_user_idx on app.security_events (tenant_id, user_id, at);
select app.tenant_table('app.security_events', read => '{admin,system}', write => '{}', adds => '{admin,provider,nurse,staff,billing,patient,system}',
                        history => false);

-- A repeated POST with the same key gets the first answer again. The row is written in the transaction of the work, so
-- either both happened or neither did.
create table app.idempotency_keys (
    tenant_id     uuid        not null,
    user_id       uuid        not null,
    key           text        not null,
    request_hash  bytea       not null,
    status        smallint,
    location      text,
    etag          text,
    body          bytea,
    patients      uuid[]      not null default '{}',   -- whom a replay discloses again
    created_at    timestamptz not null,
    constraint idempotency_keys_pkey primary key (tenant_id, user_id, key)
);
create index idempotency_keys_age_idx on app.idempotency_keys (tenant_id, created_at);
select app.tenant_table('app.idempotency_keys', read => '{system}', own_column => 'user_id', history => false, may_delete => '{system}',
                        write => '{admin,provider,nurse,staff,billing,patient,system}');

-- Which tenants there are, for jobs that visit each in a transaction of its own.
create function app.tenant_ids() returns table (tenant_id uuid)
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
    return query select t.tenant_id from app.tenants t order by t.tenant_id;
end
$$;
alter function app.tenant_ids() owner to chartwell_definer;
revoke all on function app.tenant_ids() from public;
grant execute on function app.tenant_ids() to chartwell_runtime;

-- Before there is a caller: row-level security shows a tenant only to itself.
create function app.find_tenant(wanted text) returns table (tenant_id uuid, status text)
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
    return query select t.tenant_id, t.status from app.tenants t where t.slug = wanted;
end
$$;
alter function app.find_tenant(text) owner to chartwell_definer;
revoke all on function app.find_tenant(text) from public;
grant execute on function app.find_tenant(text) to chartwell_runtime;
grant select on app.tenants to chartwell_definer;

-- An account belongs to the admins, but its password to its owner: the one column he may change without being one.
create function app.set_own_password(hash text, changed_at timestamptz) returns boolean
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    tenant uuid := app.tenant_id();
    caller uuid := app.user_id();
begin
    update app.users u
       set password_hash = hash, password_set_at = changed_at, failed_logins = 0, locked_until = null,
           version = u.version + 1, updated_at = changed_at
     where u.tenant_id = tenant and u.id = caller and u.status = 'active' and u.deleted_at is null;
    return found;
end
$$;
alter function app.set_own_password(text, timestamptz) owner to chartwell_definer;
revoke all on function app.set_own_password(text, timestamptz) from public;
grant execute on function app.set_own_password(text, timestamptz) to chartwell_runtime;
grant select, update on app.users to chartwell_definer;
