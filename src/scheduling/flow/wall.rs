//! What a facility's wall clock shows, and what stands on its door. From the clock to instants: [`crate::wall`].

use chrono::NaiveDateTime;
use chrono_tz::Tz;
use kernel::clock::Instant;

pub(crate) use crate::wall::zone;

/// What the wall clock shows.
pub(crate) fn local(at: Instant, zone: Tz) -> NaiveDateTime {
    at.with_timezone(&zone).naive_local()
}

/// A time of the wall as it is told: to the second, and without an offset.
pub(crate) fn told(wall: NaiveDateTime) -> String {
    wall.format("%Y-%m-%dT%H:%M:%S").to_string()
}

/// A facility's address as it stands on an envelope.
pub(crate) fn address_lines(address: Option<&serde_json::Value>) -> Vec<String> {
    let Some(address) = address else {
        return Vec::new();
    };
    let text = |name: &str| address[name].as_str().unwrap_or_default();
    let street = address["line"].as_array().into_iter().flatten();
    let mut lines: Vec<String> = street
        .filter_map(|line| line.as_str().map(str::to_owned))
        .collect();
    let town = [
        text("city"),
        text("state"),
        text("postal_code"),
        text("country"),
    ];
    lines.push(
        town.into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(" "),
    );
    lines.retain(|line| !line.is_empty());
    lines
}
