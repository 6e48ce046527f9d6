//! `Observation` of social history and of surveys → social history.
//!
//! A coded answer in a system that is not known here, or with a code that the loaded set does not have, is taken in words.

use clinical::social_history::{
    self, NewSocialHistory, SmokingStatus, SocialAnswer, SocialCategory,
};
use clinical::terminology::System;
use kernel::ids::SocialHistoryId;
use kernel::{Kind, Result};
use serde_json::Value;

use super::super::batch::Batch;
use super::super::digits;
use super::super::elements::{codings, list, text, wording};
use super::super::resource::Resource;
use super::vital::measured;
use super::{Entered, Whose, codes, note, quantity_at, refusal, words};

fn smoking(value: &Value) -> Option<SmokingStatus> {
    let concept = value.pointer("/valueCodeableConcept")?;
    codings(concept).find_map(|coding| {
        Some(match coding.code {
            "449868002" | "LA18976-3" => SmokingStatus::CurrentEveryDay,
            "428041000124106" | "LA18977-1" => SmokingStatus::CurrentSomeDay,
            "8517006" | "LA15920-4" => SmokingStatus::Former,
            "266919005" | "LA18978-9" => SmokingStatus::Never,
            "77176002" | "LA18979-7" => SmokingStatus::CurrentUnknown,
            "266927001" | "LA18980-5" => SmokingStatus::Unknown,
            "428071000124103" | "LA18981-3" => SmokingStatus::Heavy,
            "428061000124105" | "LA18982-1" => SmokingStatus::Light,
            _ => return None,
        })
    })
}

fn category(code: &str) -> SocialCategory {
    match code {
        codes::SMOKING => SocialCategory::SmokingStatus,
        "11367-0" | "63640-7" | "81229-7" | "8663-7" | "63608-4" => SocialCategory::Tobacco,
        "75626-2" | "72109-2" | "11331-6" | "11332-4" | "74013-4" | "68518-0" | "68519-8" => {
            SocialCategory::Alcohol
        }
        "82667-7" | "82666-9" | "74204-9" => SocialCategory::SubstanceUse,
        "93025-5" | "96777-8" | "76504-0" | "76501-6" | "88121-9" | "88122-7" | "88123-5"
        | "71802-3" | "93033-9" | "93030-5" | "93038-8" | "93029-7" | "63586-2" | "97023-6"
        | "95618-5" => SocialCategory::Sdoh,
        "11341-5" | "85658-3" | "67875-5" => SocialCategory::Occupation,
        "82589-3" | "63504-5" => SocialCategory::Education,
        "63503-7" | "75274-1" | "63512-8" => SocialCategory::LivingSituation,
        "8691-8" | "94651-7" => SocialCategory::Travel,
        _ => SocialCategory::Other,
    }
}

/// A question and what was said to it; `None` where nothing was.
fn answer(element: &Value, written: &str, coded: bool) -> Option<SocialAnswer> {
    let question = codes::coding(element.pointer("/code")?)?;
    let mut answer = SocialAnswer {
        question,
        coding: None,
        text: None,
        number: None,
        unit: None,
        yes: None,
    };
    if let Some(concept) = element.pointer("/valueCodeableConcept") {
        answer.coding = codes::coding(concept).filter(|_| coded);
        if answer.coding.is_none() {
            let code = codings(concept).next().map(|coding| coding.code);
            answer.text = Some(words(wording(concept).or(code)?, 2000)?);
        }
    } else if let Some(said) = digits::number(written, "/valueQuantity/value") {
        let plain = text(element, "/valueQuantity/comparator").is_none();
        if let Some(number) = said.parse().ok().filter(|_| plain) {
            answer.number = Some(number);
            answer.unit = text(element, "/valueQuantity/code")
                .or_else(|| text(element, "/valueQuantity/unit"))
                .and_then(|unit| words(unit, 40));
        } else {
            // More or less than a number, or of more digits than are kept: in words.
            let said = quantity_at(element, written, "/valueQuantity")?;
            answer.text = Some(words(&said, 2000)?);
        }
    } else if let Some(said) = digits::number(written, "/valueInteger") {
        answer.number = Some(said.parse().ok()?);
    } else if let Some(yes) = element.pointer("/valueBoolean").and_then(Value::as_bool) {
        answer.yes = Some(yes);
    } else {
        let said = text(element, "/valueString")
            .or_else(|| text(element, "/valueDateTime"))
            .or_else(|| text(element, "/valueTime"))?;
        answer.text = Some(words(said, 2000)?);
    }
    Some(answer)
}

/// The entry; or why it can't be one. `coded`: answers keep their codes.
fn map(
    (value, written): (&Value, &str),
    whose: Whose,
    at: kernel::clock::Instant,
    coded: bool,
) -> std::result::Result<NewSocialHistory, Entered> {
    let code = value.pointer("/code").unwrap_or(&Value::Null);
    let asked =
        codes::coding(code).ok_or(Entered::refused("/code is of no system that is known here"))?;
    let category = if asked.system == System::Loinc {
        category(&asked.code)
    } else {
        SocialCategory::Other
    };
    let parts = list(value, "/component");
    let read = |place: usize, part: &Value| {
        let written = digits::at(written, &format!("/component/{place}"))?;
        answer(part, written, coded)
    };
    let mut answers: Vec<SocialAnswer> = Vec::new();
    let mut lost = false;
    for (place, part) in parts.iter().enumerate() {
        match read(place, part) {
            Some(answer) => answers.push(answer),
            None => lost |= part.pointer("/dataAbsentReason").is_none(),
        }
    }
    if lost {
        return Err(Entered::refused(
            "/component has a question or an answer that can't be read",
        ));
    }
    let smoking_status = (category == SocialCategory::SmokingStatus)
        .then(|| {
            smoking(value).ok_or(Entered::refused(
                "/valueCodeableConcept is no smoking status of US Core",
            ))
        })
        .transpose()?;
    let instrument = (!parts.is_empty()).then(|| asked.clone());
    if smoking_status.is_none() {
        answers.extend(answer(value, written, coded));
        if answers.is_empty() {
            return Err(if list(value, "/hasMember").is_empty() {
                Entered::refused("has no answer that can be read")
            } else {
                Entered::Left("is a panel, whose members stand for themselves")
            });
        }
    }
    Ok(NewSocialHistory {
        category,
        effective_at: at,
        smoking_status,
        instrument,
        answers,
        note: note(value, None, 2000),
        encounter_id: whose.encounter,
    })
}

impl Batch<'_> {
    pub(super) async fn social(&mut self, resource: &Resource, whose: Whose) -> Result<Entered> {
        let Some((at, known)) = measured(&resource.value, self.importer.zone) else {
            return Ok(Entered::refused("has no time at which it was asked"));
        };
        let mut outcome = Entered::refused("can't be entered");
        for coded in [true, false] {
            let new = match map((&resource.value, &resource.content), whose, at, coded) {
                Ok(new) => new,
                Err(left) => return Ok(left),
            };
            if let Some(broken) = self.broken(&new) {
                return Ok(broken);
            }
            let on = at.date_naive().min(self.now.date_naive());
            let new = (new, known.clone());
            let (tx, now) = (&mut self.tx, self.now);
            let done = match self.revises.map(SocialHistoryId) {
                Some(id) => social_history::revise_in_tx(tx, whose.patient, id, new, on, now)
                    .await
                    .map(|()| id),
                None => social_history::add_in_tx(tx, whose.patient, new, on, now).await,
            };
            let error = match done {
                Ok(id) => return Ok(Entered::whole("social_history", id)),
                Err(error) => error,
            };
            let is_an_answer = error.kind() == Kind::Invalid
                && !error.fields().is_empty()
                && error
                    .fields()
                    .iter()
                    .all(|field| field.pointer.contains("/coding"));
            outcome = refusal(error)?;
            if !is_an_answer {
                break;
            }
        }
        Ok(outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::ids::PatientId;
    use serde_json::json;

    #[test]
    fn a_screen_is_one_entry_with_its_answers_and_an_answer_that_is_lost_keeps_it_out() {
        let whose = Whose {
            patient: PatientId::new(),
            encounter: None,
        };
        let at = "2020-01-01T00:00:00Z".parse().expect("an instant");
        let question = |code: &str| json!({"coding": [{"system": "http://loinc.org", "code": code, "display": "Asked"}]});
        let mut screen = json!({"code": question("93025-5"), "component": [
            {"code": question("71802-3"), "valueCodeableConcept": {"text": "I have housing"}},
            {"code": question("63586-2"), "valueQuantity": {"value": 34000, "code": "{USD}/a"}},
            {"code": question("93030-5"), "dataAbsentReason": {"text": "declined"}}]});
        let mapped = |value: &Value| map((value, &value.to_string()), whose, at, true);
        let entry = mapped(&screen).expect("an entry");
        assert_eq!(entry.category, SocialCategory::Sdoh);
        assert_eq!(entry.answers.len(), 2);
        assert_eq!(
            entry.instrument.as_ref().map(|one| one.code.as_str()),
            Some("93025-5")
        );
        screen["component"][0] = json!({"code": {"text": "Something"}, "valueString": "said"});
        assert!(matches!(mapped(&screen), Err(Entered::Refused(_))));
    }

    #[test]
    fn a_number_keeps_its_digits_and_what_is_no_plain_number_is_said_in_words() {
        let read = |quantity: &str| {
            let element = format!(
                r#"{{"code":{{"coding":[{{"system":"http://loinc.org","code":"63586-2"}}]}},"valueQuantity":{quantity}}}"#
            );
            let value = serde_json::from_str(&element).expect("JSON");
            let said = answer(&value, &element, true).expect("an answer");
            let number = said.number.map(|number| number.to_string());
            (number.unwrap_or_default(), said.text.unwrap_or_default())
        };
        let none = String::new();
        assert_eq!(
            read(r#"{"value":98.60,"code":"kg"}"#),
            ("98.60".to_owned(), none.clone())
        );
        assert_eq!(
            read(r#"{"value":5.0,"comparator":"<","code":"/a"}"#),
            (none.clone(), "<5.0 /a".to_owned())
        );
        let long = "0.1000000000000000055";
        assert_eq!(
            read(&format!(r#"{{"value":{long},"unit":"kg"}}"#)),
            (none, format!("{long} kg"))
        );
    }
}
