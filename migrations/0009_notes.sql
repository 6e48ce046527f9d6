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
    compromised_at timestamptz,                   -- from this instant on it is known to have been in other hands
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
    -- The chain can't tell that its newest entries were cut off. The note counts them, and names the hash of the last: the note's
    -- changes are remembered and sealed, where entries are their own history.
    entry_count     integer     not null default 0,
    last_hash       bytea,
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
    constraint notes_retracted_check check ((status = 'entered_in_error') = (retract_reason is not null)),
    constraint notes_counted_check check ((entry_count = 0) = (last_hash is null))
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
    header       jsonb,                           -- of a conflicted one, what it said besides: title, specialty, encounter, time, supervisor
    saved_by     uuid        not null,
    saved_at     timestamptz not null,
    constraint note_texts_pkey primary key (tenant_id, id),
    constraint note_texts_note_fkey foreign key (tenant_id, patient_id, note_id) references app.notes (tenant_id, patient_id, id),
    constraint note_texts_saver_fkey foreign key (tenant_id, saved_by) references app.users (tenant_id, id),
    constraint note_texts_number_key unique (tenant_id, note_id, number),
    constraint note_texts_kind_check check (kind in ('saved', 'conflicted', 'corrected')),
    constraint note_texts_header_check check (header is null or kind = 'conflicted')
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
    author_id    uuid,                            -- so that the patient can search by who wrote it
    document     jsonb       not null,            -- the signed texts, with the names of those who signed
    noted_at     timestamptz not null,
    released_by  uuid        not null,
    released_at  timestamptz not null,
    version      bigint      not null default 1,
    created_at   timestamptz not null,
    updated_at   timestamptz not null,
    constraint released_notes_pkey primary key (tenant_id, id),
    constraint released_notes_note_fkey foreign key (tenant_id, patient_id, id) references app.notes (tenant_id, patient_id, id),
    constraint released_notes_author_fkey foreign key (tenant_id, author_id) references app.users (tenant_id, id)
);
create index released_notes_patient_idx on app.released_notes (tenant_id, patient_id, noted_at, id);

-- Whatever a supervised person signs is asked about, whoever wrote the note: so a note may wait for more than one supervisor.
-- A supervisor whose charge is no longer his keeps nothing waiting: what waited for him stands open until the next supervisor of
-- the same person, or whoever may co-sign, takes it.
create table app.note_cosignatures (
    tenant_id      uuid        not null,
    id             uuid        not null,
    patient_id     uuid        not null,
    note_id        uuid        not null,
    supervisor_id  uuid        not null,
    asked_by       uuid,                          -- whose signature needs consent; null: the author of the note is taken for him
    status         text        not null default 'pending',
    reason         text,                          -- why it was returned
    answered       boolean     not null default false,    -- a note that was returned waits for an answer, until it is asked about again
    requested_at   timestamptz not null,
    open_since     timestamptz,                   -- since when whoever may co-sign may take it
    decided_at     timestamptz,
    version        bigint      not null default 1,
    created_at     timestamptz not null,
    updated_at     timestamptz not null,
    constraint note_cosignatures_pkey primary key (tenant_id, id),
    constraint note_cosignatures_note_fkey foreign key (tenant_id, patient_id, note_id) references app.notes (tenant_id, patient_id, id),
    constraint note_cosignatures_supervisor_fkey foreign key (tenant_id, supervisor_id) references app.users (tenant_id, id),
    constraint note_cosignatures_asker_fkey foreign key (tenant_id, asked_by) references app.users (tenant_id, id),
    constraint note_cosignatures_status_check check (status in ('pending', 'cosigned', 'returned')),
    constraint note_cosignatures_reason_check check ((status = 'returned') = (reason is not null))
);
create unique index note_cosignatures_pending_key on app.note_cosignatures (tenant_id, note_id, supervisor_id) where status = 'pending';
create index note_cosignatures_note_idx on app.note_cosignatures (tenant_id, note_id);
create index note_cosignatures_queue_idx on app.note_cosignatures (tenant_id, supervisor_id, status, requested_at, id);
create index note_cosignatures_open_idx on app.note_cosignatures (tenant_id, requested_at, id)
    where status = 'pending' or status = 'returned' and not answered;

-- 45 CFR 164.526: a patient asks to have his record amended. Sixty days, once thirty more. The rule speaks of the whole record:
-- a request is about a note, or about another entry the patient can read. What is accepted of a note is a signed entry of its
-- chain; of another entry it is what is appended here, beside the entry.
create table app.note_amendment_requests (
    tenant_id       uuid        not null,
    id              uuid        not null,
    patient_id      uuid        not null,
    note_id         uuid,
    resource_type   text,                         -- or the other entry
    resource_id     uuid,
    request         text        not null,         -- what should read otherwise
    reason          text        not null,
    status          text        not null default 'requested',
    due_on          date        not null,
    extended        text,                         -- why it takes longer; only once
    basis           text,                         -- of a denial, 164.526(a)(2)
    decision        text,                         -- the reason given
    decided_by      uuid,
    decided_at      timestamptz,
    entry_id        uuid,                         -- the signed amendment that came of it,
    amendment       text,                         -- or what was appended
    disagreement    text,                         -- the patient's statement after a denial, 164.526(d)(2)
    requested_by    uuid        not null,
    version         bigint      not null default 1,
    created_at      timestamptz not null,
    updated_at      timestamptz not null,
    constraint note_amendment_requests_pkey primary key (tenant_id, id),
    constraint note_amendment_requests_patient_fkey foreign key (tenant_id, patient_id) references app.patients (tenant_id, id),
    constraint note_amendment_requests_note_fkey foreign key (tenant_id, patient_id, note_id)
        references app.notes (tenant_id, patient_id, id),
    constraint note_amendment_requests_entry_fkey foreign key (tenant_id, entry_id) references app.note_entries (tenant_id, id),
    constraint note_amendment_requests_user_fkey foreign key (tenant_id, requested_by) references app.users (tenant_id, id),
    constraint note_amendment_requests_decider_fkey foreign key (tenant_id, decided_by) references app.users (tenant_id, id),
    constraint note_amendment_requests_about_check check (num_nonnulls(note_id, resource_id) = 1
        and (resource_id is null) = (resource_type is null)),
    constraint note_amendment_requests_type_check check (resource_type in ('problem', 'allergy', 'procedure', 'immunization', 'document',
        'family_history', 'social_history', 'care_plan', 'goal')),
    constraint note_amendment_requests_status_check check (status in ('requested', 'accepted', 'denied', 'withdrawn')),
    constraint note_amendment_requests_basis_check check (basis in ('not_created_here', 'not_in_record_set', 'not_open_to_inspection', 'accurate_and_complete')),
    constraint note_amendment_requests_denied_check check ((status = 'denied') = (basis is not null)),
    constraint note_amendment_requests_decided_check check ((status in ('accepted', 'denied')) = (decided_at is not null)),
    constraint note_amendment_requests_accepted_check check ((status = 'accepted') = (num_nonnulls(entry_id, amendment) > 0)
        and (entry_id is null or note_id is not null))
);
create index note_amendment_requests_patient_idx on app.note_amendment_requests (tenant_id, patient_id, created_at, id);
create index note_amendment_requests_note_idx on app.note_amendment_requests (tenant_id, note_id) where note_id is not null;
create index note_amendment_requests_open_idx on app.note_amendment_requests (tenant_id, due_on, id) where status = 'requested';

-- An administrator hands on what waits for somebody who has left, and retracts what nobody else can any more. He writes and
-- signs no note: guard_admin_of_notes says so.
select app.tenant_table('app.notes', of_patient => true, read => '{admin,provider,nurse,system}',
                        write => '{admin,provider,nurse,system}', adds => '{provider,nurse,system}');
-- Texts and entries are their own history.
select app.tenant_table('app.note_texts', of_patient => true, history => false, read => '{admin,provider,nurse,system}',
                        write => '{}', adds => '{provider,nurse,system}');
select app.tenant_table('app.note_entries', of_patient => true, history => false, read => '{admin,provider,nurse,system}',
                        write => '{}', adds => '{admin,provider,nurse,system}');
select app.tenant_table('app.released_notes', of_patient => true, read => '{admin,provider,nurse,patient,system}',
                        write => '{provider,nurse,system}', may_delete => '{admin,provider,nurse,system}');
select app.tenant_table('app.note_cosignatures', of_patient => true, read => '{admin,provider,nurse,system}',
                        write => '{admin,provider,nurse,system}', adds => '{provider,nurse,system}');
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

-- An administrator signs retractions only, and of a note he changes who is to co-sign it and that it is in error.
create function app.guard_admin_of_notes() returns trigger
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    -- A merge, which an administrator asks for, moves notes to another chart.
    if app.actor_role() <> 'admin' or current_user = 'chartwell_definer' then
        return new;
    end if;
    if tg_table_name = 'note_entries' then
        if to_jsonb(new) ->> 'kind' <> 'retraction' then
            raise exception 'an administrator signs retractions only' using errcode = 'insufficient_privilege';
        end if;
    elsif (to_jsonb(new) - '{status,supervisor_id,retract_reason,released_at,entry_count,last_hash,version,updated_at}'::text[])
          is distinct from
          (to_jsonb(old) - '{status,supervisor_id,retract_reason,released_at,entry_count,last_hash,version,updated_at}'::text[])
          or (to_jsonb(new) ->> 'status' is distinct from to_jsonb(old) ->> 'status' and to_jsonb(new) ->> 'status' <> 'entered_in_error') then
        raise exception 'an administrator writes no notes' using errcode = 'insufficient_privilege';
    end if;
    return new;
end
$$;
create trigger notes_admin before update on app.notes for each row execute function app.guard_admin_of_notes();
create trigger note_entries_admin before insert on app.note_entries for each row execute function app.guard_admin_of_notes();

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
           and ((to_jsonb(new) - '{status,disagreement,version,updated_at}'::text[])
                is distinct from (to_jsonb(old) - '{status,disagreement,version,updated_at}'::text[])
                or (new.status <> old.status and (old.status, new.status) <> ('requested', 'withdrawn')))) then
        raise exception 'a patient does not decide on his request' using errcode = 'insufficient_privilege';
    end if;
    return new;
end
$$;
create trigger note_amendment_requests_guard before insert or update on app.note_amendment_requests
    for each row execute function app.guard_amendment_request();
