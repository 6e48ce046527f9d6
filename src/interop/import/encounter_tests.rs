use super::super::samples;
use super::*;
use serde_json::json;

fn now() -> Instant {
    "2026-01-15T12:00:00Z".parse().expect("an instant")
}

fn mapped(value: &Value) -> Result<EncounterRecord, &'static str> {
    let found = Found {
        patient: PatientId::new(),
        facility: None,
        provider: None,
    };
    map(
        &samples::resource(value),
        EncounterId::new(),
        found,
        chrono_tz::America::New_York,
        now(),
    )
}

fn finished() -> Value {
    json!({
        "resourceType": "Encounter", "id": "e1", "status": "finished", "class": {"code": "AMB"},
        "type": [{"coding": [{"system": "http://snomed.info/sct", "code": "185345009", "display": "Encounter for symptom"}]}],
        "reasonCode": [{"coding": [{"system": "http://snomed.info/sct", "code": "36971009", "display": "Sinusitis"}]}],
        "subject": {"reference": "Patient/p1"},
        "participant": [
            {"type": [{"coding": [{"code": "REF"}]}], "individual": {"reference": "Practitioner/referrer"}},
            {"type": [{"coding": [{"code": "PPRF"}]}], "individual": {"reference": "Practitioner/doctor"}}],
        "serviceProvider": {"reference": "Organization?identifier=urn:org|7"},
        "period": {"start": "1972-02-03T16:48:38-05:00", "end": "1972-02-03T17:03:38-05:00"},
        "hospitalization": {"dischargeDisposition": {"coding": [{"code": "home", "display": "Home"}]}}
    })
}

#[test]
fn a_finished_visit_took_place_when_it_says() {
    let record = mapped(&finished()).expect("an encounter");
    assert_eq!(record.class, EncounterClass::OfficeVisit);
    assert_eq!(record.status, EncounterStatus::Completed);
    assert_eq!(
        record.scheduled_start,
        "1972-02-03T21:48:38Z"
            .parse::<Instant>()
            .expect("an instant")
    );
    assert_eq!(
        (record.actual_start, record.actual_end),
        (Some(record.scheduled_start), record.scheduled_end)
    );
    assert_eq!(record.chief_complaint.as_deref(), Some("Sinusitis"));
    assert_eq!(
        record
            .reason_codes
            .iter()
            .map(|r| r.code.as_str())
            .collect::<Vec<_>>(),
        ["36971009", "185345009"]
    );
    assert_eq!(record.disposition.as_deref(), Some("Home"));
    check(&record, now()).expect("by the rules");
}

#[test]
fn it_refers_to_patient_place_and_the_one_who_performed_it() {
    let links = links(&samples::resource(&finished()));
    let names = [links.patient, links.facility, links.provider]
        .map(|name| name.expect("a name").to_string());
    assert_eq!(
        names,
        [
            "Patient/p1",
            "Organization/urn:org|7",
            "Practitioner/doctor"
        ]
    );
}

#[test]
fn classes_and_statuses_find_ours() {
    for (code, class) in [
        ("IMP", EncounterClass::Inpatient),
        ("EMER", EncounterClass::Emergency),
        ("VR", EncounterClass::Telemedicine),
        ("HH", EncounterClass::OfficeVisit),
        ("else", EncounterClass::OfficeVisit),
    ] {
        let mut value = finished();
        value["class"]["code"] = json!(code);
        assert_eq!(mapped(&value).expect("an encounter").class, class, "{code}");
    }
    let start = now();
    let later = now() + TimeDelta::hours(1);
    for (code, start, expected) in [
        ("planned", start, EncounterStatus::Scheduled),
        ("in-progress", start, EncounterStatus::InProgress),
        ("cancelled", start, EncounterStatus::Cancelled),
        ("unknown", start, EncounterStatus::Completed),
        ("unknown", later, EncounterStatus::Scheduled),
    ] {
        assert_eq!(status(code, start, now()), expected, "{code}");
    }
    let mut value = finished();
    value["status"] = json!("entered-in-error");
    let record = mapped(&value).expect("an encounter");
    assert_eq!(
        (record.cancel_reason.as_deref(), record.actual_start),
        (Some("Entered in error"), None)
    );
}

#[test]
fn what_can_not_be_an_encounter_says_why() {
    for (period, reason) in [
        (json!({}), "has no period.start"),
        (
            json!({"start": "soon"}),
            "has a period that is not a date or time between 1850 and 2200",
        ),
        (
            json!({"start": "2020-02-02T10:00:00Z", "end": "2020-02-02T09:00:00Z"}),
            "has a period that ends before it starts",
        ),
        (
            json!({"start": "2120-02-02T10:00:00Z"}),
            "has a period.start that is out of range",
        ),
    ] {
        let mut value = finished();
        value["period"] = period;
        assert_eq!(mapped(&value).err(), Some(reason));
    }
}

#[test]
fn what_is_known_of_a_period_is_kept_as_it_was_said() {
    let of = |start: &str, end: &str| {
        let mut value = finished();
        value["period"] = json!({ "start": start, "end": end });
        mapped(&value)
    };
    let said = |record: &EncounterRecord| {
        let text = |date: &Option<kernel::PartialDate>| date.as_ref().map(ToString::to_string);
        (text(&record.starts_on), text(&record.ends_on))
    };
    let both = |start: &str, end: &str| (Some(start.to_owned()), Some(end.to_owned()));
    let month = of("2013-05", "2013").expect("an encounter");
    assert_eq!(said(&month), both("2013-05", "2013"));
    let first: Instant = "2013-05-01T04:00:00Z".parse().expect("an instant");
    assert_eq!(
        (month.scheduled_start, month.scheduled_end),
        (first, Some(first))
    );
    // It ended on the day on which it began, and not before it began.
    let day = of("2013-05-10T09:00:00-04:00", "2013-05-10").expect("an encounter");
    assert_eq!(said(&day), (None, Some("2013-05-10".to_owned())));
    assert_eq!(day.scheduled_end, Some(day.scheduled_start));
    assert!(of("2013-05-10T09:00:00-04:00", "2013-05-09").is_err());
    let exact = mapped(&finished()).expect("an encounter");
    assert_eq!(said(&exact), (None, None));
}
