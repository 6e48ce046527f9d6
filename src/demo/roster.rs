//! Which posts there are, the same in both organisations.

use identity::staff::members::StaffKind;
use platform::access::Role;

use super::places::Specialty;
use super::random::Random;

/// A post: `demo` is that of the account `{role}@{tenant}.demo`.
#[derive(Clone, Copy)]
pub struct Post {
    pub demo: bool,
    pub role: Role,
    /// Codes of departments; the first is where he belongs.
    pub spots: &'static [&'static str],
    pub kind: PostKind,
}

/// What somebody in a post does.
#[derive(Clone, Copy)]
pub enum PostKind {
    Provider(Training),
    Helper {
        kind: StaffKind,
        title: &'static str,
        credentials: &'static [&'static str],
    },
    Admin,
}

/// What a provider has learnt.
#[derive(Clone, Copy)]
pub struct Training {
    pub specialty: Specialty,
    pub credential: &'static str,
    pub subspecialty: Option<&'static str>,
    /// Days until the licence ends.
    pub license_days: i64,
}

const fn provider(
    spots: &'static [&'static str],
    specialty: Specialty,
    credential: &'static str,
    subspecialty: Option<&'static str>,
    license_days: i64,
) -> Post {
    let training = Training {
        specialty,
        credential,
        subspecialty,
        license_days,
    };
    Post {
        demo: false,
        role: Role::Provider,
        spots,
        kind: PostKind::Provider(training),
    }
}

const fn nurse(
    spots: &'static [&'static str],
    title: &'static str,
    credentials: &'static [&'static str],
) -> Post {
    Post {
        demo: false,
        role: Role::Nurse,
        spots,
        kind: PostKind::Helper {
            kind: StaffKind::Nurse,
            title,
            credentials,
        },
    }
}

const fn helper(
    role: Role,
    spots: &'static [&'static str],
    kind: StaffKind,
    title: &'static str,
) -> Post {
    Post {
        demo: false,
        role,
        spots,
        kind: PostKind::Helper {
            kind,
            title,
            credentials: &[],
        },
    }
}

const fn demo(post: Post) -> Post {
    Post { demo: true, ..post }
}

#[rustfmt::skip]
pub const ROSTER: [Post; 29] = [
    demo(Post { demo: false, role: Role::Admin, spots: &[], kind: PostKind::Admin }),
    demo(provider(&["FM"], Specialty::FamilyMedicine, "MD", Some("Geriatric Medicine"), 41)),
    demo(nurse(&["FM"], "Practice nurse", &["RN", "BSN"])),
    demo(helper(Role::Staff, &["FD"], StaffKind::FrontDesk, "Front desk")),
    demo(helper(Role::Billing, &["FD"], StaffKind::Billing, "Billing specialist")),
    provider(&["FM"], Specialty::FamilyMedicine, "FNP-C", None, 410),
    provider(&["IM"], Specialty::InternalMedicine, "MD", None, 655),
    provider(&["PED"], Specialty::Pediatrics, "MD", None, 23),
    provider(&["MED", "ICU"], Specialty::InternalMedicine, "MD", Some("Hospital Medicine"), 300),
    provider(&["CARD", "MED"], Specialty::Cardiology, "MD", Some("Interventional Cardiology"), 58),
    provider(&["ORTHO", "SURG"], Specialty::Orthopedics, "DO", Some("Sports Medicine"), 512),
    provider(&["ED"], Specialty::Emergency, "MD", None, 190),
    provider(&["SURG"], Specialty::Surgery, "MD", None, 365),
    provider(&["ENDO"], Specialty::Endocrinology, "MD", Some("Diabetes and Metabolism"), 88),
    provider(&["PSY"], Specialty::Psychiatry, "MD", None, 240),
    provider(&["DERM"], Specialty::Dermatology, "MD", None, -12),
    nurse(&["PED"], "Pediatric nurse", &["RN", "CPN"]),
    nurse(&["ED"], "Emergency nurse", &["RN", "CEN"]),
    nurse(&["ED"], "Triage nurse", &["RN"]),
    nurse(&["MED"], "Charge nurse", &["RN", "BSN"]),
    nurse(&["MED", "SURG"], "Ward nurse", &["LPN"]),
    nurse(&["ICU"], "Critical care nurse", &["RN", "CCRN"]),
    nurse(&["CARD"], "Cardiology nurse", &["RN"]),
    helper(Role::Staff, &["FM"], StaffKind::MedicalAssistant, "Medical assistant"),
    helper(Role::Staff, &["ORTHO"], StaffKind::MedicalAssistant, "Medical assistant"),
    helper(Role::Staff, &["CARD"], StaffKind::Technician, "ECG technician"),
    helper(Role::Staff, &["FD"], StaffKind::FrontDesk, "Registration"),
    helper(Role::Staff, &["PED"], StaffKind::FrontDesk, "Front desk"),
    helper(Role::Billing, &["FD"], StaffKind::Billing, "Billing manager"),
];

/// Places in the roster.
pub const DEMO_PROVIDER: usize = 1;
pub const DEMO_NURSE: usize = 2;
pub const FAMILY_NURSE_PRACTITIONER: usize = 5;
pub const INTERNIST: usize = 6;
pub const PEDIATRICIAN: usize = 7;

/// Who is somebody's own doctor, as a place in the roster.
pub fn primary_care(age: i64, random: &mut Random) -> usize {
    if age < 18 && random.chance(85) {
        return PEDIATRICIAN;
    }
    random.weighted(&[
        (26, DEMO_PROVIDER),
        (26, FAMILY_NURSE_PRACTITIONER),
        (48, INTERNIST),
    ])
}
