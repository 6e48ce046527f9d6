\set t random(0, :tenants - 1)
\set p :t * :per_tenant + random(0, :team - 1)
begin;
select bench.as_provider(bench.id('10000000', :t), bench.id('21000000', :t));
select * from app.patients where tenant_id = bench.id('10000000', :t) and id = bench.id('30000000', :p) and deleted_at is null;
insert into app.phi_access_log (tenant_id, at, id, user_id, session_id, patient_id, resource_id, request_id, role, resource, action, outcome,
    purpose, method, route, address, user_agent, mac)
values (bench.id('10000000', :t), clock_timestamp(), gen_random_uuid(), bench.id('21000000', :t), bench.id('50000000', :t),
    bench.id('30000000', :p), bench.id('30000000', :p), gen_random_uuid(), 'provider', 'patient', 'read', 'success', 'TREAT', 'GET',
    '/api/v1/patients/{patient_id}', '127.0.0.1', 'chartwell-figures', decode('000102030405060708090a0b0c0d0e0f', 'hex'));
commit;
