-- What came from elsewhere: which of their resources became which of our rows, and every resource that has no table of
-- its own yet, kept as it came, linked to its patient and encounter, for the features that will absorb it.

create table app.import_links (
    tenant_id      uuid  not null,
    resource_type  text  not null,
    source_id      text  not null,               -- FHIR id, or system|value of an identifier
    target_id      uuid  not null,
    content_hash   bytea not null,               -- of the source resource: an unchanged one is skipped
    imported_at    timestamptz not null,
    constraint import_links_pkey primary key (tenant_id, resource_type, source_id)
);
create index import_links_target_idx on app.import_links (tenant_id, target_id);
select app.tenant_table('app.import_links', read => '{system}', write => '{system}', history => false);

create table app.imported_resources (
    tenant_id      uuid        not null,
    id             uuid        not null,
    resource_type  text        not null,
    source_id      text        not null,
    patient_id     uuid,
    encounter_id   uuid,
    effective_at   timestamptz,                  -- the resource's own date, where it has one
    content        jsonb       not null,
    content_hash   bytea       not null,
    version        bigint      not null default 1,
    created_at     timestamptz not null,
    updated_at     timestamptz not null,
    constraint imported_resources_pkey primary key (tenant_id, id),
    constraint imported_resources_source_key unique (tenant_id, resource_type, source_id),
    constraint imported_resources_patient_fkey foreign key (tenant_id, patient_id) references app.patients (tenant_id, id),
    constraint imported_resources_encounter_fkey foreign key (tenant_id, patient_id, encounter_id)
        references app.encounter_register (tenant_id, patient_id, id)
);
create index imported_resources_patient_idx on app.imported_resources (tenant_id, patient_id, resource_type, id);
select app.tenant_table('app.imported_resources', of_patient => true, history => false,
                        read => '{admin,provider,nurse,patient,system}', write => '{system}');
