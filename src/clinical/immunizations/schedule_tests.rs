use super::*;

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a day")
}

fn given(doses: &[(&str, &str)]) -> Vec<Given> {
    doses
        .iter()
        .map(|(on, cvx)| Given {
            on: day(on),
            cvx: (*cvx).to_owned(),
            spoilt: None,
        })
        .collect()
}

fn status(series: &str, birth: &str, today: &str, doses: &[(&str, &str)]) -> SeriesStatus {
    evaluate(day(birth), day(today), &given(doses), &[])
        .into_iter()
        .find(|status| status.series == series)
        .expect("a series")
}

fn state(series: &str, birth: &str, today: &str, doses: &[(&str, &str)]) -> SeriesState {
    status(series, birth, today, doses).state
}

#[test]
fn a_newborn_is_due_for_hepatitis_b_and_for_nothing_else() {
    let all = evaluate(day("2026-01-01"), day("2026-01-02"), &[], &[]);
    let due: Vec<_> = all
        .iter()
        .filter(|status| matches!(status.state, SeriesState::Due | SeriesState::Overdue))
        .map(|status| status.series.as_str())
        .collect();
    assert_eq!(due, ["hepatitis_b"]);
}

#[test]
fn five_doses_on_time_complete_dtap() {
    let birth = "2020-01-01";
    let mut doses = vec![
        ("2020-03-01", "20"),
        ("2020-05-01", "20"),
        ("2020-07-01", "20"),
        ("2021-04-01", "20"),
    ];
    let four = status("dtap", birth, "2023-01-01", &doses);
    assert_eq!(four.state, SeriesState::Upcoming);
    let next = four.next.expect("a fifth");
    assert_eq!((next.number, next.due_on), (5, day("2024-01-01")));
    assert_eq!(state("dtap", birth, "2024-02-01", &doses), SeriesState::Due);
    doses.push(("2024-03-01", "130"));
    let five = status("dtap", birth, "2024-04-01", &doses);
    assert_eq!((five.state, five.next), (SeriesState::Complete, None));
    // The same vaccine counts for polio, too.
    assert_eq!(status("polio", birth, "2024-04-01", &doses).doses.len(), 1);
}

#[test]
fn a_dose_too_early_does_not_count_but_four_days_are_forgiven() {
    let birth = "2020-01-01";
    let early = status("mmr", birth, "2021-03-01", &[("2020-12-20", "03")]);
    assert_eq!(early.doses[0].invalid, Some(InvalidDose::TooYoung));
    assert_eq!(early.state, SeriesState::Due);
    let graced = status("mmr", birth, "2021-03-01", &[("2020-12-28", "03")]);
    assert_eq!(graced.doses[0].number, Some(1));
    let soon = status(
        "mmr",
        birth,
        "2024-06-01",
        &[("2021-01-20", "03"), ("2021-02-05", "03")],
    );
    assert_eq!(soon.doses[1].invalid, Some(InvalidDose::TooSoon));
    assert_eq!(soon.next.expect("a second").number, 2);
}

#[test]
fn who_begins_late_needs_fewer_doses() {
    let birth = "2023-01-01";
    let today = "2026-01-01";
    assert_eq!(state("hib", birth, today, &[]), SeriesState::Overdue);
    assert_eq!(
        state("hib", birth, today, &[("2025-12-01", "48")]),
        SeriesState::Complete
    );
    assert_eq!(
        state("hib", birth, today, &[("2023-03-01", "48")]),
        SeriesState::Overdue
    );
}

#[test]
fn who_is_too_old_is_not_overdue() {
    assert_eq!(
        state("rotavirus", "2020-01-01", "2026-01-01", &[]),
        SeriesState::NotIndicated
    );
    assert_eq!(
        state("rotavirus", "2026-01-01", "2026-05-15", &[]),
        SeriesState::NotIndicated
    );
    assert_eq!(
        state("hpv", "1990-01-01", "2026-01-01", &[]),
        SeriesState::NotIndicated
    );
    assert_eq!(
        state("mmr", "1950-01-01", "2026-01-01", &[]),
        SeriesState::NotIndicated
    );
}

#[test]
fn two_doses_of_the_monovalent_rotavirus_vaccine_are_enough() {
    let birth = "2026-01-01";
    let doses = [("2026-03-01", "119"), ("2026-05-01", "119")];
    assert_eq!(
        state("rotavirus", birth, "2026-07-15", &doses),
        SeriesState::Complete
    );
    let mixed = [("2026-03-01", "119"), ("2026-05-01", "116")];
    assert_eq!(
        state("rotavirus", birth, "2026-07-15", &mixed),
        SeriesState::Due
    );
}

#[test]
fn hpv_begun_from_fifteen_takes_three_doses() {
    let young = [("2024-01-10", "165"), ("2024-07-10", "165")];
    assert_eq!(
        state("hpv", "2012-01-01", "2026-01-01", &young),
        SeriesState::Complete
    );
    assert_eq!(
        state("hpv", "2008-01-01", "2026-01-01", &young),
        SeriesState::Overdue
    );
}

#[test]
fn the_booster_comes_every_ten_years_after_a_tdap() {
    let birth = "1980-01-01";
    assert_eq!(
        state("tdap", birth, "2026-01-01", &[]),
        SeriesState::Overdue
    );
    // A Td does not stand for the Tdap.
    let td = status("tdap", birth, "2026-01-01", &[("2020-01-01", "113")]);
    assert_eq!(td.doses[0].invalid, Some(InvalidDose::OtherVaccine));
    let fresh = status("tdap", birth, "2026-01-01", &[("2020-05-01", "115")]);
    assert_eq!(fresh.state, SeriesState::Complete);
    assert_eq!(fresh.next.expect("a booster").due_on, day("2030-05-01"));
    let doses = [("2005-05-01", "115"), ("2015-06-01", "113")];
    let due = status("tdap", birth, "2025-07-01", &doses);
    assert_eq!(due.state, SeriesState::Due);
    assert_eq!(due.next.expect("a booster").number, 3);
    assert_eq!(
        state("tdap", birth, "2026-01-01", &doses),
        SeriesState::Overdue
    );
}

#[test]
fn influenza_is_due_each_autumn() {
    let birth = "1980-01-01";
    let last = [("2024-10-01", "150")];
    for (today, expected) in [
        ("2025-06-30", SeriesState::Complete),
        ("2025-07-01", SeriesState::Upcoming),
        ("2025-09-01", SeriesState::Due),
        ("2025-11-01", SeriesState::Overdue),
        ("2026-02-01", SeriesState::Overdue),
    ] {
        assert_eq!(state("influenza", birth, today, &last), expected, "{today}");
    }
    assert_eq!(
        state("influenza", "2026-01-01", "2026-02-01", &[]),
        SeriesState::Upcoming
    );
}

#[test]
fn a_refusal_leaves_it_due_and_a_contraindication_does_not() {
    let refused = |exempts| NotGiven {
        on: day("2025-01-05"),
        cvx: "187".to_owned(),
        exempts,
    };
    let zoster = |not_given: &[NotGiven]| {
        evaluate(day("1970-01-01"), day("2026-01-01"), &[], not_given)
            .into_iter()
            .find(|status| status.series == "zoster")
            .expect("a series")
    };
    let declined = zoster(&[refused(false)]);
    assert_eq!(declined.state, SeriesState::Overdue);
    assert_eq!(declined.declined_on, Some(day("2025-01-05")));
    let exempt = zoster(&[refused(true)]);
    assert_eq!((exempt.state, exempt.next), (SeriesState::Exempt, None));
}

#[test]
fn a_dose_of_an_expired_lot_does_not_count() {
    let mut doses = given(&[("2025-01-05", "216")]);
    doses[0].spoilt = Some(InvalidDose::Expired);
    let all = evaluate(day("1970-01-01"), day("2026-01-01"), &doses, &[]);
    let status = all
        .into_iter()
        .find(|status| status.series == "pneumococcal_adult")
        .expect("a series");
    assert_eq!(status.doses[0].invalid, Some(InvalidDose::Expired));
    assert_eq!(status.state, SeriesState::Overdue);
}

#[test]
fn whatever_was_given_the_dates_of_the_next_dose_are_in_order() {
    let birth = day("2020-02-29");
    for years in 0..90 {
        let today = Span::try_from(format!("{years}y"))
            .expect("an age")
            .after(birth);
        for cvx in ["20", "94", "110", "115", "165", "187", "216", "140", "119"] {
            let doses: Vec<Given> = (0..6)
                .filter_map(|place| {
                    let on = today.checked_sub_days(Days::new(place * 45))?;
                    Some(Given {
                        on,
                        cvx: cvx.to_owned(),
                        spoilt: None,
                    })
                })
                .collect();
            for status in evaluate(birth, today, &doses, &[]) {
                if let Some(next) = status.next {
                    assert!(
                        next.earliest_on <= next.due_on && next.due_on <= next.overdue_on,
                        "{}: {next:?}",
                        status.series
                    );
                }
            }
        }
    }
}
