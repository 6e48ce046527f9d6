-- Patients: one row holds a person's whole registration, so that the chart opens with one index lookup.
-- Names, addresses, telecoms, contacts and identifiers are value objects of the person: they live in the row as JSON,
-- validated by the server, versioned with it, and remembered whole by its history. What finds a person (a name, a phone
-- number, a record number) stands once more in patient_keys, in the form in which it is compared.

create table app.patients (
    tenant_id            uuid        not null,
    id                   uuid        not null,
    mrn                  text        not null,
    status               text        not null default 'active',
    status_reason        text,                    -- why it is not active
    replaced_by          uuid,                    -- of a merged one: the registration that goes on
    names                jsonb       not null,    -- [{use, family, given[], prefix, suffix, from, until}], exactly one legal
    sort_key             text collate "C" not null,   -- family, then given, normalised
    birth_date           date        not null,
    sex                  text        not null,    -- administrative
    gender_identity      text,
    language             text,                    -- BCP 47
    race                 jsonb       not null default '[]',   -- [{code, text}], CDC race and ethnicity, as US Core
    ethnicity            jsonb,                   -- {code, text}
    marital_status       text,
    deceased_on          date,
    blood_type           text,
    telecoms             jsonb       not null default '[]',
    addresses            jsonb       not null default '[]',   -- with their periods: yesterday's address is kept
    contacts             jsonb       not null default '[]',   -- emergency contacts, in order of priority
    identifiers          jsonb       not null default '[]',   -- of an SSN the last four digits only
    ssn_sealed           text,                    -- ciphertext, bound to this row; not in the history, where no new key would reach it
    ssn_revision         integer     not null default 0,      -- what the history knows of it: sealing the number anew is no change
    health_goals         jsonb       not null default '[]',
    risk_factors         jsonb       not null default '[]',
    primary_provider_id  uuid,
    facility_id          uuid,                    -- where registered
    portal_user_id       uuid,
    is_vip               boolean     not null default false,
    is_confidential      boolean     not null default false,
    version              bigint      not null default 1,
    created_by           uuid,
    created_at           timestamptz not null,
    updated_at           timestamptz not null,
    deleted_at           timestamptz,
    constraint patients_pkey primary key (tenant_id, id),
    constraint patients_tenant_fkey foreign key (tenant_id) references app.tenants (tenant_id),
    constraint patients_provider_fkey foreign key (tenant_id, primary_provider_id) references app.providers (tenant_id, id),
    constraint patients_facility_fkey foreign key (tenant_id, facility_id) references app.facilities (tenant_id, id),
    constraint patients_portal_fkey foreign key (tenant_id, portal_user_id) references app.users (tenant_id, id),
    constraint patients_replaced_fkey foreign key (tenant_id, replaced_by) references app.patients (tenant_id, id),
    constraint patients_mrn_key unique (tenant_id, mrn),
    constraint patients_portal_key unique (tenant_id, portal_user_id),
    constraint patients_status_check check (status in ('active', 'inactive', 'deceased', 'transferred', 'merged')),
    constraint patients_sex_check check (sex in ('female', 'male', 'other', 'unknown')),
    constraint patients_marital_check check (marital_status in ('never_married', 'married', 'divorced', 'widowed', 'separated',
                                             'domestic_partner', 'annulled', 'unknown')),
    constraint patients_blood_check check (blood_type in ('A+', 'A-', 'B+', 'B-', 'AB+', 'AB-', 'O+', 'O-')),
    constraint patients_deceased_check check (deceased_on is null or (deceased_on >= birth_date and status in ('deceased', 'merged'))),
    constraint patients_replaced_check check ((status = 'merged') = (replaced_by is not null) and replaced_by <> id)
);
create index patients_sort_idx on app.patients (tenant_id, sort_key, id) where deleted_at is null;
create index patients_birth_idx on app.patients (tenant_id, birth_date, id);
create index patients_provider_idx on app.patients (tenant_id, primary_provider_id, sort_key, id) where deleted_at is null;
create index patients_replaced_idx on app.patients (tenant_id, replaced_by) where replaced_by is not null;
-- Who has changed since duplicates were last looked for.
create index patients_changed_idx on app.patients (tenant_id, updated_at, id) where deleted_at is null;

-- What finds a patient; patients/keys.rs makes them. kind: family (from each word of the family name on, given names
-- behind it, so that the order of keys is the order of names), given, name (given, then family), sound (Double Metaphone of
-- the family name, alone and with the given name's), phone, email, mrn, identifier (system|value), ssn (a keyed blind index,
-- never the number), block (by which likely duplicates meet). A patient who is retired has none.
create table app.patient_keys (
    tenant_id   uuid             not null,
    kind        text collate "C" not null,
    key         text collate "C" not null,
    patient_id  uuid             not null,
    origin      uuid,                             -- the registration it comes from, where that was merged into this one
    constraint patient_keys_pkey primary key (tenant_id, kind, key, patient_id),
    constraint patient_keys_patient_fkey foreign key (tenant_id, patient_id) references app.patients (tenant_id, id),
    constraint patient_keys_kind_check check (kind in ('family', 'given', 'name', 'sound', 'phone', 'email', 'mrn', 'ssn', 'identifier',
                                                     'block'))
);
create index patient_keys_patient_idx on app.patient_keys (tenant_id, patient_id, kind, key);
-- Similar names, within one tenant; read only by app.similar_names.
create index patient_keys_similar_idx on app.patient_keys using gist (tenant_id, key gist_trgm_ops) where kind = 'name';

create table app.care_team_members (
    tenant_id    uuid        not null,
    id           uuid        not null,
    patient_id   uuid        not null,
    user_id      uuid        not null,
    role         text        not null,
    source       text        not null default 'assigned',
    valid_from   timestamptz not null,
    valid_until  timestamptz,                      -- exclusive; null: open
    version      bigint      not null default 1,
    created_by   uuid,
    created_at   timestamptz not null,
    updated_at   timestamptz not null,
    constraint care_team_members_pkey primary key (tenant_id, id),
    constraint care_team_members_patient_fkey foreign key (tenant_id, patient_id) references app.patients (tenant_id, id),
    constraint care_team_members_user_fkey foreign key (tenant_id, user_id) references app.users (tenant_id, id),
    constraint care_team_members_role_check check (role in ('primary_care', 'attending', 'consulting', 'nurse', 'care_manager', 'other')),
    constraint care_team_members_source_check check (source in ('assigned', 'registration', 'encounter', 'appointment', 'referral')),
    constraint care_team_members_period_check check (valid_until is null or valid_from <= valid_until)
);
-- Whose charts may he open: the question behind every policy.
create index care_team_members_user_idx on app.care_team_members (tenant_id, user_id, patient_id);
create index care_team_members_patient_idx on app.care_team_members (tenant_id, patient_id);
-- A membership of an encounter in progress, or of a referral that runs, has no end, and one made by hand may have none beside it.
create unique index care_team_members_open_key on app.care_team_members (tenant_id, patient_id, user_id, role)
    where valid_until is null and source not in ('encounter', 'referral');

-- Where a patient has been registered, seen or expected. Facility scope reads it.
create table app.patient_facilities (
    tenant_id    uuid not null,
    patient_id   uuid not null,
    facility_id  uuid not null,
    constraint patient_facilities_pkey primary key (tenant_id, patient_id, facility_id),
    constraint patient_facilities_patient_fkey foreign key (tenant_id, patient_id) references app.patients (tenant_id, id),
    constraint patient_facilities_facility_fkey foreign key (tenant_id, facility_id) references app.facilities (tenant_id, id)
);
create index patient_facilities_facility_idx on app.patient_facilities (tenant_id, facility_id, patient_id);

-- Tables of a patient ---------------------------------------------------------------------------------------------------
-- Two registrations of one person are merged (0018), and every row of the one goes to the other. Which tables those are is
-- read from the foreign keys, so that a table made tomorrow is moved tomorrow.

-- Which columns name a patient: those that foreign keys lead to app.patients, directly or through a table between
-- (encounters through their register). Left out are the records of merging itself, and the keys a patient is found by, which
-- the server makes anew.
create function app.patient_columns() returns table (tbl regclass, col name, directly boolean)
    language sql stable set search_path = pg_catalog, pg_temp
as $$
    with recursive links as (
        select k.conrelid as child, k.confrelid as parent, c.attname as child_column, p.attname as parent_column
          from pg_constraint k
         cross join lateral unnest(k.conkey, k.confkey) as pair (child, parent)
          join pg_attribute c on c.attrelid = k.conrelid and c.attnum = pair.child
          join pg_attribute p on p.attrelid = k.confrelid and p.attnum = pair.parent
         where k.contype = 'f' and k.conparentid = 0 and k.connamespace = 'app'::regnamespace
    ), found (tbl, col, directly) as (
        select 'app.patients'::regclass::oid, 'id'::name, false
        union
        select l.child, l.child_column, l.parent = 'app.patients'::regclass
          from found f join links l on l.parent = f.tbl and l.parent_column = f.col
    )
    select f.tbl::regclass, f.col, bool_or(f.directly)
      from found f join pg_class t on t.oid = f.tbl
     where not (f.tbl = 'app.patients'::regclass and f.col = 'id')
       and t.relname not in ('patient_merges', 'patient_merge_rows', 'duplicate_pairs', 'patient_keys')
     group by f.tbl, f.col
$$;
revoke all on function app.patient_columns() from public;
grant execute on function app.patient_columns() to chartwell_runtime, chartwell_definer;

-- A merged registration takes nothing more. The row of the patient is shared, so a write that meets a merge waits for it and
-- then sees it.
create function app.refuse_merged() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    state text;
begin
    select p.status into state from app.patients p where p.tenant_id = new.tenant_id and p.id = new.patient_id for key share;
    if state = 'merged' then
        raise exception 'merged' using errcode = 'check_violation', constraint = 'patients_merged_check';
    end if;
    return new;
end
$$;
alter function app.refuse_merged() owner to chartwell_definer;
revoke all on function app.refuse_merged() from public;

-- The same for a table that takes many rows at once: vital signs come ten thousand at a time, of a few patients, and are asked
-- of once a statement. Such a table has a trigger of its own, made before tenant_table is called.
create function app.refuse_merged_of_many() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    met record;
begin
    for met in
        select p.status from app.patients p
         where (p.tenant_id, p.id) in (select distinct a.tenant_id, a.patient_id from added a)
         order by p.tenant_id, p.id
           for key share
    loop
        if met.status = 'merged' then
            raise exception 'merged' using errcode = 'check_violation', constraint = 'patients_merged_check';
        end if;
    end loop;
    return null;
end
$$;
alter function app.refuse_merged_of_many() owner to chartwell_definer;
revoke all on function app.refuse_merged_of_many() from public;

-- Makes a patient's table ready to be merged: the definer may move its rows, and nothing is added to a merged patient.
create function app.join_merges(wanted regclass) returns void
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    c record;
begin
    for c in select p.col, p.directly, t.relname from app.patient_columns() p join pg_class t on t.oid = p.tbl where p.tbl = wanted loop
        execute format('grant select, update (%I) on %s to chartwell_definer', c.col, wanted);
        if c.col = 'patient_id' and c.directly and wanted <> 'app.patients'::regclass
           and not exists (select from pg_trigger g where g.tgrelid = wanted and g.tgname = c.relname || '_open') then
            execute format('create trigger %I before insert on %s for each row execute function app.refuse_merged()',
                           c.relname || '_open', wanted);
        end if;
    end loop;
end
$$;
revoke all on function app.join_merges(regclass) from public;

select app.tenant_table('app.patients', of_patient => true, patient_column => 'id', strangers_add => true, secrets => '{ssn_sealed}',
                        read => '{admin,provider,nurse,staff,billing,patient,system}', write => '{admin,provider,nurse,staff,system}');
select app.tenant_table('app.patient_keys', of_patient => true, history => false,
                        read => '{admin,provider,nurse,staff,billing,patient,system}', write => '{admin,provider,nurse,staff,system}',
                        may_delete => '{admin,provider,nurse,staff,system}');
select app.tenant_table('app.care_team_members', of_patient => true,
                        read => '{admin,provider,nurse,staff,billing,patient,system}', write => '{admin,provider,nurse,staff,system}');
select app.tenant_table('app.patient_facilities', of_patient => true, history => false,
                        read => '{admin,provider,nurse,staff,billing,patient,system}', write => '{admin,provider,nurse,staff,system}');

-- The same question the other way round: all charts the caller may open, for a search that would otherwise ask about every
-- stranger it meets. What it leaves out is not found; what it has too many, may_see takes out again. Under organisation
-- scope there is no such set, and asking for it is a mistake.
create function app.own_charts() returns table (patient_id uuid)
    language plpgsql stable rows 300 security definer set search_path = pg_catalog, pg_temp
as $$
declare
    scope  text := app.scope();
    tenant uuid := app.tenant_id();
    me     uuid := app.user_id();
begin
    if scope = 'care_team' then
        return query select distinct m.patient_id from app.care_team_members m
                      where m.tenant_id = tenant and m.user_id = me
                        and m.valid_from <= now() and (m.valid_until is null or m.valid_until > now());
    elsif scope = 'facility' then
        return query select distinct f.patient_id from app.department_assignments d
                       join app.patient_facilities f on f.tenant_id = d.tenant_id and f.facility_id = d.facility_id
                      where d.tenant_id = tenant and d.user_id = me
                        and d.valid_from <= now() and (d.valid_until is null or d.valid_until > now());
    elsif scope = 'self' then
        return query select app.own_patient_id();
    else
        raise exception 'no set of own charts in this scope' using errcode = 'invalid_parameter_value';
    end if;
end
$$;
alter function app.own_charts() owner to chartwell_definer;
revoke all on function app.own_charts() from public;
grant execute on function app.own_charts() to chartwell_runtime;
grant select on app.care_team_members, app.patient_facilities, app.department_assignments, app.patient_keys to chartwell_definer;

-- A provider or nurse who registers a patient is on his team from that moment, or could not see what he has just made.
create function app.join_team_of_new_patient() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    if app.actor_role() in ('provider', 'nurse') then
        insert into app.care_team_members (tenant_id, id, patient_id, user_id, role, source, valid_from, created_by, created_at, updated_at)
        values (new.tenant_id, gen_random_uuid(), new.id, app.user_id(),
                case app.actor_role() when 'nurse' then 'nurse' else 'primary_care' end, 'registration',
                new.created_at, app.user_id(), new.created_at, new.created_at);
    end if;
    if new.facility_id is not null then
        insert into app.patient_facilities (tenant_id, patient_id, facility_id)
        values (new.tenant_id, new.id, new.facility_id) on conflict do nothing;
    end if;
    return null;
end
$$;
alter function app.join_team_of_new_patient() owner to chartwell_definer;
revoke all on function app.join_team_of_new_patient() from public;
grant insert on app.care_team_members to chartwell_definer;
grant insert, update, delete on app.patient_facilities to chartwell_definer;
create trigger patients_team after insert on app.patients for each row execute function app.join_team_of_new_patient();

-- Makes a patient known at a facility. That he is already is said by a lock: whoever is about to find that he need not be, in
-- follow_facilities (0012), waits and then counts this visit too.
create function app.know_at(tenant uuid, patient uuid, facility uuid) returns void
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    loop
        insert into app.patient_facilities (tenant_id, patient_id, facility_id)
        values (tenant, patient, facility) on conflict do nothing;
        exit when found;
        perform from app.patient_facilities f
          where f.tenant_id = tenant and f.patient_id = patient and f.facility_id = facility for key share;
        exit when found;
    end loop;
end
$$;
revoke all on function app.know_at(uuid, uuid, uuid) from public;
grant execute on function app.know_at(uuid, uuid, uuid) to chartwell_definer;

-- Charts with a key that begins so, in the order of their keys, from a place on; of a chart only its first such key counts.
-- Without a limit: all of them, in any order. It reads keys in their order and stops when the page is full; a caller with few
-- charts among many meets strangers there, and after some hundred it goes on from his own charts instead. So it takes a few
-- milliseconds, whether the tenant is large or the team is.
-- The beginning is told as a range, which is one to any plan; `^@` is one only to a plan made for its value. The planner is
-- told of a page of rows: with a thousand, which it assumes of every function, it joins by hashing all the tenant's patients.
create function app.charts_with_key(wanted_kind text, beginning text, after_key text, after_id uuid, at_most bigint)
    returns table (key text, patient_id uuid)
    language plpgsql stable rows 25 security definer set search_path = pg_catalog, pg_temp
as $$
declare
    tenant    uuid    := app.tenant_id();
    everyone  boolean := app.scope() = 'organization';
    beyond    text    := beginning || chr(1114111);
    given     bigint  := 0;
    strangers integer := 0;
    met       record;
begin
    if everyone and at_most is null then
        return query
            select min(k.key), k.patient_id from app.patient_keys k
             where k.tenant_id = tenant and k.kind = wanted_kind and k.key >= beginning and k.key < beyond
             group by k.patient_id;
        return;
    end if;
    -- The place is the one lower bound: given two, an index scan starts at the lower.
    if after_key < beginning then
        after_key := beginning;
        after_id := '00000000-0000-0000-0000-000000000000';
    end if;
    if at_most is not null then
        for met in
            select k.key, k.patient_id from app.patient_keys k
             where k.tenant_id = tenant and k.kind = wanted_kind and k.key < beyond
               and (k.key, k.patient_id) > (after_key, after_id)
             order by k.key, k.patient_id
        loop
            if (everyone or app.may_see(met.patient_id)) is not true then
                strangers := strangers + 1;
                exit when strangers = 300;
            elsif met.key = (select min(f.key) filter (where f.key >= beginning) from app.patient_keys f
                              where f.tenant_id = tenant and f.patient_id = met.patient_id and f.kind = wanted_kind) then
                key := met.key;
                patient_id := met.patient_id;
                return next;
                given := given + 1;
                exit when given = at_most;
            end if;
            after_key := met.key;
            after_id := met.patient_id;
        end loop;
        if given = at_most or strangers < 300 then
            return;
        end if;
    end if;
    return query
        select min(k.key), k.patient_id
          from app.own_charts() o
          join app.patient_keys k on k.tenant_id = tenant and k.patient_id = o.patient_id and k.kind = wanted_kind
                                 and k.key >= beginning and k.key < beyond
         group by k.patient_id
        having (min(k.key), k.patient_id) > (after_key, after_id)
         order by 1, 2
         limit at_most - given;
end
$$;
alter function app.charts_with_key(text, text, text, uuid, bigint) owner to chartwell_definer;
revoke all on function app.charts_with_key(text, text, text, uuid, bigint) from public;
grant execute on function app.charts_with_key(text, text, text, uuid, bigint) to chartwell_runtime;

-- Names like this one, best first. Similarity operators are not leakproof, so under row-level security no index could
-- serve them; this function searches its own tenant and returns ids, which the caller looks up under his policies.
create function app.similar_names(wanted text, at_most integer) returns table (patient_id uuid)
    language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
declare
    tenant   uuid := app.tenant_id();
    everyone boolean := app.scope() = 'organization';
begin
    return query
        select k.patient_id from app.patient_keys k
         where k.tenant_id = tenant and k.kind = 'name' and k.key % wanted
           and (everyone or app.may_see(k.patient_id))
         order by k.key <-> wanted, k.patient_id
         limit least(at_most, 500);
end
$$;
alter function app.similar_names(text, integer) owner to chartwell_definer;
revoke all on function app.similar_names(text, integer) from public;
grant execute on function app.similar_names(text, integer) to chartwell_runtime;

-- Registrations by id for several callers in one statement (platform/db/glance.rs), each looked for under the context of
-- who asks, whose words the server rendered. With its caller's rights, so that the policies decide as for any read; its
-- caller is the role of the glances, the only one that may set a context by a function.
create function app.patients_at_a_glance(contexts text[], tenants uuid[], ids uuid[])
    returns table (place integer, id uuid, mrn text, status text, status_reason text, replaced_by uuid, names jsonb, birth_date date,
                   sex text, gender_identity text, language text, race jsonb, ethnicity jsonb, marital_status text, deceased_on date,
                   blood_type text, telecoms jsonb, addresses jsonb, contacts jsonb, identifiers jsonb, health_goals jsonb,
                   risk_factors jsonb, primary_provider_id uuid, facility_id uuid, portal_user_id uuid, is_vip boolean,
                   is_confidential boolean, version bigint, created_at timestamptz, updated_at timestamptz)
    language plpgsql volatile
as $$
begin
    for i in 1 .. cardinality(ids) loop
        perform pg_catalog.set_config('app.context', contexts[i], true);
        return query
            select i, p.id, p.mrn, p.status, p.status_reason, p.replaced_by, p.names, p.birth_date, p.sex, p.gender_identity, p.language,
                   p.race, p.ethnicity, p.marital_status, p.deceased_on, p.blood_type, p.telecoms, p.addresses, p.contacts,
                   p.identifiers, p.health_goals, p.risk_factors, p.primary_provider_id, p.facility_id, p.portal_user_id, p.is_vip,
                   p.is_confidential, p.version, p.created_at, p.updated_at
              from app.patients p
             where p.tenant_id = tenants[i] and p.id = ids[i] and p.deleted_at is null;
    end loop;
end
$$;
revoke all on function app.patients_at_a_glance(text[], uuid[], uuid[]) from public;
grant execute on function app.patients_at_a_glance(text[], uuid[], uuid[]) to chartwell_glance;
grant select on app.patients to chartwell_glance;

-- Whoever may open a chart may know who is on its team, a patient too, who may not read accounts.
create function app.names_of_team(patient uuid) returns table (user_id uuid, given_name text, family_name text)
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    tenant uuid := app.tenant_id();
begin
    if app.may_see(patient) then
        return query
            select u.id, u.given_name, u.family_name from app.users u
             where u.tenant_id = tenant
               and u.id in (select m.user_id from app.care_team_members m where m.tenant_id = tenant and m.patient_id = patient);
    end if;
end
$$;
alter function app.names_of_team(uuid) owner to chartwell_definer;
revoke all on function app.names_of_team(uuid) from public;
grant execute on function app.names_of_team(uuid) to chartwell_runtime;
