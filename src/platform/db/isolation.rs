//! The promise of isolation, asked of the catalogue: what must hold of every table, policy, key and function.
//!
//! A test runs it, `doctor` runs it, and the server runs it before it serves. A table added tomorrow is covered, because
//! nothing here names a table that follows the rules; the few that can't are listed with their reason.

use kernel::Result;
use sqlx::PgConnection;

use super::migrate::newest;

/// Tables of the installation, not of a tenant: no health information, no tenant's data.
pub const SHARED_TABLES: &[&str] = &[
    "signing_keys",          // keys of the installation, wrapped
    "seal_progress",         // how far sealing has come
    "numbering",             // how transactions are counted
    "seal_acknowledgements", // breaks of the sealed logs, and who answers for them
    "terminology_concepts",  // codes and their meaning: facts of the world
    "terminology_versions",  // which distribution files are loaded
];

/// Functions that run with their owner's rights. Each has its own tenant predicate, or touches no tenant's rows.
const DEFINER_FUNCTIONS: &[&str] = &[
    "charts_with_key", // search by the beginning of a key, within the tenant and the caller's charts
    "ensure_month",    // makes a partition
    "ensure_months",   // makes partitions
    "find_tenant",     // slug to tenant, before there is a caller
    "join_team_of_appointment", // trigger: who is to see a patient is on the team
    "know_patient_of_appointment", // trigger: where a patient is expected he is known
    "join_team_of_encounter", // trigger: who treats is on the team
    "join_team_of_participant", // trigger: who takes part in treating, too
    "join_team_of_referral", // trigger: who is referred to
    "follow_account",  // trigger: a provider's patients follow his account
    "follow_unmerge",  // trigger: each registration has its own appointments again
    "know_patient_where_registered", // trigger: a registration that moves
    "import_named",    // the resource kept under a name, within the tenant: an id
    "medication_named", // what a kept Medication says it is: a code, and nobody's, within the tenant
    "join_team_of_new_patient", // trigger: who registers is on the team
    "matching_texts",   // full-text search, within the tenant and the caller's charts
    "may_see",          // whose chart may be opened
    "merge_patients",   // moves one patient's rows to another, within the tenant
    "refuse_merged",    // trigger: a merged registration takes nothing more
    "unmerge_patients", // takes a merge back from its journal
    "names_of_accessors", // who opened my chart, for a patient
    "looks_that_showed", // lists that showed this chart, without the others on them
    "names_of_team",    // who is on a chart's team, for those who may open it
    "own_charts",       // the charts the caller may open
    "record_change",    // trigger: history
    "record_changes",   // trigger: the same, once a statement
    "schema_version",   // the newest migration
    "set_own_password", // a password is its owner's to change
    "similar_names",    // fuzzy search, within the tenant
    "tenant_ids",       // which tenants there are, for jobs
    "open_chart",       // asks may_see once, for a read of one snapshot
    "refuse_merged_of_many", // trigger: as refuse_merged, for vital signs by the thousand
    // what flows around appointments
    "audience_of_appointment", // who may see its patient, within the tenant, for the system only
    "follow_appointment",      // trigger: jobs and notices that follow from a change
    "follow_hold",             // trigger: jobs that follow from a hold given back
    "follow_patient",          // trigger: the job that ends what a patient waits for who has left
    "tenants_with_work",       // which tenants have jobs that are due
    "sits_in_room",            // whether anybody sits in a room, within the tenant
    "follow_document", // trigger: the words of a document follow its label, version and release
    "appointment_counts", // what became of a facility's appointments, counted, within the tenant
    "ensure_these_months", // makes partitions: of an import, of a past
    "hold_own_chart",  // a patient's bookings one after the other: locks his own registration
    "hold_providers",  // bookings of limited providers one after the other, within the tenant
    "release_stale_holds", // of a place somebody wants, within the tenant
    "standing_appointments", // when and where something is booked that may have to be moved, within the tenant
    "keep_overbooked", // of a place that became free, for who was booked over it, within the tenant
    // the record
    "follow_return", // trigger: jobs that follow when a facility or a provider comes back
    "facility_of_reservation", // where a provider is taken whom somebody plans with, within the tenant
    "registrations_of", // the registrations merged with one the caller may see, within the tenant
    "merged_into",      // those whose merge into one the caller may see stands, within the tenant
    "moves_of", // rows that changed hands between one the caller may see and others, within the tenant
    "reopen_referrals", // trigger: what an answer in error had closed, within the tenant
    "register_begin_of_encounter", // trigger: the register knows when an encounter began
    "sessions_of", // where a session stands that is joined, within the tenant
    "left_since_agreed", // who of an appointment's staff has left, of one the caller may see, within the tenant
    "forget_papers", // what imported resources hold of a document that was destroyed, within the tenant
    // as it stood
    "encounters_then", // rows of the history, of a provider or a facility, within the tenant
    "follow_time_zone", // trigger: the days of documents follow their organisation's clocks
    "transaction_number", // how the sealer counts: reads and adds to the numbering, which is no tenant's
];

/// What breaks the promise, a line each; empty when it holds.
///
/// A schema newer than the program may have what the program does not know: a definer function, a table of the installation.
/// Servers are exchanged one after the other, so these do not count then; whatever names a tenant keeps every rule.
pub async fn violations(connection: &mut PgConnection) -> Result<Vec<String>> {
    let mut found: Vec<String> = Vec::new();
    let mut shared: Vec<String> = SHARED_TABLES
        .iter()
        .map(|name| (*name).to_owned())
        .collect();
    let unknown = sqlx::query_scalar::<_, String>(UNKNOWN_SHARED_TABLES)
        .bind(newest())
        .fetch_all(&mut *connection)
        .await?;
    shared.extend(unknown);
    let definers: Vec<String> = DEFINER_FUNCTIONS
        .iter()
        .map(|name| (*name).to_owned())
        .collect();
    for (rule, sql) in RULES {
        let query = sqlx::query_scalar::<_, String>(*sql);
        let query = if sql.contains("$1") {
            query.bind(&shared)
        } else {
            query
        };
        let broken = query.fetch_all(&mut *connection).await?;
        found.extend(broken.into_iter().map(|what| format!("{rule}: {what}")));
    }
    let strangers = sqlx::query_scalar::<_, String>(UNLISTED_DEFINERS)
        .bind(&definers)
        .bind(newest())
        .fetch_all(&mut *connection)
        .await?;
    found.extend(
        strangers
            .into_iter()
            .map(|what| format!("runs with its owner's rights, but is not on the list: {what}")),
    );
    Ok(found)
}

/// Of a schema newer than the program, which may not know them: servers are exchanged one after the other.
const UNLISTED_DEFINERS: &str =
    "select p.proname::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace
      where n.nspname = 'app' and p.prosecdef and p.proname <> all($1) and coalesce(app.schema_version(), 0) <= $2";

/// Tables without a tenant, of a schema newer than the program. What refers to a tenant by any key of his is not one.
const UNKNOWN_SHARED_TABLES: &str =
    "select c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = 'app' and c.relkind in ('r', 'p') and coalesce(app.schema_version(), 0) > $1
        and c.relname <> 'tenants'
        and not exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped)
        and not exists (select from pg_constraint k where k.conrelid = c.oid and k.contype = 'f')
        and not exists (select from pg_policy p where p.polrelid = c.oid)";

/// Each query returns what breaks its rule. `$1` is the list of shared tables.
const RULES: &[(&str, &str)] = &[
    (
        "row-level security is not enabled and forced",
        "select c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
          where n.nspname = 'app' and c.relkind in ('r', 'p') and c.relname <> all($1)
            and not (c.relrowsecurity and c.relforcerowsecurity)",
    ),
    (
        "not exactly one policy for each command",
        "select c.relname || ' has ' || count(p.oid) || ' for ' || cmd.name
           from pg_class c join pg_namespace n on n.oid = c.relnamespace
          cross join (values ('r', 'select'), ('a', 'insert'), ('w', 'update'), ('d', 'delete')) as cmd (code, name)
           left join pg_policy p on p.polrelid = c.oid and p.polcmd::text in (cmd.code, '*')
          where n.nspname = 'app' and c.relkind in ('r', 'p') and not c.relispartition and c.relname <> all($1)
          group by c.relname, cmd.name having count(p.oid) <> 1",
    ),
    (
        "a policy that is restrictive, or for particular roles",
        "select p.polname::text from pg_policy p where not p.polpermissive or p.polroles <> '{0}'",
    ),
    (
        "a policy that does not name the tenant",
        "select p.polname::text from pg_policy p
          where (p.polcmd <> 'a' and pg_get_expr(p.polqual, p.polrelid) not like '%tenant_id = app.tenant_id()%')
             or (p.polcmd in ('a', 'w') and coalesce(pg_get_expr(p.polwithcheck, p.polrelid), '') not like '%tenant_id = app.tenant_id()%')",
    ),
    (
        "a policy on a partition (it would be ORed by whoever reads the partition)",
        "select p.polname::text from pg_policy p join pg_class c on c.oid = p.polrelid where c.relispartition",
    ),
    (
        "a key that does not begin with tenant_id",
        "select i.relname::text from pg_index x join pg_class i on i.oid = x.indexrelid join pg_class t on t.oid = x.indrelid
           join pg_namespace n on n.oid = t.relnamespace
           left join pg_attribute a on a.attrelid = t.oid and a.attnum = x.indkey[0]
          where n.nspname = 'app' and (x.indisunique or x.indisexclusion) and t.relname <> all($1)
            and a.attname is distinct from 'tenant_id' and i.relname <> 'tenants_slug_key'",
    ),
    (
        "a foreign key that does not begin with tenant_id on both sides",
        "select c.conname::text from pg_constraint c join pg_namespace n on n.oid = c.connamespace
           join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
           join pg_attribute f on f.attrelid = c.confrelid and f.attnum = c.confkey[1]
          where n.nspname = 'app' and c.contype = 'f' and (a.attname <> 'tenant_id' or f.attname <> 'tenant_id')",
    ),
    (
        "a foreign key that cascades or is deferrable",
        "select c.conname::text from pg_constraint c join pg_namespace n on n.oid = c.connamespace
          where n.nspname = 'app' and c.contype = 'f' and (c.confupdtype <> 'a' or c.confdeltype <> 'a' or c.condeferrable)",
    ),
    (
        "TRUNCATE, REFERENCES or TRIGGER granted",
        "select c.relname || ' to ' || pg_get_userbyid(a.grantee) from pg_class c join pg_namespace n on n.oid = c.relnamespace
          cross join aclexplode(c.relacl) a
          where n.nspname = 'app' and a.privilege_type in ('TRUNCATE', 'REFERENCES', 'TRIGGER') and a.grantee <> c.relowner",
    ),
    (
        "a grant on a partition",
        "select c.relname || ' to ' || pg_get_userbyid(a.grantee) from pg_class c join pg_namespace n on n.oid = c.relnamespace
          cross join aclexplode(c.relacl) a where n.nspname = 'app' and c.relispartition and a.grantee <> c.relowner",
    ),
    (
        "anything granted to everyone",
        "select c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
          cross join aclexplode(c.relacl) a where n.nspname = 'app' and a.grantee = 0",
    ),
    (
        "the runtime role may change what is only ever added to",
        "select t.name || ' ' || p.privilege from (values ('phi_access_log'), ('seals'), ('audit_log'), ('security_events')) as t (name)
          cross join (values ('UPDATE'), ('DELETE')) as p (privilege)
          where has_table_privilege('chartwell_runtime', 'app.' || t.name, p.privilege)
             or has_table_privilege('chartwell_audit_writer', 'app.' || t.name, p.privilege)
             or has_table_privilege('chartwell_sealer', 'app.' || t.name, p.privilege)",
    ),
    (
        "a view that does not run as its caller, or a materialised view",
        "select c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
          where n.nspname = 'app' and (c.relkind = 'm' or (c.relkind = 'v' and not coalesce(c.reloptions @> '{security_invoker=true}', false)))",
    ),
    (
        "a definer function without a fixed search_path",
        "select p.proname::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace
          where n.nspname = 'app' and p.prosecdef and not exists (select from unnest(p.proconfig) s where s like 'search_path=%')",
    ),
    (
        "a definer function that everyone may run",
        "select p.proname::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace
          where n.nspname = 'app' and p.prosecdef and (p.proacl is null or exists (select from aclexplode(p.proacl) a where a.grantee = 0))",
    ),
    (
        "a policy function that is not stable",
        // Those that policies call, and those that these ask in their turn.
        "select p.proname::text from pg_proc p
          where p.provolatile <> 's'
            and (p.oid in (select d.refobjid from pg_depend d
                            where d.classid = 'pg_policy'::regclass and d.refclassid = 'pg_proc'::regclass)
                 or p.pronamespace = 'app'::regnamespace
                    and p.proname in ('tenant_id', 'user_id', 'actor_role', 'scope', 'own_patient_id', 'sees_every_patient', 'may_see'))",
    ),
    (
        "set_config may be executed by everyone",
        "select 'set_config' where has_function_privilege('chartwell_runtime', 'pg_catalog.set_config(text, text, boolean)', 'execute')",
    ),
    (
        "the role of the glances may do more than read",
        "select c.relname || ' ' || a.privilege_type from pg_class c join pg_namespace n on n.oid = c.relnamespace
          cross join aclexplode(c.relacl) a
          where n.nspname = 'app' and a.grantee = 'chartwell_glance'::regrole and a.privilege_type <> 'SELECT'",
    ),
    (
        "the runtime role could switch contexts by a glance",
        "select p.proname::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace
          where n.nspname = 'app' and right(p.proname, 12) = '_at_a_glance'
            and (p.prosecdef or has_function_privilege('chartwell_runtime', p.oid, 'execute'))",
    ),
    (
        "an enum column",
        "select c.relname || '.' || a.attname from pg_attribute a join pg_class c on c.oid = a.attrelid
           join pg_namespace n on n.oid = c.relnamespace join pg_type t on t.oid = a.atttypid
          where n.nspname = 'app' and t.typtype = 'e' and a.attnum > 0",
    ),
    (
        "a database role with more than it needs",
        "select r.rolname::text from pg_roles r
          where (r.rolname in ('chartwell_runtime', 'chartwell_audit_writer', 'chartwell_glance', 'chartwell_sealer', 'chartwell_owner')
                 and (r.rolsuper or r.rolbypassrls or r.rolcreaterole or r.rolcreatedb))
             or (r.rolname in ('chartwell_owner', 'chartwell_migrator', 'chartwell_audit_writer', 'chartwell_glance', 'chartwell_sealer', 'chartwell_definer') and r.rolcanlogin)",
    ),
    (
        "the runtime role is a member of a role that owns or bypasses",
        "select r.rolname::text from pg_roles r where r.rolname in ('chartwell_owner', 'chartwell_migrator', 'chartwell_definer')
            and pg_has_role('chartwell_runtime', r.oid, 'member')",
    ),
];

/// Whether the role of this connection could see past row-level security. The server refuses to start as one.
pub async fn role_bypasses(connection: &mut PgConnection) -> Result<Option<String>> {
    let reason = sqlx::query_scalar::<_, Option<String>>(
        "select case when r.rolsuper then 'is a superuser'
                     when r.rolbypassrls then 'has BYPASSRLS'
                     when exists (select from pg_roles o where o.rolname in ('chartwell_owner', 'chartwell_migrator', 'chartwell_definer')
                                     and pg_has_role(current_user, o.oid, 'member')) then 'is a member of a role that owns the tables'
                     when exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace
                                   where n.nspname = 'app' and pg_get_userbyid(c.relowner) = current_user) then 'owns tables'
                end
           from pg_roles r where r.rolname = current_user",
    )
    .fetch_one(connection)
    .await?;
    Ok(reason)
}
