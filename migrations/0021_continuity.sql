-- What goes on after a break: a data key that is in force everywhere before the ones before it count as drained; transactions that
-- go on being numbered where a cluster counts them anew; and breaks in the sealed logs that somebody has answered for.

-- Every transaction that began later seals and indexes with the key. Written after the commit that made it so.
alter table app.tenant_keys add column in_force_since timestamptz;

-- The sealer walks records in the order of their transactions, and a seal says which of them it closes. A dump that is loaded into
-- another cluster brings the records and the seals, and not the count: it begins anew, far below. So records bear the cluster's
-- own number and what is added to it since the count last began.
create table app.numbering (
    era       integer     not null,
    base      bigint      not null,               -- above every number before, below its own
    shift     bigint      not null,               -- what is added to the cluster's own
    began_at  timestamptz not null,
    constraint numbering_pkey primary key (era)
);
insert into app.numbering (era, base, shift, began_at) values (0, 0, 0, now());
grant select on app.numbering to chartwell_sealer;
grant select, insert, update on app.numbering to chartwell_definer;
grant select on app.seal_progress to chartwell_definer;

-- The number of this transaction. Below the marks of sealing no transaction is open any more: a number below one is of a cluster
-- that counts anew, and a new era begins. Half the leap (2^44) is more than a cluster can leave unsealed, and shows in the seals.
create function app.transaction_number() returns bigint
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    own   bigint := pg_current_xact_id()::text::bigint;
    last  app.numbering;
    mark  bigint;
begin
    select n.* into last from app.numbering n order by n.era desc limit 1;
    select max(p.until_xid) into mark from app.seal_progress p;
    if own + last.shift >= mark then
        return own + last.shift;
    end if;
    perform from app.numbering n where n.era = last.era for update;
    -- Whoever had to wait finds it done.
    select n.* into last from app.numbering n order by n.era desc limit 1;
    select max(p.until_xid) into mark from app.seal_progress p;
    if own + last.shift < mark then
        last.shift := mark + 17592186044416 - own;
        insert into app.numbering (era, base, shift, began_at)
        values (last.era + 1, mark + 8796093022208, last.shift, clock_timestamp());
    end if;
    return own + last.shift;
end
$$;
alter function app.transaction_number() owner to chartwell_definer;
revoke all on function app.transaction_number() from public;
grant execute on function app.transaction_number() to chartwell_runtime, chartwell_audit_writer, chartwell_sealer;
alter table app.audit_log alter column xid set default app.transaction_number();
alter table app.phi_access_log alter column xid set default app.transaction_number();

-- A break that a restore or a clock has left, and who answers for it: signed like a seal, told by every verification. What is not
-- named in `claims` is not acknowledged.
create table app.seal_acknowledgements (
    number     bigint      not null,
    made_at    timestamptz not null,
    made_by    text        not null,
    reason     text        not null,
    claims     text[]      not null,
    key_id     text        not null,
    signature  bytea       not null,
    constraint seal_acknowledgements_pkey primary key (number)
);
grant select, insert on app.seal_acknowledgements to chartwell_sealer;
