//! Who may do what: one table.
//!
//! A permission is named where its work is done (`ctx.begin(Permission::PatientCreate)`), and nowhere is a role compared
//! in code. The rendered table is `tests/it/golden/access_matrix.txt`, for people who read permissions and not Rust.

use super::Role;

/// Whether the work changes anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Runs in a read-only transaction.
    Reads,
    Writes,
}

macro_rules! permissions {
    ($($name:ident = $text:literal, $effect:ident, $phi:literal, [$($role:ident)*], $what:literal;)+) => {
        /// One kind of work.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Permission { $(#[doc = $what] $name,)+ }

        impl Permission {
            /// Every permission, in the order of the table.
            pub const ALL: &'static [Permission] = &[$(Permission::$name,)+];

            pub const fn as_str(self) -> &'static str {
                match self { $(Permission::$name => $text,)+ }
            }
            pub const fn effect(self) -> Effect {
                match self { $(Permission::$name => Effect::$effect,)+ }
            }
            /// Whether the work touches protected health information, so that it leaves access records.
            pub const fn touches_phi(self) -> bool {
                match self { $(Permission::$name => $phi,)+ }
            }
            /// The roles that have it.
            pub const fn roles(self) -> &'static [Role] {
                match self { $(Permission::$name => &[$(Role::$role),*],)+ }
            }
            /// One sentence for the document.
            pub const fn meaning(self) -> &'static str {
                match self { $(Permission::$name => $what,)+ }
            }
        }
    };
}

permissions! {
    // name               = text,                     effect, phi,  roles,                                           meaning
    ProfileRead           = "profile.read",           Reads,  false, [Admin Provider Nurse Staff Billing Patient], "Read one's own account.";
    ProfileUpdate         = "profile.update",         Writes, false, [Admin Provider Nurse Staff Billing Patient], "Change one's own password; list and end one's own sessions.";
    TenantRead            = "tenant.read",            Reads,  false, [Admin Provider Nurse Staff Billing Patient], "Read the organisation's name and settings.";
    TenantUpdate          = "tenant.update",          Writes, false, [Admin],                                      "Change the organisation's settings.";
    FacilityRead          = "facility.read",          Reads,  false, [Admin Provider Nurse Staff Billing Patient], "Read facilities and departments.";
    FacilityManage        = "facility.manage",        Writes, false, [Admin],                                      "Add and change facilities and departments.";
    UserRead              = "user.read",              Reads,  false, [Admin],                                      "Read accounts and their sessions.";
    UserManage            = "user.manage",            Writes, false, [Admin],                                      "Create, invite, suspend, reactivate and retire accounts, change roles, reset passwords.";
    StaffRead             = "staff.read",             Reads,  false, [Admin Provider Nurse Staff Billing],         "Read providers with their credentials, nurses and staff.";
    DirectoryRead         = "directory.read",         Reads,  false, [Admin Provider Nurse Staff Billing Patient], "Find providers by name and specialty.";
    StaffManage           = "staff.manage",           Writes, false, [Admin],                                      "Add and change providers, licences, certifications, staff and assignments.";
    PatientSearch         = "patient.search",         Reads,  true,  [Admin Provider Nurse Staff Billing],         "Search for patients.";
    PatientRead           = "patient.read",           Reads,  true,  [Admin Provider Nurse Staff Billing Patient], "Open a patient's registration.";
    PatientHistory        = "patient.history",        Reads,  true,  [Admin Provider Nurse],                       "Read earlier states of a patient's registration.";
    PatientCreate         = "patient.create",         Writes, true,  [Admin Provider Nurse Staff],                 "Register a patient.";
    PatientUpdate         = "patient.update",         Writes, true,  [Admin Provider Nurse Staff],                 "Change a patient's registration.";
    PatientLinkAccount    = "patient.link_account",   Writes, true,  [Admin Staff],                                "Link a registration to the patient's own account.";
    PatientRetire         = "patient.retire",         Writes, true,  [Admin],                                      "Retire a registration made in error.";
    PatientDuplicates     = "patient.duplicates",     Reads,  true,  [Admin Staff],                                "Read the work list of possible duplicates.";
    PatientReviewDuplicates = "patient.review_duplicates", Writes, true, [Admin Staff],                            "Look for duplicates and dismiss a pair that is two people.";
    PatientMerge          = "patient.merge",          Writes, true,  [Admin],                                      "Merge two registrations of one person, take it back, tune the matching.";
    CareTeamRead          = "care_team.read",         Reads,  true,  [Admin Provider Nurse Staff Patient],         "Read who is on a patient's care team.";
    CareTeamManage        = "care_team.manage",       Writes, true,  [Admin Provider Staff],                       "Put members on a care team and end their membership.";
    EncounterRead         = "encounter.read",         Reads,  true,  [Admin Provider Nurse Staff Billing Patient], "Read encounters.";
    EncounterSchedule     = "encounter.schedule",     Writes, true,  [Admin Provider Nurse Staff],                 "Schedule, reschedule and cancel encounters.";
    EncounterConduct      = "encounter.conduct",      Writes, true,  [Admin Provider Nurse],                       "Start, document, move and complete encounters.";
    ImportedRead          = "imported.read",          Reads,  true,  [Admin Provider Nurse Patient],               "Read imported resources of a patient.";
    AccessLogRead         = "access_log.read",        Reads,  true,  [Admin],                                      "Read who accessed which chart.";
    OwnAccessLogRead      = "access_log.read_own",    Reads,  true,  [Patient],                                    "See who opened one's own chart.";
    ChangeLogRead         = "change_log.read",        Reads,  true,  [Admin],                                      "Read what was changed, by whom, field by field.";
    SecurityRead          = "security.read",          Reads,  false, [Admin],                                      "Read security events and the activity of accounts.";
}

impl Permission {
    pub fn allows(self, role: Role) -> bool {
        self.roles().contains(&role)
    }

    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|permission| permission.as_str() == text)
    }
}

/// The role × permission matrix as text, one line a permission. The golden file of the promise `access_matrix`.
pub fn matrix() -> String {
    use std::fmt::Write as _;
    let mut text = format!("{:<24}", "permission");
    for role in Role::ALL {
        let _ = write!(text, "{:<10}", role.as_str());
    }
    text.push_str("what it means\n");
    for permission in Permission::ALL {
        let _ = write!(text, "{:<24}", permission.as_str());
        for role in Role::ALL {
            let _ = write!(
                text,
                "{:<10}",
                if permission.allows(role) { "yes" } else { "-" }
            );
        }
        let _ = writeln!(text, "{}", permission.meaning());
    }
    text
}
