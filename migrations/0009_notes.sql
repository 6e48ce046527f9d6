-- Notes: what a clinician writes about a patient, from the first draft to the signature and beyond it.
--
-- A note is four things, kept apart because they may change in different ways:
--   notes            where it stands: type, author, status. Changes step by step, remembered by history.
--   note_texts       every text it ever had, saved, corrected or lost to somebody who was faster. Only ever added to.
--   note_entries     what was signed: canonical JSON, its hash, the hash before it, the signature. Only ever added to.
--   released_notes   what the patient may read: a copy, because a row policy knows roles and patients, but no status.
-- Nothing signed changes: the runtime role has no UPDATE on texts and entries, and triggers refuse it to everybody else.

-- Keys of a tenant ----------------------------------------------------------------------------------------------------
-- Ed25519, made when a tenant first signs. The private half is sealed with the tenant's data key, which the master key wraps.
create table app.tenant_signing_keys (
    tenant_id   uuid        not null,
    id          uuid        not null,
    purpose     text        not null,
    public_key  bytea       not null,
    sealed      text        not null,
    created_at  timestamptz not null,
    retired_at  timestamptz,                      -- signs no more, still verifies
    constraint tenant_signing_keys_pkey primary key (tenant_id, id),
    constraint tenant_signing_keys_tenant_fkey foreign key (tenant_id) references app.tenants (tenant_id),
    constraint tenant_signing_keys_purpose_check check (purpose in ('record'))
);
create unique index tenant_signing_keys_current_key on app.tenant_signing_keys (tenant_id, purpose) where retired_at is null;
select app.tenant_table('app.tenant_signing_keys', read => '{admin,provider,nurse,staff,patient,system}', write => '{system}',
                        adds => '{provider,nurse,system}', history => false);

-- Templates -----------------------------------------------------------------------------------------------------------
create table app.note_templates (
    tenant_id   uuid        not null,
    id          uuid        not null,
    name        text        not null,
    name_key    text collate "C" not null,
    type        text        not null,
    specialty   text,
    content     jsonb       not null,             -- a note's content with {{placeholders}}
    status      text        not null default 'active',
    version     bigint      not null default 1,
    created_at  timestamptz not null,
    updated_at  timestamptz not null,
    constraint note_templates_pkey primary key (tenant_id, id),
    constraint note_templates_tenant_fkey foreign key (tenant_id) references app.tenants (tenant_id),
    constraint note_templates_name_key unique (tenant_id, type, name_key),
    constraint note_templates_type_check check (type in ('soap', 'progress', 'procedure', 'consultation', 'discharge_summary', 'nursing', 'telephone')),
    constraint note_templates_status_check check (status in ('active', 'retired'))
);
select app.tenant_table('app.note_templates', read => '{admin,provider,nurse,system}', write => '{admin,system}');

-- Whose notes need whose co-signature ---------------------------------------------------------------------------------
create table app.note_supervisions (
    tenant_id      uuid        not null,
    id             uuid        not null,
    user_id        uuid        not null,          -- the nurse or trainee
    supervisor_id  uuid        not null,          -- the provider's account that co-signs
    note_types     text[]      not null default '{}',   -- empty: every type
    status         text        not null default 'active',
    version        bigint      not null default 1,
    created_at     timestamptz not null,
    updated_at     timestamptz not null,
    constraint note_supervisions_pkey primary key (tenant_id, id),
    constraint note_supervisions_user_fkey foreign key (tenant_id, user_id) references app.users (tenant_id, id),
    constraint note_supervisions_supervisor_fkey foreign key (tenant_id, supervisor_id) references app.users (tenant_id, id),
    constraint note_supervisions_self_check check (user_id <> supervisor_id),
    constraint note_supervisions_status_check check (status in ('active', 'ended'))
);
create unique index note_supervisions_active_key on app.note_supervisions (tenant_id, user_id) where status = 'active';
select app.tenant_table('app.note_supervisions', read => '{admin,provider,nurse,system}', write => '{admin,system}');

-- Notes ---------------------------------------------------------------------------------------------------------------
create table app.notes (
    tenant_id       uuid        not null,
    id              uuid        not null,
    patient_id      uuid        not null,
    encounter_id    uuid,
    type            text        not null,
    specialty       text,
    title           text,
    status          text        not null default 'draft',
    author_id       uuid        not null,
    noted_at        timestamptz not null,         -- when what it tells of happened
    template_id     uuid,
    supervisor_id   uuid,                         -- who is to co-sign; set by the author, or by a supervision when signed
    cosignature     text,                         -- null: none is needed
    text_number     integer     not null default 1,     -- the text that counts
    release_wanted  boolean     not null default true,
    signed_by       uuid,
    signed_at       timestamptz,
    released_at     timestamptz,
    retract_reason  text,
    version         bigint      not null default 1,
    created_at      timestamptz not null,
    updated_at      timestamptz not null,
    constraint notes_pkey primary key (tenant_id, id),
    constraint notes_patient_key unique (tenant_id, patient_id, id),
    constraint notes_patient_fkey foreign key (tenant_id, patient_id) references app.patients (tenant_id, id),
    constraint notes_encounter_fkey foreign key (tenant_id, patient_id, encounter_id)
        references app.encounter_register (tenant_id, patient_id, id),
    constraint notes_author_fkey foreign key (tenant_id, author_id) references app.users (tenant_id, id),
    constraint notes_supervisor_fkey foreign key (tenant_id, supervisor_id) references app.users (tenant_id, id),
    constraint notes_template_fkey foreign key (tenant_id, template_id) references app.note_templates (tenant_id, id),
    constraint notes_type_check check (type in ('soap', 'progress', 'procedure', 'consultation', 'discharge_summary', 'nursing', 'telephone')),
    constraint notes_status_check check (status in ('draft', 'signed', 'amended', 'entered_in_error')),
    constraint notes_cosignature_check check (cosignature in ('pending', 'returned', 'cosigned')),
    constraint notes_signed_check check (num_nonnulls(signed_by, signed_at) in (0, 2)
        and (status not in ('signed', 'amended') or signed_at is not null) and (status <> 'draft' or signed_at is null)),
    constraint notes_retracted_check check ((status = 'entered_in_error') = (retract_reason is not null))
);
create index notes_patient_idx on app.notes (tenant_id, patient_id, noted_at, id);
create index notes_encounter_idx on app.notes (tenant_id, encounter_id) where encounter_id is not null;
-- The work list of what is not signed yet.
create index notes_unsigned_idx on app.notes (tenant_id, created_at, id) where status = 'draft';

create table app.note_texts (
    tenant_id    uuid        not null,
    id           uuid        not null,
    patient_id   uuid        not null,
    note_id      uuid        not null,
    number       integer     not null,            -- 1, 2, 3 … of its note
    kind         text        not null,
    row_version  bigint      not null,            -- the note's version that this text made; of a conflicted one, the one it was made from
    content      jsonb       not null,
    saved_by     uuid        not null,
    saved_at     timestamptz not null,
    constraint note_texts_pkey primary key (tenant_id, id),
    constraint note_texts_note_fkey foreign key (tenant_id, patient_id, note_id) references app.notes (tenant_id, patient_id, id),
    constraint note_texts_saver_fkey foreign key (tenant_id, saved_by) references app.users (tenant_id, id),
    constraint note_texts_number_key unique (tenant_id, note_id, number),
    constraint note_texts_kind_check check (kind in ('saved', 'conflicted', 'corrected'))
);

create table app.note_entries (
    tenant_id   uuid        not null,
    id          uuid        not null,
    patient_id  uuid        not null,
    note_id     uuid        not null,
    sequence    integer     not null,             -- 1 is the note itself
    kind        text        not null,
    payload     text        not null,             -- canonical JSON: the very bytes that were hashed
    hash        bytea       not null,             -- SHA-256 of the payload
    previous    bytea,                            -- the hash of the entry before
    key_id      uuid        not null,
    signature   bytea       not null,             -- Ed25519
    signed_by   uuid        not null,
    signed_at   timestamptz not null,
    constraint note_entries_pkey primary key (tenant_id, id),
    constraint note_entries_note_fkey foreign key (tenant_id, patient_id, note_id) references app.notes (tenant_id, patient_id, id),
    constraint note_entries_key_fkey foreign key (tenant_id, key_id) references app.tenant_signing_keys (tenant_id, id),
    constraint note_entries_signer_fkey foreign key (tenant_id, signed_by) references app.users (tenant_id, id),
    -- No two entries can follow the same one: the chain does not fork.
    constraint note_entries_sequence_key unique (tenant_id, note_id, sequence),
    constraint note_entries_kind_check check (kind in ('original', 'addendum', 'correction', 'amendment', 'cosignature', 'retraction')),
    constraint note_entries_chain_check check ((sequence = 1) = (previous is null) and (sequence = 1) = (kind = 'original')),
    constraint note_entries_hash_check check (hash = sha256(convert_to(payload, 'UTF8')))
);

create table app.released_notes (
    tenant_id    uuid        not null,
    id           uuid        not null,            -- the note's
    patient_id   uuid        not null,
    document     jsonb       not null,            -- the signed texts, with the names of those who signed
    noted_at     timestamptz not null,
    released_by  uuid        not null,
    released_at  timestamptz not null,
    version      bigint      not null default 1,
    created_at   timestamptz not null,
    updated_at   timestamptz not null,
    constraint released_notes_pkey primary key (tenant_id, id),
    constraint released_notes_note_fkey foreign key (tenant_id, patient_id, id) references app.notes (tenant_id, patient_id, id)
);
create index released_notes_patient_idx on app.released_notes (tenant_id, patient_id, noted_at, id);

create table app.note_cosignatures (
    tenant_id      uuid        not null,
    id             uuid        not null,
    patient_id     uuid        not null,
    note_id        uuid        not null,
    supervisor_id  uuid        not null,
    status         text        not null default 'pending',
    reason         text,                          -- why it was returned
    requested_at   timestamptz not null,
    decided_at     timestamptz,
    version        bigint      not null default 1,
    created_at     timestamptz not null,
    updated_at     timestamptz not null,
    constraint note_cosignatures_pkey primary key (tenant_id, id),
    constraint note_cosignatures_note_fkey foreign key (tenant_id, patient_id, note_id) references app.notes (tenant_id, patient_id, id),
    constraint note_cosignatures_supervisor_fkey foreign key (tenant_id, supervisor_id) references app.users (tenant_id, id),
    constraint note_cosignatures_status_check check (status in ('pending', 'cosigned', 'returned')),
    constraint note_cosignatures_reason_check check ((status = 'returned') = (reason is not null))
);
create unique index note_cosignatures_pending_key on app.note_cosignatures (tenant_id, note_id) where status = 'pending';
create index note_cosignatures_queue_idx on app.note_cosignatures (tenant_id, supervisor_id, status, requested_at, id);

-- 45 CFR 164.526: a patient asks to have his record amended. Sixty days, once thirty more.
create table app.note_amendment_requests (
    tenant_id       uuid        not null,
    id              uuid        not null,
    patient_id      uuid        not null,
    note_id         uuid        not null,
    request         text        not null,         -- what should read otherwise
    reason          text        not null,
    status          text        not null default 'requested',
    due_on          date        not null,
    extended        text,                         -- why it takes longer; only once
    basis           text,                         -- of a denial, 164.526(a)(2)
    decision        text,                         -- the reason given
    decided_by      uuid,
    decided_at      timestamptz,
    entry_id        uuid,                         -- the signed amendment that came of it
    disagreement    text,                         -- the patient's statement after a denial, 164.526(d)(2)
    requested_by    uuid        not null,
    version         bigint      not null default 1,
    created_at      timestamptz not null,
    updated_at      timestamptz not null,
    constraint note_amendment_requests_pkey primary key (tenant_id, id),
    constraint note_amendment_requests_note_fkey foreign key (tenant_id, patient_id, note_id)
        references app.notes (tenant_id, patient_id, id),
    constraint note_amendment_requests_entry_fkey foreign key (tenant_id, entry_id) references app.note_entries (tenant_id, id),
    constraint note_amendment_requests_user_fkey foreign key (tenant_id, requested_by) references app.users (tenant_id, id),
    constraint note_amendment_requests_decider_fkey foreign key (tenant_id, decided_by) references app.users (tenant_id, id),
    constraint note_amendment_requests_status_check check (status in ('requested', 'accepted', 'denied', 'withdrawn')),
    constraint note_amendment_requests_basis_check check (basis in ('not_created_here', 'not_in_record_set', 'not_open_to_inspection', 'accurate_and_complete')),
    constraint note_amendment_requests_denied_check check ((status = 'denied') = (basis is not null)),
    constraint note_amendment_requests_decided_check check ((status in ('accepted', 'denied')) = (decided_at is not null)),
    constraint note_amendment_requests_accepted_check check ((status = 'accepted') = (entry_id is not null))
);
create index note_amendment_requests_patient_idx on app.note_amendment_requests (tenant_id, patient_id, created_at, id);
create index note_amendment_requests_open_idx on app.note_amendment_requests (tenant_id, due_on, id) where status = 'requested';

select app.tenant_table('app.notes', of_patient => true, read => '{admin,provider,nurse,system}', write => '{provider,nurse,system}');
-- Texts and entries are their own history.
select app.tenant_table('app.note_texts', of_patient => true, history => false, read => '{admin,provider,nurse,system}',
                        write => '{}', adds => '{provider,nurse,system}');
select app.tenant_table('app.note_entries', of_patient => true, history => false, read => '{admin,provider,nurse,system}',
                        write => '{}', adds => '{provider,nurse,system}');
select app.tenant_table('app.released_notes', of_patient => true, read => '{admin,provider,nurse,patient,system}',
                        write => '{provider,nurse,system}', may_delete => '{provider,nurse,system}');
select app.tenant_table('app.note_cosignatures', of_patient => true, read => '{admin,provider,nurse,system}',
                        write => '{provider,nurse,system}');
select app.tenant_table('app.note_amendment_requests', of_patient => true, read => '{admin,provider,nurse,patient,system}',
                        write => '{provider,patient,system}');

-- What is signed stays ------------------------------------------------------------------------------------------------
-- For every role, the owner too. `patient_id` alone may follow a merge of two registrations: the payload goes on naming the
-- patient it was signed for.
create function app.refuse_change_of_signed() returns trigger
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    if tg_op = 'UPDATE' and to_jsonb(new) - 'patient_id' = to_jsonb(old) - 'patient_id' then
        return new;
    end if;
    raise exception '% of %: texts and signed entries are only ever added', tg_op, tg_table_name
        using errcode = 'integrity_constraint_violation', constraint = 'notes_signed_stays';
end
$$;
create trigger note_texts_guard before update or delete on app.note_texts
    for each row execute function app.refuse_change_of_signed();
create trigger note_entries_guard before update or delete on app.note_entries
    for each row execute function app.refuse_change_of_signed();
create trigger note_texts_guard_all before truncate on app.note_texts
    for each statement execute function app.refuse_change_of_signed();
create trigger note_entries_guard_all before truncate on app.note_entries
    for each statement execute function app.refuse_change_of_signed();

-- A note that was signed keeps what the signature covers, never becomes a draft again, and shows another text only with a
-- signed correction of it. A nurse writes nursing notes, whatever the server believes.
create function app.guard_note() returns trigger
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    if app.actor_role() = 'nurse' and new.type <> 'nursing' then
        raise exception 'a nurse writes nursing notes' using errcode = 'insufficient_privilege';
    end if;
    if tg_op = 'INSERT' then
        return new;
    end if;
    if old.status = 'draft' then
        if new.status in ('signed', 'amended')
           and not exists (select from app.note_entries e
                            where e.tenant_id = new.tenant_id and e.note_id = new.id and e.kind = 'original') then
            raise exception 'a note is signed by its entry' using errcode = 'integrity_constraint_violation', constraint = 'notes_signed_stays';
        end if;
        return new;
    end if;
    if new.status = 'draft'
       or (old.status = 'entered_in_error' and new.status <> old.status)
       or (new.encounter_id, new.type, new.specialty, new.title, new.author_id, new.noted_at, new.signed_by, new.signed_at, new.created_at)
          is distinct from
          (old.encounter_id, old.type, old.specialty, old.title, old.author_id, old.noted_at, old.signed_by, old.signed_at, old.created_at)
       or (new.text_number <> old.text_number
           and not exists (select from app.note_texts t
                            where t.tenant_id = new.tenant_id and t.note_id = new.id and t.number = new.text_number
                              and t.kind = 'corrected')) then
        raise exception 'a signed note does not change' using errcode = 'integrity_constraint_violation', constraint = 'notes_signed_stays';
    end if;
    return new;
end
$$;
create trigger notes_guard before insert or update on app.notes for each row execute function app.guard_note();

-- After the signature no draft is saved, and a nurse signs nursing notes only.
create function app.guard_note_part() returns trigger
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    note app.notes;
begin
    select n.* into note from app.notes n where n.tenant_id = new.tenant_id and n.id = new.note_id;
    if tg_table_name = 'note_texts' then
        if to_jsonb(new) ->> 'kind' = 'saved' and note.status <> 'draft' then
            raise exception 'a signed note has no more drafts' using errcode = 'integrity_constraint_violation', constraint = 'notes_signed_stays';
        end if;
    elsif app.actor_role() = 'nurse' and note.type is distinct from 'nursing' then
        raise exception 'a nurse signs nursing notes' using errcode = 'insufficient_privilege';
    end if;
    return new;
end
$$;
create trigger note_texts_insert before insert on app.note_texts for each row execute function app.guard_note_part();
create trigger note_entries_insert before insert on app.note_entries for each row execute function app.guard_note_part();

-- The patient asks, disagrees and withdraws; he decides nothing.
create function app.guard_amendment_request() returns trigger
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    if app.actor_role() <> 'patient' then
        return new;
    end if;
    if (tg_op = 'INSERT' and new.status <> 'requested')
       or (tg_op = 'UPDATE'
           and ((new.note_id, new.request, new.reason, new.due_on, new.extended, new.basis, new.decision, new.decided_by, new.decided_at,
                 new.entry_id, new.requested_by)
                is distinct from
                (old.note_id, old.request, old.reason, old.due_on, old.extended, old.basis, old.decision, old.decided_by, old.decided_at,
                 old.entry_id, old.requested_by)
                or (new.status <> old.status and (old.status, new.status) <> ('requested', 'withdrawn')))) then
        raise exception 'a patient does not decide on his request' using errcode = 'insufficient_privilege';
    end if;
    return new;
end
$$;
create trigger note_amendment_requests_guard before insert or update on app.note_amendment_requests
    for each row execute function app.guard_amendment_request();

-- Full text -----------------------------------------------------------------------------------------------------------
-- One row for each text that can be searched, whatever it is the text of. The vector also holds the tenant, as a lexeme no
-- word can be (`t=…`): so the index itself intersects a common word with one tenant's rows, and a query that only excludes
-- has something to start from. `@@` is not leakproof, so under row-level security no index would serve it: the search goes
-- through the function below.
create table app.search_texts (
    tenant_id    uuid        not null,
    kind         text        not null,
    source_id    uuid        not null,            -- the note's, the document's
    patient_id   uuid        not null,
    author_id    uuid,
    type         text        not null,            -- of the note; of a document its category
    happened_at  timestamptz not null,
    words        tsvector    not null,
    constraint search_texts_pkey primary key (tenant_id, kind, source_id),
    constraint search_texts_patient_fkey foreign key (tenant_id, patient_id) references app.patients (tenant_id, id),
    constraint search_texts_kind_check check (kind in ('note', 'document'))
);
create index search_texts_words_idx on app.search_texts using gin (words);
create index search_texts_date_idx on app.search_texts (tenant_id, kind, happened_at, source_id);
create index search_texts_patient_idx on app.search_texts (tenant_id, patient_id, kind, happened_at);
select app.tenant_table('app.search_texts', of_patient => true, history => false, read => '{admin,provider,nurse,system}',
                        write => '{provider,nurse,system}', may_delete => '{provider,nurse,system}');

-- The texts that match, newest first, from a place on: ids, which the caller looks up under his policies. `query` is in the
-- syntax of to_tsquery; null matches everything, one of stop words alone nothing.
-- It first reads the newest texts in their order: a common word fills the page from them, where the index would bring
-- thousands of rows to be sorted. A rare one does not, and the index goes on from there.
create function app.matching_texts(wanted_kind text, query text, of_patient uuid, of_author uuid, of_type text,
                                   since timestamptz, until timestamptz, after_at timestamptz, after_id uuid, at_most bigint)
    returns table (source_id uuid, happened_at timestamptz)
    language plpgsql stable rows 50 security definer
    set search_path = pg_catalog, pg_temp set plan_cache_mode = force_custom_plan
as $$
declare
    tenant   uuid := app.tenant_id();
    everyone boolean := app.scope() = 'organization';
    wanted   tsquery;
    charts   uuid[];
    given    bigint  := 0;
    met      record;
    last_at  timestamptz := after_at;
    last_id  uuid := after_id;
begin
    at_most := least(at_most, 201);
    if query is not null then
        wanted := to_tsquery('pg_catalog.english', query);
        if numnode(wanted) = 0 then
            return;
        end if;
        wanted := format('''t=%s''', tenant)::tsquery && wanted;
    end if;
    if not everyone and of_patient is null then
        charts := array(select o.patient_id from app.own_charts() o);
    elsif not everyone and not app.may_see(of_patient) then
        return;
    end if;
    if wanted is not null and of_patient is null and charts is null then
        for met in
            select s.source_id as id, s.happened_at as at,
                   s.words @@ wanted and (of_author is null or s.author_id = of_author) and (of_type is null or s.type = of_type) as fits
              from app.search_texts s
             where s.tenant_id = tenant and s.kind = wanted_kind
               and (since is null or s.happened_at >= since)
               and (until is null or s.happened_at < until)
               and (after_at is null or (s.happened_at, s.source_id) < (after_at, after_id))
             order by s.happened_at desc, s.source_id desc
             limit 300
        loop
            last_at := met.at;
            last_id := met.id;
            if met.fits then
                source_id := met.id;
                happened_at := met.at;
                return next;
                given := given + 1;
                exit when given = at_most;
            end if;
        end loop;
    end if;
    return query
        select s.source_id, s.happened_at from app.search_texts s
         where s.tenant_id = tenant and s.kind = wanted_kind
           and (wanted is null or s.words @@ wanted)
           and (of_patient is null or s.patient_id = of_patient)
           and (charts is null or s.patient_id = any(charts))
           and (of_author is null or s.author_id = of_author)
           and (of_type is null or s.type = of_type)
           and (since is null or s.happened_at >= since)
           and (until is null or s.happened_at < until)
           and (last_at is null or (s.happened_at, s.source_id) < (last_at, last_id))
         order by s.happened_at desc, s.source_id desc
         limit at_most - given;
end
$$;
alter function app.matching_texts(text, text, uuid, uuid, text, timestamptz, timestamptz, timestamptz, uuid, bigint) owner to chartwell_definer;
revoke all on function app.matching_texts(text, text, uuid, uuid, text, timestamptz, timestamptz, timestamptz, uuid, bigint) from public;
grant execute on function app.matching_texts(text, text, uuid, uuid, text, timestamptz, timestamptz, timestamptz, uuid, bigint) to chartwell_runtime;
grant select on app.search_texts to chartwell_definer;
