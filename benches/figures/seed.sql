-- Made-up people by the million, in the form in which the application writes them (but for the keys by which names that
-- sound alike are found, which SQL can't make). Run as superuser, with triggers and foreign keys off: what they would check
-- is true by construction.

create schema bench;
grant usage on schema bench to chartwell_runtime;

-- Ids that can be computed, so that a load generator needs no list of them: kind, then number.
create function bench.id(kind text, n bigint) returns uuid language sql immutable parallel safe
    as $$ select (kind || lpad(to_hex(n), 24, '0'))::uuid $$;

create function bench.stems() returns text[] language sql immutable parallel safe as $$
    select '{Ander,Baker,Brook,Calde,Carter,Chand,Daven,Delga,Easter,Elling,Fairb,Fergu,Gallo,Garri,Hamil,Harper,Hender,Ingra,
        Jarvi,Keller,Kingst,Lamber,Lindq,Maddo,Marti,Merri,Monta,Nakam,Norwo,Okafo,Olive,Palmer,Patter,Quinte,Ramir,Redmo,River,
        Sander,Schul,Shepa,Silver,Tanak,Thorn,Under,Valen,Vander,Walde,Whitf,Yamam,Zimme}'::text[] $$;
create function bench.family(n bigint) returns text language sql immutable parallel safe as $$
    select (bench.stems())[1 + h % 50] ||
           ('{s,son,man,ton,ley,well,berg,stein,field,ford,wood,worth,land,ham,by,ez,ski,ova,quist,er}'::text[])[1 + h / 50 % 20]
      from (select hashint8(n) & 1073741823 as h) as hash $$;
create function bench.given(n bigint) returns text language sql immutable parallel safe as $$
    select ('{Alice,Bruno,Carla,David,Elena,Frank,Grace,Hugo,Irene,James,Karin,Louis,Maria,Nadia,Oscar,Paula,Quinn,Rosa,Simon,
        Teresa,Ursula,Victor,Wendy,Xavier,Yusuf,Zoe,Amara,Boris,Chloe,Diego,Emma,Felix,Gina,Henry,Ines,Jonas,Kira,Leo,Mina,Noah}'::text[])
        [1 + (hashint8(n + 77) & 1073741823) % 40] $$;

-- BEGIN's companion for pgbench: SET LOCAL takes no parameters, and set_config is refused to the runtime role.
create function bench.as_provider(tenant uuid, provider uuid) returns void
    language plpgsql security definer as $$
begin
    perform set_config('app.context', format('%s provider care_team %s  ', tenant, provider), true);
end $$;
grant execute on all functions in schema bench to chartwell_runtime;

-- A tenant: a facility, an admin, a provider with `team` patients on his care team, and the patients.
create procedure bench.fill_tenant(t bigint, per_tenant bigint, team bigint, password_hash text) language plpgsql as $$
declare
    tenant   constant uuid := bench.id('10000000', t);
    admin    constant uuid := bench.id('20000000', t);
    doctor   constant uuid := bench.id('21000000', t);
    provider constant uuid := bench.id('22000000', t);
    facility constant uuid := bench.id('23000000', t);
    then_    constant timestamptz := date_trunc('day', now()) - interval '1 year';
begin
    insert into app.tenants (tenant_id, slug, name, created_at, updated_at)
    values (tenant, 'tenant-' || t, 'Tenant ' || t, then_, then_);
    insert into app.facilities (tenant_id, id, code, name, time_zone, created_at, updated_at)
    values (tenant, facility, 'MAIN', 'Main clinic', 'America/New_York', then_, then_);
    insert into app.users (tenant_id, id, email, email_key, given_name, family_name, role, password_hash, password_set_at, created_at, updated_at)
    select tenant, id, role || '@bench.example', role || '@bench.example', 'Robin', initcap(role), role, password_hash, then_, then_, then_
      from (values (admin, 'admin'), (doctor, 'provider')) as people (id, role);
    insert into app.providers (tenant_id, id, user_id, given_name, family_name, sort_key, created_at, updated_at)
    values (tenant, provider, doctor, 'Robin', 'Provider', 'provider robin', then_, then_);

    insert into app.patients (tenant_id, id, mrn, status, names, sort_key, birth_date, sex, language, marital_status, telecoms, addresses,
                              primary_provider_id, facility_id, created_by, created_at, updated_at)
    select tenant, bench.id('30000000', n), lpad(k::text, 8, '0'), 'active',
           jsonb_build_array(jsonb_build_object('use', 'legal', 'family', bench.family(n), 'given', jsonb_build_array(bench.given(n)))),
           lower(bench.family(n) || ' ' || bench.given(n)), date '1930-01-01' + (k * 7919 % 33000)::integer,
           case n % 2 when 0 then 'female' else 'male' end, 'en-US', 'married',
           jsonb_build_array(jsonb_build_object('system', 'phone', 'value', '+1555' || lpad(k::text, 7, '0'), 'use', 'mobile')),
           jsonb_build_array(jsonb_build_object('use', 'home', 'lines', jsonb_build_array(k || ' Main Street'), 'city', 'Springfield',
                                                'state', 'MA', 'postal_code', '01101', 'country', 'US', 'from', '2015-01-01')),
           provider, facility, doctor, then_, then_
      from generate_series(0, per_tenant - 1) as k, lateral (values (t * per_tenant + k)) as number (n);
    insert into app.patient_keys (tenant_id, kind, key, patient_id)
    select tenant, kind, key, id
      from (select bench.id('30000000', n) as id, lower(bench.family(n)) as family, lower(bench.given(n)) as given, k
              from generate_series(0, per_tenant - 1) as k, lateral (values (t * per_tenant + k)) as number (n)) as person,
           lateral (values ('family', family || ' ' || given), ('given', given), ('name', given || ' ' || family), ('mrn', lpad(k::text, 8, '0')),
                           ('phone', '555' || lpad(k::text, 7, '0'))) as keys (kind, key)
     order by kind, key, id;
    insert into app.patient_facilities (tenant_id, patient_id, facility_id)
    select tenant, bench.id('30000000', t * per_tenant + k), facility from generate_series(0, per_tenant - 1) as k;
    insert into app.care_team_members (tenant_id, id, patient_id, user_id, role, valid_from, created_by, created_at, updated_at)
    select tenant, bench.id('31000000', n), bench.id('30000000', n), doctor, 'primary_care', then_, admin, then_, then_
      from generate_series(t * per_tenant, t * per_tenant + team - 1) as n;
end $$;

-- Ten visits a patient, spread evenly over so many months, of which the last is the next.
create procedure bench.fill_encounters(t bigint, per_tenant bigint, months integer) language plpgsql set timezone = 'UTC' as $$
declare
    tenant constant uuid := bench.id('10000000', t);
    first  constant timestamptz := date_trunc('month', now()) - (months - 2) * interval '1 month';
    width  constant bigint := extract(epoch from date_trunc('month', now()) + interval '2 months' - first) / 900;
begin
    create temporary table visit on commit drop as
    select bench.id('40000000', t * per_tenant * 10 + visit * per_tenant + k) as id, bench.id('30000000', t * per_tenant + k) as patient_id,
           first + (visit * per_tenant + k) * 7919 % width * interval '15 minutes' as scheduled_start
      from generate_series(0, 9) as visit, generate_series(0, per_tenant - 1) as k;
    insert into app.encounter_register (tenant_id, id, patient_id, scheduled_start)
    select tenant, id, patient_id, scheduled_start from visit;
    insert into app.encounters (tenant_id, id, patient_id, class, status, scheduled_start, scheduled_end, time_zone, facility_id,
                                attending_provider_id, chief_complaint, created_at, updated_at)
    select tenant, id, patient_id, 'office_visit', 'scheduled', scheduled_start, scheduled_start + interval '15 minutes', 'America/New_York',
           bench.id('23000000', t), bench.id('22000000', t), 'Headache for three days', scheduled_start, scheduled_start
      from visit;
end $$;

-- What notes are made of: a note has eight of these, so that a word is in an eighth of all notes, and a family's name, which
-- is in a thousandth.
create function bench.phrase(h integer) returns text language sql immutable parallel safe as $$
    select ('{reports chest pain on exertion,denies shortness of breath at rest,throbbing headache for three days,no fever and no chills,
        worse in the afternoon and after meals,takes lisinopril every morning,stopped metformin because of nausea,sleeps poorly since the move,
        walks two miles a day without trouble,smokes half a pack daily,quit drinking last winter,appetite is good and weight stable,
        swelling of both ankles by evening,numbness of the left hand at night,dry cough for two weeks,burning on urination since Monday,
        blood pressure 142 over 88 sitting,lungs clear to auscultation,heart regular without murmur,abdomen soft and not tender,
        no edema of the legs,skin warm and dry,gait steady and reflexes symmetric,throat red without exudate,
        right knee swollen and warm,range of motion limited by pain,pupils equal and reactive,neck supple without nodes,
        wound clean and healing,pedal pulses palpable,ear canal clear,oxygen saturation 97 percent on room air,
        essential hypertension not at goal,type 2 diabetes well controlled,migraine without aura,acute bronchitis likely viral,
        urinary tract infection uncomplicated,osteoarthritis of the right knee,seasonal allergic rhinitis,generalized anxiety improving,
        hyperlipidemia on a statin,iron deficiency anemia,gastroesophageal reflux,low back strain after lifting,
        atrial fibrillation rate controlled,asthma mild and intermittent,chronic kidney disease stage three,hypothyroidism on replacement,
        increase lisinopril to 20 mg,continue metformin twice daily,ibuprofen 400 mg as needed,return in three months,
        basic metabolic panel before the next visit,referral to physical therapy,nitrofurantoin for five days,home blood pressure log,
        colonoscopy is due this year,flu vaccine given today,echocardiogram ordered,discussed diet and exercise,
        start atorvastatin at bedtime,call if fever or rash,sleep hygiene reviewed,refill of albuterol inhaler}'::text[])[1 + (h & 63)] $$;
create function bench.section(n bigint, place integer) returns text language sql immutable parallel safe as $$
    select initcap(left(said, 1)) || substr(said, 2) || '.'
      from (select bench.phrase(hashint8(n * 8 + place)) || '; ' || bench.phrase(hashint8(n * 8 + place + 1)) as said) as pair $$;

-- So many notes of each patient, over three years, signed; and their texts, where they are searched.
create procedure bench.fill_notes(t bigint, per_tenant bigint, notes bigint) language plpgsql set timezone = 'UTC' as $$
declare
    tenant constant uuid := bench.id('10000000', t);
    doctor constant uuid := bench.id('21000000', t);
    first  constant timestamptz := date_trunc('day', now()) - interval '3 years';
    width  constant bigint := 3 * 365 * 24 * 60;
begin
    create temporary table written on commit drop as
    select bench.id('50000000', n) as id, bench.id('51000000', n) as text_id, bench.id('30000000', t * per_tenant + k) as patient_id,
           first + (n * 7919 % width) * interval '1 minute' as at, 'Seen with ' || bench.family(n) as title,
           bench.section(n, 0) as subjective, bench.section(n, 2) as objective, bench.section(n, 4) as assessment, bench.section(n, 6) as plan
      from generate_series(0, notes - 1) as note, generate_series(0, per_tenant - 1) as k,
           lateral (values ((t * notes + note) * per_tenant + k)) as number (n);
    insert into app.notes (tenant_id, id, patient_id, type, title, status, author_id, noted_at, signed_by, signed_at, version, created_at, updated_at)
    select tenant, id, patient_id, 'soap', title, 'signed', doctor, at, doctor, at, 2, at, at from written;
    insert into app.note_texts (tenant_id, id, patient_id, note_id, number, kind, row_version, content, saved_by, saved_at)
    select tenant, text_id, patient_id, id, 1, 'saved', 1,
           jsonb_build_object('subjective', subjective, 'objective', objective, 'assessment', assessment, 'plan', plan), doctor, at
      from written;
    insert into app.search_texts (tenant_id, kind, source_id, patient_id, author_id, type, happened_at, words)
    select tenant, 'note', id, patient_id, doctor, 'soap', at,
           to_tsvector('pg_catalog.english', concat_ws(E'\n\n', title, subjective, objective, assessment, plan))
           || array_to_tsvector(array['t=' || tenant])
      from written;
end $$;

-- A chart that was kept for ten years: of the tenant's first `charts` patients, 2,000 visits, 5,000 vital signs, 300 notes, and
-- a few of the rest. A visit lies in each of the months, evenly, and so do the readings.
create procedure bench.fill_chart(t bigint, per_tenant bigint, charts bigint) language plpgsql set timezone = 'UTC' as $$
declare
    tenant constant uuid := bench.id('10000000', t);
    doctor constant uuid := bench.id('21000000', t);
    first  constant timestamptz := date_trunc('month', now()) - interval '118 months';
    width  constant interval := now() - first;
begin
    create temporary table course on commit drop as
    select bench.id('41000000', t * charts * 2000 + k * 2000 + n) as id, bench.id('30000000', t * per_tenant + k) as patient_id,
           n, first + width * (n / 2000.0) as at
      from generate_series(0, charts - 1) as k, generate_series(0, 1999) as n;
    insert into app.encounter_register (tenant_id, id, patient_id, scheduled_start) select tenant, id, patient_id, at from course;
    insert into app.encounters (tenant_id, id, patient_id, class, status, scheduled_start, scheduled_end, time_zone, facility_id,
                                attending_provider_id, chief_complaint, created_at, updated_at)
    select tenant, id, patient_id, 'office_visit', 'completed', at, at + interval '15 minutes', 'America/New_York',
           bench.id('23000000', t), bench.id('22000000', t), 'Headache for three days', at, at
      from course;
    insert into app.vitals (tenant_id, id, set_id, patient_id, encounter_id, measured_at, kind, value, diastolic, given_value,
                            given_second, given_unit, source, recorded_by, recorded_at, updated_at)
    select tenant, gen_random_uuid(), md5(c.id::text)::uuid, c.patient_id, c.id, c.at, m.kind, m.value,
           m.diastolic, m.value, m.diastolic, m.unit, 'manual', doctor, c.at, c.at
      from course c,
           lateral (values ('blood_pressure', 118 + c.n % 40, 74, 'mm[Hg]'), ('heart_rate', 62 + c.n % 30, null, '/min'),
                           ('respiratory_rate', 12 + c.n % 7, null, '/min'), ('temperature', 36.6, null, 'Cel'),
                           ('oxygen_saturation', 95 + c.n % 5, null, '%'), ('weight', 80 + c.n % 5, null, 'kg'),
                           ('height', 178, null, 'cm'), ('pain', c.n % 4, null, '{score}'), ('glucose', 90 + c.n % 40, null, 'mg/dL'),
                           ('head_circumference', 56, null, 'cm')) as m (kind, value, diastolic, unit)
     where c.n % 4 = 0;
    create temporary table chapter on commit drop as
    select bench.id('52000000', (t * charts + k) * 300 + n) as id, bench.id('53000000', (t * charts + k) * 300 + n) as text_id,
           bench.id('30000000', t * per_tenant + k) as patient_id, first + width * (n / 300.0) as at, n
      from generate_series(0, charts - 1) as k, generate_series(0, 299) as n;
    insert into app.notes (tenant_id, id, patient_id, type, title, status, author_id, noted_at, signed_by, signed_at, version, created_at, updated_at)
    select tenant, id, patient_id, 'soap', 'Visit ' || n, 'signed', doctor, at, doctor, at, 2, at, at from chapter;
    insert into app.note_texts (tenant_id, id, patient_id, note_id, number, kind, row_version, content, saved_by, saved_at)
    select tenant, text_id, patient_id, id, 1, 'saved', 1, jsonb_build_object('subjective', bench.section(n, 0)), doctor, at from chapter;
    insert into app.problems (tenant_id, id, patient_id, icd10cm, name, status, verification, created_by, created_at, updated_at)
    select tenant, md5('problem' || id)::uuid, patient_id, 'Z' || n, 'Problem ' || n, case when n < 20 then 'active' else 'resolved' end,
           'confirmed', doctor, at, at from chapter where n < 40;
    insert into app.allergies (tenant_id, id, patient_id, kind, substance_kind, substance_text, substance_key, criticality, status, verification,
                               created_by, created_at, updated_at)
    select tenant, md5('allergy' || id)::uuid, patient_id, 'allergy', 'food', 'Food ' || n, 'food ' || n, 'low', 'active', 'confirmed', doctor, at, at
      from chapter where n < 6;
    insert into app.immunizations (tenant_id, id, patient_id, cvx, name, status, occurred_on, source, created_by, created_at, updated_at)
    select tenant, md5('dose' || id)::uuid, patient_id, '140', 'Influenza', 'completed', at::date::text, 'administered', doctor, at, at from chapter where n % 8 = 0;
    insert into app.goals (tenant_id, id, patient_id, description, status, achievement, created_by, created_at, updated_at)
    select tenant, md5('goal' || id)::uuid, patient_id, 'Goal ' || n, 'active', 'in_progress', doctor, at, at from chapter where n < 12;
    insert into app.documents (tenant_id, id, patient_id, category, kind, title, document_date, source, current_number, created_by, created_at, updated_at)
    select tenant, md5('document' || id)::uuid, patient_id, 'clinical', 'other', 'Letter ' || n, at::date, 'staff', 1, doctor, at, at
      from chapter where n % 5 = 0;
end $$;
