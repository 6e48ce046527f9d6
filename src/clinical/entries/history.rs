//! How an entry changed, as the history of its row tells it.

use chrono::{DateTime, Utc};
use kernel::clock::Instant;
use kernel::ids::{PatientId, UserId};
use kernel::{Error, Page, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::audit::Action;
use platform::http::{Answer, Paging};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::store::{self, Change};
use crate::patients::{self, FieldChange};

/// Columns that are the machine's own.
const INTERNAL: [&str; 8] = [
    "tenant_id",
    "id",
    "patient_id",
    "substance_key",
    "version",
    "created_by",
    "created_at",
    "updated_at",
];

#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EntryHistoryQuery {
    /// Rows of a page, 1 to 200; 50 unless said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// What became of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeOfEntry {
    Recorded,
    Changed,
    EnteredInError,
}

/// One change of an entry.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EntryChange {
    pub at: DateTime<Utc>,
    pub change: ChangeOfEntry,
    /// The version it led to.
    pub version: Option<i64>,
    /// Whose account did it; `null`: the system, such as an import.
    pub user_id: Option<UserId>,
    /// Absent where the caller may not read accounts.
    pub user_name: Option<String>,
    pub role: String,
    pub fields: Vec<FieldChange>,
}

/// An entry, for its history.
pub(crate) struct Entry {
    /// The kind of resource in the access log.
    pub resource: &'static str,
    pub table: &'static str,
    pub patient: PatientId,
    pub id: Uuid,
}

/// The changes of an entry, newest first; `not_found` where there is none such.
pub(crate) async fn history(
    ctx: &Ctx,
    entry: Entry,
    query: EntryHistoryQuery,
) -> Result<Answer<Page<EntryChange>>> {
    let Entry {
        resource,
        table,
        patient,
        id,
    } = entry;
    let paging = Paging::new(ctx, &(patient, id), query.limit, query.cursor)?;
    let mut tx = ctx.begin(Permission::EntryHistory).await?;
    // Also of one that was merged away: what happened to it there is its history.
    if !patients::exists(&mut tx, patient).await? {
        return Err(Error::not_found());
    }
    let after: Option<(Instant, Uuid)> = paging.after()?;
    let changes = store::changes(&mut tx, (table, patient, id), after, paging.fetch()).await?;
    if changes.is_empty() && after.is_none() {
        return Err(Error::not_found());
    }
    let page = paging
        .page(changes, |change| (change.at, change.id))?
        .map(EntryChange::from);
    tx.finish(Disclosure::of(resource, Action::Read, patient, id, page))
        .await
}

impl From<Change> for EntryChange {
    fn from(change: Change) -> Self {
        let fields = fields(&change);
        let mistaken = fields
            .iter()
            .any(|field| field.field == "error_reason" && !field.after.is_null());
        Self {
            at: change.at,
            change: match change.before {
                None => ChangeOfEntry::Recorded,
                Some(_) if mistaken => ChangeOfEntry::EnteredInError,
                Some(_) => ChangeOfEntry::Changed,
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
    let columns: Vec<(&String, &Value, &Value)> = match &change.before {
        Some(before) => before
            .iter()
            .map(|(column, value)| (column, value, after.get(column).unwrap_or(&Value::Null)))
            .collect(),
        None => after
            .iter()
            .map(|(column, value)| (column, &Value::Null, value))
            .collect(),
    };
    columns
        .into_iter()
        .filter(|(column, before, after)| {
            let nothing = is_empty(before) && is_empty(after);
            !nothing && !INTERNAL.contains(&column.as_str())
        })
        .map(|(column, before, after)| FieldChange {
            field: column.clone(),
            before: before.clone(),
            after: after.clone(),
        })
        .collect()
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use kernel::Clock;
    use serde_json::json;
    use sqlx::types::Json;

    use super::*;

    fn change(before: Value, after: Value) -> EntryChange {
        let map = |value: Value| serde_json::from_value(value).expect("an object");
        EntryChange::from(Change {
            at: Clock::system().now(),
            id: Uuid::nil(),
            version: Some(2),
            user_id: None,
            user_name: None,
            role: "provider".to_owned(),
            before: (!before.is_null()).then(|| Json(map(before))),
            after: Json(map(after)),
        })
    }

    #[test]
    fn a_change_shows_what_was_and_what_is_and_nothing_of_the_machine() {
        let changed = change(
            json!({ "status": "active", "version": 1, "updated_at": "x" }),
            json!({ "status": "resolved", "version": 2, "updated_at": "y", "name": "Asthma" }),
        );
        assert_eq!(changed.change, ChangeOfEntry::Changed);
        assert_eq!(
            serde_json::to_value(&changed.fields).expect("JSON"),
            json!([{ "field": "status", "before": "active", "after": "resolved" }])
        );
    }

    #[test]
    fn a_mistake_is_told_from_a_change() {
        let recorded = change(Value::Null, json!({ "name": "Asthma", "reactions": [] }));
        assert_eq!(recorded.change, ChangeOfEntry::Recorded);
        assert_eq!(recorded.fields.len(), 1);
        let mistaken = change(
            json!({ "error_reason": null }),
            json!({ "error_reason": "Wrong chart" }),
        );
        assert_eq!(mistaken.change, ChangeOfEntry::EnteredInError);
    }
}
