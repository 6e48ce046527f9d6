//! `Immunization` → immunization.
//!
//! A dose that another system gave is never one given here, whatever it calls its own source: there is no lot of ours, and
//! nobody of ours gave it.

use clinical::immunizations::{
    self, DoseQuantity, DoseSource, DoseStatus, InjectionSite, NewImmunization, NotGivenReason,
    Route, VaccineInformation,
};
use clinical::patients::Patient;
use clinical::terminology::System;
use kernel::Result;
use kernel::ids::ImmunizationId;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::super::batch::Batch;
use super::super::dates;
use super::super::elements::{codings, list, named, text, wording};
use super::super::resource::Resource;
use super::super::store_entries as store;
use super::{Entered, Whose, code_of, codes, note, refusal, revised, words};

fn source(value: &Value) -> DoseSource {
    if value.pointer("/primarySource") == Some(&Value::Bool(true)) {
        return DoseSource::OtherProvider;
    }
    match code_of(value, "/reportOrigin") {
        Some("provider") => DoseSource::OtherProvider,
        Some("record") => DoseSource::WrittenRecord,
        Some("recall") => DoseSource::PatientRecall,
        Some("school") => DoseSource::SchoolRecord,
        _ => DoseSource::Unspecified,
    }
}

fn not_given(value: &Value) -> NotGivenReason {
    let reason = value.pointer("/statusReason").unwrap_or(&Value::Null);
    codings(reason)
        .find_map(|coding| match coding.code {
            "IMMUNE" => Some(NotGivenReason::Immunity),
            "MEDPREC" => Some(NotGivenReason::Contraindication),
            "OSTOCK" => Some(NotGivenReason::OutOfStock),
            "PATOBJ" => Some(NotGivenReason::PatientRefusal),
            "RELIG" => Some(NotGivenReason::ReligiousExemption),
            "PHILISOP" => Some(NotGivenReason::PhilosophicalExemption),
            _ => None,
        })
        .unwrap_or(NotGivenReason::Other)
}

fn site(value: &Value) -> Option<InjectionSite> {
    Some(match code_of(value, "/site")? {
        "LD" => InjectionSite::LeftDeltoid,
        "RD" => InjectionSite::RightDeltoid,
        "LT" | "LVL" => InjectionSite::LeftThigh,
        "RT" | "RVL" => InjectionSite::RightThigh,
        "LG" => InjectionSite::LeftGluteus,
        "RG" => InjectionSite::RightGluteus,
        "LLFA" => InjectionSite::LeftForearm,
        "RLFA" => InjectionSite::RightForearm,
        _ => InjectionSite::Other,
    })
}

fn route(value: &Value) -> Option<Route> {
    Some(match code_of(value, "/route")? {
        "IM" => Route::Intramuscular,
        "SQ" | "SC" => Route::Subcutaneous,
        "IDINJ" | "ID" => Route::Intradermal,
        "PO" => Route::Oral,
        "NASINHLC" | "NASINHL" | "IN" => Route::Intranasal,
        "IVINJ" | "IV" => Route::Intravenous,
        _ => Route::Other,
    })
}

/// A Vaccine Information Statement, if it says of which edition it was.
fn handed_over(education: &Value) -> Option<VaccineInformation> {
    let called = text(education, "/documentType").or_else(|| text(education, "/reference"))?;
    Some(VaccineInformation {
        document: words(called, 200)?,
        published_on: text(education, "/publicationDate").and_then(dates::day)?,
        presented_on: text(education, "/presentationDate").and_then(dates::day),
    })
}

/// How much was given, out of the text as it came, in which no digit is lost; or why that can't be taken.
fn dose(content: &str) -> std::result::Result<Option<(DoseQuantity, String)>, String> {
    #[derive(Deserialize)]
    struct Dose<'a> {
        #[serde(rename = "doseQuantity", borrow)]
        quantity: Option<Quantity<'a>>,
    }
    #[derive(Deserialize)]
    struct Quantity<'a> {
        #[serde(borrow)]
        value: Option<&'a RawValue>,
        code: Option<String>,
        unit: Option<String>,
    }
    let unreadable = || "/doseQuantity can't be read".to_owned();
    let dose: Dose<'_> = serde_json::from_str(content).map_err(|_| unreadable())?;
    let Some(quantity) = dose.quantity else {
        return Ok(None);
    };
    let Some(value) = quantity.value else {
        return Ok(None);
    };
    let value: DoseQuantity = value.get().parse().map_err(|()| unreadable())?;
    if !value.fits() {
        return Err(format!("/doseQuantity/value {}", DoseQuantity::RULE));
    }
    let said = quantity.code.or(quantity.unit);
    let unit = said
        .and_then(|unit| words(&unit, 20))
        .ok_or("/doseQuantity has no unit")?;
    Ok(Some((value, unit)))
}

/// How the patient reacted, as far as the dose itself says.
fn reaction(element: &Value) -> Option<String> {
    let said = text(element, "/detail/display");
    let on = text(element, "/date");
    match (said, on) {
        (None, None) => None,
        (said, on) => {
            let on = on.map(|on| format!(" ({on})")).unwrap_or_default();
            Some(format!("Reaction: {}{on}", said.unwrap_or("there was one")))
        }
    }
}

#[expect(clippy::too_many_lines, reason = "one element after the other")]
fn map(
    value: &Value,
    dose: Option<(DoseQuantity, String)>,
    whose: Whose,
    zone: chrono_tz::Tz,
) -> std::result::Result<NewImmunization, Entered> {
    let vaccine = value.pointer("/vaccineCode").unwrap_or(&Value::Null);
    let cvx = codes::code_in(vaccine, System::Cvx)
        .ok_or(Entered::refused("/vaccineCode is not coded in CVX"))?;
    // Editions before R4 said beside the status that it was not.
    let not_given_then = ["/notGiven", "/wasNotGiven"]
        .iter()
        .any(|place| value.pointer(place) == Some(&Value::Bool(true)));
    let status = match text(value, "/status") {
        Some("completed") if not_given_then => DoseStatus::NotGiven,
        Some("completed") => DoseStatus::Completed,
        Some("not-done") => DoseStatus::NotGiven,
        Some("entered-in-error") => {
            return Err(Entered::Left("was entered in error at its source"));
        }
        _ => {
            return Err(Entered::refused(
                "/status does not say whether it was given",
            ));
        }
    };
    let occurred_on = codes::partial_date(value, "/occurrenceDateTime", zone).ok_or(
        Entered::refused("/occurrenceDateTime is no year, month or day"),
    )?;
    let given_at = text(value, "/occurrenceDateTime")
        .filter(|said| said.len() > 10 && status == DoseStatus::Completed)
        .and_then(|said| dates::instant(said, zone));
    let mut more = Vec::new();
    if status == DoseStatus::NotGiven {
        more.extend(
            value
                .pointer("/statusReason")
                .and_then(wording)
                .map(str::to_owned),
        );
    }
    let reasons = list(value, "/reasonCode").iter().filter_map(wording);
    more.extend(reasons.map(|said| format!("Reason: {said}")));
    let weak = list(value, "/subpotentReason").iter().filter_map(wording);
    more.extend(weak.map(|said| format!("Too weak: {said}")));
    more.extend(text(value, "/location/display").map(|place| format!("Place: {place}")));
    // What no word of ours says is kept in its source's.
    if site(value).is_none_or(|site| site == InjectionSite::Other) {
        let said = value.pointer("/site").and_then(wording);
        more.extend(said.map(|said| format!("Site: {said}")));
    }
    if route(value).is_none_or(|route| route == Route::Other) {
        let said = value.pointer("/route").and_then(wording);
        more.extend(said.map(|said| format!("Route: {said}")));
    }
    more.extend(list(value, "/reaction").iter().filter_map(reaction));
    let (dose_quantity, dose_unit) = dose.unzip();
    Ok(NewImmunization {
        cvx,
        name: wording(vaccine).and_then(|name| words(name, 300)),
        status,
        occurred_on,
        given_at,
        source: source(value),
        manufacturer: named(value, "/manufacturer").and_then(|name| words(name, 100)),
        lot_number: text(value, "/lotNumber").and_then(|lot| words(lot, 100)),
        expires_on: text(value, "/expirationDate").and_then(dates::day),
        site: site(value),
        route: route(value),
        dose_quantity,
        dose_unit,
        dose_number: value
            .pointer("/protocolApplied/0/doseNumberPositiveInt")
            .and_then(Value::as_i64)
            .and_then(|number| i32::try_from(number).ok())
            .filter(|number| (1..=20).contains(number)),
        is_subpotent: value.pointer("/isSubpotent") == Some(&Value::Bool(true)),
        vis: list(value, "/education")
            .iter()
            .filter_map(handed_over)
            .take(20)
            .collect(),
        provider_id: None,
        performer_name: None,
        not_given_reason: (status == DoseStatus::NotGiven).then(|| not_given(value)),
        note: note(value, more, 2000),
        encounter_id: whose.encounter,
    })
}

impl Batch<'_> {
    pub(super) async fn immunization(
        &mut self,
        resource: &Resource,
        person: &Patient,
        whose: Whose,
    ) -> Result<Entered> {
        // A dose without its quantity is a dose all the same.
        let (dose, lacks) = match dose(&resource.content) {
            Ok(dose) => (dose, None),
            Err(why) => (None, Some(why)),
        };
        let statements = list(&resource.value, "/education");
        let unsaid = statements.iter().any(|one| handed_over(one).is_none());
        let lacks = lacks.or(unsaid.then(|| "/education does not say which edition".to_owned()));
        let mut new = match map(&resource.value, dose, whose, self.importer.zone) {
            Ok(new) => new,
            Err(left) => return Ok(left),
        };
        let performers = list(&resource.value, "/performer");
        new.provider_id = performers
            .iter()
            .find_map(|performer| self.active_provider(resource, performer));
        if new.provider_id.is_none() {
            new.performer_name = (0..performers.len())
                .find_map(|at| named(&resource.value, &format!("/performer/{at}/actor")))
                .and_then(|name| words(name, 100));
        }
        if let Some(broken) = self.broken(&new) {
            return Ok(broken);
        }
        if let Some(id) = self.revises {
            let (tx, now) = (&mut self.tx, self.now);
            let done = immunizations::revise_in_tx(tx, person, ImmunizationId(id), new, now).await;
            return Ok(revised("immunization", id, done)?.lacking(lacks));
        }
        if new.status == DoseStatus::Completed
            && store::has_dose(
                &mut self.tx,
                whose.patient,
                &new.cvx,
                new.occurred_on.as_str(),
            )
            .await?
        {
            let why = "a dose of this vaccine on this day stands there already";
            return Ok(Entered::There(why.to_owned()));
        }
        match immunizations::add_in_tx(&mut self.tx, person, new, self.now).await {
            Ok(id) => Ok(Entered::whole("immunization", id).lacking(lacks)),
            Err(error) => refusal(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dose_is_read_digit_by_digit_and_one_that_does_not_fit_names_its_element() {
        let said = |value: &str, unit: &str| {
            dose(&format!(
                r#"{{"resourceType":"Immunization","doseQuantity":{{"value":{value}{unit}}}}}"#
            ))
        };
        let ml = r#","code":"mL""#;
        let (quantity, unit) = said("0.30", ml).expect("a dose").expect("one is said");
        assert_eq!(
            (quantity.to_string().as_str(), unit.as_str()),
            ("0.3", "mL")
        );
        for wrong in ["0.30000000000000000001", "0", "-1", "1e9"] {
            let why = said(wrong, ml).expect_err("does not fit");
            assert!(why.starts_with("/doseQuantity/value"), "{why}");
            assert!(!why.contains(wrong) || wrong == "0", "{why}");
        }
        assert!(said("0.5", "").is_err_and(|why| why.contains("unit")));
        assert_eq!(dose(r#"{"resourceType":"Immunization"}"#), Ok(None));
    }
}
