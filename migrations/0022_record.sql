-- The clinical record, second half: a chart that is opened once, a search that stops early, a consult note that exists.

-- Searching notes -------------------------------------------------------------------------------------------------------
-- As in 0009, but whoever has charts of his own also reads the newest texts in their order first, and a page that is full is
-- the end of it.
create or replace function app.matching_texts(wanted_kind text, query text, of_patient uuid, of_author uuid, of_type text,
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
    if wanted is not null and of_patient is null then
        for met in
            select s.source_id as id, s.happened_at as at,
                   s.words @@ wanted and (of_author is null or s.author_id = of_author) and (of_type is null or s.type = of_type)
                   and (charts is null or s.patient_id = any(charts)) as fits
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
        if given = at_most then
            return;
        end if;
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

-- Referrals -------------------------------------------------------------------------------------------------------------
-- The note that closes a loop is a note of this patient. Not asked of the loops that were closed before, which could name
-- anything.
alter table app.referrals add constraint referrals_consult_note_fkey
    foreign key (tenant_id, patient_id, consult_note_id) references app.notes (tenant_id, patient_id, id) not valid;

