-- Co-signatures whose supervision has ended.
-- A supervisor whose charge is no longer his keeps nothing waiting: what waited for him stands open until the next supervisor of the
-- same person, or whoever may co-sign, takes it. Whose signature it was that needs consent is remembered from now on; of what was
-- asked before, the note's author is taken for him.
alter table app.note_cosignatures add column asked_by uuid;
alter table app.note_cosignatures add column open_since timestamptz;
-- Adding a foreign key checks the rows through the policies, which want a context: nobody's. The column is new and empty.
set local app.context = '00000000-0000-0000-0000-000000000000 nobody nothing   ';
alter table app.note_cosignatures add constraint note_cosignatures_asker_fkey
    foreign key (tenant_id, asked_by) references app.users (tenant_id, id);
create index note_cosignatures_open_idx on app.note_cosignatures (tenant_id, requested_at, id)
    where status = 'pending' or status = 'returned' and not answered;

-- Medications of the import -----------------------------------------------------------------------------------------------
-- What a chart shows of a FHIR MedicationRequest or MedicationStatement: what it is called (as it says itself, in its reference, or in
-- the Medication it contains), the RxNorm code, the status its source gives, and how it is taken, in words.
create function app.imported_medication(content jsonb) returns jsonb
    language sql immutable set search_path = pg_catalog, pg_temp
as $$
    with named as (
        select coalesce(content -> 'medicationCodeableConcept',
                        jsonb_path_query_first(content, '$.contained[*] ? (@.resourceType == "Medication").code'), '{}') as concept)
    select jsonb_strip_nulls(jsonb_build_object(
               'status', content -> 'status',
               'title', coalesce(nullif(concept ->> 'text', ''), nullif(concept #>> '{coding,0,display}', ''),
                                 nullif(content #>> '{medicationReference,display}', '')),
               'rxnorm', jsonb_path_query_first(concept,
                             '$.coding[*] ? (@.system == "http://www.nlm.nih.gov/research/umls/rxnorm").code'),
               'dosage', coalesce(content #> '{dosageInstruction,0,text}', content #> '{dosage,0,text}')))
      from named
$$;
revoke all on function app.imported_medication(jsonb) from public;
grant execute on function app.imported_medication(jsonb) to chartwell_runtime;
