-- What a chart tells of imported medications and reports: how much, how often and how, where a source says it in parts and not in
-- words; what a report found; and a Medication or a result by whatever name it is asked for. Before, a dose without words, a value and
-- a medication named by the place it had in its bundle were there and not shown.

-- The resource kept under a name: the one it is kept under, or another that led to it. An id only; who asks looks it up again.
create function app.import_named(resource_type text, name text) returns uuid
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    tenant uuid := app.tenant_id();
    found uuid;
begin
    if app.actor_role() not in ('admin', 'provider', 'nurse', 'patient', 'system') then
        return null;
    end if;
    select k.id into found from app.imported_resources k
     where k.tenant_id = tenant and k.resource_type = import_named.resource_type and k.source_id = import_named.name;
    if found is null then
        select l.target_id into found from app.import_links l
         where l.tenant_id = tenant and l.resource_type = import_named.resource_type and l.source_id = import_named.name;
    end if;
    return found;
end
$$;
alter function app.import_named(text, text) owner to chartwell_definer;
revoke all on function app.import_named(text, text) from public;
grant execute on function app.import_named(text, text) to chartwell_runtime, chartwell_definer;
grant select on app.import_links to chartwell_definer;

create or replace function app.medication_named(source_id text) returns jsonb
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select m.content -> 'code' from app.imported_resources m
     where m.tenant_id = app.tenant_id() and m.id = app.import_named('Medication', medication_named.source_id)
       and m.resource_type = 'Medication' and m.patient_id is null
       and app.actor_role() in ('admin', 'provider', 'nurse', 'patient', 'system')
$$;

-- The name a reference means: an id of its source, which stands before a #, the same for all of a source; or an identifier, which
-- sources share.
create function app.name_in_reference(source_id text, reference jsonb) returns text
    language plpgsql immutable parallel safe
as $$
begin
    return (
    select case
        when said like '%?identifier=%' then regexp_replace(said, '^.*[?]identifier=', '')
        when said is not null then
            coalesce(substring(source_id from '^[^#]*#'), '')
                || regexp_replace(regexp_replace(said, '/_history/.*$', ''), '^(.*/|urn:uuid:)', '')
        when reference #>> '{identifier,value}' is not null then
            coalesce(reference #>> '{identifier,system}', '') || '|' || (reference #>> '{identifier,value}')
    end
      from (select reference ->> 'reference') as r (said));
end
$$;
revoke all on function app.name_in_reference(text, jsonb) from public;
grant execute on function app.name_in_reference(text, jsonb) to chartwell_runtime;

create or replace function app.medication_of(source_id text, content jsonb) returns jsonb
    language sql stable set search_path = pg_catalog, pg_temp
as $$
    select case
        when content ? 'medicationCodeableConcept' then content -> 'medicationCodeableConcept'
        when starts_with(content #>> '{medicationReference,reference}', '#') then
            jsonb_path_query_first(content, '$.contained[*] ? (@.id == $id).code',
                                   jsonb_build_object('id', substr(content #>> '{medicationReference,reference}', 2)))
        else app.medication_named(app.name_in_reference(source_id, content -> 'medicationReference'))
    end
$$;

-- The small functions are expressions that are planned where they stand; the larger ones are planned once a session: a report with
-- thirty results asks them a hundred times.

-- A concept in words, or its first code.
create function app.concept_told(concept jsonb) returns text
    language sql immutable parallel safe
as $$
    select coalesce(concept ->> 'text', concept #>> '{coding,0,display}', concept #>> '{coding,0,code}')
$$;

-- A number with its unit, digits as they were written.
create function app.quantity_told(quantity jsonb) returns text
    language sql immutable parallel safe
as $$
    select case when jsonb_typeof(quantity -> 'value') = 'number'
                then concat_ws(' ', concat(quantity ->> 'comparator', quantity ->> 'value'),
                               coalesce(quantity ->> 'unit', quantity ->> 'code')) end
$$;

create function app.range_told(span jsonb) returns text
    language sql immutable parallel safe
as $$
    select case when low is not null and high is not null then low || ' to ' || high
                when low is not null then 'at least ' || low
                when high is not null then 'at most ' || high end
      from (select app.quantity_told(span -> 'low'), app.quantity_told(span -> 'high')) as ends (low, high)
$$;

-- How often: FHIR's Timing. What it says and is not read here is not passed over: a dose must not seem more frequent than it is.
create function app.timing_told(timing jsonb) returns text
    language plpgsql immutable parallel safe
as $$
begin
    return (
    select nullif(concat_ws(', ', app.concept_told(timing -> 'code'), nullif(concat_ws(' ', often, days, times, moments), ''), bounds,
                            case when unread then 'and more that its source says of the time' end), '')
      from (select timing -> 'repeat',
                   timing ? 'event' or jsonb_typeof(timing -> 'repeat') = 'object' and (timing -> 'repeat') - array['frequency', 'frequencyMax', 'period', 'periodMax',
                       'periodUnit', 'dayOfWeek', 'timeOfDay', 'when', 'boundsDuration', 'boundsPeriod'] <> '{}') as t (r, unread)
     cross join lateral (
        select case r ->> 'periodUnit' when 's' then 'second' when 'min' then 'minute' when 'h' then 'hour' when 'd' then 'day'
                                       when 'wk' then 'week' when 'mo' then 'month' when 'a' then 'year' end,
               case when jsonb_typeof(r -> 'period') = 'number' then trim_scale((r ->> 'period')::numeric) end,
               case when jsonb_typeof(r -> 'periodMax') = 'number' then trim_scale((r ->> 'periodMax')::numeric) end,
               case when jsonb_typeof(r -> 'frequency') = 'number' then r ->> 'frequency' end,
               case when jsonb_typeof(r -> 'frequencyMax') = 'number' then r ->> 'frequencyMax' end) as u (unit, period, longest, frequency, most)
     cross join lateral (
        select case when unit is null or period is null then nullif(concat_ws(' to ', frequency, most), '') || ' times'
                    when period = 1 and longest is null and coalesce(frequency, '1') = '1' and most is null then 'once a ' || unit
                    when period = 1 and longest is null then concat_ws(' to ', frequency, most) || ' times a ' || unit
                    when coalesce(frequency, '1') = '1' and most is null then 'every ' || concat_ws(' to ', period, longest) || ' ' || unit || 's'
                    else concat_ws(' to ', frequency, most) || ' times in ' || concat_ws(' to ', period, longest) || ' ' || unit || 's' end,
               (select 'on ' || string_agg(d #>> '{}', ', ') from jsonb_path_query(r, '$.dayOfWeek[*]') d),
               (select 'at ' || string_agg(d #>> '{}', ', ') from jsonb_path_query(r, '$.timeOfDay[*]') d),
               (select string_agg(d #>> '{}', ', ') from jsonb_path_query(r, '$.when[*]') d),
               coalesce('for ' || app.quantity_told(r -> 'boundsDuration'), 'until ' || (r #>> '{boundsPeriod,end}'))
        ) as o (often, days, times, moments, bounds));
end
$$;

-- What is to be taken, or is: FHIR's Dosage, in its source's words and beside them what it says in parts.
create function app.dosage_told(dosage jsonb) returns text
    language plpgsql immutable parallel safe
as $$
begin
    return (
    select string_agg(concat_ws(' ', words, case when words is null then parts else '(' || parts || ')' end), '; ' order by place)
      from jsonb_path_query(dosage, '$[*]') with ordinality as d (one, place)
     cross join lateral (
        select nullif(regexp_replace(btrim(one ->> 'text', E' \t\n\r'), '\s+', ' ', 'g'), ''),
               nullif(concat_ws(', ',
                   (select string_agg(said, ', ' order by at)
                      from jsonb_path_query(one, '$.doseAndRate[*]') with ordinality as p (part, at)
                     cross join lateral (select concat_ws(' at ',
                            coalesce(case when part -> 'doseQuantity' ?| '{unit,code}' then app.quantity_told(part -> 'doseQuantity')
                                          else 'dose ' || app.quantity_told(part -> 'doseQuantity') end,
                                     app.range_told(part -> 'doseRange')),
                            coalesce(app.quantity_told(part -> 'rateQuantity'), app.range_told(part -> 'rateRange'),
                                     app.quantity_told(part #> '{rateRatio,numerator}') || ' in '
                                         || app.quantity_told(part #> '{rateRatio,denominator}')))) as q (said)
                     where said <> ''),
                   app.timing_told(one -> 'timing'),
                   app.concept_told(one -> 'route'),
                   app.concept_told(one -> 'site'),
                   app.concept_told(one -> 'method'),
                   case when one @> '{"asNeededBoolean": true}' then 'as needed' end,
                   'as needed: ' || app.concept_told(one -> 'asNeededCodeableConcept'),
                   'at most ' || app.quantity_told(one #> '{maxDosePerPeriod,numerator}') || ' in '
                       || app.quantity_told(one #> '{maxDosePerPeriod,denominator}'),
                   'at most ' || app.quantity_told(one -> 'maxDosePerAdministration') || ' at once',
                   'at most ' || app.quantity_told(one -> 'maxDosePerLifetime') || ' in a lifetime',
                   (select string_agg(app.concept_told(i), ', ') from jsonb_path_query(one, '$.additionalInstruction[*]') i
                     where btrim(app.concept_told(i), E' \t\n\r') is distinct from btrim(one ->> 'text', E' \t\n\r')),
                   nullif(one ->> 'patientInstruction', one ->> 'text')), '')
        ) as s (words, parts)
     where coalesce(words, parts) is not null);
end
$$;

-- The value of an observation, whatever it is of; of one that has parts, each.
create function app.value_told(observation jsonb) returns text
    language plpgsql immutable parallel safe
as $$
begin
    return (
    select coalesce(
        app.quantity_told(observation -> 'valueQuantity'),
        app.concept_told(observation -> 'valueCodeableConcept'),
        observation ->> 'valueString', observation ->> 'valueInteger', observation ->> 'valueBoolean',
        app.range_told(observation -> 'valueRange'),
        app.quantity_told(observation #> '{valueRatio,numerator}') || ' : ' || app.quantity_told(observation #> '{valueRatio,denominator}'),
        observation ->> 'valueDateTime', observation ->> 'valueTime',
        (select string_agg(concat_ws(' ', app.concept_told(c -> 'code'), app.value_told(c)), '; ')
           from jsonb_path_query(observation, '$.component[*]') c),
        'not known: ' || app.concept_told(observation -> 'dataAbsentReason')));
end
$$;

-- What a report found, as its observations say: those the reader may see, of the same patient, as they were at an instant (null:
-- now). At most fifty.
create function app.results_of_imported(patient uuid, source_id text, content jsonb, told_at timestamptz) returns jsonb
    language plpgsql stable
as $$
begin
    return (
    select coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
               'title', coalesce(app.concept_told(f.found -> 'code'), r.reference ->> 'display'),
               'value', case when coalesce(f.found ->> 'status', '') <> 'entered-in-error' then app.value_told(f.found) end,
               'status', f.found ->> 'status',
               'interpretation', (select string_agg(app.concept_told(i), ', ') from jsonb_path_query(f.found, '$.interpretation[*]') i),
               'reference_range', (select string_agg(coalesce(i ->> 'text', app.range_told(i)), '; ')
                                     from jsonb_path_query(f.found, '$.referenceRange[*]') i))) order by r.place), '[]')
      from (select p.reference, p.place from jsonb_path_query(content, '$.result[*]') with ordinality as p (reference, place)
             where p.place <= 50) r
     cross join lateral (select case when starts_with(r.reference ->> 'reference', '#') then null
                                     else app.import_named('Observation', app.name_in_reference(source_id, r.reference)) end) as n (id)
      left join lateral (
            select jsonb_path_query_first(content, '$.contained[*] ? (@.id == $id)',
                                          jsonb_build_object('id', substr(r.reference ->> 'reference', 2)))
             where starts_with(r.reference ->> 'reference', '#')
            union all
            select o.content from app.imported_resources o
             where o.tenant_id = app.tenant_id() and o.id = n.id and o.patient_id = patient
               and (told_at is null or coalesce(o.content_since, o.created_at) <= told_at)
            union all
            select b.content from app.imported_resource_states b
             where b.tenant_id = app.tenant_id() and b.resource_id = n.id and b.patient_id = patient
               and b.since <= told_at and b.until > told_at
            limit 1) as f (found) on true);
end
$$;

create or replace function app.told_of_imported(resource_type text, source_id text, content jsonb) returns jsonb
    language sql stable set search_path = pg_catalog, pg_temp
as $$
    select jsonb_strip_nulls(jsonb_build_object(
        'resource_type', resource_type,
        'status', content ->> 'status',
        'title', coalesce(content #>> '{code,text}', content #>> '{code,coding,0,display}',
                          m.medication ->> 'text', m.medication #>> '{coding,0,display}',
                          content #>> '{medicationReference,display}', content #>> '{oralDiet,type,0,text}',
                          content #>> '{oralDiet,type,0,coding,0,display}', content ->> 'description'),
        'rxnorm', jsonb_path_query_first(m.medication,
            '$.coding[*] ? (@.system == "http://www.nlm.nih.gov/research/umls/rxnorm").code'),
        'dosage', app.dosage_told(case resource_type when 'MedicationRequest' then content -> 'dosageInstruction'
                                                     when 'MedicationStatement' then content -> 'dosage' end),
        'conclusion', case resource_type when 'DiagnosticReport' then
            (select string_agg(app.concept_told(c), '; ') from jsonb_path_query(content, '$.conclusionCode[*]') c) end))
      from (select case when resource_type in ('MedicationRequest', 'MedicationStatement')
                        then app.medication_of(source_id, content) end as medication) m
$$;

revoke all on function app.concept_told(jsonb), app.quantity_told(jsonb), app.range_told(jsonb), app.timing_told(jsonb),
    app.dosage_told(jsonb), app.value_told(jsonb), app.results_of_imported(uuid, text, jsonb, timestamptz) from public;
grant execute on function app.concept_told(jsonb), app.quantity_told(jsonb), app.range_told(jsonb), app.timing_told(jsonb),
    app.dosage_told(jsonb), app.value_told(jsonb), app.results_of_imported(uuid, text, jsonb, timestamptz) to chartwell_runtime;
