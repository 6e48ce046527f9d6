//! How old somebody is, as people say it. Pure.

use chrono::{Datelike, NaiveDate};

/// An age as it is said: years, of a child under two years months, of a newborn days.
pub(crate) fn age_in_words(birth: NaiveDate, today: NaiveDate) -> String {
    let mut months = (today.year() - birth.year()) * 12 + today.month0().cast_signed()
        - birth.month0().cast_signed();
    if today.day() < birth.day() {
        months -= 1;
    }
    let (count, unit) = if months >= 24 {
        (i64::from(months / 12), "year")
    } else if months >= 1 {
        (i64::from(months), "month")
    } else {
        ((today - birth).num_days().max(0), "day")
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_said_in_years_months_or_days() {
        let day = |text: &str| text.parse::<NaiveDate>().expect("a date");
        for (birth, today, said) in [
            ("1980-02-29", "2026-02-28", "45 years"),
            ("1980-02-29", "2026-03-01", "46 years"),
            ("2024-12-15", "2026-11-22", "23 months"),
            ("2026-10-22", "2026-11-22", "1 month"),
            ("2026-11-21", "2026-11-22", "1 day"),
            ("2026-11-22", "2026-11-22", "0 days"),
        ] {
            assert_eq!(
                age_in_words(day(birth), day(today)),
                said,
                "{birth} {today}"
            );
        }
    }
}
