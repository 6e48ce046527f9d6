-- Documents: what is filed as a file. A document is the drawer's label; its versions are the files, and a version is never
-- replaced. The bytes lie sealed in an object store; here are their size, hash, and the key that opens them, itself sealed
-- with the tenant's key.
--
-- A document belongs to a patient (perhaps of one of his encounters or appointments) or to a provider (a diploma, a certificate).
--
-- Who may read is more than a role: the front desk sees administrative papers, billing the insurance card, a patient what was
-- released to him. So the category stands in every row of a document and can't change: what was filed under the wrong one is
-- entered in error and filed anew.

-- Which documents of a patient a role is shown, of those whose chart it may open.
create function app.document_audience(category text, released_at timestamptz) returns boolean
    language sql stable parallel safe
as $$ select case app.actor_role()
                 when 'patient' then released_at is not null
                 when 'staff' then category in ('administrative', 'insurance')
                 when 'billing' then category = 'insurance'
                 else true
             end $$;
revoke all on function app.document_audience(text, timestamptz) from public;
grant execute on function app.document_audience(text, timestamptz) to chartwell_runtime, chartwell_definer;

create table app.documents (
    tenant_id         uuid        not null,
    id                uuid        not null,
    patient_id        uuid,
    encounter_id      uuid,
    appointment_id    uuid,
    provider_id       uuid,
    provider_user_id  uuid,                       -- the provider's account: he may read what is filed about him
    category          text        not null,       -- who may read it
    kind              text        not null,       -- what it is
    loinc_code        text,
    title             text        not null,
    description       text,
    document_date     date        not null,       -- the day it is of, which retention counts from
    source            text        not null,
    status            text        not null default 'current',
    status_reason     text,
    current_number    integer     not null,
    released_at       timestamptz,                -- to the patient
    released_by       uuid,
    keep_until        date,                       -- a reviewer's decision to keep it longer
    version           bigint      not null default 1,
    created_by        uuid,
    created_at        timestamptz not null,
    updated_at        timestamptz not null,
    constraint documents_pkey primary key (tenant_id, id),
    constraint documents_patient_key unique (tenant_id, patient_id, id),
    constraint documents_provider_key unique (tenant_id, provider_id, id),
    constraint documents_category_key unique (tenant_id, id, category),
    constraint documents_patient_fkey foreign key (tenant_id, patient_id) references app.patients (tenant_id, id),
    constraint documents_encounter_fkey foreign key (tenant_id, patient_id, encounter_id)
        references app.encounter_register (tenant_id, patient_id, id),
    constraint documents_appointment_fkey foreign key (tenant_id, patient_id, appointment_id)
        references app.appointments (tenant_id, patient_id, id),
    constraint documents_provider_fkey foreign key (tenant_id, provider_id) references app.providers (tenant_id, id),
    constraint documents_owner_check check (num_nonnulls(patient_id, provider_id) = 1
        and (patient_id is not null or num_nonnulls(encounter_id, appointment_id) = 0)),
    constraint documents_category_check check (category in ('clinical', 'administrative', 'insurance', 'credential')),
    constraint documents_credential_check check ((category = 'credential') = (provider_id is not null)),
    constraint documents_source_check check (source in ('staff', 'patient', 'import')),
    constraint documents_status_check check (status in ('current', 'entered_in_error', 'destroyed')),
    constraint documents_reason_check check (status = 'current' or status_reason is not null)
);
create index documents_patient_idx on app.documents (tenant_id, patient_id, document_date desc, id desc) where patient_id is not null;
create index documents_provider_idx on app.documents (tenant_id, provider_id, document_date desc, id desc) where provider_id is not null;
create index documents_encounter_idx on app.documents (tenant_id, encounter_id) where encounter_id is not null;
create index documents_appointment_idx on app.documents (tenant_id, appointment_id) where appointment_id is not null;
create index documents_age_idx on app.documents (tenant_id, document_date, id) where status <> 'destroyed';

create table app.document_versions (
    tenant_id         uuid        not null,
    id                uuid        not null,       -- also the object's name in the store
    document_id       uuid        not null,
    number            integer     not null,       -- 1, 2, 3 … of its document
    patient_id        uuid,
    provider_user_id  uuid,
    category          text        not null,
    filename          text        not null,
    content_type      text        not null,       -- as declared and found true
    size              bigint      not null,       -- of the content, in bytes
    sha256            bytea       not null,       -- of the content
    sealed_key        text,                       -- null: destroyed, and with it the content
    scan              text        not null,
    scan_detail       text,
    scanned_at        timestamptz,
    text_state        text        not null,       -- how far its text has come into the search
    attempts          smallint    not null default 0,
    next_try_at       timestamptz,                -- null: nothing is left to do
    released_at       timestamptz,
    uploaded_by       uuid,
    version           bigint      not null default 1,
    created_at        timestamptz not null,
    updated_at        timestamptz not null,
    constraint document_versions_pkey primary key (tenant_id, id),
    constraint document_versions_number_key unique (tenant_id, document_id, number),
    constraint document_versions_document_fkey foreign key (tenant_id, document_id, category)
        references app.documents (tenant_id, id, category),
    constraint document_versions_patient_fkey foreign key (tenant_id, patient_id, document_id)
        references app.documents (tenant_id, patient_id, id),
    constraint document_versions_size_check check (size >= 0 and octet_length(sha256) = 32 and number > 0),
    constraint document_versions_scan_check check (scan in ('pending', 'clean', 'infected', 'not_scanned', 'failed')),
    constraint document_versions_text_check check (text_state in ('pending', 'indexed', 'truncated', 'none', 'failed'))
);
create index document_versions_work_idx on app.document_versions (tenant_id, next_try_at) where next_try_at is not null;

-- The text of a version, for the search (0014) and for nothing else.
create table app.document_texts (
    tenant_id    uuid        not null,
    version_id   uuid        not null,
    document_id  uuid        not null,
    patient_id   uuid        not null,
    category     text        not null,
    released_at  timestamptz,
    body         text        not null,
    created_at   timestamptz not null,
    constraint document_texts_pkey primary key (tenant_id, version_id),
    constraint document_texts_version_fkey foreign key (tenant_id, version_id) references app.document_versions (tenant_id, id),
    constraint document_texts_patient_fkey foreign key (tenant_id, patient_id, document_id)
        references app.documents (tenant_id, patient_id, id)
);
create index document_texts_patient_idx on app.document_texts (tenant_id, patient_id);

-- A provider vouches for one version: its hash, signed with a key of the tenant.
create table app.document_attestations (
    tenant_id    uuid        not null,
    id           uuid        not null,
    document_id  uuid        not null,
    version_id   uuid        not null,
    patient_id   uuid        not null,
    category     text        not null,
    provider_id  uuid        not null,
    signed_by    uuid        not null,
    signed_at    timestamptz not null,
    statement    text        not null,
    payload      text        not null,            -- what was signed, to the byte
    key_id       uuid        not null,
    public_key   bytea       not null,
    signature    bytea       not null,
    constraint document_attestations_pkey primary key (tenant_id, id),
    constraint document_attestations_version_fkey foreign key (tenant_id, version_id) references app.document_versions (tenant_id, id),
    constraint document_attestations_document_fkey foreign key (tenant_id, patient_id, document_id)
        references app.documents (tenant_id, patient_id, id),
    constraint document_attestations_provider_fkey foreign key (tenant_id, provider_id) references app.providers (tenant_id, id),
    constraint document_attestations_once_key unique (tenant_id, version_id, provider_id)
);
create index document_attestations_document_idx on app.document_attestations (tenant_id, document_id);

-- An upload under way. What is never completed is swept away with its parts.
create table app.document_uploads (
    tenant_id    uuid        not null,
    id           uuid        not null,            -- also the name of the object it may become
    user_id      uuid        not null,
    patient_id   uuid,
    provider_id  uuid,
    document_id  uuid,                            -- a new version of this document; null: a new document
    request      jsonb       not null,            -- what the document shall be
    size         bigint,                          -- null: sent in one piece, its size known at the end
    received     bigint      not null default 0,
    state        text        not null default 'receiving',
    -- How often it was tried to put its parts together: each time copies the whole of it, and only the first is paid for.
    attempts     integer     not null default 0,
    expires_at   timestamptz not null,
    version      bigint      not null default 1,
    created_at   timestamptz not null,
    updated_at   timestamptz not null,
    constraint document_uploads_pkey primary key (tenant_id, id),
    constraint document_uploads_patient_fkey foreign key (tenant_id, patient_id) references app.patients (tenant_id, id),
    constraint document_uploads_provider_fkey foreign key (tenant_id, provider_id) references app.providers (tenant_id, id),
    constraint document_uploads_document_fkey foreign key (tenant_id, document_id) references app.documents (tenant_id, id),
    constraint document_uploads_state_check check (state in ('receiving', 'completed', 'aborted')),
    constraint document_uploads_size_check check (received >= 0 and (size is null or received <= size))
);
create index document_uploads_expiry_idx on app.document_uploads (tenant_id, expires_at) where state = 'receiving';

create table app.document_upload_parts (
    tenant_id   uuid        not null,
    id          uuid        not null,             -- the object's name
    upload_id   uuid        not null,
    user_id     uuid        not null,
    starts_at   bigint      not null,
    size        bigint      not null,
    sealed_key  text        not null,
    created_at  timestamptz not null,
    constraint document_upload_parts_pkey primary key (tenant_id, id),
    constraint document_upload_parts_upload_fkey foreign key (tenant_id, upload_id) references app.document_uploads (tenant_id, id),
    constraint document_upload_parts_start_key unique (tenant_id, upload_id, starts_at),
    constraint document_upload_parts_size_check check (starts_at >= 0 and size > 0)
);

-- How much an account has sent on a day (UTC), in bytes. Counted before anything is stored and never taken back, so that
-- what is sent and thrown away counts, too. Rows of days past are swept.
create table app.upload_usage (
    tenant_id uuid   not null,
    user_id   uuid   not null,
    day       date   not null,
    bytes     bigint not null,
    constraint upload_usage_pkey primary key (tenant_id, user_id, day),
    constraint upload_usage_user_fkey foreign key (tenant_id, user_id) references app.users (tenant_id, id),
    constraint upload_usage_bytes_check check (bytes >= 0)
);

-- Objects nobody needs any more. Their names are noted in the transaction that stops needing them, and they are removed
-- afterwards, again and again until they are gone.
create table app.file_removals (
    tenant_id   uuid        not null,
    id          uuid        not null,             -- the object's name
    noted_at    timestamptz not null,
    constraint file_removals_pkey primary key (tenant_id, id)
);

-- How long what is kept. Of several that fit (the tenant's own, the state's) the longest counts.
create table app.retention_policies (
    tenant_id     uuid        not null,
    id            uuid        not null,
    category      text        not null,
    state         text,                           -- USPS code of the facility where the patient is registered; null: everywhere
    years         smallint    not null,           -- from the day of the document
    minor_years   smallint    not null default 0, -- of a minor: from his majority, if that is later
    majority_age  smallint    not null default 18,
    status        text        not null default 'active',
    version       bigint      not null default 1,
    created_by    uuid,
    created_at    timestamptz not null,
    updated_at    timestamptz not null,
    constraint retention_policies_pkey primary key (tenant_id, id),
    constraint retention_policies_category_check check (category in ('clinical', 'administrative', 'insurance', 'credential')),
    constraint retention_policies_state_check check (state ~ '^[A-Z]{2}$'),
    constraint retention_policies_years_check check (years between 1 and 100 and minor_years between 0 and 50 and majority_age between 14 and 25),
    constraint retention_policies_status_check check (status in ('active', 'retired'))
);
create unique index retention_policies_active_key on app.retention_policies (tenant_id, category, coalesce(state, '')) where status = 'active';

-- While a hold is on, nothing of it may be destroyed, whatever a policy says. On what is filed about a patient, or a provider.
create table app.legal_holds (
    tenant_id    uuid        not null,
    id           uuid        not null,
    patient_id   uuid,
    provider_id  uuid,
    document_id  uuid,                            -- null: every document of his
    reason       text        not null,
    placed_by    uuid,
    placed_at    timestamptz not null,
    lifted_by    uuid,
    lifted_at    timestamptz,
    lift_reason  text,
    version      bigint      not null default 1,
    constraint legal_holds_pkey primary key (tenant_id, id),
    constraint legal_holds_patient_fkey foreign key (tenant_id, patient_id) references app.patients (tenant_id, id),
    constraint legal_holds_document_fkey foreign key (tenant_id, patient_id, document_id) references app.documents (tenant_id, patient_id, id),
    constraint legal_holds_provider_fkey foreign key (tenant_id, provider_id) references app.providers (tenant_id, id),
    constraint legal_holds_provider_document_fkey foreign key (tenant_id, provider_id, document_id)
        references app.documents (tenant_id, provider_id, id),
    constraint legal_holds_owner_check check (num_nonnulls(patient_id, provider_id) = 1),
    constraint legal_holds_lift_check check ((lifted_at is null) = (lift_reason is null))
);
create index legal_holds_patient_idx on app.legal_holds (tenant_id, patient_id);
create index legal_holds_provider_idx on app.legal_holds (tenant_id, provider_id) where provider_id is not null;

-- What has outlived its retention, for somebody to decide. Nothing is destroyed without that.
create table app.retention_reviews (
    tenant_id    uuid        not null,
    id           uuid        not null,
    document_id  uuid        not null,
    patient_id   uuid,
    expired_on   date        not null,
    state        text        not null default 'open',
    reason       text,
    decided_by   uuid,
    decided_at   timestamptz,
    version      bigint      not null default 1,
    created_at   timestamptz not null,
    constraint retention_reviews_pkey primary key (tenant_id, id),
    constraint retention_reviews_document_fkey foreign key (tenant_id, document_id) references app.documents (tenant_id, id),
    constraint retention_reviews_state_check check (state in ('open', 'kept', 'destroyed')),
    constraint retention_reviews_decision_check check ((state = 'open') = (decided_at is null))
);
create unique index retention_reviews_open_key on app.retention_reviews (tenant_id, document_id) where state = 'open';
create index retention_reviews_state_idx on app.retention_reviews (tenant_id, state, expired_on, id);

-- What remains of a destroyed document.
create table app.destruction_certificates (
    tenant_id        uuid        not null,
    id               uuid        not null,
    document_id      uuid        not null,
    patient_id       uuid,
    category         text        not null,
    kind             text        not null,
    document_date    date        not null,
    expired_on       date        not null,
    versions         jsonb       not null,        -- [{number, sha256, size}]
    reason           text        not null,
    method           text        not null,
    destroyed_by     uuid        not null,
    destroyed_at     timestamptz not null,
    version          bigint      not null default 1,
    constraint destruction_certificates_pkey primary key (tenant_id, id),
    constraint destruction_certificates_document_fkey foreign key (tenant_id, document_id) references app.documents (tenant_id, id),
    constraint destruction_certificates_once_key unique (tenant_id, document_id)
);

-- Who may ---------------------------------------------------------------------------------------------------------------
-- The history of documents is made by hand, because `of_patient` would ask for the patient of a provider's diploma.
select app.tenant_table('app.documents', history => false, read => '{admin,provider,nurse,staff,billing,patient,system}',
                        write => '{admin,provider,nurse,staff,system}', adds => '{admin,provider,nurse,staff,patient,system}');
select app.tenant_table('app.document_versions', history => false, read => '{admin,provider,nurse,staff,billing,patient,system}',
                        write => '{admin,provider,nurse,staff,system}', adds => '{admin,provider,nurse,staff,patient,system}');
create trigger documents_history after insert or update or delete on app.documents
    for each row execute function app.record_change('patient_id', '{}', 'documents', 'plain');
create trigger document_versions_history after insert or update or delete on app.document_versions
    for each row execute function app.record_change('patient_id', '{sealed_key,attempts,next_try_at}', 'document_versions', 'plain');
do $$
declare
    tbl regclass;
begin
    foreach tbl in array array['app.documents', 'app.document_versions']::regclass[] loop
        perform app.narrow_policies(tbl, $condition$
            case when patient_id is null
                 then app.actor_role() in ('admin', 'system') or provider_user_id = app.user_id()
                 else (app.sees_every_patient() or app.may_see(patient_id)) and app.document_audience(category, released_at)
            end $condition$);
        -- A nurse reads what is filed, and files what is clinical.
        perform app.narrow_policies(tbl, $condition$ app.actor_role() <> 'nurse' or category = 'clinical' $condition$, 'aw');
    end loop;
end
$$;

select app.tenant_table('app.document_texts', of_patient => true, history => false,
                        read => '{admin,provider,nurse,staff,billing,patient,system}', write => '{admin,provider,nurse,staff,system}',
                        adds => '{system}', may_delete => '{admin,system}');
select app.narrow_policies('app.document_texts', 'app.document_audience(category, released_at)');
select app.tenant_table('app.document_attestations', of_patient => true, history => false,
                        read => '{admin,provider,nurse,staff,system}', write => '{}', adds => '{provider}');
select app.narrow_policies('app.document_attestations', 'app.document_audience(category, null)');

select app.tenant_table('app.document_uploads', history => false, read => '{system}', write => '{system}',
                        adds => '{admin,provider,nurse,staff,patient,system}', own_column => 'user_id', own_write => true, may_delete => '{system}');
select app.narrow_policies('app.document_uploads', 'patient_id is null or app.sees_every_patient() or app.may_see(patient_id)');
select app.tenant_table('app.document_upload_parts', history => false, read => '{system}', write => '{system}',
                        adds => '{admin,provider,nurse,staff,patient,system}', own_column => 'user_id', may_delete => '{system}');
select app.tenant_table('app.file_removals', history => false, read => '{system}', write => '{system}',
                        adds => '{admin,provider,nurse,staff,patient,system}', may_delete => '{system}');

select app.tenant_table('app.upload_usage', history => false, read => '{system}', write => '{system}',
                        adds => '{admin,provider,nurse,staff,patient,system}', own_column => 'user_id', own_write => true, may_delete => '{system}');
select app.narrow_policies('app.upload_usage', 'user_id = app.user_id() or app.actor_role() = ''system''');

select app.tenant_table('app.retention_policies', read => '{admin,provider,nurse,staff,system}', write => '{admin}');
select app.tenant_table('app.legal_holds', of_patient => true, read => '{admin,system}', write => '{admin}');
select app.tenant_table('app.retention_reviews', of_patient => true, read => '{admin,system}', write => '{admin}', adds => '{system}');
select app.tenant_table('app.destruction_certificates', of_patient => true, read => '{admin,system}', write => '{}', adds => '{admin}');
grant execute on function app.actor_role() to chartwell_definer;
grant select on app.documents, app.document_versions, app.document_texts to chartwell_definer;

-- What imported resources hold of a document that was destroyed: its bytes came in them, and would go on being read there, of
-- earlier states too. Whoever destroys may change no resource. Returns the resources.
create function app.forget_papers(document uuid, at timestamptz) returns setof uuid
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    tenant constant uuid := app.tenant_id();
    owner  uuid;
    led    uuid[];
begin
    select d.patient_id into owner from app.documents d where d.tenant_id = tenant and d.id = document and d.status = 'destroyed';
    if not found then
        raise exception 'only what was destroyed is forgotten' using errcode = 'insufficient_privilege';
    end if;
    led := array(select r.id from app.imported_resources r
                  where r.tenant_id = tenant and r.patient_id = owner and r.resource_type in ('DocumentReference', 'DiagnosticReport')
                    and (r.entry_id = document or document = any(r.joined)));
    update app.imported_resource_states s set content = app.without_papers(s.content)
     where s.tenant_id = tenant and s.patient_id = owner and s.resource_type in ('DocumentReference', 'DiagnosticReport')
       and (s.entry_id = document or s.resource_id = any(led));
    return query
        update app.imported_resources r
           set content = app.without_papers(r.content), content_destroyed_at = at, version = r.version + 1, updated_at = at
         where r.tenant_id = tenant and r.id = any(led)
        returning r.id;
end
$$;
alter function app.forget_papers(uuid, timestamptz) owner to chartwell_definer;
revoke all on function app.forget_papers(uuid, timestamptz) from public;
grant execute on function app.forget_papers(uuid, timestamptz) to chartwell_runtime;
grant update (content, content_destroyed_at, version, updated_at) on app.imported_resources to chartwell_definer;
grant select (tenant_id, patient_id, resource_id, entry_id, resource_type, content), update (content) on app.imported_resource_states to chartwell_definer;
