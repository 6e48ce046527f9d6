//! Resources that become entries of a chart: problems, allergies, procedures, immunizations, vitals, social history, care
//! plans, goals, care teams, documents.
//!
//! The resource stays in `imported_resources` as it came, with the entry that was made of it, or with the reason why none
//! was: a reason names the rule and the element, never a value. A resource is entered once. When its source changes it
//! later, its entry follows (`follow.rs`), unless somebody here has gone on with it: then the entry stays, and the new state is
//! kept, with a reason.
//!
//! The rules of each feature hold: its own `Validate`, its own codes. Two things are judged otherwise than at a bedside: a
//! vital sign that is unusual is taken for confirmed, and a dose that another system gave is not one given here.
//!
//! Traps: whoever writes an entry must ask first what the database would refuse; a refused statement ends the transaction
//! for the whole batch, which is then halved until the resource stands alone.

mod allergy;
mod anew;
mod codes;
mod condition;
mod denials;
pub(super) mod document;
mod follow;
mod halves;
mod immunization;
mod moved;
mod oxygen;
mod panel;
mod plan;
mod procedure;
mod social;
mod team;
mod unread;
mod vital;
mod withdraw;

use clinical::patients::{self, Patient};
use kernel::clock::Instant;
use kernel::ids::{EncounterId, PatientId, ProviderId};
use kernel::{Checks, Code, Error, Kind, Result, Validate};
use serde_json::Value;
use uuid::Uuid;

use super::batch::Batch;
use super::dates;
use super::digits;
use super::elements::{self, at_most, list, text, tidy};
use super::importer::reason;
use super::reference::Name;
use super::resource::Resource;

pub(super) use follow::{CHANGED_HERE, WITHDRAWN};
pub(super) use halves::is_half;
pub(super) use unread::{of as unread, of_mapped as unread_of_mapped};
pub(super) use vital::{Pending, measured_at};
pub(super) use withdraw::is_in_error;

/// The edition of the rules below. Raised when more can be entered than before, or an entry can say more: what an older edition has
/// looked at is then read again.
pub(super) const READING: i16 = 6;

/// What the types below are entered as.
pub(super) const TYPES: [&str; 10] = [
    "AllergyIntolerance",
    "CarePlan",
    "CareTeam",
    "Condition",
    "DiagnosticReport",
    "DocumentReference",
    "Goal",
    "Immunization",
    "Observation",
    "Procedure",
];

/// What became of a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entered {
    /// It stands in the chart; `lacks` says what of it could not be entered, `unread` which of its elements have no place there.
    As {
        kind: &'static str,
        id: Uuid,
        lacks: Option<String>,
        unread: Option<String>,
    },
    /// It should stand there and can't.
    Refused(String),
    /// It need not be entered: the same stands there already.
    There(String),
    /// There is no place for it, or none is needed.
    Left(&'static str),
}

impl Entered {
    pub(super) fn whole(kind: &'static str, id: impl Into<Uuid>) -> Self {
        Self::As {
            kind,
            id: id.into(),
            lacks: None,
            unread: None,
        }
    }

    /// It stands in the chart without a part of it.
    fn partly(kind: &'static str, id: impl Into<Uuid>, lacks: String) -> Self {
        Self::whole(kind, id).lacking(Some(lacks))
    }

    /// The same without elements that nothing here reads.
    pub(super) fn without(mut self, elements: Option<String>) -> Self {
        if let Self::As { unread, .. } = &mut self {
            *unread = elements;
        }
        self
    }

    /// The same without a part of it.
    pub(super) fn lacking(self, what: Option<String>) -> Self {
        match self {
            Self::As {
                kind,
                id,
                lacks,
                unread,
            } => Self::As {
                kind,
                id,
                lacks: lacks.or(what),
                unread,
            },
            other => other,
        }
    }

    pub(super) fn refused(why: impl Into<String>) -> Self {
        Self::Refused(why.into())
    }
}

/// Whose it is and where.
#[derive(Clone, Copy, Debug)]
pub(super) struct Whose {
    pub patient: PatientId,
    pub encounter: Option<EncounterId>,
}

/// Whether the type is one that is entered.
pub(super) fn is_entered(resource_type: &str) -> bool {
    TYPES.contains(&resource_type)
}

/// Whether the observation is of the kind that lies in months.
pub(super) fn is_vital(value: &Value) -> bool {
    matches!(codes::category(value), codes::Category::Vital)
}

/// The practitioners a resource names, as far as an entry says who.
pub(super) fn references(resource: &Resource) -> Vec<Name> {
    let places: &[&str] = match resource.name.resource_type.as_str() {
        "Procedure" | "Immunization" => &["/performer"],
        "CarePlan" => &["/author"],
        "CareTeam" => &["/participant"],
        "Goal" => &["/expressedBy"],
        _ => &[],
    };
    places
        .iter()
        .flat_map(|place| list(&resource.value, place))
        .filter_map(|element| person(resource, element))
        .collect()
}

/// What the resource has to wait for, because its entry leads there: the goals of a plan.
pub(super) fn after(resource: &Resource) -> Vec<Name> {
    let place = match resource.name.resource_type.as_str() {
        "CarePlan" => "/goal",
        _ => return Vec::new(),
    };
    list(&resource.value, place)
        .iter()
        .filter_map(|one| resource.scope.resolve(one, "Goal", &resource.value))
        .collect()
}

/// The practitioner an element means: it is a reference, or has one as its actor or member.
fn person(resource: &Resource, element: &Value) -> Option<Name> {
    let reference = ["/actor", "/member", "/individual"]
        .iter()
        .find_map(|place| element.pointer(place))
        .unwrap_or(element);
    resource
        .scope
        .resolve(reference, "Practitioner", &resource.value)
}

/// What is said in words, cut to what fits; `None` where nothing is.
fn words(text: &str, most: usize) -> Option<String> {
    Some(at_most(&tidy(text), most)).filter(|text| !text.is_empty())
}

/// The annotations of a resource, and whatever else must not get lost, as one text.
fn note(value: &Value, more: impl IntoIterator<Item = String>, most: usize) -> Option<String> {
    let said = list(value, "/note")
        .iter()
        .filter_map(|note| text(note, "/text"))
        .map(tidy);
    let lines: Vec<String> = said.chain(more).filter(|line| !line.is_empty()).collect();
    Some(at_most(&lines.join("\n"), most)).filter(|text| !text.is_empty())
}

/// An element that can't be read, to be read by whoever looks at the entry.
fn as_it_came(value: &Value, pointer: &str, word: &str) -> Option<String> {
    let concept = value.pointer(pointer)?;
    let said = text(concept, "").or_else(|| elements::wording(concept));
    let said = said.or_else(|| elements::codings(concept).next().map(|coding| coding.code))?;
    Some(format!("{word} at its source: {}", words(said, 200)?))
}

/// A number with its unit, or two of them, in words; digits as they were written in the text.
fn quantity(value: &Value, written: &str) -> Option<String> {
    let one = |value: &Value, place: &str| {
        let number = digits::number(written, &format!("{place}/value"))?;
        let unit = text(value, "/unit").or_else(|| text(value, "/code"));
        let sign = text(value, "/comparator").unwrap_or_default();
        Some(
            format!("{sign}{number} {}", unit.unwrap_or_default())
                .trim()
                .to_owned(),
        )
    };
    let ends = ["/low", "/high"].map(|end| one(value.pointer(end)?, end));
    match ends {
        [None, None] => one(value, ""),
        [low, high] => Some(format!(
            "{} to {}",
            low.unwrap_or_else(|| "…".to_owned()),
            high.unwrap_or_else(|| "…".to_owned())
        )),
    }
}

/// The quantity at a place of a resource, in words.
fn quantity_at(value: &Value, written: &str, place: &str) -> Option<String> {
    quantity(value.pointer(place)?, digits::at(written, place)?)
}

/// The first code of a concept.
fn code_of<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    elements::codings(value.pointer(pointer)?)
        .next()
        .map(|coding| coding.code)
}

/// What is wrong with the resource; an error of anything else stays one.
fn refusal(error: Error) -> Result<Entered> {
    match error.kind() {
        Kind::Internal | Kind::Unavailable => Err(error),
        _ if error.code() == Code::ProblemAlreadyOpen => Ok(Entered::There(reason(&error))),
        _ => Ok(Entered::Refused(reason(&error))),
    }
}

/// What became of an entry whose source has changed.
fn revised(kind: &'static str, id: Uuid, done: Result<()>) -> Result<Entered> {
    match done {
        Ok(()) => Ok(Entered::whole(kind, id)),
        Err(error) => refusal(error),
    }
}

/// A kind of entry that follows its source by its own id, and its table.
fn table_that_follows(kind: &str) -> Option<(&'static str, &'static str)> {
    [
        ("problem", "problems"),
        ("diagnosis", "encounter_diagnoses"),
        ("allergy", "allergies"),
        ("procedure", "procedures"),
        ("immunization", "immunizations"),
        ("care_plan", "care_plans"),
        ("goal", "goals"),
        ("social_history", "social_history"),
        ("allergy_statement", "allergy_statements"),
    ]
    .into_iter()
    .find(|(known, _)| *known == kind)
}

impl Batch<'_> {
    /// Enters the resource into the chart, if its kind has a place there.
    ///
    /// # Errors
    /// Those of the database. What is wrong with the resource is an outcome.
    pub(super) async fn enter(&mut self, resource: &Resource, whose: Whose) -> Result<Entered> {
        if let Some(unknown) = codes::modified(&resource.value) {
            return Ok(unknown);
        }
        let Some(person) = self.person(whose.patient).await? else {
            return Ok(Entered::refused(super::report::ORPHAN));
        };
        let entered = match resource.name.resource_type.as_str() {
            "Condition" => self.condition(resource, &person, whose).await,
            "AllergyIntolerance" => self.allergy(resource, &person, whose).await,
            "Procedure" => self.procedure(resource, &person, whose).await,
            "Immunization" => self.immunization(resource, &person, whose).await,
            "Observation" => self.observation(resource, &person, whose).await,
            "CarePlan" => self.care_plan(resource, whose).await,
            "Goal" => self.goal(resource, whose).await,
            "CareTeam" => self.care_team(resource, whose).await,
            _ => Ok(Entered::Left("its kind has no place in the chart yet")),
        }?;
        Ok(entered.without(unread::of(&resource.value)))
    }

    /// The patient, read once in a batch.
    async fn person(&mut self, id: PatientId) -> Result<Option<std::sync::Arc<Patient>>> {
        if let Some(person) = self.people.get(&id) {
            return Ok(Some(person.clone()));
        }
        let Some(person) = patients::find(&mut self.tx, id).await? else {
            return Ok(None);
        };
        let person = std::sync::Arc::new(person);
        self.people.insert(id, person.clone());
        Ok(Some(person))
    }

    /// When its source recorded it.
    fn recorded_at(&self, value: &Value) -> Option<Instant> {
        let said = text(value, "/recordedDate")?;
        dates::instant(said, self.importer.zone).filter(|at| *at <= self.now)
    }

    /// The active provider an element means.
    fn active_provider(&self, resource: &Resource, element: &Value) -> Option<ProviderId> {
        let id = self.follow(person(resource, element).as_ref())?;
        self.active_providers
            .contains(&id)
            .then_some(ProviderId(id))
    }

    /// What a model's own rules say against it.
    pub(super) fn broken(&self, model: &impl Validate) -> Option<Entered> {
        let mut checks = Checks::at(self.now);
        model.check(&mut checks);
        checks
            .finish()
            .err()
            .map(|error| Entered::Refused(reason(&error)))
    }

    async fn observation(
        &mut self,
        resource: &Resource,
        person: &Patient,
        whose: Whose,
    ) -> Result<Entered> {
        let value = &resource.value;
        if let Some(left) = codes::unfinished(value).or_else(|| codes::of_another(value)) {
            return Ok(left);
        }
        match codes::category(value) {
            codes::Category::Vital => Ok(self.vital(resource, person, whose)),
            codes::Category::Social => self.social(resource, whose).await,
            codes::Category::Other(why) => Ok(Entered::Left(why)),
        }
    }
}
