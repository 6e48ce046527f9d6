-- Evidence and keys: the change history is sealed as the access log is; a tenant's data key can be replaced and what it has
-- sealed sealed anew; a signing key can be replaced, and be disowned from an instant on.

-- The change history in seals -----------------------------------------------------------------------------------------
-- A row says in which transaction it was written, so that the sealer can tell what is complete. The default is a call of a
-- few hundred nanoseconds; nothing else is asked of whoever writes. What was there before counts as written by the first
-- transaction there is: a constant, so that no partition is rewritten.
alter table app.audit_log add column xid bigint not null default 3;
alter table app.audit_log alter column xid set default (pg_current_xact_id()::text::bigint);
create index audit_log_xid_idx on app.audit_log using brin (xid) with (autosummarize = on);

-- The sealer reads the history of every tenant, as it reads their access logs.
do $$
begin
    execute format('alter policy audit_log_select on app.audit_log using (case when current_user = any(%L::name[]) then tenant_id is not null else %s end)',
                   '{chartwell_sealer}', (select pg_get_expr(p.polqual, p.polrelid) from pg_policy p
                                           where p.polrelid = 'app.audit_log'::regclass and p.polname = 'audit_log_select'));
end
$$;
grant select on app.audit_log to chartwell_sealer;

-- One table holds the seals of both logs, each log of a tenant a chain of its own. It has another name, because a server of
-- an earlier version would link a seal to the newest of either.
alter table app.access_seals rename to seals;
alter policy access_seals_select on app.seals rename to seals_select;
alter policy access_seals_insert on app.seals rename to seals_insert;
alter policy access_seals_update on app.seals rename to seals_update;
alter policy access_seals_delete on app.seals rename to seals_delete;
alter table app.seals rename constraint access_seals_range_check to seals_range_check;
alter table app.seals add column log text not null default 'access';
alter table app.seals alter column log drop default;
alter table app.seals add constraint seals_log_check check (log in ('access', 'history'));
alter table app.seals drop constraint access_seals_pkey;
alter table app.seals add constraint seals_pkey primary key (tenant_id, log, sequence);

alter table app.seal_progress add column log text not null default 'access';
alter table app.seal_progress alter column log drop default;
alter table app.seal_progress drop constraint seal_progress_pkey;
alter table app.seal_progress drop constraint seal_progress_only_check;
alter table app.seal_progress drop column only_row;
alter table app.seal_progress add constraint seal_progress_pkey primary key (log);
alter table app.seal_progress add constraint seal_progress_log_check check (log in ('access', 'history'));
insert into app.seal_progress (log, until_xid) values ('history', 0);

-- Data keys -----------------------------------------------------------------------------------------------------------
-- A new data key seals from the moment it is committed; a sealed value names its key, and the old ones go on opening until
-- everything has been sealed anew. Blind indexes can't change one by one: they come from the key with the newest
-- `indexed_at`, or, where none has one, from the tenant's oldest.
alter table app.tenant_keys add column indexed_at timestamptz;
alter table app.tenant_keys add column drained_at timestamptz;     -- since then no value in a table names it

-- History remembered the ciphertext of an SSN, which a new key could never reach. From here on it remembers that the number
-- changed: the revision. Sealing a number anew is no change.
alter table app.patients add column ssn_revision integer not null default 0;
drop trigger patients_history on app.patients;
create trigger patients_history after insert or update or delete on app.patients
    for each row execute function app.record_change('id', '{ssn_sealed}', 'patients', 'plain');

-- Signing keys --------------------------------------------------------------------------------------------------------
-- From this instant on a key is known to have been in other hands: what it signed before is believed, what bears a later
-- time is not.
alter table app.tenant_signing_keys add column compromised_at timestamptz;
alter table app.signing_keys add column compromised_at timestamptz;
grant update (compromised_at) on app.signing_keys to chartwell_runtime;
