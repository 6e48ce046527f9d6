//! `CarePlan` → care plan, `Goal` → goal.

use clinical::care_plans::{self, ActivityStatus, CarePlanStatus, NewCarePlan, PlanActivity};
use clinical::goals::{
    self, GoalAchievement, GoalComparison, GoalPriority, GoalStatus, GoalTarget, NewGoal,
};
use clinical::terminology::Coding;
use kernel::ids::{CarePlanId, GoalId};
use kernel::{Error, Kind, Result};
use serde_json::Value;

use super::super::batch::Batch;
use super::super::dates;
use super::super::elements::{list, text, texts, wording};
use super::super::importer::reason;
use super::super::reference::Name;
use super::super::resource::Resource;
use super::super::store_entries as store;
use super::{Entered, Whose, code_of, codes, note, refusal, revised, words};

fn plan_status(value: &Value) -> std::result::Result<CarePlanStatus, Entered> {
    match text(value, "/status") {
        Some("draft") => Ok(CarePlanStatus::Draft),
        Some("active") => Ok(CarePlanStatus::Active),
        Some("on-hold") => Ok(CarePlanStatus::OnHold),
        Some("completed") => Ok(CarePlanStatus::Completed),
        Some("revoked") => Ok(CarePlanStatus::Revoked),
        Some("entered-in-error") => Err(Entered::Left("was entered in error at its source")),
        _ => Err(Entered::refused(
            "/status does not say whether it is followed",
        )),
    }
}

fn activity(element: &Value) -> Option<PlanActivity> {
    let detail = element.pointer("/detail")?;
    let concept = detail.pointer("/code").unwrap_or(&Value::Null);
    Some(PlanActivity {
        description: words(
            text(detail, "/description").or_else(|| wording(concept))?,
            1000,
        )?,
        status: match text(detail, "/status") {
            Some("scheduled") => ActivityStatus::Scheduled,
            Some("in-progress") => ActivityStatus::InProgress,
            Some("on-hold") => ActivityStatus::OnHold,
            Some("completed") => ActivityStatus::Completed,
            Some("cancelled" | "stopped") => ActivityStatus::Cancelled,
            _ => ActivityStatus::NotStarted,
        },
        code: codes::coding(concept),
        due_on: text(detail, "/scheduledPeriod/end").and_then(dates::day),
        performer: list(detail, "/performer")
            .iter()
            .find_map(|who| words(text(who, "/display")?, 200)),
        note: None,
    })
}

fn plan(value: &Value, addresses: Vec<Coding>, whose: Whose) -> NewCarePlan {
    // US Core asks for one category that says no more than that it is a plan.
    let category = list(value, "/category")
        .iter()
        .find(|concept| code_of(concept, "").is_none_or(|code| code != "assess-plan"));
    let title = text(value, "/title").or_else(|| category.and_then(wording));
    let starts_on = text(value, "/period/start").and_then(dates::day);
    NewCarePlan {
        title: title
            .and_then(|title| words(title, 200))
            .unwrap_or_else(|| "Care plan".to_owned()),
        description: text(value, "/description").and_then(|said| words(said, 5000)),
        category: category.and_then(codes::coding),
        addresses,
        starts_on,
        ends_on: text(value, "/period/end")
            .and_then(dates::day)
            .filter(|end| starts_on.is_none_or(|start| start <= *end)),
        activities: list(value, "/activity")
            .iter()
            .filter_map(activity)
            .take(100)
            .collect(),
        provider_id: None,
        encounter_id: whose.encounter,
        note: note(value, None, 5000),
    }
}

/// The same without its codes: what is to be done matters more than how it is coded.
fn uncoded(mut plan: NewCarePlan) -> NewCarePlan {
    plan.category = None;
    plan.addresses.clear();
    for activity in &mut plan.activities {
        activity.code = None;
    }
    plan
}

fn goal_status(value: &Value) -> std::result::Result<GoalStatus, Entered> {
    match text(value, "/lifecycleStatus") {
        Some("proposed" | "planned" | "accepted") => Ok(GoalStatus::Proposed),
        Some("active") => Ok(GoalStatus::Active),
        Some("on-hold") => Ok(GoalStatus::OnHold),
        Some("completed") => Ok(GoalStatus::Completed),
        Some("cancelled" | "rejected") => Ok(GoalStatus::Cancelled),
        Some("entered-in-error") => Err(Entered::Left("was entered in error at its source")),
        _ => Err(Entered::refused("/lifecycleStatus is not one of FHIR's")),
    }
}

fn achievement(value: &Value) -> GoalAchievement {
    match code_of(value, "/achievementStatus") {
        Some("improving") => GoalAchievement::Improving,
        Some("worsening") => GoalAchievement::Worsening,
        Some("no-change") => GoalAchievement::NoChange,
        Some("achieved") => GoalAchievement::Achieved,
        Some("sustaining") => GoalAchievement::Sustaining,
        Some("not-achieved" | "no-progress") => GoalAchievement::NotAchieved,
        Some("not-attainable") => GoalAchievement::NotAttainable,
        _ => GoalAchievement::InProgress,
    }
}

fn target(element: &Value) -> Option<GoalTarget> {
    Some(GoalTarget {
        measure: codes::coding(element.pointer("/measure")?)?,
        comparison: match text(element, "/detailQuantity/comparator") {
            Some("<") => GoalComparison::LessThan,
            Some("<=") => GoalComparison::AtMost,
            Some(">=") => GoalComparison::AtLeast,
            Some(">") => GoalComparison::MoreThan,
            _ => GoalComparison::Exactly,
        },
        value: element.pointer("/detailQuantity/value")?.as_f64()?,
        unit: text(element, "/detailQuantity/code")
            .or_else(|| text(element, "/detailQuantity/unit"))
            .and_then(|unit| words(unit, 40)),
    })
}

fn goal(value: &Value, addresses: Vec<Coding>) -> std::result::Result<NewGoal, Entered> {
    let said = value.pointer("/description").and_then(wording);
    let starts_on = text(value, "/startDate").and_then(dates::day);
    let targets = list(value, "/target");
    let due_on = targets
        .iter()
        .find_map(|target| dates::day(text(target, "/dueDate")?))
        .filter(|due| starts_on.is_none_or(|start| start <= *due));
    let in_words = targets
        .iter()
        .filter(|one| target(one).is_none())
        .filter_map(|one| {
            text(one, "/detailString").or_else(|| wording(one.pointer("/detailCodeableConcept")?))
        })
        .map(|said| format!("Target: {said}"));
    Ok(NewGoal {
        description: said
            .and_then(|said| words(said, 1000))
            .ok_or(Entered::refused("/description says nothing"))?,
        achievement: achievement(value),
        priority: match code_of(value, "/priority") {
            Some("high-priority") => Some(GoalPriority::High),
            Some("medium-priority") => Some(GoalPriority::Medium),
            Some("low-priority") => Some(GoalPriority::Low),
            _ => None,
        },
        addresses,
        starts_on,
        due_on,
        targets: targets.iter().filter_map(target).take(20).collect(),
        care_plan_id: None,
        provider_id: None,
        note: note(
            value,
            in_words.chain(texts(value, "/outcomeCode/0/text")),
            5000,
        ),
    })
}

fn is_a_code(error: &Error) -> bool {
    error.kind() == Kind::Invalid
        && !error.fields().is_empty()
        && error
            .fields()
            .iter()
            .all(|field| field.pointer.ends_with("/code"))
}

impl Batch<'_> {
    /// What a plan or a goal is about: codes of its own, and those of the conditions it names, as far as these came before it.
    async fn addressed(&mut self, resource: &Resource) -> Result<Vec<Coding>> {
        let addressed = list(&resource.value, "/addresses");
        let mut about: Vec<Coding> = addressed
            .iter()
            .filter_map(|one| codes::coding(one.pointer("/concept")?))
            .collect();
        let named = addressed.iter().filter_map(|one| {
            let name = resource.scope.resolve(one, "Condition", &resource.value)?;
            Some(self.stored(&name))
        });
        let named: Vec<Name> = named.collect();
        // Of the same transaction, not written yet.
        for kept in self.keep.iter().filter(|kept| named.contains(&kept.name)) {
            let value: Option<Value> = serde_json::from_str(&kept.content).ok();
            about.extend(value.and_then(|value| codes::coding(value.pointer("/code")?)));
        }
        let ids: Vec<String> = named
            .into_iter()
            .filter(|name| !self.keep.iter().any(|kept| kept.name == *name))
            .map(|name| name.id)
            .collect();
        let codes = store::condition_codes(&mut self.tx, &ids).await?;
        about.extend(codes.iter().filter_map(codes::coding));
        let mut different: Vec<Coding> = Vec::new();
        for coding in about {
            if !different.contains(&coding) {
                different.push(coding);
            }
        }
        different.truncate(50);
        Ok(different)
    }

    pub(super) async fn care_plan(&mut self, resource: &Resource, whose: Whose) -> Result<Entered> {
        let value = &resource.value;
        let status = match plan_status(value) {
            Ok(status) => status,
            Err(left) => return Ok(left),
        };
        let about = self.addressed(resource).await?;
        let mut new = plan(value, about, whose);
        new.provider_id = list(value, "/author")
            .iter()
            .find_map(|author| self.active_provider(resource, author));
        if let Some(broken) = self.broken(&new) {
            return Ok(broken);
        }
        let on = new
            .starts_on
            .unwrap_or(self.now.date_naive())
            .min(self.now.date_naive());
        if let Some(id) = self.revises {
            let (tx, plan, now) = (&mut self.tx, (new, status), self.now);
            let done =
                care_plans::revise_in_tx(tx, whose.patient, CarePlanId(id), plan, on, now).await;
            return revised("care_plan", id, done);
        }
        let first = care_plans::add_in_tx(
            &mut self.tx,
            whose.patient,
            (new.clone(), status),
            on,
            self.now,
        );
        let error = match first.await {
            Ok(id) => return Ok(Entered::whole("care_plan", id)),
            Err(error) if is_a_code(&error) => error,
            Err(error) => return refusal(error),
        };
        let again = (uncoded(new), status);
        match care_plans::add_in_tx(&mut self.tx, whose.patient, again, on, self.now).await {
            Ok(id) => Ok(Entered::As {
                kind: "care_plan",
                id: id.into(),
                lacks: Some(format!("its codes: {}", reason(&error))),
            }),
            Err(error) => refusal(error),
        }
    }

    pub(super) async fn goal(&mut self, resource: &Resource, whose: Whose) -> Result<Entered> {
        let value = &resource.value;
        let about = self.addressed(resource).await?;
        let mapped = goal_status(value).and_then(|status| Ok((goal(value, about)?, status)));
        let (mut new, status) = match mapped {
            Ok(mapped) => mapped,
            Err(left) => return Ok(left),
        };
        new.provider_id = value
            .pointer("/expressedBy")
            .and_then(|who| self.active_provider(resource, who));
        if let Some(broken) = self.broken(&new) {
            return Ok(broken);
        }
        let on = new
            .starts_on
            .unwrap_or(self.now.date_naive())
            .min(self.now.date_naive());
        if let Some(id) = self.revises {
            let (tx, goal, now) = (&mut self.tx, (new, status), self.now);
            let done = goals::revise_in_tx(tx, whose.patient, GoalId(id), goal, on, now).await;
            return revised("goal", id, done);
        }
        let first = (new.clone(), status);
        let error = match goals::add_in_tx(&mut self.tx, whose.patient, first, on, self.now).await {
            Ok(id) => return Ok(Entered::whole("goal", id)),
            Err(error) if is_a_code(&error) => error,
            Err(error) => return refusal(error),
        };
        new.addresses.clear();
        let again = (new, status);
        match goals::add_in_tx(&mut self.tx, whose.patient, again, on, self.now).await {
            Ok(id) => Ok(Entered::As {
                kind: "goal",
                id: id.into(),
                lacks: Some(format!("its codes: {}", reason(&error))),
            }),
            Err(error) => refusal(error),
        }
    }
}
