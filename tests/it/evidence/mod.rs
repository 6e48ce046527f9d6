//! Evidence: the logs are what was written, the keys are what they were, and whoever was at them is found.

mod acknowledged;
mod data_keys;
mod data_keys_drained;
mod history;
mod pieces;
mod seals;
mod signing_keys;
mod stolen_key;

use platform::audit::{FileSink, SealSink, Sealer, verify};
use std::path::Path;
use std::sync::Arc;

use crate::support::{TestTenant, admin_connection};

/// Seals until nothing of the tenant's waits in either log: another test may be sealing, or a transaction be open somewhere.
async fn seal(clinic: &TestTenant, sink: Option<&Path>) {
    let sink = sink.map(|path| Arc::new(FileSink::new(path)) as Arc<dyn SealSink>);
    let mut sealer = Sealer::new(
        clinic.app.db.clone(),
        clinic.app.keys.clone(),
        clinic.clock.clone(),
        sink,
    );
    let mut connection = admin_connection().await;
    for _ in 0..400 {
        let round = sealer.round().await;
        let open: i64 = sqlx::query_scalar(
            "select (select count(*) from app.phi_access_log
                      where tenant_id = $1 and xid >= (select until_xid from app.seal_progress where log = 'access'))
                  + (select count(*) from app.audit_log
                      where tenant_id = $1 and xid >= (select until_xid from app.seal_progress where log = 'history'))",
        )
        .bind(clinic.id.0)
        .fetch_one(&mut connection)
        .await
        .expect("a count");
        // The last round also hands over what others have sealed.
        if open == 0 && round.is_ok() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the records were not sealed");
}

/// What verification finds, in its words.
async fn faults(clinic: &TestTenant, sink: Option<&Path>) -> Vec<String> {
    let range = verify::Range {
        tenant: Some(clinic.id),
        from: None,
        to: None,
    };
    let report = verify::verify(&clinic.app, &range, sink)
        .await
        .expect("it can be verified");
    report.faults.iter().map(ToString::to_string).collect()
}

/// Runs a superuser's statement on one tenant, `$1`; returns how many rows it touched.
async fn tamper(clinic: &TestTenant, statement: &'static str) -> u64 {
    sqlx::query(statement)
        .bind(clinic.id.0)
        .execute(&mut admin_connection().await)
        .await
        .expect("a superuser may")
        .rows_affected()
}
