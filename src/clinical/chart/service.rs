//! Opening a chart, of now or of then.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};
use kernel::clock::Instant;
use kernel::ids::PatientId;
use kernel::{Error, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::audit::Action;
use platform::http::Answer;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::model::{Chart, ChartFlag, ChartHeader, NotEntered, Section};
use super::sections;
use super::store::{self, Asked, Found};
use crate::allergies::AllergySummary;
use crate::entries::{self, Remembered};
use crate::immunizations::{self, Immunization, SeriesState, SeriesStatus};
use crate::imported;
use crate::patients::{self, AsOf, NameUse, Patient, PatientName, PatientStatus};
use crate::vitals::{self, RecentVital};

const RESOURCE: &str = "chart";
/// Rows of a section; the lists have the rest.
const SHOWN: i64 = 8;
/// Rows of a section of a chart of the past, of which whoever asks for it wants more at once.
const SHOWN_THEN: i64 = 200;

pub(super) async fn open(
    ctx: &Ctx,
    patient: PatientId,
    as_of: Option<AsOf>,
) -> Result<Answer<Chart>> {
    let then = as_of.map(|then| then.instant(ctx));
    let permission = match then {
        None => Permission::ChartRead,
        Some(_) => Permission::EntryHistory,
    };
    let role = ctx.principal().role;
    let mut tx = ctx.begin_snapshot(permission).await?;
    if !entries::open_chart(&mut tx, patient).await? {
        return Err(Error::not_found());
    }
    let at = then.unwrap_or(ctx.now());
    let person = match then {
        None => patients::find(&mut tx, patient).await?,
        Some(at) => {
            if !patients::exists(&mut tx, patient).await? {
                return Err(Error::not_found());
            }
            patients::state_in_tx(&mut tx, patient, at).await?
        }
    };
    let person = person.ok_or_else(Error::not_found)?;
    person.require_unmerged()?;
    let asked = Asked {
        patient,
        sections: sections::of_role(role),
        caller: ctx.user(),
        at,
        limit: then.map_or(SHOWN, |_| SHOWN_THEN),
        released_only: imported::released_only(ctx),
    };
    let found = match then {
        None => store::present(&mut tx, &asked).await?,
        Some(_) => store::past(&mut tx, &asked).await?,
    };
    let measured = if Permission::VitalsRead.allows(role) {
        let until = then.unwrap_or(at) + vitals::AHEAD;
        Some(vitals::recent_in_tx(&mut tx, (patient, person.data.birth_date), until, then).await?)
    } else {
        None
    };
    let today = at.with_timezone(&ctx.zone()).date_naive();
    let chart = Shown {
        found,
        patient,
        then,
        limit: asked.limit,
        not_told: sections::not_told(role, then.is_some()),
    }
    .chart(person, measured, (at, today))?;
    tx.finish(Disclosure::of(
        RESOURCE,
        Action::Read,
        patient,
        patient,
        chart,
    ))
    .await
}

/// What the store found, on its way into a chart.
struct Shown {
    found: BTreeMap<String, Found>,
    patient: PatientId,
    then: Option<Instant>,
    limit: i64,
    not_told: Vec<&'static str>,
}

impl Shown {
    fn chart(
        mut self,
        person: Patient,
        measured: Option<Vec<RecentVital>>,
        (at, today): (Instant, NaiveDate),
    ) -> Result<Chart> {
        let due = self.due(&person, today)?;
        let not_entered = self.not_entered()?;
        let unread = not_entered.as_deref().map(allergies_in);
        let birth = person.data.birth_date;
        let bmi = measured
            .as_deref()
            .and_then(|recent| vitals::bmi_in(recent, birth));
        Ok(Chart {
            at,
            patient: header(person, self.allergies(unread)?, today),
            problems: self.remembered("problems")?,
            vitals: measured.map(|items| self.vitals(items)),
            bmi,
            medications: self.plain("medications")?,
            results: self.plain("results")?,
            open_orders: self.plain("open_orders")?,
            tasks: self.plain("tasks")?,
            imported_not_entered: not_entered,
            encounters: self.remembered("encounters")?,
            upcoming_encounters: self.remembered("upcoming")?,
            open_referrals: self.remembered("referrals")?,
            open_alerts: self.plain("clinical_alerts")?,
            open_amendment_requests: self.remembered("note_amendment_requests")?,
            immunizations_due: due,
            care_team: self.plain("care_team_members")?,
            care_plans: self.remembered("care_plans")?,
            goals: self.remembered("goals")?,
            notes: self.plain("notes")?,
            released_notes: self.plain("released_notes")?,
            documents: self.plain("documents")?,
            unsigned: self.plain("unsigned")?,
            not_told: self.not_told,
        })
    }

    /// A section whose rows are read as the history is.
    fn remembered<T: Remembered>(&mut self, name: &str) -> Result<Option<Section<T>>> {
        self.section(name, |image| T::of_image(image))
    }

    /// A section whose rows have the names of the wire.
    fn plain<T: DeserializeOwned>(&mut self, name: &str) -> Result<Option<Section<T>>> {
        self.section(name, |image| serde_json::from_str(image.get()))
    }

    fn section<T>(
        &mut self,
        name: &str,
        read: impl Fn(&RawValue) -> serde_json::Result<T>,
    ) -> Result<Option<Section<T>>> {
        let Some(found) = self.found.remove(name) else {
            return Ok(None);
        };
        let items = found
            .items
            .iter()
            .map(|image| read(image))
            .collect::<serde_json::Result<Vec<T>>>()
            .map_err(Error::internal)?;
        Ok(Some(Section {
            more: found.total > i64::try_from(items.len()).unwrap_or(i64::MAX),
            items,
            total: found.total,
            href: self.of_then(sections::href(name, self.patient)),
        }))
    }

    /// Where a list is, of the chart's time.
    fn of_then(&self, list: String) -> String {
        match self.then {
            Some(then) => entries::as_it_stood(&list, then),
            None => list,
        }
    }

    /// What an import could not enter, which is known of today alone.
    fn not_entered(&mut self) -> Result<Option<Vec<NotEntered>>> {
        let section = self.plain::<NotEntered>("not_entered")?;
        let section = section.filter(|_| self.then.is_none());
        Ok(section.map(|section| {
            let of = |mut kind: NotEntered| {
                kind.href = format!("{}&type={}", section.href, kind.resource_type);
                kind
            };
            section.items.into_iter().map(of).collect()
        }))
    }

    fn allergies(&mut self, unread: Option<i64>) -> Result<Option<AllergySummary>> {
        let active = self.remembered("allergies")?;
        let statements = self.remembered("allergy_statements")?;
        Ok(active
            .zip(statements)
            .map(|(active, statements)| AllergySummary::of(active.items, statements.items, unread)))
    }

    fn due(&mut self, person: &Patient, today: NaiveDate) -> Result<Option<Section<SeriesStatus>>> {
        let Some(doses) = self.remembered::<Immunization>("immunizations")? else {
            return Ok(None);
        };
        let mut due = immunizations::status_of(person, &doses.items, today).series;
        due.retain(|series| matches!(series.state, SeriesState::Due | SeriesState::Overdue));
        due.sort_by_key(|series| series.state != SeriesState::Overdue);
        Ok(Some(self.cut(due, doses.href)))
    }

    fn vitals(&self, items: Vec<RecentVital>) -> Section<RecentVital> {
        let href = self.of_then(format!("/api/v1/patients/{}/vitals", self.patient));
        let total = i64::try_from(items.len()).unwrap_or(i64::MAX);
        Section {
            items,
            total,
            more: false,
            href,
        }
    }

    fn cut<T>(&self, mut items: Vec<T>, href: String) -> Section<T> {
        let total = items.len();
        items.truncate(usize::try_from(self.limit).unwrap_or(usize::MAX));
        Section {
            more: total > items.len(),
            items,
            total: i64::try_from(total).unwrap_or(i64::MAX),
            href,
        }
    }
}

fn header(person: Patient, allergies: Option<AllergySummary>, today: NaiveDate) -> ChartHeader {
    let data = person.data;
    let last_day = data.deceased_on.unwrap_or(today);
    let spoken = |wanted: NameUse| {
        let name = data.names.iter().find(|name| name.r#use == wanted);
        name.map(PatientName::spoken)
    };
    let flags = [
        (data.is_vip, ChartFlag::Vip),
        (data.is_confidential, ChartFlag::Confidential),
        (
            person.status == PatientStatus::Deceased,
            ChartFlag::Deceased,
        ),
        (
            !matches!(
                person.status,
                PatientStatus::Active | PatientStatus::Deceased
            ),
            ChartFlag::NotActive,
        ),
    ];
    ChartHeader {
        id: person.id,
        mrn: person.mrn,
        name: spoken(NameUse::Legal).unwrap_or_default(),
        preferred_name: spoken(NameUse::Preferred),
        birth_date: data.birth_date,
        age: years(data.birth_date, last_day),
        age_in_words: patients::age_in_words(data.birth_date, last_day),
        sex: data.sex,
        language: data.language,
        status: person.status,
        deceased_on: data.deceased_on,
        flags: flags
            .into_iter()
            .filter_map(|(is, flag)| is.then_some(flag))
            .collect(),
        primary_provider_id: data.primary_provider_id,
        allergies,
    }
}

/// How many of them are allergies.
fn allergies_in(not_entered: &[NotEntered]) -> i64 {
    let mut kinds = not_entered.iter();
    let allergies = kinds.find(|kind| kind.resource_type == imported::ALLERGY);
    allergies.map_or(0, |kind| kind.total)
}

/// Whole years between two days; none before the first, as where it is a day later than on the organisation's clocks.
fn years(birth: NaiveDate, day: NaiveDate) -> i32 {
    let had = (day.month(), day.day()) >= (birth.month(), birth.day());
    (day.year() - birth.year() - i32::from(!had)).max(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_year_is_full_on_the_birthday_and_on_the_first_of_march_for_a_leapling() {
        let day = |text: &str| text.parse::<NaiveDate>().expect("a day");
        assert_eq!(years(day("1980-06-02"), day("2026-06-01")), 45);
        assert_eq!(years(day("1980-06-02"), day("2026-06-02")), 46);
        assert_eq!(years(day("1980-02-29"), day("2026-02-28")), 45);
        assert_eq!(years(day("1980-02-29"), day("2026-03-01")), 46);
        assert_eq!(years(day("2026-06-02"), day("2026-06-01")), 0);
    }
}
