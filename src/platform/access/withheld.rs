//! What of a row a role does not read although it may read the row: one table, for the API's own answers and for whatever
//! gives rows out whole (an export).
//!
//! Row-level security says who reads which rows of a table; this says who reads which columns of them. Whatever shows such a
//! row in parts asks [`hides`] for its members; whatever shows all of it leaves [`columns`] out. The rendered result, every
//! column of every table of a chart and who takes it out, is `tests/it/golden/export_columns.txt`: a column that is added
//! must be decided there.

use super::Role;

/// Columns nobody is shown: the tenant, sealed values and keys, what is only compared or computed, and how far our own work
/// on a file has come.
const NOBODY: &[&str] = &[
    "tenant_id",
    "ssn_sealed",
    "ssn_revision",
    "sealed_key",
    "secret_hash",
    "sort_key",
    "substance_key",
    "content_hash",
    "words",
    "attempts",
    "next_try_at",
];

/// Role, table, and the columns of it that are not for that role.
const WITHHELD: &[(Role, &str, &[&str])] = &[
    // What the office writes for itself, and who of it did what.
    (
        Role::Patient,
        "appointments",
        &[
            "notes",
            "overbook_reason",
            "roomed_by",
            "created_by",
            "closed_by",
        ],
    ),
    (Role::Patient, "appointment_holds", &["created_by"]),
    (Role::Patient, "appointment_series", &["created_by"]),
    (Role::Patient, "waitlist_entries", &["created_by"]),
    // Why he and not another; whose appointment it was before.
    (Role::Patient, "waitlist_offers", &["triage", "freed_by"]),
    // Who pays needs to know that there was an appointment, and not what for.
    (
        Role::Billing,
        "appointments",
        &["notes", "chief_complaint", "overbook_reason"],
    ),
    (Role::Billing, "appointment_series", &["chief_complaint"]),
];

/// The columns of a table that a role is not shown, beside the rows the policies keep from him.
pub fn columns(role: Role, table: &str) -> Vec<&'static str> {
    let own = WITHHELD
        .iter()
        .filter(|(whose, of, _)| *whose == role && *of == table)
        .flat_map(|(_, _, columns)| *columns);
    NOBODY.iter().chain(own).copied().collect()
}

/// Whether a role is not shown a column.
pub fn hides(role: Role, table: &str, column: &str) -> bool {
    columns(role, table).contains(&column)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_of_the_office_is_for_the_office() {
        assert!(hides(Role::Patient, "appointments", "notes"));
        assert!(hides(Role::Billing, "appointments", "chief_complaint"));
        assert!(!hides(Role::Patient, "appointments", "chief_complaint"));
        assert!(!hides(Role::Nurse, "appointments", "notes"));
        assert!(hides(Role::Admin, "patients", "ssn_sealed"));
    }
}
