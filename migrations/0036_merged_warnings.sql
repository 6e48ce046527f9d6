-- Two charts that are merged may say the same thing, and one of them say it worse: here a penicillin intolerance, low, without a
-- reaction; there an allergy, high, with an anaphylaxis. One row must give way (merge_yields, 0018), and the bedside reads the
-- other; so the other takes over whatever is worse or more. The journal keeps what it said and what it was given, and taking the
-- merge back restores the one where the other still stands: what somebody has changed since is what he meant.

-- joined: a row of the survivor's that took over what a superseded one says. Changed, not moved.
alter table app.patient_merge_rows add column made jsonb;     -- of a joined row: what it was given, by column
alter table app.patient_merge_rows drop constraint patient_merge_rows_fate_check;
alter table app.patient_merge_rows add constraint patient_merge_rows_fate_check
    check (fate in ('moved', 'stayed', 'followed', 'superseded', 'denied', 'joined'));
grant update (kind, criticality, severity, onset, reactions, note, version, updated_at) on app.allergies to chartwell_definer;
grant update (severity, status, onset, abatement, note, version, updated_at) on app.problems to chartwell_definer;

-- Of two words the one that stands later among the given; what nobody said stands before them all.
create function app.later_word(words text[], one text, other text) returns text
    language sql immutable set search_path = pg_catalog, pg_temp
as $$
    select case when coalesce(array_position(words, other), 0) > coalesce(array_position(words, one), 0) then other else one end
$$;
revoke all on function app.later_word(text[], text, text) from public;
grant execute on function app.later_word(text[], text, text) to chartwell_definer;

-- Of two dates known to a year, a month or a day the earlier one; where the one lies in the other, the more exact.
create function app.earlier_date(one text, other text) returns text
    language sql immutable set search_path = pg_catalog, pg_temp
as $$
    select case when one is null then other
                when other is null then one
                when starts_with(other, one) then other
                when starts_with(one, other) then one
                else least(one collate "C", other collate "C") end
$$;
revoke all on function app.earlier_date(text, text) from public;
grant execute on function app.earlier_date(text, text) to chartwell_definer;

-- What a row takes over from one that says the same thing: the columns that change, and nothing that is milder. Reactions and notes
-- are added to, and nothing is cut off: a note that has become too long is shortened by whoever amends it next.
create function app.taken_over(plain text, own jsonb, other jsonb) returns jsonb
    language sql immutable set search_path = pg_catalog, pg_temp
as $$
    with note (text) as (
        select case when own ->> 'note' is null then other ->> 'note'
                    when other ->> 'note' is null or position(other ->> 'note' in own ->> 'note') > 0 then own ->> 'note'
                    else (own ->> 'note') || E'\nFrom the merged chart: ' || (other ->> 'note') end),
    said (col, value) as (
        select 'kind', to_jsonb(app.later_word('{unknown,intolerance,allergy}', own ->> 'kind', other ->> 'kind'))
         where plain = 'allergies'
        union all
        select 'criticality', to_jsonb(app.later_word('{low,unable_to_assess,high}', own ->> 'criticality', other ->> 'criticality'))
         where plain = 'allergies'
        union all
        select 'severity', to_jsonb(app.later_word('{mild,moderate,severe,critical}', own ->> 'severity', other ->> 'severity'))
        union all
        select 'verification', to_jsonb(app.later_word('{unconfirmed,differential,provisional,confirmed}',
                                                       own ->> 'verification', other ->> 'verification'))
        union all
        select 'onset', to_jsonb(app.earlier_date(own ->> 'onset', other ->> 'onset'))
        union all
        select 'note', to_jsonb(note.text) from note
        union all
        select 'reactions', (own -> 'reactions')
                            || coalesce((select jsonb_agg(r.said order by r.place)
                                           from jsonb_array_elements(other -> 'reactions') with ordinality as r (said, place)
                                          where not own -> 'reactions' @> jsonb_build_array(r.said)), '[]')
         where plain = 'allergies'
        union all
        -- What is active in one of the charts is not in remission.
        select t.col, t.value from (values ('status', other -> 'status'), ('abatement', null)) t (col, value)
         where plain = 'problems' and own ->> 'status' = 'in_remission' and other ->> 'status' in ('active', 'chronic'))
    select coalesce(jsonb_object_agg(s.col, s.value), '{}')
      from said s where coalesce(s.value, 'null') is distinct from own -> s.col
$$;
revoke all on function app.taken_over(text, jsonb, jsonb) from public;
grant execute on function app.taken_over(text, jsonb, jsonb) to chartwell_definer;

-- A row as it is; held until the transaction ends.
create function app.merging_row(plain text, row_id uuid) returns jsonb
    language plpgsql set search_path = pg_catalog, pg_temp set timezone = 'UTC'
as $$
declare
    found jsonb;
begin
    execute format('select to_jsonb(t) from app.%I t where t.tenant_id = $1 and t.id = $2 for update', plain)
       into strict found using app.tenant_id(), row_id;
    return found;
end
$$;
revoke all on function app.merging_row(text, uuid) from public;
alter function app.merging_row(text, uuid) owner to chartwell_definer;

-- Gives a row of the survivor's what it is to say. A new version, unlike what gives way: somebody may be about to amend it.
create function app.say_merged(plain text, own jsonb, given jsonb) returns jsonb
    language sql set search_path = pg_catalog, pg_temp
as $$
    select app.change_merged(plain, jsonb_build_object('id', own -> 'id'),
                             given || jsonb_build_object('version', (own ->> 'version')::bigint + 1, 'updated_at', now()))
           - '{version,updated_at}'::text[]
$$;
revoke all on function app.say_merged(text, jsonb, jsonb) from public;
alter function app.say_merged(text, jsonb, jsonb) owner to chartwell_definer;

-- Lets the rows of the survivor take over what the rows say that gave way to them: all of them, or columns of one.
create function app.join_likes(merge uuid, survivor uuid, one uuid default null, cols text[] default null) returns void
    language plpgsql set search_path = pg_catalog, pg_temp set timezone = 'UTC'
as $$
declare
    tenant uuid := app.tenant_id();
    pair   record;
    own    jsonb;
    given  jsonb;
begin
    for pair in
        select j.table_name as plain, s.id as own, d.id as other, j.former
          from app.patient_merge_rows j
          join app.allergies d on d.tenant_id = tenant and d.id = (j.row_key ->> 'id')::uuid
          join app.allergies s on s.tenant_id = tenant and s.patient_id = survivor and s.id <> d.id
                              and s.substance_kind = d.substance_kind and s.substance_key = d.substance_key
         where j.tenant_id = tenant and j.merge_id = merge and j.table_name = 'allergies' and j.fate = 'superseded'
           and s.status = 'active' and s.verification in ('unconfirmed', 'confirmed')
        union all
        select j.table_name, s.id, d.id, j.former
          from app.patient_merge_rows j
          join app.problems d on d.tenant_id = tenant and d.id = (j.row_key ->> 'id')::uuid
          join app.problems s on s.tenant_id = tenant and s.patient_id = survivor and s.id <> d.id
                             and (s.icd10cm = d.icd10cm or s.snomed = d.snomed)
         where j.tenant_id = tenant and j.merge_id = merge and j.table_name = 'problems' and j.fate = 'superseded'
           and s.status <> 'resolved' and s.verification not in ('refuted', 'entered_in_error')
         order by 1, 2, 3
    loop
        continue when one <> pair.own;
        own := app.merging_row(pair.plain, pair.own);
        select coalesce(jsonb_object_agg(t.key, t.value), '{}') into given
          from jsonb_each(app.taken_over(pair.plain, own, app.merging_row(pair.plain, pair.other) || pair.former)) t
         where cols is null or t.key = any(cols);
        continue when given = '{}';
        insert into app.patient_merge_rows as j (tenant_id, merge_id, table_name, row_key, columns, fate, former, made)
        values (tenant, merge, pair.plain, jsonb_build_object('id', pair.own), '{}', 'joined',
                app.say_merged(pair.plain, own, given), given)
        on conflict (tenant_id, merge_id, table_name, row_key)
            do update set former = excluded.former || coalesce(j.former, '{}'), made = coalesce(j.made, '{}') || excluded.made;
    end loop;
end
$$;
revoke all on function app.join_likes(uuid, uuid, uuid, text[]) from public;
alter function app.join_likes(uuid, uuid, uuid, text[]) owner to chartwell_definer;

-- Takes back what a merge let the survivor's rows take over. What later merges gave the same row comes off before, and goes on again
-- as far as it came off: it stands on what was there before.
create function app.part_likes(merge uuid) returns void
    language plpgsql set search_path = pg_catalog, pg_temp set timezone = 'UTC'
as $$
declare
    tenant   uuid := app.tenant_id();
    survivor uuid;
    begun    timestamptz;
    met      record;
    given    record;
    later    record;
    own      jsonb;
    back     jsonb;
    lowered  text[];
begin
    select m.survivor_id, m.created_at into strict survivor, begun from app.patient_merges m where m.tenant_id = tenant and m.id = merge;
    for met in select j.table_name, j.row_key from app.patient_merge_rows j
                where j.tenant_id = tenant and j.merge_id = merge and j.fate = 'joined' and j.former is not null order by j.id loop
        lowered := '{}';
        for given in
            select j.id, j.merge_id, j.former, j.made
              from app.patient_merge_rows j join app.patient_merges m on m.tenant_id = tenant and m.id = j.merge_id
             where j.tenant_id = tenant and j.table_name = met.table_name and j.row_key = met.row_key
               and j.fate = 'joined' and j.former is not null
               and m.survivor_id = survivor and m.status = 'merged' and (m.created_at, m.id) >= (begun, merge)
             order by m.created_at desc, m.id desc
        loop
            own := app.merging_row(met.table_name, (met.row_key ->> 'id')::uuid);
            select coalesce(jsonb_object_agg(f.key, f.value), '{}') into back
              from jsonb_each(given.former) f where own -> f.key = given.made -> f.key;
            continue when back = '{}';
            perform app.say_merged(met.table_name, own, back);
            lowered := lowered || array(select jsonb_object_keys(back));
            update app.patient_merge_rows j
               set former = nullif(j.former - array(select jsonb_object_keys(back)), '{}'),
                   made = j.made - array(select jsonb_object_keys(back))
             where j.tenant_id = tenant and j.id = given.id and given.merge_id <> merge;
        end loop;
        for later in
            select m.id from app.patient_merges m
             where m.tenant_id = tenant and m.survivor_id = survivor and m.status = 'merged' and (m.created_at, m.id) > (begun, merge)
             order by m.created_at, m.id
        loop
            perform app.join_likes(later.id, survivor, (met.row_key ->> 'id')::uuid, lowered);
        end loop;
    end loop;
end
$$;
revoke all on function app.part_likes(uuid) from public;
alter function app.part_likes(uuid) owner to chartwell_definer;

-- As in 0018, but that rows which took over are parted first.
create or replace function app.restore_merged(merge uuid) returns void
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    met record;
begin
    perform app.part_likes(merge);
    for met in select j.table_name, j.row_key, j.former from app.patient_merge_rows j
                where j.tenant_id = app.tenant_id() and j.merge_id = merge and j.former is not null and j.fate <> 'joined'
                  -- An allergy that was named since denies it still.
                  and not (j.table_name = 'allergy_statements'
                           and exists (select from app.allergy_statements s
                                         join app.allergies a on a.tenant_id = s.tenant_id and a.patient_id = s.patient_id
                                        where s.tenant_id = j.tenant_id and s.id = (j.row_key ->> 'id')::uuid
                                          and a.status = 'active' and a.verification in ('unconfirmed', 'confirmed')
                                          and (s.statement = 'no_known_allergies'
                                               or s.statement = 'no_known_drug_allergies' and a.substance_kind in ('drug', 'drug_class')
                                               or s.statement = 'no_known_food_allergies' and a.substance_kind = 'food'))) loop
        begin
            perform app.change_merged(met.table_name, met.row_key, met.former);
        exception when unique_violation then
            null;
        end;
    end loop;
end
$$;

-- And a merge, once its rows have given way, lets the survivor's take over what they say.
do $$
declare
    plain  text := pg_get_functiondef('app.merge_patients(uuid)'::regprocedure);
    joined text := replace(plain, 'perform app.hand_over(merge, merged, survivor);',
                           E'perform app.join_likes(merge, survivor);\n    perform app.hand_over(merge, merged, survivor);');
begin
    if joined = plain then
        raise exception 'a merge does not hand over as it did';
    end if;
    execute joined;
end
$$;
