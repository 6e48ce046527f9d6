//! When a document has outlived its retention.

use chrono::{Datelike, NaiveDate};

use crate::documents::model::Category;

/// A policy, as far as the rule asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Policy {
    pub category: Category,
    /// `None`: in every state.
    pub state: Option<String>,
    pub years: i16,
    pub minor_years: i16,
    pub majority_age: i16,
}

/// A document, as far as the rule asks.
#[derive(Clone, Debug)]
pub(super) struct Aged {
    pub category: Category,
    pub document_date: NaiveDate,
    /// Of the patient's facility; `None`: unknown, so it may be any.
    pub state: Option<String>,
    /// Of the patient.
    pub birth_date: Option<NaiveDate>,
    /// A reviewer's decision.
    pub keep_until: Option<NaiveDate>,
}

/// The state an address names, if it is a state's code. "New York" might be any: better kept too long.
pub(super) fn known_state(written: &str) -> Option<String> {
    let code = written.trim().to_ascii_uppercase();
    kernel::states::is_licensing_state(&code).then_some(code)
}

/// The last day it must be kept: the latest that any fitting policy, or a reviewer, says. `None` without a policy: for ever.
pub(super) fn kept_until(document: &Aged, policies: &[Policy]) -> Option<NaiveDate> {
    policies
        .iter()
        .filter(|policy| policy.category == document.category)
        .filter(|policy| {
            policy.state.is_none() || document.state.is_none() || policy.state == document.state
        })
        .map(|policy| under(policy, document))
        .max()
        .map(|day| document.keep_until.map_or(day, |kept| day.max(kept)))
}

fn under(policy: &Policy, document: &Aged) -> NaiveDate {
    let from_its_day = later(document.document_date, policy.years);
    let majority = document
        .birth_date
        .map(|born| later(born, policy.majority_age));
    match majority {
        Some(majority) if document.document_date < majority => {
            from_its_day.max(later(majority, policy.minor_years))
        }
        _ => from_its_day,
    }
}

/// The same day so many years later; of a 29 February, the 1 March where there is none.
fn later(day: NaiveDate, years: i16) -> NaiveDate {
    let year = day.year() + i32::from(years);
    day.with_year(year)
        .or_else(|| NaiveDate::from_ymd_opt(year, 3, 1))
        .unwrap_or(NaiveDate::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    fn policy(state: Option<&str>, years: i16, minor_years: i16) -> Policy {
        Policy {
            category: Category::Clinical,
            state: state.map(str::to_owned),
            years,
            minor_years,
            majority_age: 18,
        }
    }

    fn document(date: &str, born: &str) -> Aged {
        Aged {
            category: Category::Clinical,
            document_date: day(date),
            state: Some("NY".to_owned()),
            birth_date: Some(day(born)),
            keep_until: None,
        }
    }

    #[test]
    fn the_longest_fitting_policy_counts() {
        let adult = document("2010-05-01", "1970-01-01");
        assert_eq!(kept_until(&adult, &[]), None, "without a policy for ever");
        assert_eq!(
            kept_until(&adult, &[policy(None, 6, 0)]),
            Some(day("2016-05-01"))
        );
        assert_eq!(
            kept_until(&adult, &[policy(None, 6, 0), policy(Some("NY"), 10, 0)]),
            Some(day("2020-05-01"))
        );
        assert_eq!(
            kept_until(&adult, &[policy(None, 6, 0), policy(Some("NJ"), 10, 0)]),
            Some(day("2016-05-01"))
        );
        let office = Policy {
            category: Category::Administrative,
            ..policy(None, 3, 0)
        };
        assert_eq!(
            kept_until(&adult, &[office]),
            None,
            "another category's policy is none"
        );
    }

    #[test]
    fn where_the_state_is_unknown_the_longest_of_all_counts() {
        let nowhere = Aged {
            state: None,
            ..document("2010-05-01", "1970-01-01")
        };
        let policies = [
            policy(None, 6, 0),
            policy(Some("NY"), 10, 0),
            policy(Some("NJ"), 7, 0),
        ];
        assert_eq!(kept_until(&nowhere, &policies), Some(day("2020-05-01")));
    }

    #[test]
    fn a_state_is_known_by_its_code_alone() {
        for written in ["NY", "ny", " Ny "] {
            assert_eq!(known_state(written).as_deref(), Some("NY"));
        }
        for written in ["New York", "N.Y.", "XX", ""] {
            assert_eq!(known_state(written), None, "{written}");
        }
    }

    #[test]
    fn a_minors_papers_are_kept_beyond_his_majority() {
        let child = document("2010-05-01", "2008-02-29");
        // Eighteen on 1 March 2026, and three years more.
        assert_eq!(
            kept_until(&child, &[policy(None, 6, 3)]),
            Some(day("2029-03-01"))
        );
        assert_eq!(
            kept_until(&child, &[policy(None, 30, 3)]),
            Some(day("2040-05-01")),
            "unless that is earlier"
        );
        let grown = document("2026-03-01", "2008-02-29");
        assert_eq!(
            kept_until(&grown, &[policy(None, 6, 3)]),
            Some(day("2032-03-01"))
        );
    }

    #[test]
    fn a_reviewer_can_only_prolong() {
        let kept = |until: &str| Aged {
            keep_until: Some(day(until)),
            ..document("2010-05-01", "1970-01-01")
        };
        assert_eq!(
            kept_until(&kept("2030-01-01"), &[policy(None, 6, 0)]),
            Some(day("2030-01-01"))
        );
        assert_eq!(
            kept_until(&kept("2011-01-01"), &[policy(None, 6, 0)]),
            Some(day("2016-05-01"))
        );
    }
}
