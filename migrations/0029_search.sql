-- One search over notes and documents. The words of a document stand where those of notes stand, so that one walk from the
-- newest on meets both, in one order, and a page of one is a page of the other.
--
-- What a caller is shown follows from his role, as the policies say it again when he looks the ids up: who treats sees notes
-- and documents; the front desk documents of its categories; a patient what was released to him, documents here and notes in
-- released_notes, which he alone searches and of which he has few.

alter table app.search_texts add column category text;           -- of a document: who may read it
alter table app.search_texts add column released_at timestamptz; -- of a document, to the patient
alter table app.search_texts add constraint search_texts_category_check check ((kind = 'document') = (category is not null));
comment on column app.search_texts.type is 'the type of a note; of a document its kind';

-- By time alone, with the kind at the end: to be read without visiting the table where only one kind is wanted.
drop index app.search_texts_date_idx;
create index search_texts_date_idx on app.search_texts (tenant_id, happened_at, source_id, kind);

-- The day of a document as an instant: midnight, in UTC.
create function app.document_instant(day date) returns timestamptz
    language sql immutable parallel safe
as $$ select day::timestamp at time zone 'UTC' $$;
revoke all on function app.document_instant(date) from public;
grant execute on function app.document_instant(date) to chartwell_runtime, chartwell_definer;

-- The words of documents move. A vector of a document also holds `k=document`: a caller who is shown documents only need not
-- meet every note that has his word. As the role that row-level security does not bind: the owner would move nothing.
alter table app.search_texts disable trigger user;
set local role chartwell_migrator;
insert into app.search_texts (tenant_id, kind, source_id, patient_id, author_id, type, happened_at, category, released_at, words)
select t.tenant_id, 'document', t.document_id, t.patient_id, v.uploaded_by, d.kind, app.document_instant(d.document_date), t.category,
       t.released_at, to_tsvector('pg_catalog.english', d.title || E'\n\n' || t.body) || array_to_tsvector(array['t=' || t.tenant_id, 'k=document'])
  from app.document_texts t
  join app.documents d on d.tenant_id = t.tenant_id and d.id = t.document_id and d.status = 'current'
  join app.document_versions v on v.tenant_id = t.tenant_id and v.id = t.version_id and v.number = d.current_number;
set local role chartwell_owner;
alter table app.search_texts enable trigger user;
drop function app.search_documents(text, text[], uuid, text, text, real, uuid, bigint);
drop index app.document_texts_words_idx;
alter table app.document_texts drop column words;

-- Who wrote a released note, so that its reader can search by it, and its words as text.
alter table app.released_notes add column author_id uuid;
-- The constraint asks for rows, and the policies ask who wants to know.
set local app.context = '00000000-0000-0000-0000-000000000000 nobody nothing   ';
alter table app.released_notes add constraint released_notes_author_fkey
    foreign key (tenant_id, author_id) references app.users (tenant_id, id);
-- Not a change of what was released: the history has nothing to remember, and here is no caller it could name.
alter table app.released_notes disable trigger user;
set local role chartwell_migrator;
update app.released_notes r set author_id = n.author_id from app.notes n where n.tenant_id = r.tenant_id and n.id = r.id;
set local role chartwell_owner;
alter table app.released_notes enable trigger user;

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
grant update, delete on app.search_texts to chartwell_definer;
create trigger documents_search after update on app.documents for each row execute function app.follow_document();

-- The texts that match, newest first, from a place on: ids, which the caller looks up under his policies. `query` is in the
-- syntax of to_tsquery; null matches everything, one of stop words alone nothing.
-- It first reads the newest texts in their order: a common word fills the page from them, where the index would bring
-- thousands of rows to be sorted. A rare one does not, and the index goes on from there.
drop function app.matching_texts(text, text, uuid, uuid, text, timestamptz, timestamptz, timestamptz, uuid, bigint);
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
