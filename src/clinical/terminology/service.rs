//! Typeahead, look-up, and what is loaded. No health information, so no access records.

use chrono::NaiveDate;
use kernel::{Code, Error, FieldError, Page, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::http::Answer;

use super::model::{ConceptMatch, FindConcepts, OnDay, SystemSummary};
use super::system::System;
use super::{memory, store};

pub(super) async fn systems(ctx: &Ctx) -> Result<Answer<Page<SystemSummary>>> {
    let mut tx = ctx.begin(Permission::TerminologyRead).await?;
    let loaded = store::versions(&mut tx).await?;
    let systems = System::ALL
        .into_iter()
        .map(|system| {
            let versions: Vec<_> = loaded
                .iter()
                .filter(|(of, _)| *of == system)
                .map(|(_, version)| version.clone())
                .collect();
            SystemSummary {
                system,
                uri: system.uri(),
                name: system.name(),
                rights: system.rights(),
                complete: versions.iter().any(|version| version.complete),
                versions,
            }
        })
        .collect();
    tx.finish(Disclosure::plain(Page::last(systems))).await
}

pub(super) async fn search(
    ctx: &Ctx,
    system: System,
    query: FindConcepts,
) -> Result<Answer<Page<ConceptMatch>>> {
    let limit = query.limit.unwrap_or(10);
    if !(1..=50).contains(&limit) {
        return Err(parameter(
            "?limit",
            "out_of_range",
            "must lie between 1 and 50",
        ));
    }
    if query.q.trim().is_empty() {
        return Err(parameter("?q", "blank", "must not be blank"));
    }
    if query.q.chars().count() > 200 {
        return Err(parameter(
            "?q",
            "too_long",
            "must have at most 200 characters",
        ));
    }
    let on = day(ctx, query.on);
    let mut tx = ctx.begin(Permission::TerminologyRead).await?;
    let found = match store::in_force(&mut tx, system, on).await? {
        None => Vec::new(),
        Some(version) => memory::index(&mut tx, &version)
            .await?
            .search(&query.q, on, limit as usize)
            .into_iter()
            .map(|listed| ConceptMatch::new(system, &version.version, on, listed))
            .collect(),
    };
    tx.finish(Disclosure::plain(Page::last(found))).await
}

pub(super) async fn look_up(
    ctx: &Ctx,
    system: System,
    code: &str,
    query: &OnDay,
) -> Result<Answer<ConceptMatch>> {
    let on = day(ctx, query.on);
    let mut tx = ctx.begin(Permission::TerminologyRead).await?;
    let version = store::in_force(&mut tx, system, on)
        .await?
        .ok_or_else(Error::not_found)?;
    let listed = store::concept(&mut tx, version.id, &system.canonical(code))
        .await?
        .ok_or_else(Error::not_found)?;
    let found = ConceptMatch::new(system, &version.version, on, &listed);
    tx.finish(Disclosure::plain(found)).await
}

/// The organisation's today, unless given.
fn day(ctx: &Ctx, given: Option<NaiveDate>) -> NaiveDate {
    given.unwrap_or_else(|| ctx.today())
}

fn parameter(name: &str, code: &'static str, rule: &'static str) -> Error {
    Error::new(Code::InvalidParameter).with_fields(vec![FieldError::new(name, code, rule)])
}
