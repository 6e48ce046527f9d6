//! A time of the wall, to the minute.

use std::fmt;
use std::str::FromStr;

use chrono::{NaiveTime, Timelike};
use serde::de::{Deserialize, Deserializer, Error as _, Unexpected};
use serde::{Serialize, Serializer};

/// `08:30`: a time of a clinic's wall.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, sqlx::Type, utoipa::ToSchema)]
#[schema(value_type = String, pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$", example = "08:30")]
#[sqlx(transparent)]
pub struct LocalTime(pub NaiveTime);

impl FromStr for LocalTime {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let digits = |from: usize| -> Option<u32> {
            let two = text.get(from..from + 2)?;
            two.bytes()
                .all(|c| c.is_ascii_digit())
                .then(|| two.parse().ok())?
        };
        let plain = text.len() == 5 && text.as_bytes()[2] == b':';
        let time = plain
            .then(|| NaiveTime::from_hms_opt(digits(0)?, digits(3)?, 0))
            .flatten();
        time.map(Self).ok_or(())
    }
}

impl fmt::Display for LocalTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0.hour(), self.0.minute())
    }
}

impl Serialize for LocalTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for LocalTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse()
            .map_err(|()| D::Error::invalid_value(Unexpected::Other("text"), &"a time as hh:mm"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_one_form() {
        for text in ["00:00", "08:30", "23:59"] {
            let time: LocalTime = text.parse().expect("a time");
            assert_eq!(time.to_string(), text);
        }
        for text in [
            "24:00", "8:30", "08:60", "08:30:00", "+8:30", "08-30", "é:30x",
        ] {
            assert!(text.parse::<LocalTime>().is_err(), "{text}");
        }
    }
}
