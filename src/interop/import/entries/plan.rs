//! `CarePlan` → care plan, `Goal` → goal.

use chrono::NaiveDate;
use chrono_tz::Tz;
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
use super::super::digits;
use super::super::elements::{list, text, texts, wording};
use super::super::importer::reason;
use super::super::resource::Resource;
use super::super::store_entries as store;
use super::codes::Said;
use super::{Entered, Whose, as_it_came, code_of, codes, note, quantity_at, refusal, words};

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

fn activity(element: &Value, zone: Tz) -> Option<PlanActivity> {
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
        due_on: text(detail, "/scheduledPeriod/end").and_then(|said| dates::day_on(said, zone)),
        performer: list(detail, "/performer")
            .iter()
            .find_map(|who| words(text(who, "/display")?, 200)),
        note: said_of_activity(element, detail),
    })
}

/// When, where, why, with what and with which success, as far as there are words for it.
fn said_of_activity(element: &Value, detail: &Value) -> Option<String> {
    let said = |word: &str, said: &str| format!("{word}: {said}");
    let mut lines: Vec<String> = Vec::new();
    let product = detail
        .pointer("/productCodeableConcept")
        .and_then(wording)
        .or_else(|| text(detail, "/productReference/display"));
    for (word, place) in [
        ("When", text(detail, "/scheduledString")),
        (
            "When",
            detail.pointer("/scheduledTiming/code").and_then(wording),
        ),
        ("From", text(detail, "/scheduledPeriod/start")),
        ("Place", text(detail, "/location/display")),
        ("Product", product),
        ("Status", detail.pointer("/statusReason").and_then(wording)),
    ] {
        lines.extend(place.map(|place| said(word, place)));
    }
    let reasons = list(detail, "/reasonCode").iter().filter_map(wording);
    lines.extend(reasons.map(|reason| said("Reason", reason)));
    let outcomes = list(element, "/outcomeCodeableConcept").iter();
    lines.extend(outcomes.filter_map(wording).map(|one| said("Outcome", one)));
    let progress = list(element, "/progress").iter();
    let progress = progress.filter_map(|note| text(note, "/text"));
    lines.extend(progress.map(str::to_owned));
    if detail.pointer("/doNotPerform") == Some(&Value::Bool(true)) {
        lines.insert(0, "Not to be done".to_owned());
    }
    words(&lines.join("; "), 1000)
}

fn plan(value: &Value, addresses: Vec<Coding>, whose: Whose, zone: Tz) -> NewCarePlan {
    // US Core asks for one category that says no more than that it is a plan.
    let category = list(value, "/category")
        .iter()
        .find(|concept| code_of(concept, "").is_none_or(|code| code != "assess-plan"));
    let title = text(value, "/title").or_else(|| category.and_then(wording));
    let (starts_on, start) = day(value, "/period/start", "Start", zone);
    let (ends_on, mut end) = day(value, "/period/end", "End", zone);
    let ends_on = ends_on.filter(|end| starts_on.is_none_or(|start| start <= *end));
    if ends_on.is_none() && end.is_none() {
        end = text(value, "/period/end").map(|said| format!("End: {said}"));
    }
    NewCarePlan {
        title: title
            .and_then(|title| words(title, 200))
            .unwrap_or_else(|| "Care plan".to_owned()),
        description: text(value, "/description").and_then(|said| words(said, 5000)),
        category: category.and_then(codes::coding),
        addresses,
        starts_on,
        ends_on,
        activities: list(value, "/activity")
            .iter()
            .filter_map(|one| activity(one, zone))
            .take(100)
            .collect(),
        provider_id: None,
        encounter_id: whose.encounter,
        note: note(value, start.into_iter().chain(end), 5000),
    }
}

/// The day an element says; or, of one that says less than a day, its words.
fn day(value: &Value, place: &str, word: &str, zone: Tz) -> (Option<NaiveDate>, Option<String>) {
    let said = text(value, place);
    let day = said.and_then(|said| dates::day_on(said, zone));
    let words = said.filter(|_| day.is_none());
    (day, words.map(|said| format!("{word}: {said}")))
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
        Some("proposed" | "planned") => Ok(GoalStatus::Proposed),
        // Agreed to, by the patient too.
        Some("accepted" | "active") => Ok(GoalStatus::Active),
        Some("on-hold") => Ok(GoalStatus::OnHold),
        Some("completed") => Ok(GoalStatus::Completed),
        Some("cancelled" | "rejected") => Ok(GoalStatus::Cancelled),
        Some("entered-in-error") => Err(Entered::Left("was entered in error at its source")),
        _ => Err(Entered::refused("/lifecycleStatus is not one of FHIR's")),
    }
}

/// The codes of FHIR for how far a goal is achieved.
const ACHIEVEMENT: &[&str] = &[
    "in-progress",
    "improving",
    "worsening",
    "no-change",
    "achieved",
    "sustaining",
    "not-achieved",
    "no-progress",
    "not-attainable",
];

const UNREAD: &str = "/achievementStatus is not one of FHIR's";

/// How far it is achieved: what its source does not say, nobody knows here.
fn achievement(value: &Value) -> GoalAchievement {
    match codes::status(value, "/achievementStatus", ACHIEVEMENT) {
        Said::Code("improving") => GoalAchievement::Improving,
        Said::Code("worsening") => GoalAchievement::Worsening,
        Said::Code("no-change") => GoalAchievement::NoChange,
        Said::Code("achieved") => GoalAchievement::Achieved,
        Said::Code("sustaining") => GoalAchievement::Sustaining,
        Said::Code("not-achieved" | "no-progress") => GoalAchievement::NotAchieved,
        Said::Code("not-attainable") => GoalAchievement::NotAttainable,
        Said::Code(_) => GoalAchievement::InProgress,
        Said::Nothing | Said::Unread => GoalAchievement::Unknown,
    }
}

fn is_achievement_unread(value: &Value) -> bool {
    codes::status(value, "/achievementStatus", ACHIEVEMENT) == Said::Unread
}

fn target(element: &Value, written: &str) -> Option<GoalTarget> {
    Some(GoalTarget {
        measure: codes::coding(element.pointer("/measure")?)?,
        comparison: match text(element, "/detailQuantity/comparator") {
            Some("<") => GoalComparison::LessThan,
            Some("<=") => GoalComparison::AtMost,
            Some(">=") => GoalComparison::AtLeast,
            Some(">") => GoalComparison::MoreThan,
            _ => GoalComparison::Exactly,
        },
        // One with more digits than are kept is said in words.
        value: digits::number(written, "/detailQuantity/value")?
            .parse()
            .ok()?,
        unit: text(element, "/detailQuantity/code")
            .or_else(|| text(element, "/detailQuantity/unit"))
            .and_then(|unit| words(unit, 40)),
    })
}

fn goal(
    value: &Value,
    written: &str,
    addresses: Vec<Coding>,
    zone: Tz,
) -> std::result::Result<NewGoal, Entered> {
    let said = value.pointer("/description").and_then(wording);
    let (starts_on, start) = day(value, "/startDate", "Start", zone);
    let targets = list(value, "/target");
    let due_on = targets
        .iter()
        .find_map(|target| dates::day(text(target, "/dueDate")?))
        .filter(|due| starts_on.is_none_or(|start| start <= *due));
    let due = targets
        .iter()
        .filter_map(|target| day(target, "/dueDate", "Due", zone).1);
    let written: Vec<(&Value, &str)> = targets
        .iter()
        .enumerate()
        .filter_map(|(place, one)| Some((one, digits::at(written, &format!("/target/{place}"))?)))
        .collect();
    let in_words = written
        .iter()
        .filter(|(one, written)| target(one, written).is_none())
        .filter_map(|(one, written)| target_in_words(one, written));
    let unread = is_achievement_unread(value)
        .then(|| as_it_came(value, "/achievementStatus", "Achievement"))
        .flatten();
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
        targets: written
            .iter()
            .filter_map(|(one, written)| target(one, written))
            .take(20)
            .collect(),
        care_plan_id: None,
        provider_id: None,
        note: note(
            value,
            start
                .into_iter()
                .chain(due)
                .chain(in_words)
                .chain(unread)
                .chain(texts(value, "/outcomeCode/0/text")),
            5000,
        ),
    })
}

/// A target that can't be one, as it is said.
fn target_in_words(one: &Value, written: &str) -> Option<String> {
    let measure = one.pointer("/measure").and_then(wording);
    let said = text(one, "/detailString")
        .or_else(|| wording(one.pointer("/detailCodeableConcept")?))
        .map(str::to_owned);
    let number = ["/detailQuantity", "/detailRange"]
        .iter()
        .find_map(|place| quantity_at(one, written, place));
    let plain = ["/detailInteger", "/detailBoolean"]
        .iter()
        .find_map(|place| Some(one.pointer(place)?.to_string()));
    let said = said.or(number).or(plain)?;
    Some(match measure {
        Some(measure) => format!("Target: {measure}: {said}"),
        None => format!("Target: {said}"),
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
    /// What the resource that a reference names is, in codes and words, if it came before this one.
    pub(super) async fn named(
        &mut self,
        resource: &Resource,
        reference: &Value,
        wanted: &str,
    ) -> Result<Option<Value>> {
        let Some(name) = resource.scope.resolve(reference, wanted, &resource.value) else {
            return Ok(None);
        };
        let name = self.stored(&name);
        // Of the same transaction, not written yet.
        if let Some(kept) = self.keep.iter().find(|kept| kept.name == name) {
            let value: Option<Value> = serde_json::from_str(&kept.content).ok();
            return Ok(value.and_then(|value| value.pointer("/code").cloned()));
        }
        let value = store::content_of(&mut self.tx, &name).await?;
        Ok(value.and_then(|value| value.pointer("/code").cloned()))
    }

    /// What a plan or a goal is about: codes of its own, and those of the conditions it names, as far as these came before it.
    async fn addressed(&mut self, resource: &Resource) -> Result<Vec<Coding>> {
        let mut about: Vec<Coding> = Vec::new();
        for one in list(&resource.value, "/addresses") {
            if let Some(coding) = one.pointer("/concept").and_then(codes::coding) {
                about.push(coding);
            } else {
                let named = self.named(resource, one, "Condition").await?;
                about.extend(named.as_ref().and_then(codes::coding));
            }
        }
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
        let zone = self.importer.zone;
        let mut new = plan(value, about, whose, zone);
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
        let entered = self.add_plan(whose, (new, status), on).await?;
        let Entered::As { id, .. } = entered else {
            return Ok(entered);
        };
        let lacks = self.link_goals(resource, whose, CarePlanId(id)).await?;
        let unlinked = list(value, "/activity").iter();
        let unlinked = unlinked.filter(|one| activity(one, zone).is_none()).count() > 0;
        let lacks = lacks.or(unlinked.then(|| "an activity that says nothing itself".to_owned()));
        Ok(entered.lacking(lacks))
    }

    /// Adds a plan or revises it; without its codes, if those are what is wrong with it.
    async fn add_plan(
        &mut self,
        whose: Whose,
        (new, status): (NewCarePlan, CarePlanStatus),
        on: NaiveDate,
    ) -> Result<Entered> {
        let mut lacks = None;
        for plan in [new.clone(), uncoded(new)] {
            let (tx, patient, now) = (&mut self.tx, whose.patient, self.now);
            let plan = (plan, status);
            let done = match self.revises.map(CarePlanId) {
                Some(id) => care_plans::revise_in_tx(tx, patient, id, plan, on, now)
                    .await
                    .map(|()| id),
                None => care_plans::add_in_tx(tx, patient, plan, on, now).await,
            };
            match done {
                Ok(id) => return Ok(Entered::whole("care_plan", id).lacking(lacks)),
                Err(error) if is_a_code(&error) && lacks.is_none() => {
                    lacks = Some(format!("its codes: {}", reason(&error)));
                }
                Err(error) => return refusal(error),
            }
        }
        Ok(Entered::refused(lacks.unwrap_or_default()))
    }

    /// Puts the goals that a plan names into it. They came before it: it waits for them.
    async fn link_goals(
        &mut self,
        resource: &Resource,
        whose: Whose,
        plan: CarePlanId,
    ) -> Result<Option<String>> {
        let mut lacks = None;
        for reference in list(&resource.value, "/goal") {
            let name = resource.scope.resolve(reference, "Goal", &resource.value);
            let name = name.map(|name| self.stored(&name));
            let entry = name.and_then(|name| self.kept.get(&name)?.entry.clone());
            let linked = match entry {
                Some((kind, id)) if kind == "goal" => {
                    let (tx, goal) = (&mut self.tx, GoalId(id));
                    goals::join_plan_in_tx(tx, whose.patient, goal, plan, self.now).await?
                }
                _ => false,
            };
            if !linked {
                lacks = Some("/goal: one is not known, or belongs to another plan".to_owned());
            }
        }
        Ok(lacks)
    }

    pub(super) async fn goal(&mut self, resource: &Resource, whose: Whose) -> Result<Entered> {
        let value = &resource.value;
        let about = self.addressed(resource).await?;
        let zone = self.importer.zone;
        let mapped = goal_status(value)
            .and_then(|status| Ok((goal(value, &resource.content, about, zone)?, status)));
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
        if let Some(id) = self.revises.or(self.returns) {
            // Which plan it belongs to, the plan says.
            new.care_plan_id = goals::plan_in_tx(&mut self.tx, whose.patient, GoalId(id)).await?;
        }
        if let (Some(plan), Some(_)) = (new.care_plan_id, self.returns)
            && !care_plans::stands(&mut self.tx, whose.patient, plan).await?
        {
            new.care_plan_id = None;
        }
        let mut lacks = None;
        let mut uncoded = new.clone();
        // Whether it is reached can't be told without what is measured: a target without its code is none.
        uncoded.addresses.clear();
        for goal in [new, uncoded] {
            let (tx, patient, now) = (&mut self.tx, whose.patient, self.now);
            let done = match self.revises.map(GoalId) {
                Some(id) => goals::revise_in_tx(tx, patient, id, (goal, status), on, now)
                    .await
                    .map(|()| id),
                None if text(value, "/lifecycleStatus") == Some("rejected") => {
                    goals::add_rejected_in_tx(tx, patient, goal, on, now).await
                }
                None => goals::add_in_tx(tx, patient, (goal, status), on, now).await,
            };
            match done {
                Ok(id) => {
                    let unread = is_achievement_unread(value).then(|| UNREAD.to_owned());
                    return Ok(Entered::whole("goal", id).lacking(lacks.or(unread)));
                }
                Err(error) if is_a_code(&error) && lacks.is_none() => {
                    lacks = Some(format!("its codes: {}", reason(&error)));
                }
                Err(error) => return refusal(error),
            }
        }
        Ok(Entered::refused(lacks.unwrap_or_default()))
    }
}
