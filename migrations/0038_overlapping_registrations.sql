-- Two registrations of one person, each booked for the same hour: the usual way a duplicate is noticed.

-- Rows of the one patient that would break a unique or exclusion constraint beside the other's stay where they are. As in 0018, but
-- that a generated column made from the patient's is the patient's, too: reservations name whom they occupy by `resource_id`.
create or replace function app.keep_conflicts(merge uuid, survivor uuid, merged uuid) returns void
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    tenant uuid := app.tenant_id();
    x      record;
begin
    for x in
        with patients as (
            select o.tbl, o.col, a.attname as name
              from app.patient_columns() o
              join pg_attribute a on a.attrelid = o.tbl and a.attname = o.col
            union
            select o.tbl, o.col, made.attname
              from app.patient_columns() o
              join pg_attribute a on a.attrelid = o.tbl and a.attname = o.col
              join pg_attribute made on made.attrelid = o.tbl and made.attgenerated <> '' and not made.attisdropped
              join pg_attrdef e on e.adrelid = made.attrelid and e.adnum = made.attnum
             -- Which columns an expression reads is said of the expression or of its column, as the server's version has it.
             where exists (select from pg_depend d
                            where d.refclassid = 'pg_class'::regclass and d.refobjid = a.attrelid and d.refobjsubid = a.attnum
                              and (d.classid = 'pg_attrdef'::regclass and d.objid = e.oid
                                   or d.classid = 'pg_class'::regclass and d.objid = made.attrelid and d.objsubid = made.attnum))
        )
        select m.tbl, m.plain, m.row_key, i.relname as name, o.col,
               string_agg(format('(%s) as e%s', pg_get_indexdef(n.indexrelid, key.place::integer, true), key.place), ', ') as parts,
               string_agg(format(case when n.indnullsnotdistinct then 'a.e%1$s is not distinct from b.e%1$s'
                                      else 'a.e%1$s operator(%2$s.%3$s) b.e%1$s' end,
                                 key.place, coalesce(ns.nspname, 'pg_catalog'), coalesce(op.oprname, '=')), ' and ')
                   filter (where not exists (select from patients p where p.tbl = m.tbl and p.col = o.col and p.name = att.attname)) as same,
               coalesce(pg_get_expr(n.indpred, n.indrelid, true), 'true') as where_true
          from app.merge_tables() m
          join app.patient_columns() o on o.tbl = m.tbl
          join pg_index n on n.indrelid = m.tbl and (n.indisunique or n.indisexclusion)
          join pg_class i on i.oid = n.indexrelid
         cross join lateral generate_series(1, n.indnkeyatts) as key (place)
          left join pg_attribute att on att.attrelid = n.indrelid and att.attnum = n.indkey[key.place - 1]
          left join pg_constraint k on k.conindid = n.indexrelid and k.contype = 'x'
          left join pg_operator op on op.oid = k.conexclop[key.place]
          left join pg_namespace ns on ns.oid = op.oprnamespace
         where exists (select from patients p
                         join pg_attribute a on a.attrelid = n.indrelid and a.attname = p.name
                        where p.tbl = m.tbl and p.col = o.col and a.attnum = any((n.indkey::int2[])[0:n.indnkeyatts - 1]))
         group by m.tbl, m.plain, m.row_key, i.relname, o.col, n.indexrelid, n.indpred, n.indrelid
    loop
        execute format(
            'update app.patient_merge_rows j set fate = ''stayed'', because = %L
              where j.tenant_id = $1 and j.merge_id = $2 and j.table_name = %L and j.fate = ''moved''
                and exists (select from (select %s as row_key, %s from %s t where t.tenant_id = $1 and t.%I = $4 and (%s)) a
                              join (select %s from %s t where t.tenant_id = $1 and t.%I = $3 and (%s)) b on %s
                             where a.row_key = j.row_key)',
            x.name, x.plain, x.row_key, x.parts, x.tbl, x.col, x.where_true, x.parts, x.tbl, x.col, x.where_true,
            coalesce(x.same, 'true'))
            using tenant, merge, survivor, merged;
    end loop;
end
$$;
