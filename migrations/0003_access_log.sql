-- Who opened whose chart. One row for each patient a request disclosed or was refused, committed before the answer leaves.
-- Narrow on purpose: this is the busiest table of the house.

create table app.phi_access_log (
    tenant_id    uuid        not null,
    at           timestamptz not null,
    id           uuid        not null,
    user_id      uuid,                            -- null: the system itself (an import)
    session_id   uuid,
    patient_id   uuid,
    resource_id  uuid,
    request_id   uuid        not null,
    xid          bigint      not null default (pg_current_xact_id()::text::bigint),
    break_glass  boolean     not null default false,
    role         text        not null,
    resource     text        not null,
    action       text        not null,
    outcome      text        not null,
    purpose      text        not null,
    method       text        not null,
    route        text        not null,
    address      text        not null,
    user_agent   text        not null,
    mac          bytea       not null,            -- keyed: a row written by anyone but the server does not verify
    constraint phi_access_log_pkey primary key (tenant_id, at, id),
    -- One constraint for all closed sets: each is made ready anew by every statement, which for a batch of records costs as much
    -- as a quarter of inserting them.
    constraint phi_access_log_closed_sets_check check (
        action in ('read', 'search', 'create', 'update', 'delete', 'export', 'print')
        and outcome in ('success', 'refused')
        and purpose in ('TREAT', 'HPAYMT', 'HOPERAT', 'PATRQT', 'ETREAT', 'HRESCH', 'PUBHLTH'))
) partition by range (at);
create index phi_access_log_patient_idx on app.phi_access_log (tenant_id, patient_id, at);
create index phi_access_log_user_idx on app.phi_access_log (tenant_id, user_id, at);
create index phi_access_log_xid_idx on app.phi_access_log using brin (xid) with (autosummarize = on);

-- Insert without sight of the patient: a refusal is recorded against a chart the caller may not see.
select app.tenant_table('app.phi_access_log', read => '{admin,patient,system}', write => '{}',
                        adds => '{admin,provider,nurse,staff,billing,patient,system}', of_patient => true, strangers_add => true,
                        trusted_readers => '{chartwell_sealer}', trusted_writers => '{chartwell_audit_writer}', history => false);
grant insert on app.phi_access_log to chartwell_audit_writer;
grant select on app.phi_access_log to chartwell_sealer;

-- A seal closes a range of transactions of one log of one tenant, the access log or the change history: the Merkle root of its
-- records, linked to the seal before and signed. Each log of a tenant is a chain of its own. The manifest holds the id and the
-- first bytes of the leaf of each record, so that a difference can be named.
create table app.seals (
    tenant_id    uuid        not null,
    log          text        not null,
    sequence     bigint      not null,            -- 1, 2, 3 … without a gap
    from_xid     bigint      not null,
    until_xid    bigint      not null,            -- exclusive; below it no transaction was still open
    first_at     timestamptz not null,
    last_at      timestamptz not null,
    records      integer     not null,
    root         bytea       not null,
    manifest     bytea       not null,
    previous     bytea       not null,            -- hash of the seal before; zeros for the first
    sealed_at    timestamptz not null,
    key_id       text        not null,
    signature    bytea       not null,
    constraint seals_pkey primary key (tenant_id, log, sequence),
    constraint seals_log_check check (log in ('access', 'history')),
    constraint seals_range_check check (from_xid < until_xid and records > 0)
);
select app.tenant_table('app.seals', read => '{admin,system}', write => '{}', adds => '{}',
                        trusted_readers => '{chartwell_sealer}', trusted_writers => '{chartwell_sealer}', history => false);
revoke insert on app.seals from chartwell_runtime;
grant select, insert on app.seals to chartwell_sealer;

-- How far sealing of each log has come, for all tenants together; its row lock keeps two sealers apart.
create table app.seal_progress (
    log        text        not null,
    until_xid  bigint      not null,
    sealed_at  timestamptz,
    constraint seal_progress_pkey primary key (log),
    constraint seal_progress_log_check check (log in ('access', 'history'))
);
insert into app.seal_progress (log, until_xid) values ('access', 0), ('history', 0);
grant select, update on app.seal_progress to chartwell_sealer;
grant select on app.seal_progress to chartwell_runtime;

-- Twenty-four hours by user: what the monitoring view shows.
create view app.access_monitor with (security_invoker = true) as
    select l.tenant_id, l.user_id, count(*) filter (where l.outcome = 'success') as accesses,
           count(*) filter (where l.outcome = 'refused') as refusals,
           count(distinct l.patient_id) as patients, max(l.at) as last_access
      from app.phi_access_log l
     where l.tenant_id = app.tenant_id() and l.at > now() - interval '24 hours'
     group by l.tenant_id, l.user_id;
grant select on app.access_monitor to chartwell_runtime;

-- A patient may not read accounts, but may know who opened his chart: the names of those in his own chart's log, of no
-- one else.
create function app.names_of_accessors(wanted uuid[]) returns table (user_id uuid, given_name text, family_name text)
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    tenant uuid := app.tenant_id();
    own    uuid := case app.scope() when 'self' then app.own_patient_id() end;
begin
    return query
        select u.id, u.given_name, u.family_name from app.users u
         where u.tenant_id = tenant and u.id = any(wanted[1:500])
           and exists (select from app.phi_access_log l
                        where l.tenant_id = tenant and l.user_id = u.id and l.outcome = 'success'
                          and (l.patient_id = own or l.patient_id in (select app.merged_into(own))));
end
$$;
alter function app.names_of_accessors(uuid[]) owner to chartwell_definer;
revoke all on function app.names_of_accessors(uuid[]) from public;
grant execute on function app.names_of_accessors(uuid[]) to chartwell_runtime;
grant select (tenant_id, id, given_name, family_name) on app.users to chartwell_definer;
grant select (tenant_id, patient_id, user_id, outcome) on app.phi_access_log to chartwell_definer;
