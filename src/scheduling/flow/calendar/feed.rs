//! The text of a calendar (RFC 5545). Times are UTC, which every reader puts on his own wall clock.

use icalendar::{Calendar, Component as _, Event, EventLike as _, EventStatus, Property};
use kernel::clock::Instant;
use kernel::ids::AppointmentId;

/// One appointment in it.
pub(super) struct Item {
    pub id: AppointmentId,
    pub summary: String,
    /// Initials, where they may be shown.
    pub who: Option<String>,
    pub place: String,
    pub confirmed: bool,
    pub starts_at: Instant,
    pub ends_at: Instant,
    pub version: i64,
    pub changed_at: Instant,
}

/// The whole calendar. The same appointments make the same text, so that its hash tells whether anything changed.
pub(super) fn render(name: &str, items: &[Item]) -> String {
    let mut calendar = Calendar::empty();
    calendar.append_property(Property::new("VERSION", "2.0"));
    calendar.append_property(Property::new("PRODID", "-//Chartwell//Calendar//EN"));
    calendar.append_property(Property::new("CALSCALE", "GREGORIAN"));
    calendar.append_property(Property::new("METHOD", "PUBLISH"));
    calendar.name(name);
    calendar.append_property(Property::new("REFRESH-INTERVAL;VALUE=DURATION", "PT15M"));
    for item in items {
        let summary = match &item.who {
            Some(who) => format!("{} ({who})", item.summary),
            None => item.summary.clone(),
        };
        let event = Event::new()
            .uid(&format!("{}@chartwell", item.id))
            .timestamp(item.changed_at)
            .last_modified(item.changed_at)
            .sequence(u32::try_from(item.version).unwrap_or(u32::MAX))
            .starts(item.starts_at)
            .ends(item.ends_at)
            .summary(&summary)
            .location(&item.place)
            .status(if item.confirmed {
                EventStatus::Confirmed
            } else {
                EventStatus::Tentative
            })
            .done();
        calendar.push(event);
    }
    calendar.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(summary: &str) -> Item {
        Item {
            id: AppointmentId(uuid::Uuid::nil()),
            summary: summary.to_owned(),
            who: None,
            place: "Room 4, Main".to_owned(),
            confirmed: true,
            starts_at: "2026-11-01T05:30:00Z".parse().expect("an instant"),
            ends_at: "2026-11-01T06:00:00Z".parse().expect("an instant"),
            version: 3,
            changed_at: "2026-10-01T00:00:00Z".parse().expect("an instant"),
        }
    }

    #[test]
    fn a_calendar_has_its_events_in_utc_and_no_line_too_long() {
        let text = render("Ada Lovelace", &[item("Consultation")]);
        for line in [
            "BEGIN:VCALENDAR",
            "BEGIN:VEVENT",
            "DTSTART:20261101T053000Z",
            "DTEND:20261101T060000Z",
            "DTSTAMP:20261001T000000Z",
            "SEQUENCE:3",
            "STATUS:CONFIRMED",
            "LOCATION:Room 4\\, Main",
            "UID:00000000-0000-0000-0000-000000000000@chartwell",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in {text}");
        }
        assert!(text.lines().all(|line| line.len() <= 75), "{text}");
        assert_eq!(text, render("Ada Lovelace", &[item("Consultation")]));
    }

    #[test]
    fn a_name_can_not_break_out_of_its_line() {
        let text = render("x", &[item("A\nEND:VEVENT\r\nBEGIN:VEVENT; b, c")]);
        let ends = text.lines().filter(|line| *line == "END:VEVENT").count();
        assert_eq!(ends, 1, "{text}");
    }
}
