//! Who comes first: points by the tenant's rules, and what they are made of.

use kernel::clock::Instant;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::model::WaitlistWish;
use crate::appointments::Priority;
use crate::flow::flow_settings::TriageRules;

/// Points of somebody who waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Triage {
    pub score: i64,
    /// They add up to the score.
    pub parts: Vec<TriagePart>,
}

/// A part of the points.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TriagePart {
    /// `priority`, `waiting_days`, `missed_visits`, or `flag:` and its word.
    #[schema(example = "waiting_days")]
    pub what: String,
    /// How much of it: the days, the visits; of a priority or a flag, 1.
    pub amount: i64,
    pub points: i64,
}

/// The points by these rules.
pub(super) fn points(
    rules: &TriageRules,
    wish: &WaitlistWish,
    waiting_since: Instant,
    missed_visits: i64,
    now: Instant,
) -> Triage {
    let priority = match wish.priority {
        Priority::Low => rules.priority.low,
        Priority::Medium => rules.priority.medium,
        Priority::High => rules.priority.high,
        Priority::Urgent => rules.priority.urgent,
    };
    let days = (now - waiting_since)
        .num_days()
        .clamp(0, rules.waiting_days_at_most.into());
    let part = |what: &str, amount: i64, each: i32| TriagePart {
        what: what.to_owned(),
        amount,
        points: amount * i64::from(each),
    };
    let mut parts = vec![
        part("priority", 1, priority),
        part("waiting_days", days, rules.per_waiting_day),
        part("missed_visits", missed_visits, rules.per_missed_visit),
    ];
    for (flag, each) in &rules.flags {
        if wish.flags.contains(flag) {
            parts.push(part(&format!("flag:{flag}"), 1, *each));
        }
    }
    Triage {
        score: parts.iter().map(|part| part.points).sum(),
        parts,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    #[test]
    fn points_are_the_sum_of_their_parts_by_the_rules() {
        let now: Instant = "2026-03-08T12:00:00Z".parse().expect("an instant");
        let mut rules = TriageRules {
            per_missed_visit: -5,
            waiting_days_at_most: 10,
            ..TriageRules::default()
        };
        rules.flags.insert("pregnant".to_owned(), 30);
        let wish = WaitlistWish {
            priority: Priority::High,
            flags: vec!["pregnant".to_owned(), "unknown".to_owned()],
            ..WaitlistWish::default()
        };
        let triage = points(&rules, &wish, now - TimeDelta::days(40), 2, now);
        assert_eq!(triage.score, 60 + 10 - 10 + 30);
        assert_eq!(
            triage.score,
            triage.parts.iter().map(|part| part.points).sum::<i64>()
        );
        let fresh = points(&rules, &WaitlistWish::default(), now, 0, now);
        assert_eq!(fresh.score, 20);
        assert!(triage.score > fresh.score);
    }
}
