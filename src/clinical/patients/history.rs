//! The past of a registration, as the history of its row tells it: each change, and the state at any time.
//!
//! Trap: the history keeps the row as it is in the database. What is not the clinic's business (keys, sealed numbers) is
//! taken out here.

use chrono::{DateTime, Utc};
use kernel::clock::Instant;
use kernel::ids::{PatientId, UserId};
use kernel::{Error, Page, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::audit::Action;
use platform::db::TenantTx;
use platform::http::{Answer, Paging};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::model::{AsOf, Patient};
use super::store_history::{self as store, Change};

/// Columns that are the machine's own.
const INTERNAL: [&str; 7] = [
    "tenant_id",
    "id",
    "sort_key",
    "version",
    "created_by",
    "created_at",
    "updated_at",
];
/// What stands for a value that is never shown.
const SEALED: &str = "sealed";

#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PatientHistoryQuery {
    /// Rows of a page, 1 to 200; 50 unless said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// How a registration changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    Registered,
    Changed,
    Retired,
}

/// One change of a registration.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PatientChange {
    pub at: DateTime<Utc>,
    pub change: ChangeKind,
    /// The version it led to.
    pub version: Option<i64>,
    /// Whose account did it; `null`: the system, such as an import.
    pub user_id: Option<UserId>,
    pub user_name: Option<String>,
    pub role: String,
    pub fields: Vec<FieldChange>,
}

/// What became of one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldChange {
    pub field: String,
    /// `null` where there was nothing.
    pub before: Value,
    pub after: Value,
}

pub(super) async fn list(
    ctx: &Ctx,
    id: PatientId,
    query: PatientHistoryQuery,
) -> Result<Answer<Page<PatientChange>>> {
    let paging = Paging::new(ctx, &id, query.limit, query.cursor)?;
    let mut tx = ctx.begin(Permission::PatientHistory).await?;
    let after: Option<(Instant, Uuid)> = paging.after()?;
    let changes = store::changes(&mut tx, id, after, paging.fetch()).await?;
    if changes.is_empty() && after.is_none() {
        // One who has a row and no history was not written by this server; he is there all the same.
        super::require_known(&mut tx, id).await?;
    }
    let page = paging
        .page(changes, |change| (change.at, change.id))?
        .map(PatientChange::from);
    tx.finish(Disclosure::of(
        "patient_history",
        Action::Read,
        id,
        id,
        page,
    ))
    .await
}

pub(super) async fn open_as_of(ctx: &Ctx, id: PatientId, as_of: AsOf) -> Result<Answer<Patient>> {
    let mut tx = ctx.begin(Permission::PatientHistory).await?;
    super::require_known(&mut tx, id).await?;
    // Where he lived on a day is known for days before he came to us; what was on record at an instant is not.
    let or_first = matches!(as_of, AsOf::Day(_));
    let then = store::state_at(&mut tx, id, as_of.instant(ctx), or_first)
        .await?
        .ok_or_else(Error::not_found)?;
    let version = then.version;
    let patient = then.living_on(as_of.day(ctx));
    tx.finish(Disclosure::of("patient_history", Action::Read, id, id, patient).version(version))
        .await
}

/// The registration as it stood at an instant.
pub(crate) async fn state_in_tx(
    tx: &mut TenantTx,
    id: PatientId,
    at: Instant,
) -> Result<Option<Patient>> {
    store::state_at(tx, id, at, false).await
}

impl From<Change> for PatientChange {
    fn from(change: Change) -> Self {
        let fields = fields(&change);
        let retired = fields.iter().any(|field| field.field == "retired_at");
        Self {
            at: change.at,
            change: match change.before {
                None => ChangeKind::Registered,
                Some(_) if retired => ChangeKind::Retired,
                Some(_) => ChangeKind::Changed,
            },
            version: change.version,
            user_id: change.user_id,
            user_name: change.user_name,
            role: change.role,
            fields,
        }
    }
}

fn fields(change: &Change) -> Vec<FieldChange> {
    let after = &change.after.0;
    match &change.before {
        Some(before) => before
            .iter()
            .filter_map(|(column, value)| {
                field(column, value, after.get(column).unwrap_or(&Value::Null))
            })
            .collect(),
        None => after
            .iter()
            .filter_map(|(column, value)| field(column, &Value::Null, value))
            .collect(),
    }
}

fn field(column: &str, before: &Value, after: &Value) -> Option<FieldChange> {
    if INTERNAL.contains(&column) || (is_empty(before) && is_empty(after)) {
        return None;
    }
    let shown = |value: &Value| match value {
        Value::Null => Value::Null,
        value if column == "ssn_revision" && is_empty(value) => Value::Null,
        _ if column.ends_with("_sealed") || column == "ssn_revision" => SEALED.into(),
        value => value.clone(),
    };
    let name = match column {
        // Which of the two says it depends on when the change was made.
        "ssn_sealed" | "ssn_revision" => "ssn",
        "deleted_at" => "retired_at",
        column => column,
    };
    Some(FieldChange {
        field: name.to_owned(),
        before: shown(before),
        after: shown(after),
    })
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Number(revision) => revision.as_i64() == Some(0),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use kernel::Clock;
    use serde_json::json;
    use sqlx::types::Json;

    use super::*;

    fn change(before: Value, after: Value) -> PatientChange {
        let map = |value: Value| serde_json::from_value(value).expect("an object");
        PatientChange::from(Change {
            at: Clock::system().now(),
            id: Uuid::nil(),
            version: Some(2),
            user_id: None,
            user_name: None,
            role: "admin".to_owned(),
            before: (!before.is_null()).then(|| Json(map(before))),
            after: Json(map(after)),
        })
    }

    #[test]
    fn a_change_shows_what_was_and_what_is_and_nothing_of_the_machine() {
        let changed = change(
            json!({ "sex": "male", "version": 1, "sort_key": "a", "updated_at": "x", "ssn_revision": 1 }),
            json!({ "sex": "female", "version": 2, "sort_key": "b", "updated_at": "y", "ssn_revision": 2, "mrn": "1" }),
        );
        assert_eq!(changed.change, ChangeKind::Changed);
        let told = serde_json::to_value(&changed.fields).expect("JSON");
        assert_eq!(
            told,
            json!([
                { "field": "sex", "before": "male", "after": "female" },
                { "field": "ssn", "before": "sealed", "after": "sealed" }
            ])
        );
    }

    #[test]
    fn a_registration_shows_what_was_said_and_a_retirement_is_one() {
        let registered = change(
            Value::Null,
            json!({ "sex": "male", "race": [], "language": null, "ssn_sealed": "v1.k.secret" }),
        );
        assert_eq!(registered.change, ChangeKind::Registered);
        assert_eq!(
            registered
                .fields
                .iter()
                .map(|field| field.field.as_str())
                .collect::<Vec<_>>(),
            ["sex", "ssn"]
        );
        let retired = change(
            json!({ "deleted_at": null }),
            json!({ "deleted_at": "2026-01-01T00:00:00Z" }),
        );
        assert_eq!(retired.change, ChangeKind::Retired);
    }
}
