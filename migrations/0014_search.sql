-- One search over notes and documents. The words of a document stand where those of notes stand, so that one walk from the
-- newest on meets both, in one order, and a page of one is a page of the other.
--
-- What a caller is shown follows from his role, as the policies say it again when he looks the ids up: who treats sees notes
-- and documents; the front desk documents of its categories; a patient what was released to him, documents here and notes in
-- released_notes, which he alone searches and of which he has few.

-- One row for each text that can be searched, whatever it is the text of. The vector also holds the tenant, as a lexeme no
-- word can be (`t=…`): so the index itself intersects a common word with one tenant's rows, and a query that only excludes
-- has something to start from. That of a document also holds `k=document`: a caller who is shown documents only need not meet
-- every note that has his word. `@@` is not leakproof, so under row-level security no index would serve it: the search goes
-- through matching_texts.
create table app.search_texts (
    tenant_id    uuid        not null,
    kind         text        not null,
    source_id    uuid        not null,            -- the note's, the document's
    patient_id   uuid        not null,
    author_id    uuid,
    type         text        not null,
    category     text,                            -- of a document: who may read it
    happened_at  timestamptz not null,
    released_at  timestamptz,                     -- of a document, to the patient
    words        tsvector    not null,
    constraint search_texts_pkey primary key (tenant_id, kind, source_id),
    constraint search_texts_patient_fkey foreign key (tenant_id, patient_id) references app.patients (tenant_id, id),
    constraint search_texts_kind_check check (kind in ('note', 'document')),
    constraint search_texts_category_check check ((kind = 'document') = (category is not null))
);
comment on column app.search_texts.type is 'the type of a note; of a document its kind';
create index search_texts_words_idx on app.search_texts using gin (words);
-- By time alone, with the kind at the end: to be read without visiting the table where only one kind is wanted.
create index search_texts_date_idx on app.search_texts (tenant_id, happened_at, source_id, kind);
create index search_texts_patient_idx on app.search_texts (tenant_id, patient_id, kind, happened_at);
-- An administrator takes out what he retracts.
select app.tenant_table('app.search_texts', of_patient => true, history => false, read => '{admin,provider,nurse,system}',
                        write => '{provider,nurse,system}', may_delete => '{admin,provider,nurse,system}');

-- The day of a document as an instant: midnight, in UTC.
create function app.document_instant(day date) returns timestamptz
    language sql immutable parallel safe
as $$ select day::timestamp at time zone 'UTC' $$;
revoke all on function app.document_instant(date) from public;
grant execute on function app.document_instant(date) to chartwell_runtime, chartwell_definer;

-- The words of a document follow its label, its newest version and its release, whoever changes them: what is superseded, in
-- error or destroyed is not found, from the same moment on. It comes in by its text, which a job extracts.
create function app.follow_document() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    if new.status <> 'current' or new.current_number <> old.current_number then
        delete from app.search_texts s where s.tenant_id = new.tenant_id and s.kind = 'document' and s.source_id = new.id;
        return null;
    end if;
    update app.search_texts s
       set type = new.kind, happened_at = app.document_instant(new.document_date), released_at = v.released_at,
           words = case when new.title = old.title then s.words
                        else to_tsvector('pg_catalog.english', new.title || E'\n\n' || t.body)
                             || array_to_tsvector(array['t=' || new.tenant_id, 'k=document']) end
      from app.document_versions v
      join app.document_texts t on t.tenant_id = v.tenant_id and t.version_id = v.id
     where v.tenant_id = new.tenant_id and v.document_id = new.id and v.number = new.current_number
       and s.tenant_id = new.tenant_id and s.kind = 'document' and s.source_id = new.id;
    return null;
end
$$;
alter function app.follow_document() owner to chartwell_definer;
revoke all on function app.follow_document() from public;
grant select, update, delete on app.search_texts to chartwell_definer;
create trigger documents_search after update on app.documents for each row execute function app.follow_document();

-- The texts that match, newest first, from a place on: ids, which the caller looks up under his policies. `query` is in the
-- syntax of to_tsquery; null matches everything, one of stop words alone nothing.
-- It first reads the newest texts in their order: a common word fills the page from them, where the index would bring
-- thousands of rows to be sorted. A rare one does not, and the index goes on from there.
create function app.matching_texts(wanted_kind text, query text, of_patient uuid, of_author uuid, of_type text, of_category text,
                                   since timestamptz, until timestamptz, after_at timestamptz, after_id uuid, at_most bigint)
    returns table (kind text, source_id uuid, happened_at timestamptz)
    language plpgsql stable rows 50 security definer
    set search_path = pg_catalog, pg_temp set plan_cache_mode = force_custom_plan
as $$
declare
    tenant     uuid    := app.tenant_id();
    everyone   boolean := app.scope() = 'organization';
    only_kind  text    := case when app.actor_role() in ('admin', 'provider', 'nurse') then wanted_kind else 'document' end;
    -- What app.document_audience says, asked once: which categories the role is shown anyhow, which when released.
    always     text[]  := array(select c from unnest('{clinical,administrative,insurance}'::text[]) c where app.document_audience(c, null));
    released   text[]  := array(select c from unnest('{clinical,administrative,insurance}'::text[]) c where app.document_audience(c, now()));
    wanted     tsquery;
    charts     uuid[];
    given      bigint  := 0;
    met        record;
    last_at    timestamptz := after_at;
    last_id    uuid := after_id;
begin
    at_most := least(at_most, 201);
    if wanted_kind <> only_kind then
        return;
    end if;
    if query is not null then
        wanted := to_tsquery('pg_catalog.english', query);
        if numnode(wanted) = 0 then
            return;
        end if;
        wanted := format('''t=%s''', tenant)::tsquery && wanted;
        if only_kind = 'document' then
            wanted := '''k=document'''::tsquery && wanted;
        end if;
    end if;
    if not everyone and of_patient is null then
        charts := array(select o.patient_id from app.own_charts() o);
    elsif not everyone and not app.may_see(of_patient) then
        return;
    end if;
    if wanted is not null and of_patient is null then
        for met in
            select s.kind as of, s.source_id as id, s.happened_at as at,
                   s.words @@ wanted and (of_author is null or s.author_id = of_author) and (of_type is null or s.type = of_type)
                   and (of_category is null or s.category = of_category)
                   and (charts is null or s.patient_id = any(charts))
                   and (s.category is null or s.category = any(always) or (s.released_at is not null and s.category = any(released))) as fits
              from app.search_texts s
             where s.tenant_id = tenant and (only_kind is null or s.kind = only_kind)
               and (since is null or s.happened_at >= since)
               and (until is null or s.happened_at < until)
               and (after_at is null or (s.happened_at, s.source_id) < (after_at, after_id))
             order by s.happened_at desc, s.source_id desc
             limit 300
        loop
            last_at := met.at;
            last_id := met.id;
            if met.fits then
                kind := met.of;
                source_id := met.id;
                happened_at := met.at;
                return next;
                given := given + 1;
                exit when given = at_most;
            end if;
        end loop;
        if given = at_most then
            return;
        end if;
    end if;
    return query
        select s.kind, s.source_id, s.happened_at from app.search_texts s
         where s.tenant_id = tenant and (only_kind is null or s.kind = only_kind)
           and (wanted is null or s.words @@ wanted)
           and (of_patient is null or s.patient_id = of_patient)
           and (charts is null or s.patient_id = any(charts))
           and (of_author is null or s.author_id = of_author)
           and (of_type is null or s.type = of_type)
           and (of_category is null or s.category = of_category)
           and (s.category is null or s.category = any(always) or (s.released_at is not null and s.category = any(released)))
           and (since is null or s.happened_at >= since)
           and (until is null or s.happened_at < until)
           and (last_at is null or (s.happened_at, s.source_id) < (last_at, last_id))
         order by s.happened_at desc, s.source_id desc
         limit at_most - given;
end
$$;
alter function app.matching_texts(text, text, uuid, uuid, text, text, timestamptz, timestamptz, timestamptz, uuid, bigint) owner to chartwell_definer;
revoke all on function app.matching_texts(text, text, uuid, uuid, text, text, timestamptz, timestamptz, timestamptz, uuid, bigint) from public;
grant execute on function app.matching_texts(text, text, uuid, uuid, text, text, timestamptz, timestamptz, timestamptz, uuid, bigint) to chartwell_runtime;

-- The words of a released note as text.
create function app.released_text(document jsonb) returns text
    language sql immutable parallel safe
as $$
    select concat_ws(E'\n', document ->> 'title',
                     (select string_agg(concat_ws(E'\n', (select string_agg(section.value, E'\n') from jsonb_each_text(part -> 'content') section),
                                                  part ->> 'text'), E'\n' order by place)
                        from jsonb_array_elements(document -> 'parts') with ordinality as parts (part, place)))
$$;
revoke all on function app.released_text(jsonb) from public;
grant execute on function app.released_text(jsonb) to chartwell_runtime;
