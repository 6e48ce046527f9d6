//! Reading models, scores and suggestions.

use kernel::ids::AppointmentId;
use kernel::{Error, Page, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::audit::{Action, Subject};
use platform::db::{SystemTx, TenantTx};
use platform::http::{Answer, Paging};

use super::model::{
    ListNoShowScores, NoShowModel, NoShowScore, OverbookingSuggestion, SuggestOverbooking,
};
use super::{overbooking, store};

pub(super) async fn model(ctx: &Ctx) -> Result<Answer<NoShowModel>> {
    let mut tx = ctx.begin(Permission::ForecastRead).await?;
    let none = "There is no model yet: there is too little history to make one of.";
    let model = store::newest(&mut tx).await?;
    let model = model.ok_or_else(|| Error::not_found().detail(none))?;
    tx.finish(Disclosure::plain(model.told())).await
}

pub(super) async fn scores(
    ctx: &Ctx,
    query: ListNoShowScores,
) -> Result<Answer<Page<NoShowScore>>> {
    let narrowed_by = (query.date, query.facility_id, query.provider_id);
    let paging = Paging::new(ctx, &narrowed_by, query.limit, query.cursor.clone())?;
    let mut tx = ctx.begin(Permission::NoShowRead).await?;
    let rows = store::page(&mut tx, &query, paging.after()?, paging.fetch()).await?;
    let page = paging.page(rows, |row| (row.probability, row.appointment_id))?;
    let subjects: Vec<Subject> = page.items.iter().map(subject).collect();
    tx.finish(Disclosure::list("no_show_score", subjects, page))
        .await
}

fn subject(score: &NoShowScore) -> Subject {
    Subject {
        patient: Some(score.patient_id),
        resource: Some(score.appointment_id.0),
    }
}

pub(super) async fn score(ctx: &Ctx, id: AppointmentId) -> Result<Answer<NoShowScore>> {
    let mut tx = ctx.begin(Permission::NoShowRead).await?;
    let score = store::find(&mut tx, id)
        .await?
        .ok_or_else(Error::not_found)?;
    let patient = score.patient_id;
    tx.finish(Disclosure::of(
        "no_show_score",
        Action::Read,
        patient,
        id,
        score,
    ))
    .await
}

/// Whether the patient is as likely not to come as that, as far as is known: an appointment without a score is not.
pub(crate) async fn is_likely(
    tx: &mut TenantTx,
    id: AppointmentId,
    above_percent: i32,
) -> Result<bool> {
    let score = store::find(tx, id).await?;
    Ok(score.is_some_and(|score| reaches(score.probability, above_percent)))
}

/// Whether a probability reaches a percentage.
pub(super) fn reaches(probability: f64, percent: i32) -> bool {
    probability * 100.0 >= f64::from(percent)
}

/// Counted by the system, since every appointment of the day counts; no appointment is shown.
pub(super) async fn overbooking(
    ctx: &Ctx,
    query: SuggestOverbooking,
) -> Result<Answer<Page<OverbookingSuggestion>>> {
    let tx = ctx.look(Permission::ForecastRead).await?;
    drop(tx);
    let mut tx = SystemTx::begin(&ctx.app().db, ctx.tenant()).await?;
    let day = store::of_day(&mut tx, query.date, query.facility_id).await?;
    drop(tx);
    let suggested = overbooking::suggest(&day);
    let tx = ctx.begin(Permission::ForecastRead).await?;
    tx.finish(Disclosure::plain(Page::last(suggested))).await
}
