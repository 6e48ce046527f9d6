//! The change history: whoever changes, removes, adds or dates back a row of it is found, a superuser too.

use platform::access::Role;
use platform::audit::backlog;
use serde_json::json;

use super::{faults, seal, tamper};
use crate::support::{TestTenant, admin_connection};

/// A clinic with a patient who was registered and amended; and the ids of what its history holds of him.
async fn clinic_with_history() -> (TestTenant, Vec<String>) {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let patient = clinic.patient(&admin).await;
    let path = format!("/api/v1/patients/{patient}");
    for (version, language) in [(1, "es"), (2, "fr")] {
        admin
            .patch(&path, version, json!({ "language": language }))
            .await
            .expect(200);
    }
    let ids: Vec<String> = sqlx::query_scalar(
        "select id::text from app.audit_log where tenant_id = $1 and table_name = 'patients' order by at",
    )
    .bind(clinic.id.0)
    .fetch_all(&mut admin_connection().await)
    .await
    .expect("ids");
    assert_eq!(ids.len(), 3);
    (clinic, ids)
}

#[tokio::test]
async fn a_history_nobody_touched_verifies() {
    let (clinic, _) = clinic_with_history().await;
    let none: Vec<String> = Vec::new();
    assert_eq!(faults(&clinic, None).await, none, "before it is sealed");
    seal(&clinic, None).await;
    assert_eq!(faults(&clinic, None).await, none, "after it is sealed");
    // A second seal follows from the first.
    let admin = clinic.user(Role::Admin).await;
    clinic.patient(&admin).await;
    seal(&clinic, None).await;
    assert_eq!(faults(&clinic, None).await, none, "with two seals");
    let seals: i64 = sqlx::query_scalar(
        "select max(sequence) from app.seals where tenant_id = $1 and log = 'history'",
    )
    .bind(clinic.id.0)
    .fetch_one(&mut admin_connection().await)
    .await
    .expect("a count");
    assert!(seals >= 2, "{seals}");
}

#[tokio::test]
async fn whatever_a_superuser_does_to_the_history_is_found_and_named() {
    const COPY: &str = "tenant_id, at, overlay(id::text placing '0000' from 33)::uuid, table_name, row_id, patient_id, action, user_id, role,
        request_id, version, before, after";
    let attacks: [(&str, &str, String); 7] = [
        (
            "what it was is changed",
            "was changed after it was sealed",
            r#"update app.audit_log set before = before || '{"language": "de"}' where id = $1::uuid"#.to_owned(),
        ),
        (
            "what it became is changed",
            "was changed after it was sealed",
            r#"update app.audit_log set after = after || '{"language": "de"}' where id = $1::uuid"#.to_owned(),
        ),
        (
            "who did it is changed",
            "was changed after it was sealed",
            "update app.audit_log set user_id = null where id = $1::uuid".to_owned(),
        ),
        (
            "it is moved to another month",
            "was changed after it was sealed",
            "update app.audit_log set at = at - interval '1 month' where id = $1::uuid".to_owned(),
        ),
        ("it is removed", "was removed", "delete from app.audit_log where id = $1::uuid".to_owned()),
        (
            "one is put beside it",
            "was inserted",
            format!("insert into app.audit_log (tenant_id, at, id, table_name, row_id, patient_id, action, user_id, role, request_id, version, before, after, xid)
                     select {COPY}, xid from app.audit_log where id = $1::uuid"),
        ),
        (
            "one is written of a transaction to come",
            "has not begun",
            format!("insert into app.audit_log (tenant_id, at, id, table_name, row_id, patient_id, action, user_id, role, request_id, version, before, after, xid)
                     select {COPY}, 9000000000000000000 from app.audit_log where id = $1::uuid"),
        ),
    ];
    for (attack, finding, statement) in attacks {
        let (clinic, ids) = clinic_with_history().await;
        seal(&clinic, None).await;
        let done = sqlx::query(sqlx::AssertSqlSafe(statement))
            .bind(&ids[1])
            .execute(&mut admin_connection().await)
            .await
            .expect("a superuser may");
        assert_eq!(done.rows_affected(), 1, "{attack}");
        let found = faults(&clinic, None).await;
        let named = &ids[1][..32];
        assert!(
            found.len() == 1
                && found[0].contains(named)
                && found[0].contains(finding)
                && found[0].contains("change history")
                && (attack == "it is removed" || found[0].contains("(of patients ")),
            "{attack} {named} was not named in {found:#?}"
        );
    }
}

#[tokio::test]
async fn a_change_dated_back_is_found_before_and_after_it_is_sealed() {
    let (clinic, _) = clinic_with_history().await;
    seal(&clinic, None).await;
    let done = tamper(
        &clinic,
        "insert into app.audit_log (tenant_id, at, table_name, row_id, patient_id, action, role, version, after)
         select tenant_id, at - interval '3 days', table_name, row_id, patient_id, 'update', 'admin', 2, after
           from app.audit_log where tenant_id = $1 and table_name = 'patients' and action = 'insert'",
    )
    .await;
    assert_eq!(done, 1);
    for when in ["before it is sealed", "after it is sealed"] {
        let found = faults(&clinic, None).await;
        assert!(
            found.len() == 1 && found[0].contains("can't have been written"),
            "{when}: {found:#?}"
        );
        seal(&clinic, None).await;
    }
}

#[tokio::test]
async fn what_waits_to_be_sealed_is_counted() {
    let (clinic, _) = clinic_with_history().await;
    let waiting = backlog(&clinic.app.db).await.expect("a count");
    // Others may be sealing at any moment; what is counted has an oldest, and what is not has none.
    for log in waiting {
        assert_eq!(log.records == 0, log.oldest.is_none(), "{log:?}");
    }
}
