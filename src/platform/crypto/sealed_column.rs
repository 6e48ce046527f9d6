//! The SQL of sealing a column anew, once for every table that has one.

/// A [`SealedColumn`](crate::crypto::reseal::SealedColumn) of a table with an `id`: the three statements by which its values are
/// brought to a new data key. Stands in the table's store; the statements are checked there as any other.
#[macro_export]
macro_rules! sealed_column {
    ($table:literal, $column:literal) => {{
        use ::futures_util::FutureExt as _;
        use ::kernel::Result;
        use ::uuid::Uuid;
        use $crate::crypto::reseal::{Resealed, SealedColumn, SealedValue};
        use $crate::db::TenantTx;

        async fn page(
            tx: &mut TenantTx,
            mark: &str,
            after: Uuid,
            limit: i64,
        ) -> Result<Vec<SealedValue>> {
            let tenant = tx.tenant();
            let rows = ::sqlx::query_as!(
                SealedValue,
                "select t.id, t."
                    + $column
                    + r#" as "sealed!" from app."#
                    + $table
                    + " t
                  where t.tenant_id = $1 and t.id > $2 and not starts_with(t."
                    + $column
                    + ", $3) order by t.id limit $4",
                tenant as _,
                after,
                mark,
                limit
            )
            .fetch_all(tx.conn())
            .await?;
            Ok(rows)
        }

        async fn count(tx: &mut TenantTx, mark: &str) -> Result<i64> {
            let tenant = tx.tenant();
            let count = ::sqlx::query_scalar!(
                r#"select count(*) as "count!" from app."#
                    + $table
                    + " t where t.tenant_id = $1 and not starts_with(t."
                    + $column
                    + ", $2)",
                tenant as _,
                mark
            )
            .fetch_one(tx.conn())
            .await?;
            Ok(count)
        }

        // Neither version nor time change: what is sealed is the same.
        async fn put(tx: &mut TenantTx, resealed: &Resealed) -> Result<u64> {
            let tenant = tx.tenant();
            let done = ::sqlx::query!(
                "update app."
                    + $table
                    + " t set "
                    + $column
                    + " = n.after
                   from unnest($2::uuid[], $3::text[], $4::text[]) as n (id, before, after)
                  where t.tenant_id = $1 and t.id = n.id and t."
                    + $column
                    + " = n.before",
                tenant as _,
                &resealed.ids,
                &resealed.before,
                &resealed.after
            )
            .execute(tx.conn())
            .await?;
            Ok(done.rows_affected())
        }

        SealedColumn {
            table: $table,
            column: $column,
            page: |tx, mark, after, limit| page(tx, mark, after, limit).boxed(),
            count: |tx, mark| count(tx, mark).boxed(),
            put: |tx, resealed| put(tx, resealed).boxed(),
        }
    }};
}
