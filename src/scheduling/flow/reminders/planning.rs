//! When a reminder leaves, and which: rules without a database.

use chrono::TimeDelta;
use chrono_tz::Tz;
use clinical::patients::{Telecom, TelecomSystem, TelecomUse};
use kernel::clock::Instant;
use platform::messages::{Channel, addressable};

use crate::flow::quiet::Quiet;

/// When to send what is due `before` the start. In quiet hours: before they begin, or if that has been, when they end. `None`
/// when there is no time left.
pub(super) fn send_at(
    start: Instant,
    before: TimeDelta,
    quiet: Quiet,
    zone: Tz,
    now: Instant,
) -> Option<Instant> {
    let due = start - before;
    if due <= now {
        return None;
    }
    let Some((began, over)) = quiet.around(due, zone) else {
        return Some(due);
    };
    let earlier = began - TimeDelta::minutes(1);
    if earlier > now {
        return Some(earlier);
    }
    (over < start).then_some(over)
}

/// What was to leave before the quiet hours may leave so long after they began: all that is due in a night leaves then, and
/// somebody may be late by minutes.
const LATE: TimeDelta = TimeDelta::minutes(15);

/// When a message leaves whose time has come: at once, or, if it is the middle of the quiet hours, when they end.
pub(super) fn leaves_at(now: Instant, quiet: Quiet, zone: Tz) -> Instant {
    match quiet.around(now, zone) {
        Some((began, over)) if now - began > LATE => over,
        _ => now,
    }
}

/// How the patient is reached: of his telecoms the first that serves a channel there is a template for. The order of the list
/// is his preference.
pub(super) fn address(telecoms: &[Telecom], channels: &[Channel]) -> Option<(Channel, String)> {
    telecoms
        .iter()
        .filter(|telecom| telecom.r#use != Some(TelecomUse::Old))
        .find_map(|telecom| {
            let channel = match telecom.system {
                TelecomSystem::Email => Channel::Email,
                TelecomSystem::Sms => Channel::Sms,
                TelecomSystem::Phone if telecom.r#use == Some(TelecomUse::Mobile) => Channel::Sms,
                _ => return None,
            };
            let reached = channels.contains(&channel) && addressable(channel, &telecom.value);
            reached.then(|| (channel, telecom.value.clone()))
        })
}

/// Whether a template in `language` is for somebody who speaks `spoken`: `es` is for `es-MX`, `es-MX` not for `es`.
pub(super) fn is_spoken(language: &str, spoken: Option<&str>) -> bool {
    spoken.is_some_and(|spoken| {
        spoken
            .get(..language.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(language))
            && matches!(spoken.as_bytes().get(language.len()), None | Some(b'-'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::wall;

    fn at(text: &str) -> Instant {
        text.parse().expect("an instant")
    }
    fn quiet(from: &str, until: &str) -> Quiet {
        Quiet {
            from: from.parse().expect("a time"),
            until: until.parse().expect("a time"),
        }
    }
    fn planned(start: &str, hours: i64, now: &str, zone: Tz) -> Option<Instant> {
        send_at(
            at(start),
            TimeDelta::hours(hours),
            quiet("20:00:00", "08:00:00"),
            zone,
            at(now),
        )
    }

    #[test]
    fn nothing_leaves_in_quiet_hours() {
        let zone = Tz::America__New_York;
        // Due at 15:00 there: as it is.
        assert_eq!(
            planned("2026-07-02T19:00:00Z", 24, "2026-06-01T00:00:00Z", zone),
            Some(at("2026-07-01T19:00:00Z"))
        );
        // Due at 06:30: a minute before the evening's quiet began.
        assert_eq!(
            planned("2026-07-02T10:30:00Z", 24, "2026-06-01T00:00:00Z", zone),
            Some(at("2026-06-30T23:59:00Z"))
        );
        // Booked in that night: when it ends.
        assert_eq!(
            planned("2026-07-02T10:30:00Z", 24, "2026-07-01T03:00:00Z", zone),
            Some(at("2026-07-01T12:00:00Z"))
        );
        // Due in the night before an early appointment, booked that night: no time left.
        assert_eq!(
            planned("2026-07-01T11:00:00Z", 2, "2026-07-01T03:00:00Z", zone),
            None
        );
        // Too late anyway.
        assert_eq!(
            planned("2026-07-02T19:00:00Z", 24, "2026-07-01T19:00:00Z", zone),
            None
        );
    }

    #[test]
    fn quiet_hours_follow_the_wall_clock_over_its_changes() {
        let zone = Tz::America__New_York;
        // The night clocks spring forward: the morning of 8 March begins at 12:00 UTC, not 13:00.
        assert_eq!(
            planned("2026-03-08T20:00:00Z", 10, "2026-03-08T04:00:00Z", zone),
            Some(at("2026-03-08T12:00:00Z"))
        );
        // The night they fall back: the evening of 31 October begins at 00:00 UTC, the morning after ends at 13:00, not 12:00.
        assert_eq!(
            planned("2026-11-02T06:00:00Z", 24, "2026-10-01T00:00:00Z", zone),
            Some(at("2026-10-31T23:59:00Z"))
        );
        assert_eq!(
            planned("2026-11-01T20:00:00Z", 10, "2026-11-01T04:00:00Z", zone),
            Some(at("2026-11-01T13:00:00Z"))
        );
        // Quiet from an hour that comes twice: until it is over, from the first time it comes; to one that never comes: the end
        // of the gap.
        let fall = at("2026-11-01T06:15:00Z");
        let once = send_at(
            fall + TimeDelta::hours(24),
            TimeDelta::hours(24),
            quiet("01:00:00", "02:00:00"),
            zone,
            at("2026-11-01T05:30:00Z"),
        );
        assert_eq!(once, Some(at("2026-11-01T07:00:00Z")));
        let gap = send_at(
            at("2026-03-08T20:00:00Z"),
            TimeDelta::minutes(780) + TimeDelta::minutes(15),
            quiet("01:00:00", "02:30:00"),
            zone,
            at("2026-03-08T06:10:00Z"),
        );
        assert_eq!(gap, Some(at("2026-03-08T07:00:00Z")));
        for zone in [Tz::Pacific__Kiritimati, Tz::Etc__GMTPlus12] {
            for hours in 1..=72 {
                let start = "2026-07-04T12:00:00Z";
                if let Some(at) = planned(start, hours, "2026-06-01T00:00:00Z", zone) {
                    let local = wall::local(at, zone).time();
                    assert!(
                        !quiet("20:00:00", "08:00:00").covers(local),
                        "{zone} {hours}: {local}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_patient_is_reached_the_way_he_prefers() {
        let telecom = |system, value: &str, r#use| Telecom {
            system,
            value: value.to_owned(),
            r#use,
        };
        let telecoms = [
            telecom(
                TelecomSystem::Email,
                "old@example.com",
                Some(TelecomUse::Old),
            ),
            telecom(
                TelecomSystem::Phone,
                "+1 312 555 0100",
                Some(TelecomUse::Home),
            ),
            telecom(
                TelecomSystem::Phone,
                "+1 312 555 0142",
                Some(TelecomUse::Mobile),
            ),
            telecom(TelecomSystem::Email, "ada@example.com", None),
        ];
        let both = [Channel::Email, Channel::Sms];
        assert_eq!(
            address(&telecoms, &both),
            Some((Channel::Sms, "+1 312 555 0142".to_owned()))
        );
        assert_eq!(
            address(&telecoms, &[Channel::Email]),
            Some((Channel::Email, "ada@example.com".to_owned()))
        );
        assert_eq!(address(&telecoms[..2], &both), None);
    }

    #[test]
    fn a_language_is_for_those_who_speak_it() {
        assert!(is_spoken("es", Some("es-MX")) && is_spoken("ES", Some("es")));
        assert!(!is_spoken("es-MX", Some("es")) && !is_spoken("e", Some("es")));
        assert!(!is_spoken("es", None));
    }
}
