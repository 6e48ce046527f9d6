//! Can this be true, and is it usual? By age, by unit, and against what was measured before.
//!
//! What can't be true is refused with the range; what is possible and unusual is asked about. Either names another unit when
//! the same number would be plausible in it. Nothing here repeats a value: values are health information.

use kernel::FieldError;
use kernel::clock::Instant;

use super::age::Age;
use super::facts::{self, Range};
use super::kinds::Quantity;
use super::units::{Amount, Unit};

/// What is wrong with a reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// Can't be true.
    Impossible(FieldError),
    /// Possible; somebody should look twice.
    Unusual(FieldError),
}

/// Where a value stands to what is usual at an age.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = VitalInterpretation)]
pub enum Interpretation {
    Low,
    Normal,
    High,
}

/// Judges a number by itself. `given` is the number in the unit it was said in.
pub(super) fn judge(
    quantity: Quantity,
    (given, unit): (Amount, Unit),
    canonical: Amount,
    age: Age,
    pointer: &str,
) -> Option<Finding> {
    let fact = facts::of(quantity);
    let symbol = quantity.unit().symbol();
    let Range { low, high } = fact.possible;
    if !fact.possible.holds(canonical) {
        let mut message = format!("must lie between {low} and {high} {symbol}");
        message.push_str(&hint(quantity, given, unit, age));
        return Some(Finding::Impossible(FieldError::new(
            pointer,
            "impossible_value",
            message,
        )));
    }
    if quantity.is_whole() && given.rounded(0) != given {
        return Some(Finding::Impossible(FieldError::new(
            pointer,
            "not_whole",
            "must be a whole number",
        )));
    }
    if asks(quantity, canonical, age) {
        let Range { low, high } = fact.usual[age.band() as usize];
        let mut message = format!(
            "is unusual: {low} to {high} {symbol} is usual ({})",
            age.band().name()
        );
        message.push_str(&hint(quantity, given, unit, age));
        return Some(Finding::Unusual(FieldError::new(
            pointer,
            "unusual_value",
            message,
        )));
    }
    None
}

/// Whether a possible value lies so far outside what is usual that the person who typed it is asked.
fn asks(quantity: Quantity, value: Amount, age: Age) -> bool {
    let fact = facts::of(quantity);
    let band = age.band() as usize;
    let Range { low, high } = fact.usual[band];
    let Some(widths) = fact.ask_beyond else {
        return false;
    };
    let width = high.minus(low);
    let beyond = width.times(widths);
    value < low.minus(beyond)
        || value > high.plus(beyond)
        || fact.ask_below.is_some_and(|least| value < least[band])
}

/// Names another unit in which the same number would pass without a question.
fn hint(quantity: Quantity, given: Amount, unit: Unit, age: Age) -> String {
    let fits = quantity.units().iter().find(|other| {
        let value = other.canonical(given, quantity.decimals());
        **other != unit && facts::of(quantity).possible.holds(value) && !asks(quantity, value, age)
    });
    match fits {
        Some(other) => format!(
            "; it is plausible in {}: unit \"{}\"",
            other.symbol(),
            other.code()
        ),
        None => String::new(),
    }
}

/// Where the value stands. Scores and settings have no side that is good.
pub(super) fn interpret(quantity: Quantity, value: Amount, age: Age) -> Option<Interpretation> {
    let fact = facts::of(quantity);
    fact.ask_beyond?;
    let usual = fact.usual[age.band() as usize];
    Some(if value < usual.low {
        Interpretation::Low
    } else if value > usual.high {
        Interpretation::High
    } else {
        Interpretation::Normal
    })
}

/// Judges the two numbers of a blood pressure together.
pub(super) fn judge_pressure(
    systolic: Amount,
    diastolic: Amount,
    pointer: &str,
) -> Option<Finding> {
    let pulse = systolic.minus(diastolic);
    if pulse <= Amount::whole(0) {
        Some(Finding::Impossible(FieldError::new(
            format!("{pointer}/diastolic"),
            "not_below_systolic",
            "must be lower than the systolic pressure",
        )))
    } else if pulse < Amount::whole(10) || pulse > Amount::whole(150) {
        Some(Finding::Unusual(FieldError::new(
            format!("{pointer}/diastolic"),
            "unusual_pulse_pressure",
            "is unusual: systolic and diastolic lie 10 to 150 mmHg apart",
        )))
    } else {
        None
    }
}

/// Judges a value against the one before it. Weight, height and head circumference change slowly; a mistaken unit shows.
pub(super) fn judge_change(
    quantity: Quantity,
    (before, then): (Amount, Instant),
    (value, now): (Amount, Instant),
    age: Age,
    pointer: &str,
) -> Option<Finding> {
    let (before, value) = (before.to_f64(), value.to_f64());
    let hours = (now - then).as_seconds_f64() / 3600.0;
    if before <= 0.0 || hours < 0.0 {
        return None;
    }
    let change = (value - before) / before;
    let adult = age.years() >= 18;
    let (unusual, rule) = match quantity {
        Quantity::Weight if mixed(value / before, 2.204_62) => (
            true,
            "is unusual: it differs from the last weight as kilograms and pounds do",
        ),
        Quantity::Weight => (
            (adult && hours <= 168.0 && change.abs() > 0.10) || (hours <= 24.0 && change < -0.05),
            "is unusual: the weight changed by more than 10 % in a week, or fell by more than 5 % in a day",
        ),
        Quantity::Height if mixed(value / before, 2.54) => (
            true,
            "is unusual: it differs from the last height as centimetres and inches do",
        ),
        Quantity::Height => (
            (adult && (value - before).abs() > 3.0) || (!adult && value < before - 1.0),
            "is unusual: an adult's height changed by more than 3 cm, or a child's fell",
        ),
        Quantity::HeadCircumference => (
            value < before - 0.5 || value - before > 2.0 * (hours / 168.0).max(1.0),
            "is unusual: the head circumference fell, or grew by more than 2 cm a week",
        ),
        _ => return None,
    };
    unusual.then(|| Finding::Unusual(FieldError::new(pointer, "unusual_change", rule)))
}

/// Whether two numbers stand to each other as two units do, within 4 %.
fn mixed(ratio: f64, factor: f64) -> bool {
    [factor, 1.0 / factor]
        .iter()
        .any(|wanted| (ratio / wanted - 1.0).abs() < 0.04)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(text: &str) -> Amount {
        text.parse().expect("an amount")
    }

    fn at(text: &str) -> Instant {
        text.parse().expect("an instant")
    }

    fn years(years: i32) -> Age {
        let birth = chrono::NaiveDate::from_ymd_opt(2024 - years, 1, 1).expect("a date");
        Age::at(birth, at("2024-06-01T12:00:00Z")).expect("born")
    }

    fn verdict(quantity: Quantity, number: &str, unit: Unit, age: Age) -> (&'static str, String) {
        let canonical = unit.canonical(amount(number), quantity.decimals());
        match judge(quantity, (amount(number), unit), canonical, age, "") {
            None => ("fine", String::new()),
            Some(Finding::Impossible(error)) => ("impossible", error.message.into_owned()),
            Some(Finding::Unusual(error)) => ("unusual", error.message.into_owned()),
        }
    }

    #[test]
    fn a_temperature_in_the_wrong_unit_is_refused_with_the_range_and_the_hint() {
        let (what, message) = verdict(Quantity::Temperature, "98.6", Unit::Celsius, years(40));
        assert_eq!(what, "impossible");
        assert_eq!(
            message,
            "must lie between 25 and 45 °C; it is plausible in °F: unit \"[degF]\""
        );
        let (what, message) = verdict(Quantity::Temperature, "36.6", Unit::Fahrenheit, years(40));
        assert_eq!(what, "impossible");
        assert!(
            message.ends_with("it is plausible in °C: unit \"Cel\""),
            "{message}"
        );
        assert_eq!(
            verdict(Quantity::Temperature, "98.6", Unit::Fahrenheit, years(40)).0,
            "fine"
        );
        assert_eq!(
            verdict(Quantity::Temperature, "50", Unit::Celsius, years(40)).1,
            "must lie between 25 and 45 °C",
            "no unit fits, no hint"
        );
    }

    #[test]
    fn a_message_never_repeats_the_value() {
        for (quantity, number, unit) in [
            (Quantity::Temperature, "98.6", Unit::Celsius),
            (Quantity::HeartRate, "377", Unit::PerMinute),
            (Quantity::Height, "71", Unit::Centimetre),
        ] {
            let (_, message) = verdict(quantity, number, unit, years(40));
            assert!(
                !message.is_empty() && !message.contains(number),
                "{message}"
            );
        }
    }

    #[test]
    fn what_is_usual_depends_on_age() {
        let newborn = Age::at(
            chrono::NaiveDate::from_ymd_opt(2024, 5, 20).expect("a date"),
            at("2024-06-01T12:00:00Z"),
        )
        .expect("born");
        assert_eq!(
            verdict(Quantity::HeartRate, "150", Unit::PerMinute, newborn).0,
            "fine"
        );
        assert_eq!(
            verdict(Quantity::HeartRate, "150", Unit::PerMinute, years(40)).0,
            "unusual"
        );
        assert_eq!(
            verdict(Quantity::Systolic, "65", Unit::MmHg, newborn).0,
            "fine"
        );
        assert_eq!(
            verdict(Quantity::Weight, "3250", Unit::Gram, newborn).0,
            "fine"
        );
        assert_eq!(
            verdict(Quantity::Weight, "3.25", Unit::Kilogram, years(40)).0,
            "unusual"
        );
        assert_eq!(
            interpret(Quantity::Systolic, amount("142"), years(40)),
            Some(Interpretation::High)
        );
        assert_eq!(
            interpret(Quantity::Systolic, amount("65"), newborn),
            Some(Interpretation::Normal)
        );
        assert_eq!(interpret(Quantity::Pain, amount("9"), years(40)), None);
    }

    #[test]
    fn a_rate_that_nobody_lives_with_for_long_is_asked_about_and_a_slow_heart_is_not() {
        let newborn = Age::at(
            chrono::NaiveDate::from_ymd_opt(2024, 5, 20).expect("a date"),
            at("2024-06-01T12:00:00Z"),
        )
        .expect("born");
        let heart = |number, age| verdict(Quantity::HeartRate, number, Unit::PerMinute, age).0;
        let breath =
            |number, age| verdict(Quantity::RespiratoryRate, number, Unit::PerMinute, age).0;
        for age in [newborn, years(0), years(2), years(4), years(8), years(15)] {
            assert_eq!((heart("21", age), breath("5", age)), ("unusual", "unusual"));
        }
        for (asked, fine, age) in [
            ("12", "85", newborn),
            ("21", "40", years(40)),
            ("39", "48", years(80)),
        ] {
            assert_eq!((heart(asked, age), heart(fine, age)), ("unusual", "fine"));
        }
        for (asked, fine, age) in [
            ("2", "28", newborn),
            ("5", "8", years(40)),
            ("7", "10", years(80)),
        ] {
            assert_eq!((breath(asked, age), breath(fine, age)), ("unusual", "fine"));
        }
    }

    #[test]
    fn illness_is_not_asked_about_at_each_step() {
        for (quantity, number, unit) in [
            (Quantity::Systolic, "148", Unit::MmHg),
            (Quantity::HeartRate, "112", Unit::PerMinute),
            (Quantity::Temperature, "39.2", Unit::Celsius),
            (Quantity::Pain, "9", Unit::Score),
            (Quantity::GlasgowComaScore, "9", Unit::Score),
            (Quantity::InhaledOxygenFlow, "10", Unit::LitrePerMinute),
        ] {
            assert_eq!(
                verdict(quantity, number, unit, years(40)).0,
                "fine",
                "{quantity:?}"
            );
        }
    }

    #[test]
    fn a_height_in_inches_said_to_be_centimetres_is_asked_about_with_the_hint() {
        let (what, message) = verdict(Quantity::Height, "70", Unit::Centimetre, years(40));
        assert_eq!(what, "unusual");
        assert!(
            message.ends_with("it is plausible in in: unit \"[in_i]\""),
            "{message}"
        );
    }

    #[test]
    fn scores_are_whole() {
        assert_eq!(
            verdict(Quantity::Pain, "4.5", Unit::Score, years(40)).0,
            "impossible"
        );
        assert_eq!(
            verdict(Quantity::Pain, "11", Unit::Score, years(40)).0,
            "impossible"
        );
    }

    #[test]
    fn the_two_pressures_are_judged_together() {
        let of = |systolic, diastolic| {
            judge_pressure(
                Amount::whole(systolic),
                Amount::whole(diastolic),
                "/readings/0",
            )
        };
        assert_eq!(of(120, 80), None);
        assert!(matches!(of(80, 80), Some(Finding::Impossible(_))));
        assert!(matches!(of(80, 120), Some(Finding::Impossible(_))));
        assert!(matches!(of(90, 82), Some(Finding::Unusual(_))));
        assert!(matches!(of(230, 60), Some(Finding::Unusual(_))));
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table of cases")]
    fn a_mistaken_unit_shows_against_the_last_value() {
        let change = |quantity, before: &str, then, value: &str, age| {
            judge_change(
                quantity,
                (amount(before), at(then)),
                (amount(value), at("2024-06-01T12:00:00Z")),
                age,
                "",
            )
            .is_some()
        };
        let (week, month) = ("2024-05-27T12:00:00Z", "2024-05-01T12:00:00Z");
        assert!(
            change(Quantity::Weight, "70", month, "154", years(40)),
            "lb as kg"
        );
        assert!(
            change(Quantity::Weight, "70", month, "31.8", years(40)),
            "kg as lb"
        );
        assert!(
            change(Quantity::Weight, "70", week, "78", years(40)),
            "more than 10 % in a week"
        );
        assert!(!change(Quantity::Weight, "70", month, "78", years(40)));
        assert!(
            change(
                Quantity::Weight,
                "12",
                "2024-06-01T00:00:00Z",
                "11",
                years(3)
            ),
            "5 % in a day"
        );
        assert!(
            change(Quantity::Height, "178", month, "70", years(40)),
            "inches as cm"
        );
        assert!(change(Quantity::Height, "178", month, "182", years(40)));
        assert!(!change(Quantity::Height, "178", month, "177", years(40)));
        assert!(
            !change(Quantity::Height, "110", month, "114", years(5)),
            "children grow"
        );
        assert!(
            change(Quantity::Height, "110", month, "106", years(5)),
            "and don't shrink"
        );
        assert!(change(
            Quantity::HeadCircumference,
            "40",
            week,
            "43",
            years(0)
        ));
        assert!(!change(
            Quantity::HeadCircumference,
            "40",
            month,
            "42",
            years(0)
        ));
    }
}
