//! Growth references in the database.

use kernel::{Error, Result};
use platform::db::TenantTx;

use super::growth::{GrowthMeasure, GrowthSource, Lms};
use crate::patients::Sex;

/// The references of a sex around these ages in months: the lines on either side of each.
pub(super) async fn around(
    tx: &mut TenantTx,
    sex: Sex,
    (from, to): (f64, f64),
) -> Result<Vec<Lms>> {
    let tenant = tx.tenant();
    // References have a line a month, or more.
    let rows = sqlx::query_as!(
        Lms,
        r#"select source as "source: _", measure as "measure: _", age_months::float8 as "age_months!", l, m, s
             from app.growth_references
            where tenant_id = $1 and sex = $2 and age_months >= ($3::float8 - 1.1)::numeric
              and age_months <= ($4::float8 + 1.1)::numeric"#,
        tenant as _,
        sex as _,
        from,
        to,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

/// Puts lines in the place of those the tenant has of this source, measure and sex.
pub(super) async fn replace(
    tx: &mut TenantTx,
    (source, measure, sex): (GrowthSource, GrowthMeasure, Sex),
    lines: &[Lms],
) -> Result<u64> {
    let tenant = tx.tenant();
    sqlx::query!(
        "delete from app.growth_references where tenant_id = $1 and source = $2 and measure = $3 and sex = $4",
        tenant as _,
        source as _,
        measure as _,
        sex as _,
    )
    .execute(tx.conn())
    .await?;
    let column = |value: fn(&Lms) -> f64| -> Vec<f64> { lines.iter().map(value).collect() };
    let done = sqlx::query!(
        "insert into app.growth_references (tenant_id, source, measure, sex, age_months, l, m, s)
         select $1, $2, $3, $4, r.age::numeric(8,4), r.l, r.m, r.s
           from unnest($5::float8[], $6::float8[], $7::float8[], $8::float8[]) as r (age, l, m, s)",
        tenant as _,
        source as _,
        measure as _,
        sex as _,
        &column(|line| line.age_months),
        &column(|line| line.l),
        &column(|line| line.m),
        &column(|line| line.s),
    )
    .execute(tx.conn())
    .await
    .map_err(Error::from)?;
    Ok(done.rows_affected())
}
