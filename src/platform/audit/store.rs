//! Inserting access records: one statement, however many, that asks once for the number of its transaction.

use kernel::Result;
use kernel::ids::PatientId;
use sqlx::PgConnection;
use uuid::Uuid;

use super::AccessRecord;
use crate::db::SystemTx;

/// Whose a thing is, of whatever kind, for the record of somebody who reached for it.
pub async fn patient_of(tx: &mut SystemTx, thing: Uuid) -> Result<Option<PatientId>> {
    let found = sqlx::query_scalar!(
        r#"select app.patient_of($1) as "patient: PatientId""#,
        thing
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(found)
}

/// Inserts the records in the connection's transaction, or, outside one, durably by itself.
pub async fn insert(connection: &mut PgConnection, records: &[AccessRecord]) -> Result<()> {
    fn column<T>(records: &[AccessRecord], value: impl Fn(&AccessRecord) -> T) -> Vec<T> {
        records.iter().map(value).collect()
    }
    fn text<'a>(
        records: &'a [AccessRecord],
        value: impl Fn(&'a AccessRecord) -> &'a str,
    ) -> Vec<&'a str> {
        records.iter().map(value).collect()
    }
    if records.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        r#"insert into app.phi_access_log
                  (tenant_id, at, id, user_id, session_id, patient_id, resource_id, request_id, break_glass,
                   role, resource, action, outcome, purpose, method, route, address, user_agent, mac, shown, shown_resources, xid)
           select r.tenant_id, r.at, r.id, r.user_id, r.session_id, r.patient_id, r.resource_id, r.request_id, r.break_glass,
                  r.role, r.resource, r.action, r.outcome, r.purpose, r.method, r.route, r.address, r.user_agent, r.mac,
                  r.shown::uuid[], r.shown_resources::uuid[], (select app.transaction_number())
             from unnest($1::uuid[], $2::timestamptz[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::uuid[],
                         $8::uuid[], $9::boolean[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[],
                         $15::text[], $16::text[], $17::text[], $18::text[], $19::bytea[], $20::text[], $21::text[])
                  as r (tenant_id, at, id, user_id, session_id, patient_id, resource_id, request_id, break_glass,
                        role, resource, action, outcome, purpose, method, route, address, user_agent, mac, shown, shown_resources)"#,
        &column(records, |r| r.tenant_id),
        &column(records, |r| r.at),
        &column(records, |r| r.id),
        &column::<Option<Uuid>>(records, |r| r.user_id) as _,
        &column::<Option<Uuid>>(records, |r| r.session_id) as _,
        &column::<Option<Uuid>>(records, |r| r.patient_id) as _,
        &column::<Option<Uuid>>(records, |r| r.resource_id) as _,
        &column(records, |r| r.request_id),
        &column(records, |r| r.break_glass),
        &text(records, |r| &r.role) as _,
        &text(records, |r| &r.resource) as _,
        &text(records, |r| &r.action) as _,
        &text(records, |r| &r.outcome) as _,
        &text(records, |r| &r.purpose) as _,
        &text(records, |r| &r.method) as _,
        &text(records, |r| &r.route) as _,
        &text(records, |r| &r.address) as _,
        &text(records, |r| &r.user_agent) as _,
        &column(records, |r| r.mac.clone()),
        &column(records, |r| r.shown.as_deref().map(list)) as _,
        &column(records, |r| r.shown_resources.as_deref().map(list)) as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// As the database reads an array: arrays of different lengths can't stand in one.
fn list(ids: &[Option<Uuid>]) -> String {
    let words: Vec<String> = ids
        .iter()
        .map(|id| id.map_or_else(|| "NULL".to_owned(), |id| id.to_string()))
        .collect();
    format!("{{{}}}", words.join(","))
}
