//! Who may do what: one table.
//!
//! A permission is named where its work is done (`ctx.begin(Permission::PatientCreate)`), and who has it is said here alone.
//! What a permission can't tell, because several roles have it and do not do the same with it, is asked where it matters: whether
//! a patient acts for himself (`ctx.acts_for_himself()`), or whether an administrator stands in for who has left.
//! The rendered table is `tests/it/golden/access_matrix.txt`, for people who read permissions and not Rust.

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
    UserRead              = "user.read",              Reads,  true,  [Admin],                                      "Read accounts and their sessions.";
    UserManage            = "user.manage",            Writes, true,  [Admin],                                      "Create, invite, suspend, reactivate and retire accounts, change roles, reset passwords.";
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
    EncounterRead         = "encounter.read",         Reads,  true,  [Admin Provider Nurse Staff Billing Patient], "Read encounters; what is clinical in them with clinical_part.read.";
    EncounterSchedule     = "encounter.schedule",     Writes, true,  [Admin Provider Nurse Staff],                 "Schedule, reschedule and cancel encounters.";
    EncounterConduct      = "encounter.conduct",      Writes, true,  [Admin Provider Nurse],                       "Start, document, move and complete encounters.";
    ClinicalPartRead      = "clinical_part.read",     Reads,  true,  [Admin Provider Nurse Patient],               "Read what is clinical in encounters and referrals: complaint, reasons, disposition. The front desk and billing see them without.";
    VitalsReference       = "vitals.reference",       Reads,  false, [Admin Provider Nurse Patient],               "Read which vital signs there are, in which units, and what is usual.";
    VitalsRead            = "vitals.read",            Reads,  true,  [Admin Provider Nurse Patient],               "Read vital signs, their trends and scores.";
    VitalsRecord          = "vitals.record",          Writes, true,  [Admin Provider Nurse],                       "Record vital signs, correct and withdraw them.";
    AlertRead             = "alert.read",             Reads,  true,  [Admin Provider Nurse],                       "Read clinical alerts.";
    AlertAcknowledge      = "alert.acknowledge",      Writes, true,  [Admin Provider Nurse],                       "Acknowledge clinical alerts.";
    NoteRead              = "note.read",              Reads,  true,  [Admin Provider Nurse],                       "Read notes, drafts too, their versions, signatures and co-signatures.";
    NoteWrite             = "note.write",             Writes, true,  [Provider Nurse],                             "Draft nursing notes.";
    NoteWriteAny          = "note.write_any",         Writes, true,  [Provider],                                   "Draft and sign notes of every type.";
    NoteSign              = "note.sign",              Writes, true,  [Provider Nurse],                             "Sign one's own nursing notes; add to them and correct them.";
    NoteCosign            = "note.cosign",            Writes, true,  [Provider],                                   "Co-sign or return notes in one's queue.";
    CosignatureReassign   = "cosignature.reassign",   Writes, true,  [Admin Provider],                             "Hand on what waits for a co-signature: a provider his own queue, an administrator that of somebody who has left.";
    NoteRetract           = "note.retract",           Writes, true,  [Admin Provider Nurse],                       "Mark notes as entered in error: one's own, or those of an author who has left.";
    NoteRelease           = "note.release",           Writes, true,  [Provider],                                   "Release signed notes to the patient, and withhold them.";
    NoteReadReleased      = "note.read_released",     Reads,  true,  [Admin Provider Nurse Patient],               "Read the notes that were released to the patient.";
    NoteSearch            = "note.search",            Reads,  true,  [Admin Provider Nurse Staff Patient],         "Search the text of the notes and documents one may read: the front desk its documents, a patient what was released to him.";
    NoteTemplateRead      = "note_template.read",     Reads,  false, [Admin Provider Nurse],                       "Read the templates of notes.";
    NoteTemplateManage    = "note_template.manage",   Writes, false, [Admin],                                      "Add, change and retire the templates of notes.";
    NoteSupervisionRead   = "note_supervision.read",  Reads,  false, [Admin Provider Nurse],                       "Read whose notes need whose co-signature.";
    NoteSupervisionManage = "note_supervision.manage", Writes, false, [Admin],                                     "Say whose notes need whose co-signature.";
    AmendmentRead         = "amendment.read",         Reads,  true,  [Admin Provider Nurse Patient],               "Read requests to have the record amended.";
    AmendmentRequest      = "amendment.request",      Writes, true,  [Patient],                                    "Ask to have one's own record amended; withdraw the request; disagree with a denial.";
    AmendmentDecide       = "amendment.decide",       Writes, true,  [Provider],                                   "Accept or deny requests to have the record amended.";
    ImportedRead          = "imported.read",          Reads,  true,  [Admin Provider Nurse Patient],               "Read imported resources of a patient; he himself notes and results when they were released to him.";
    ImportedRelease       = "imported.release",       Writes, true,  [Provider],                                   "Release imported notes and results to the patient, and withhold them.";
    BackgroundRead        = "background.read",        Reads,  true,  [Admin Provider Nurse Patient],               "Read family and social history.";
    // A nurse takes a history at intake and asks the questions of a screening: who may read them all must be able to write them down.
    BackgroundWrite       = "background.write",       Writes, true,  [Provider Nurse],                             "Record family and social history.";
    CarePlanRead          = "care_plan.read",         Reads,  true,  [Admin Provider Nurse Patient],               "Read goals and care plans.";
    CarePlanWrite         = "care_plan.write",        Writes, true,  [Provider],                                   "Make and follow up goals and care plans.";
    ReferralRead          = "referral.read",          Reads,  true,  [Admin Provider Nurse Staff Patient],         "Read referrals; what is clinical in them with clinical_part.read.";
    ReferralWrite         = "referral.write",         Writes, true,  [Provider],                                   "Refer, and follow a referral to its end.";
    ReferralSchedule      = "referral.schedule",      Writes, true,  [Provider Staff],                             "Note the appointment of a referral.";
    TerminologyRead       = "terminology.read",       Reads,  false, [Admin Provider Nurse Staff Billing Patient], "Find codes and what they mean.";
    DocumentRead          = "document.read",          Reads,  true,  [Admin Provider Nurse Staff Billing Patient], "Read documents: nurses and providers all, the front desk administrative ones, billing insurance, a patient what was released to him.";
    DocumentCreate        = "document.create",        Writes, true,  [Admin Provider Nurse Staff Patient],         "File documents: nurses clinical, the front desk administrative ones, a patient his own.";
    DocumentFileClinical  = "document.file_clinical", Writes, true,  [Admin Provider Nurse Patient],               "File and change documents of the category clinical.";
    DocumentFileOffice    = "document.file_office",   Writes, true,  [Admin Provider Staff Patient],               "File and change documents of the categories administrative and insurance.";
    DocumentFileCredential = "document.file_credential", Writes, true, [Admin Provider],                           "File and change documents about providers; a provider about himself.";
    DocumentUpdate        = "document.update",        Writes, true,  [Admin Provider Nurse Staff],                 "Relabel documents, add versions, release them to the patient, mark them as entered in error.";
    DocumentAttest        = "document.attest",        Writes, true,  [Provider],                                   "Vouch for a version of a document with a signature.";
    RetentionPolicyRead   = "retention_policy.read",  Reads,  false, [Admin Provider Nurse Staff],                 "Read how long documents are kept.";
    RetentionPolicyManage = "retention_policy.manage", Writes, false, [Admin],                                     "Say how long documents are kept.";
    RetentionRead         = "retention.read",         Reads,  true,  [Admin],                                      "Read legal holds, what has outlived its retention, and certificates of destruction.";
    RetentionDecide       = "retention.decide",       Writes, true,  [Admin],                                      "Place and lift legal holds; keep or destroy what has outlived its retention.";
    AccessLogRead         = "access_log.read",        Reads,  true,  [Admin],                                      "Read who accessed which chart.";
    OwnAccessLogRead      = "access_log.read_own",    Reads,  true,  [Patient],                                    "See who opened one's own chart.";
    ChangeLogRead         = "change_log.read",        Reads,  true,  [Admin],                                      "Read what was changed, by whom, field by field.";
    ProblemRead           = "problem.read",           Reads,  true,  [Admin Provider Nurse Patient],               "Read problem lists.";
    ProblemWrite          = "problem.write",          Writes, true,  [Provider],                                   "Keep problem lists.";
    CodingRead            = "coding.read",            Reads,  true,  [Admin Provider Nurse Billing Patient],       "Read the diagnoses and procedures coded on encounters.";
    CodingWrite           = "coding.write",           Writes, true,  [Provider],                                   "Code diagnoses on encounters.";
    AllergyRead           = "allergy.read",           Reads,  true,  [Admin Provider Nurse Patient],               "Read allergies and intolerances.";
    AllergyWrite          = "allergy.write",          Writes, true,  [Provider Nurse],                             "Record allergies and intolerances, or that none are known.";
    ProcedureRead         = "procedure.read",         Reads,  true,  [Admin Provider Nurse Patient],               "Read procedures.";
    ProcedureWrite        = "procedure.write",        Writes, true,  [Provider],                                   "Record procedures.";
    ImmunizationRead      = "immunization.read",      Reads,  true,  [Admin Provider Nurse Patient],               "Read immunizations and which are due.";
    ImmunizationWrite     = "immunization.write",     Writes, true,  [Provider Nurse],                             "Record immunizations, given or not.";
    EntryHistory          = "entry.history",          Reads,  true,  [Admin Provider Nurse],                       "Read how the entries of a record changed, and the record as it stood at an earlier time.";
    ChartRead             = "chart.read",             Reads,  true,  [Admin Provider Nurse Patient],               "Open a chart and its timeline; which sections it has, the permissions of the sections say.";
    PatientExport         = "patient.export",         Reads,  true,  [Admin Provider Patient],                     "Take out the whole record of a patient.";
    FlowSettingsRead      = "flow_settings.read",     Reads,  false, [Admin Provider Nurse Staff],                 "Read the templates of reminders, and the rules of reminders, calendars and the waitlist.";
    FlowSettingsManage    = "flow_settings.manage",   Writes, false, [Admin],                                      "Change the templates of reminders, and the rules of reminders, calendars and the waitlist.";
    ReminderRead          = "reminder.read",          Reads,  true,  [Admin Provider Nurse Staff],                 "Read what a patient is, or was, told about his appointment, and whether it was delivered.";
    ReminderCancel        = "reminder.cancel",        Writes, true,  [Admin Provider Nurse Staff],                 "Take back reminders that have not been sent.";
    CalendarFeedRead      = "calendar_feed.read",     Reads,  false, [Admin Provider],                             "Read which calendars others may subscribe to; a provider his own.";
    CalendarFeedManage    = "calendar_feed.manage",   Writes, false, [Admin Provider],                             "Open and revoke calendars others may subscribe to; a provider his own.";
    WaitlistRead          = "waitlist.read",          Reads,  true,  [Admin Provider Nurse Staff Patient],         "Read who waits for a place, and the offers made; a patient his own.";
    WaitlistRequest       = "waitlist.request",       Writes, true,  [Admin Provider Nurse Staff Patient],         "Put patients on the waitlist, change and withdraw their requests; a patient his own.";
    WaitlistRespond       = "waitlist.respond",       Writes, true,  [Admin Provider Nurse Staff Patient],         "Accept and decline offered places; a patient his own.";
    BoardRead             = "board.read",             Reads,  true,  [Admin Provider Nurse Staff],                 "See who waits where, and how long, and hear when that changes.";
    SigningKeyRead        = "signing_key.read",       Reads,  false, [Admin Provider Nurse Staff Patient],         "Read the public keys that records are signed with.";
    SecurityRead          = "security.read",          Reads,  false, [Admin],                                      "Read security events and the activity of accounts.";
    ForecastRead          = "forecast.read",          Reads,  false, [Admin Provider Nurse Staff],                 "Read forecasts of demand, how the no-show model does, and how much overbooking it suggests.";
    ForecastMake          = "forecast.make",          Writes, false, [Admin Staff],                                "Make forecasts of demand.";
    NoShowRead            = "no_show.read",           Reads,  true,  [Admin Provider Nurse Staff],                 "Read how likely it is that somebody does not come.";
    SchedulePlanRead      = "schedule_plan.read",     Reads,  true,  [Admin Provider Staff],                       "Read proposed schedules.";
    SchedulePlanMake      = "schedule_plan.make",     Writes, true,  [Admin Provider Staff],                       "Propose schedules, and propose them anew when the week changes.";
    SchedulePlanApply     = "schedule_plan.apply",    Writes, true,  [Admin Provider Staff],                       "Book what a schedule proposes.";

    SchedulingCatalogue   = "scheduling.catalogue",   Reads,  false, [Admin Provider Nurse Staff Billing Patient], "Read what can be booked: services, rooms and equipment.";
    SchedulingManage      = "scheduling.manage",      Writes, false, [Admin],                                      "Add and change services, rooms and equipment.";
    AvailabilityRead      = "availability.read",      Reads,  false, [Admin Provider Nurse Staff Patient],         "Find free times; a patient those of services he may book himself.";
    WorkingTimeRead       = "working_time.read",      Reads,  false, [Admin Provider Nurse Staff],                 "Read working time, time off, holidays, rosters and limits of work.";
    AvailabilityManage    = "availability.manage",    Writes, false, [Admin Staff],                                "Say who works when: working time, time off, holidays, rosters, limits of work.";
    TimeOffRecord         = "time_off.record",        Writes, false, [Admin Provider Staff],                       "Record time off; a provider his own.";
    CapacityRead          = "capacity.read",          Reads,  false, [Admin Provider Nurse Staff],                 "Read how far providers, rooms and equipment are used, and how long patients wait for an appointment.";

    AppointmentRead       = "appointment.read",       Reads,  true,  [Admin Provider Nurse Staff Billing Patient], "Read appointments and holds; a patient his own.";
    AppointmentBook       = "appointment.book",       Writes, true,  [Admin Provider Nurse Staff Patient],         "Hold times and book appointments; a patient for himself, what patients may book.";
    AppointmentManage     = "appointment.manage",     Writes, true,  [Admin Provider Nurse Staff],                 "Amend appointments, check patients in, complete visits, mark them as missed; book series.";
    AppointmentRespond    = "appointment.respond",    Writes, true,  [Admin Provider Nurse Staff Patient],         "Confirm, cancel and move appointments; a patient his own.";
    AppointmentOverbook   = "appointment.overbook",   Writes, true,  [Admin Provider],                             "Book over what is occupied, for a reason.";
    ScheduleRead          = "schedule.read",          Reads,  true,  [Admin Provider Nurse Staff],                 "Look at the days of a provider, a room or a facility.";
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
