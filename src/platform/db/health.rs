//! Whether the database can serve a request: it answers, and the access log takes rows this month.

use std::time::Duration;

use kernel::{Code, Error, Result};

use super::Db;

/// Which months of which tables are missing, of this one and the next; empty when all is well.
pub async fn missing_months(db: &Db) -> Result<Vec<String>> {
    let missing = sqlx::query_scalar!(
        r#"select t.name || ' ' || to_char(m.month, 'YYYY-MM') as "missing!"
             from (select c.relname::text as name
                     from pg_partitioned_table p
                     join pg_class c on c.oid = p.partrelid
                     join pg_attribute a on a.attrelid = c.oid and a.attnum = p.partattrs[0]
                    where c.relnamespace = 'app'::regnamespace and p.partstrat = 'r' and a.atttypid = 'timestamptz'::regtype) as t
            cross join (values (now() at time zone 'UTC'), (now() at time zone 'UTC' + interval '1 month')) as m (month)
            where to_regclass('app.' || t.name || '_y' || to_char(m.month, 'YYYY"m"MM')) is null"#
    )
    .fetch_all(db.shared())
    .await?;
    Ok(missing)
}

/// The longest the question may take.
const PATIENCE: Duration = Duration::from_secs(2);

pub async fn ready(db: &Db) -> Result<()> {
    let asked = sqlx::query_scalar!(
        r#"select exists (select from pg_inherits i join pg_class c on c.oid = i.inhrelid
                           where i.inhparent = 'app.phi_access_log'::regclass
                             and c.relname = 'phi_access_log_y' || to_char(now() at time zone 'UTC', 'YYYY"m"MM')) as "there!""#
    )
    .fetch_one(db.shared());
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(true)) => Ok(()),
        Ok(Ok(false)) => Err(Error::new(Code::AuditUnavailable)),
        Ok(Err(error)) => Err(error.into()),
        Err(_) => Err(Error::new(Code::Unavailable)),
    }
}
