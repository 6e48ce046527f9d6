//! Proposing schedules and reading them.

use kernel::ids::SchedulePlanId;
use kernel::{Error, Page, Result};
use planner::Plan;
use platform::access::{Ctx, Disclosure, Permission};
use platform::audit::Action;
use platform::db::CallerTx;
use platform::http::{Answer, Paging};

use super::building::{self, Visit};
use super::model::{NewSchedulePlan, PlanFrame};
use super::model_plan::{
    KeptPlan, ListSchedulePlans, PlanComparison, PlanStatus, SchedulePlan, SchedulePlanSummary,
};
use super::{solving, store, telling};
use crate::horizon::Horizon;

pub(super) async fn list(
    ctx: &Ctx,
    query: ListSchedulePlans,
) -> Result<Answer<Page<SchedulePlanSummary>>> {
    let paging = Paging::new(ctx, &query.status, query.limit, query.cursor.clone())?;
    let mut tx = ctx.begin(Permission::SchedulePlanRead).await?;
    let rows = store::page(&mut tx, query.status, paging.after()?, paging.fetch()).await?;
    let page = paging.page(rows, |row| row.id)?;
    tx.finish(Disclosure::list("schedule_plan", [], page)).await
}

pub(super) async fn read(ctx: &Ctx, id: SchedulePlanId) -> Result<Answer<SchedulePlan>> {
    let mut tx = ctx.begin(Permission::SchedulePlanRead).await?;
    let kept = store::find(&mut tx, id)
        .await?
        .ok_or_else(Error::not_found)?;
    let requests = store::requests(&mut tx, id).await?;
    let plan = telling::tell(kept, requests)?;
    let (subjects, version) = (telling::subjects(&plan), plan.version);
    tx.finish(Disclosure::shown("schedule_plan", Action::Read, subjects, plan).version(version))
        .await
}

/// Reads the week, searches without a transaction, and keeps what was found.
pub(super) async fn make(ctx: &Ctx, new: NewSchedulePlan) -> Result<Answer<SchedulePlan>> {
    let (frame, wanted) = new.split();
    let now = ctx.now();
    let mut tx = ctx.look(Permission::SchedulePlanMake).await?;
    let zone = building::zone_of(&mut tx, &frame.facility_ids).await?;
    building::check_visits(&mut tx, &wanted, "/requests").await?;
    let horizon = Horizon::new(zone, frame.first_day, frame.days);
    if horizon.end() <= now {
        let rule = "must not lie in the past, all its days with it";
        return Err(Error::field("/first_day", "in_the_past", rule));
    }
    let mut visits: Vec<Visit> = wanted.into_iter().map(Visit::new).collect();
    if frame.move_existing {
        let book = building::standing(&mut tx, &frame, &horizon, now).await?;
        visits.extend(book.movable);
    }
    let problem = building::problem(&mut tx, &frame, &visits, &horizon, now).await?;
    drop(tx);
    let (problem, plan) = solving::solve(problem, frame.seconds, frame.seed).await?;
    let tx = ctx.begin(Permission::SchedulePlanMake).await?;
    let proposal = Proposal {
        frame,
        zone: horizon.zone.name().to_owned(),
        visits,
        problem,
        plan,
        from: None,
    };
    keep(ctx, tx, proposal).await
}

/// What was found, before it is kept.
pub(super) struct Proposal {
    pub frame: PlanFrame,
    pub zone: String,
    pub visits: Vec<Visit>,
    pub problem: planner::Problem,
    pub plan: Plan,
    pub from: Option<(SchedulePlanId, PlanComparison)>,
}

pub(super) async fn keep(
    ctx: &Ctx,
    mut tx: CallerTx,
    proposal: Proposal,
) -> Result<Answer<SchedulePlan>> {
    let (replans, comparison) = proposal.from.unzip();
    let kept = KeptPlan {
        id: SchedulePlanId::new(),
        status: PlanStatus::Proposed,
        time_zone: proposal.zone,
        frame: proposal.frame,
        plan: proposal.plan,
        replans,
        comparison,
        version: 1,
        created_at: ctx.now(),
    };
    store::insert(&mut tx, &kept, &proposal.problem, ctx.user()).await?;
    store::insert_requests(&mut tx, kept.id, &proposal.visits, ctx.now()).await?;
    let requests = store::requests(&mut tx, kept.id).await?;
    let location = format!("/api/v1/scheduling/plans/{}", kept.id);
    let plan = telling::tell(kept, requests)?;
    let subjects = telling::subjects(&plan);
    tx.commit(
        Disclosure::shown("schedule_plan", Action::Create, subjects, plan)
            .created_at(location)
            .version(1),
    )
    .await
}
