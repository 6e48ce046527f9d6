//! Reading the change log.

use std::collections::BTreeSet;

use kernel::ids::PatientId;
use kernel::{Code, Error, FieldError, Page, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::audit::Subject;
use platform::http::{Answer, Paging, require_order};

use super::model::{Change, Filter, ListChanges};
use super::store;

/// Fields of resources that hold another patient's id.
const PATIENTS: [(&str, &str); 4] = [
    ("patients", "/replaced_by"),
    ("duplicate_pairs", "/other_id"),
    ("patient_merges", "/survivor_id"),
    ("patient_merges", "/merged_id"),
];

pub(super) async fn list(ctx: &Ctx, query: ListChanges) -> Result<Answer<Page<Change>>> {
    let ListChanges {
        resource,
        id,
        patient_id,
        from,
        to,
        limit,
        cursor,
    } = query;
    check(resource.as_deref(), id.is_some())?;
    let filter = Filter {
        resource,
        id,
        patient: patient_id,
        from,
        to,
    };
    require_order(from, to)?;
    let paging = Paging::new(ctx, &filter, limit, cursor)?;
    let mut tx = ctx.begin(Permission::ChangeLogRead).await?;
    if let Some(resource) = &filter.resource
        && !store::keeps_history(&mut tx, resource).await?
    {
        // An empty list would read as "nothing was changed".
        return Err(unknown_resource());
    }
    let rows = store::page(&mut tx, &filter, paging.after()?, paging.fetch()).await?;
    let page = paging.page(rows, |row| (row.at, row.id))?;
    let whose = page.items.iter().filter_map(|row| row.patient_id);
    let shown = page.items.iter().flat_map(named);
    let patients: BTreeSet<PatientId> = whose.chain(shown).chain(filter.patient).collect();
    let subjects: Vec<Subject> = patients
        .into_iter()
        .map(|patient| Subject {
            patient: Some(patient),
            resource: None,
        })
        .collect();
    tx.finish(Disclosure::list("change_log", subjects, page))
        .await
}

/// The patients whose ids a change shows.
fn named(change: &Change) -> impl Iterator<Item = PatientId> {
    let names_one = |field: &str| {
        field == "/patient_id" || PATIENTS.contains(&(change.resource.as_str(), field))
    };
    let fields = change
        .changes
        .iter()
        .filter(move |one| names_one(&one.field));
    let values = fields.flat_map(|one| [&one.before, &one.after]);
    values.filter_map(|value| value.as_ref()?.as_str()?.parse().ok())
}

/// A kind of resource is named wherever an id is.
fn check(resource: Option<&str>, has_id: bool) -> Result<()> {
    if has_id && resource.is_none() {
        return Err(wrong("required", "must be given where id is"));
    }
    Ok(())
}

fn unknown_resource() -> Error {
    wrong(
        "not_a_resource",
        "must be a kind of resource as its table is called, such as patients",
    )
}

fn wrong(code: &'static str, rule: &'static str) -> Error {
    Error::new(Code::InvalidParameter).with_fields(vec![FieldError::new("?resource", code, rule)])
}
