//! Services on the wire.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use identity::facilities::PlaceStatus;
use kernel::clock::Instant;
use kernel::ids::ServiceId;
use kernel::text::name_key;
use kernel::{Checks, FieldError, Validate};
use platform::access::NoPhi;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::assets::{check_kind, is_kind};

/// What kind of appointment it makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum AppointmentType {
    Consultation,
    FollowUp,
    Emergency,
    Surgery,
    Diagnostic,
    Telemedicine,
    Procedure,
    Immunization,
    Therapy,
    Group,
    Other,
}

/// What an admin says of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "code": "CONS30", "name": "Consultation", "appointment_type": "consultation", "duration_minutes": 30, "prep_minutes": 5,
    "cleanup_minutes": 5, "align_minutes": 15, "lead_minutes": 60, "ahead_days": 180, "capacity": 1, "overbook_per_day": 2,
    "needs_provider": true, "room_kind": "exam", "equipment_kinds": ["ecg"], "self_booking": true, "status": "active"
}))]
pub struct NewService {
    /// Short and unique in the organisation.
    pub code: String,
    pub name: String,
    pub appointment_type: AppointmentType,
    /// How long the patient is there.
    #[schema(minimum = 1, maximum = 1440)]
    pub duration_minutes: i32,
    /// Before it, the provider, the room and the devices are occupied for so long.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 480)]
    pub prep_minutes: i32,
    /// And after it for so long.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 480)]
    pub cleanup_minutes: i32,
    /// It begins at multiples of so many minutes past local midnight.
    #[serde(default = "five")]
    #[schema(minimum = 1, maximum = 1440)]
    pub align_minutes: i32,
    /// Not sooner than so many minutes from now.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 525_600)]
    pub lead_minutes: i32,
    /// Nor further away than so many days.
    #[serde(default = "a_year")]
    #[schema(minimum = 1, maximum = 1100)]
    pub ahead_days: i32,
    /// Patients in one session; more than one makes it a group.
    #[serde(default = "one")]
    #[schema(minimum = 1, maximum = 200)]
    pub capacity: i32,
    /// Deliberate overbookings of a provider's local day.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 50)]
    pub overbook_per_day: i32,
    #[serde(default = "yes")]
    pub needs_provider: bool,
    /// Specialties the provider has, each of them. Kept in the form in which specialties are compared; one that no provider
    /// has is refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skills: Vec<String>,
    /// The kind of room it needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room_kind: Option<String>,
    /// The kinds of devices it needs, one of each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub equipment_kinds: Vec<String>,
    /// Whether patients book it themselves.
    #[serde(default)]
    pub self_booking: bool,
    #[serde(default)]
    pub status: PlaceStatus,
}

const fn five() -> i32 {
    5
}
const fn a_year() -> i32 {
    365
}
const fn one() -> i32 {
    1
}
const fn yes() -> bool {
    true
}

/// What can be booked.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Service {
    pub id: ServiceId,
    #[serde(flatten)]
    pub data: NewService,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// Of an answer to adding one: kinds of rooms and devices it needs of which there are none yet. It can't be booked before.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<FieldError>,
}

impl Service {
    /// How long the patient is there.
    pub fn duration(&self) -> TimeDelta {
        minutes(self.data.duration_minutes)
    }

    /// When provider, room and devices are occupied for a session that begins at `start`: from its preparation to the end of
    /// its clean-up.
    pub fn occupied(&self, start: Instant) -> (Instant, Instant) {
        (
            start - minutes(self.data.prep_minutes),
            start + self.duration() + minutes(self.data.cleanup_minutes),
        )
    }
}

fn minutes(count: i32) -> TimeDelta {
    TimeDelta::minutes(i64::from(count))
}

/// Which services to list.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListServices {
    /// Only those that make appointments of this type.
    pub appointment_type: Option<AppointmentType>,
    /// Only those patients book themselves, or only the others.
    pub self_booking: Option<bool>,
    /// Only those of this status.
    pub status: Option<PlaceStatus>,
    /// Rows of a page, 1 to 200; 50 unless said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

impl NoPhi for Service {}

impl NewService {
    fn check_numbers(&self, checks: &mut Checks) {
        for (field, value, least, most) in [
            ("duration_minutes", self.duration_minutes, 1, 1440),
            ("prep_minutes", self.prep_minutes, 0, 480),
            ("cleanup_minutes", self.cleanup_minutes, 0, 480),
            ("align_minutes", self.align_minutes, 1, 1440),
            ("lead_minutes", self.lead_minutes, 0, 525_600),
            ("ahead_days", self.ahead_days, 1, 1100),
            ("capacity", self.capacity, 1, 200),
            ("overbook_per_day", self.overbook_per_day, 0, 50),
        ] {
            if !(least..=most).contains(&value) {
                let rule = format!("must lie between {least} and {most}");
                checks.fail(field, "out_of_range", rule);
            }
        }
    }

    /// Skills in the form in which they are compared, each once; device kinds in order.
    pub(super) fn normalised(mut self) -> Self {
        let skills: BTreeSet<String> = self.skills.iter().map(|skill| name_key(skill)).collect();
        self.skills = skills.into_iter().collect();
        self.equipment_kinds.sort();
        self
    }
}

impl Validate for NewService {
    fn check(&self, checks: &mut Checks) {
        let code =
            (1..=40).contains(&self.code.len()) && self.code.chars().all(|c| c.is_ascii_graphic());
        checks.require(
            code,
            "code",
            "wrong_form",
            "must have 1 to 40 printable ASCII characters and no spaces",
        );
        checks.text("name", &self.name, 200);
        self.check_numbers(checks);
        if !self.needs_provider && !self.skills.is_empty() {
            checks.fail(
                "skills",
                "needs_a_provider",
                "are a provider's: a service without one can't need any",
            );
        }
        let nothing =
            !self.needs_provider && self.room_kind.is_none() && self.equipment_kinds.is_empty();
        checks.require(
            !nothing,
            "needs_provider",
            "needs_nothing",
            "must be true where neither a room nor equipment is needed",
        );
        checks.each("skills", &self.skills, 10, |checks, skill| {
            if skill.chars().count() > 200 || name_key(skill).is_empty() {
                checks.fail_here("wrong_form", "must be a specialty of 1 to 200 characters");
            }
        });
        if let Some(kind) = &self.room_kind {
            check_kind(checks, "room_kind", kind);
        }
        let mut seen = BTreeSet::new();
        checks.each(
            "equipment_kinds",
            &self.equipment_kinds,
            10,
            |checks, kind| {
                if !is_kind(kind) {
                    checks.fail_here(
                        "wrong_form",
                        "must have 1 to 40 small letters, digits and underscores",
                    );
                } else if !seen.insert(kind.clone()) {
                    checks.fail_here("repeated", "must not be repeated");
                }
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::Clock;
    use serde_json::json;

    fn read(service: &serde_json::Value) -> NewService {
        serde_json::from_value(service.clone()).expect("of the form")
    }

    fn broken(service: &serde_json::Value) -> Vec<String> {
        let mut checks = Checks::at(Clock::system().now());
        read(service).check(&mut checks);
        let error = checks.finish().err();
        let fields = error.iter().flat_map(kernel::Error::fields);
        fields.map(|field| field.pointer.clone()).collect()
    }

    #[test]
    fn a_service_has_plausible_times_and_needs_something() {
        let good = json!({ "code": "A", "name": "A", "appointment_type": "other", "duration_minutes": 20 });
        assert!(broken(&good).is_empty());
        let bad = json!({ "code": "A", "name": "A", "appointment_type": "other", "duration_minutes": 0, "prep_minutes": 481,
            "align_minutes": 0, "needs_provider": false, "skills": ["--"], "room_kind": "Ex", "equipment_kinds": ["a", "a"] });
        assert_eq!(
            broken(&bad),
            [
                "/duration_minutes",
                "/prep_minutes",
                "/align_minutes",
                "/skills",
                "/skills/0",
                "/room_kind",
                "/equipment_kinds/1"
            ]
        );
        let idle = json!({ "code": "A", "name": "A", "appointment_type": "other", "duration_minutes": 5, "needs_provider": false });
        assert_eq!(broken(&idle), ["/needs_provider"]);
    }

    #[test]
    fn skills_are_kept_as_they_are_compared() {
        let service = json!({ "code": "A", "name": "A", "appointment_type": "other", "duration_minutes": 20,
            "skills": ["Cardiology ", "CARDIOLOGY", "Ear-Nose"] });
        assert_eq!(
            read(&service).normalised().skills,
            ["cardiology", "ear nose"]
        );
    }
}
