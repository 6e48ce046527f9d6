//! Attacks on the seals themselves.

use std::path::PathBuf;

use kernel::ids::mint;
use platform::access::Role;
use platform::audit::Sealer;

use super::{faults, seal, tamper};
use crate::support::{TestTenant, admin_connection};

async fn clinic() -> TestTenant {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    clinic.patient(&admin).await;
    clinic
}

/// A file outside the database, removed with the value.
pub(super) struct Outside(pub(super) PathBuf);

impl Outside {
    pub(super) fn new() -> Self {
        Self(std::env::temp_dir().join(format!("chartwell-seals-{}.jsonl", mint())))
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Whether a finding of the log's says this.
fn says(found: &[String], log: &str, finding: &str) -> bool {
    found
        .iter()
        .any(|fault| fault.contains(log) && fault.contains(finding))
}

#[tokio::test]
async fn two_tenants_seals_swapped_are_forged() {
    let (one, other) = (clinic().await, clinic().await);
    seal(&one, None).await;
    seal(&other, None).await;
    let done = sqlx::query(
        "update app.seals s set from_xid = o.from_xid, until_xid = o.until_xid, first_at = o.first_at, last_at = o.last_at,
                records = o.records, root = o.root, manifest = o.manifest, previous = o.previous, sealed_at = o.sealed_at,
                key_id = o.key_id, signature = o.signature
           from app.seals o
          where s.sequence = 1 and o.sequence = 1 and s.log = o.log
            and (s.tenant_id, o.tenant_id) in (($1, $2), ($2, $1))",
    )
    .bind(one.id.0)
    .bind(other.id.0)
    .execute(&mut admin_connection().await)
    .await
    .expect("a superuser may");
    assert_eq!(done.rows_affected(), 4);
    for clinic in [one, other] {
        let found = faults(&clinic, None).await;
        for log in ["access log", "change history"] {
            assert!(
                says(&found, log, "seal 1 has no valid signature"),
                "{found:#?}"
            );
        }
    }
}

#[tokio::test]
async fn a_seal_used_again_is_forged_and_does_not_follow() {
    let clinic = clinic().await;
    seal(&clinic, None).await;
    let again = "insert into app.seals select tenant_id, log, (select max(sequence) + 1 from app.seals where tenant_id = $1 and log = 'history'),
            from_xid, until_xid, first_at, last_at, records, root, manifest, previous, sealed_at, key_id, signature
       from app.seals where tenant_id = $1 and log = 'history' and sequence = 1";
    assert_eq!(tamper(&clinic, again).await, 1);
    let found = faults(&clinic, None).await;
    for finding in ["has no valid signature", "does not follow", "overlaps"] {
        assert!(
            says(&found, "change history", finding),
            "{finding}: {found:#?}"
        );
    }
    assert!(!says(&found, "access log", ""), "{found:#?}");
}

#[tokio::test]
async fn a_seal_of_the_one_log_is_none_of_the_other() {
    let clinic = clinic().await;
    seal(&clinic, None).await;
    let swap = "update app.seals set log = case log when 'access' then 'history' else 'access' end, sequence = sequence + 1000
                 where tenant_id = $1";
    assert!(tamper(&clinic, swap).await >= 2);
    let back = "update app.seals set sequence = sequence - 1000 where tenant_id = $1";
    assert!(tamper(&clinic, back).await >= 2);
    let found = faults(&clinic, None).await;
    for log in ["access log", "change history"] {
        assert!(
            says(&found, log, "seal 1 has no valid signature"),
            "{found:#?}"
        );
    }
}

#[tokio::test]
async fn an_older_state_put_back_is_found_by_what_is_kept_outside() {
    let (clinic, outside) = (clinic().await, Outside::new());
    seal(&clinic, Some(&outside.0)).await;
    let old: i64 = last_seal(&clinic).await;
    let admin = clinic.user(Role::Admin).await;
    clinic.patient(&admin).await;
    seal(&clinic, Some(&outside.0)).await;
    assert_eq!(
        faults(&clinic, Some(&outside.0)).await,
        Vec::<String>::new()
    );
    let lost: i64 = last_seal(&clinic).await;
    assert!(lost > old);
    // The newest seals and what they hold are taken away together: as the database was before.
    let mut connection = admin_connection().await;
    for statement in [
        "delete from app.audit_log a using app.seals s
          where a.tenant_id = $1 and s.tenant_id = $1 and s.log = 'history' and s.sequence > $2 and a.xid >= s.from_xid and a.xid < s.until_xid",
        "delete from app.seals where tenant_id = $1 and log = 'history' and sequence > $2",
    ] {
        sqlx::query(statement)
            .bind(clinic.id.0)
            .bind(old)
            .execute(&mut connection)
            .await
            .expect("a superuser may");
    }
    let found = faults(&clinic, Some(&outside.0)).await;
    assert!(
        says(
            &found,
            "change history",
            &format!("seal {lost} was removed")
        ),
        "{found:#?}"
    );
    // The server goes on and gives the number again: then it is another seal than the one outside.
    clinic.patient(&admin).await;
    seal(&clinic, Some(&outside.0)).await;
    let found = faults(&clinic, Some(&outside.0)).await;
    assert!(
        says(
            &found,
            "change history",
            "is another than the one kept outside"
        ),
        "{found:#?}"
    );
}

async fn last_seal(clinic: &TestTenant) -> i64 {
    sqlx::query_scalar(
        "select max(sequence) from app.seals where tenant_id = $1 and log = 'history'",
    )
    .bind(clinic.id.0)
    .fetch_one(&mut admin_connection().await)
    .await
    .expect("a seal")
}

#[tokio::test]
async fn several_servers_that_seal_at_once_make_one_chain() {
    let clinic = clinic().await;
    let admin = clinic.user(Role::Admin).await;
    for _ in 0..3 {
        clinic.patient(&admin).await;
        let sealers = (0..6).map(|_| {
            let (db, keys) = (clinic.app.db.clone(), clinic.app.keys.clone());
            let mut sealer = Sealer::new(db, keys, clinic.clock.clone(), None);
            tokio::spawn(async move { sealer.round().await })
        });
        for sealer in futures_util::future::join_all(sealers).await {
            sealer
                .expect("it ends")
                .expect("it seals, or leaves it to another");
        }
    }
    seal(&clinic, None).await;
    assert_eq!(faults(&clinic, None).await, Vec::<String>::new());
}
