//! The sections of a chart: which permission each asks for, and where its whole list is.

use kernel::ids::PatientId;
use platform::access::{Permission, Role};

/// A section, by the name the store knows it by.
pub(super) struct Kind {
    pub name: &'static str,
    pub permission: Permission,
    /// Its list, below the patient.
    pub list: &'static str,
}

const fn kind(name: &'static str, permission: Permission, list: &'static str) -> Kind {
    Kind {
        name,
        permission,
        list,
    }
}

/// All there are, but for the vital signs.
pub(super) const KINDS: [Kind; 21] = [
    kind("problems", Permission::ProblemRead, "problems"),
    kind("allergies", Permission::AllergyRead, "allergies"),
    kind(
        "allergy_statements",
        Permission::AllergyRead,
        "allergy-statements",
    ),
    kind("encounters", Permission::EncounterRead, "encounters"),
    kind("upcoming", Permission::EncounterRead, "encounters"),
    kind("referrals", Permission::ReferralRead, "referrals"),
    kind(
        "clinical_alerts",
        Permission::AlertRead,
        "clinical-alerts?status=open",
    ),
    kind(
        "note_amendment_requests",
        Permission::AmendmentRead,
        "amendment-requests?status=requested",
    ),
    kind(
        "immunizations",
        Permission::ImmunizationRead,
        "immunizations/status",
    ),
    kind("care_team_members", Permission::CareTeamRead, "care-team"),
    kind("care_plans", Permission::CarePlanRead, "care-plans"),
    kind("goals", Permission::CarePlanRead, "goals"),
    kind("notes", Permission::NoteRead, "notes"),
    kind(
        "released_notes",
        Permission::NoteReadReleased,
        "released-notes",
    ),
    kind("documents", Permission::DocumentRead, "documents"),
    kind("unsigned", Permission::NoteWrite, "notes?status=draft"),
    kind(
        "medications",
        Permission::ImportedRead,
        "imported-resources?type=MedicationRequest",
    ),
    kind(
        "results",
        Permission::ImportedRead,
        "imported-resources?type=DiagnosticReport",
    ),
    kind(
        "open_orders",
        Permission::ImportedRead,
        "imported-resources?type=ServiceRequest",
    ),
    kind(
        "tasks",
        Permission::ImportedRead,
        "imported-resources?type=Task",
    ),
    kind(
        "not_entered",
        Permission::ImportedRead,
        "imported-resources?not_entered=true",
    ),
];

/// What no chart can tell: of medications and reports it knows what came by an import.
const NOT_TOLD: [&str; 2] = [
    "medications: what was not imported; an empty list does not say that nothing is taken",
    "results: reports that were not imported, or that the reader was not given",
];

/// A kind nobody measured for years is not looked for in every month there is.
const NOT_TOLD_OF_VITALS: [&str; 1] =
    ["vitals: a kind last measured three years before the others, or longer; see its list"];

/// What a chart of the past can't tell: names of people are those of today, and who was asked to co-sign is not in the images.
const NOT_TOLD_OF_THE_PAST: [&str; 3] = [
    "unsigned: what waited for a co-signature",
    "imported_not_entered: what an import could not enter",
    "encounters, care_team, notes: the names of people",
];

/// What the sections of a role leave open, so that what is absent is not taken for an answer.
pub(super) fn not_told(role: Role, past: bool) -> Vec<&'static str> {
    let imported = Permission::ImportedRead.allows(role);
    let measured = Permission::VitalsRead.allows(role);
    let always = NOT_TOLD.iter().filter(|_| imported);
    let old = NOT_TOLD_OF_VITALS.iter().filter(|_| measured);
    let then = NOT_TOLD_OF_THE_PAST.iter().filter(|_| past);
    always.chain(old).chain(then).copied().collect()
}

/// The names of the sections a role sees. Who reads notes as they are needs no copies of what was released.
pub(super) fn of_role(role: Role) -> Vec<&'static str> {
    KINDS
        .iter()
        .filter(|kind| kind.permission.allows(role))
        .filter(|kind| kind.name != "released_notes" || !Permission::NoteRead.allows(role))
        .map(|kind| kind.name)
        .collect()
}

/// Where the whole list of a section is.
pub(super) fn href(name: &str, patient: PatientId) -> String {
    let list = KINDS
        .iter()
        .find(|kind| kind.name == name)
        .map_or("", |kind| kind.list);
    format!("/api/v1/patients/{patient}/{list}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patient_sees_what_was_released_and_no_ones_work() {
        let own = of_role(Role::Patient);
        assert!(own.contains(&"released_notes") && own.contains(&"problems"));
        for hidden in ["notes", "unsigned", "clinical_alerts"] {
            assert!(!own.contains(&hidden), "{hidden}");
        }
    }

    #[test]
    fn a_nurse_sees_notes_and_what_she_has_not_signed() {
        let nurse = of_role(Role::Nurse);
        for shown in ["notes", "unsigned", "clinical_alerts", "documents"] {
            assert!(nurse.contains(&shown), "{shown}");
        }
        assert!(!nurse.contains(&"released_notes"));
    }
}
