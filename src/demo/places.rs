//! Where the demo happens: two organisations in two time zones, three facilities each, and the towns people live in.
//!
//! The towns, their ZIP codes and area codes are real, so that an address passes any check; organisations, streets and
//! numbers are made up. Telephone numbers are those of 555-0100 to 555-0199, which belong to nobody.

use chrono_tz::Tz;

/// An organisation.
#[derive(Debug)]
pub struct Organisation {
    pub slug: &'static str,
    pub name: &'static str,
    pub zone: Tz,
    /// Whether a provider or nurse sees the charts of a facility, not only those of patients he cares for.
    pub by_facility: bool,
    pub mrn_prefix: &'static str,
    /// USPS code of the state.
    pub state: &'static str,
    pub area_codes: &'static [&'static str],
    pub towns: &'static [Town],
    pub facilities: [Place; 3],
}

/// A town, with a ZIP code of it.
#[derive(Debug)]
pub struct Town {
    pub name: &'static str,
    pub zip: &'static str,
}

/// A facility.
#[derive(Debug)]
pub struct Place {
    pub code: &'static str,
    pub name: &'static str,
    pub is_hospital: bool,
    pub street: &'static str,
    /// Where in the organisation's list of towns.
    pub town: usize,
    pub departments: &'static [Department],
}

/// A department.
#[derive(Debug)]
pub struct Department {
    pub code: &'static str,
    pub name: &'static str,
    pub specialty: Specialty,
    /// Of its wards: the beds are `{code}-101` and so on.
    pub beds: u32,
}

/// What a department or a provider does, as far as the demo knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Specialty {
    FamilyMedicine,
    InternalMedicine,
    Pediatrics,
    Cardiology,
    Orthopedics,
    Emergency,
    Surgery,
    Endocrinology,
    Psychiatry,
    Dermatology,
    None,
}

impl Specialty {
    pub const fn name(self) -> Option<&'static str> {
        match self {
            Self::FamilyMedicine => Some("Family Medicine"),
            Self::InternalMedicine => Some("Internal Medicine"),
            Self::Pediatrics => Some("Pediatrics"),
            Self::Cardiology => Some("Cardiology"),
            Self::Orthopedics => Some("Orthopedic Surgery"),
            Self::Emergency => Some("Emergency Medicine"),
            Self::Surgery => Some("General Surgery"),
            Self::Endocrinology => Some("Endocrinology"),
            Self::Psychiatry => Some("Psychiatry"),
            Self::Dermatology => Some("Dermatology"),
            Self::None => None,
        }
    }
}

const fn ward(
    code: &'static str,
    name: &'static str,
    specialty: Specialty,
    beds: u32,
) -> Department {
    Department {
        code,
        name,
        specialty,
        beds,
    }
}

const fn clinic(code: &'static str, name: &'static str, specialty: Specialty) -> Department {
    ward(code, name, specialty, 0)
}

const HOSPITAL: &[Department] = &[
    ward("ED", "Emergency", Specialty::Emergency, 0),
    ward("MED", "Medical Ward", Specialty::InternalMedicine, 24),
    ward("SURG", "Surgical Ward", Specialty::Surgery, 18),
    ward("ICU", "Intensive Care", Specialty::InternalMedicine, 8),
    clinic("CARD", "Cardiology", Specialty::Cardiology),
    clinic("FD", "Front Desk and Registration", Specialty::None),
];

pub static RIVERSIDE: Organisation = Organisation {
    slug: "riverside",
    name: "Riverside Health Network",
    zone: Tz::America__New_York,
    by_facility: false,
    mrn_prefix: "RV",
    state: "NY",
    area_codes: &[
        "845", "914", "518", "607", "315", "585", "716", "631", "516",
    ],
    towns: &[
        Town {
            name: "Poughkeepsie",
            zip: "12601",
        },
        Town {
            name: "Kingston",
            zip: "12401",
        },
        Town {
            name: "Beacon",
            zip: "12508",
        },
        Town {
            name: "Newburgh",
            zip: "12550",
        },
        Town {
            name: "New Paltz",
            zip: "12561",
        },
        Town {
            name: "Hyde Park",
            zip: "12538",
        },
        Town {
            name: "Rhinebeck",
            zip: "12572",
        },
    ],
    facilities: [
        Place {
            code: "RGH",
            name: "Riverside General Hospital",
            is_hospital: true,
            street: "400 Ferry Landing Road",
            town: 0,
            departments: HOSPITAL,
        },
        Place {
            code: "MILL",
            name: "Mill Street Family Practice",
            is_hospital: false,
            street: "18 Mill Street",
            town: 1,
            departments: &[
                clinic("FM", "Family Medicine", Specialty::FamilyMedicine),
                clinic("PED", "Pediatrics", Specialty::Pediatrics),
                clinic("PSY", "Behavioral Health", Specialty::Psychiatry),
                clinic("FD", "Front Desk", Specialty::None),
            ],
        },
        Place {
            code: "HARB",
            name: "Harbor Specialty Clinic",
            is_hospital: false,
            street: "7 Wharf Lane",
            town: 2,
            departments: &[
                clinic("IM", "Internal Medicine", Specialty::InternalMedicine),
                clinic("ORTHO", "Orthopedics", Specialty::Orthopedics),
                clinic("ENDO", "Endocrinology", Specialty::Endocrinology),
                clinic("DERM", "Dermatology", Specialty::Dermatology),
                clinic("FD", "Front Desk", Specialty::None),
            ],
        },
    ],
};

pub static LAKESIDE: Organisation = Organisation {
    slug: "lakeside",
    name: "Lakeside Medical Group",
    zone: Tz::America__Chicago,
    by_facility: true,
    mrn_prefix: "LK",
    state: "WI",
    area_codes: &["414", "608", "262", "920", "715", "534", "274"],
    towns: &[
        Town {
            name: "Madison",
            zip: "53703",
        },
        Town {
            name: "Milwaukee",
            zip: "53202",
        },
        Town {
            name: "Racine",
            zip: "53403",
        },
        Town {
            name: "Kenosha",
            zip: "53140",
        },
        Town {
            name: "Sheboygan",
            zip: "53081",
        },
        Town {
            name: "Waukesha",
            zip: "53186",
        },
    ],
    facilities: [
        Place {
            code: "LMC",
            name: "Lakeside Medical Center",
            is_hospital: true,
            street: "1200 Shoreline Drive",
            town: 1,
            departments: HOSPITAL,
        },
        Place {
            code: "ISTH",
            name: "Isthmus Family Clinic",
            is_hospital: false,
            street: "55 Isthmus Avenue",
            town: 0,
            departments: &[
                clinic("FM", "Family Medicine", Specialty::FamilyMedicine),
                clinic("PED", "Pediatrics", Specialty::Pediatrics),
                clinic("PSY", "Behavioral Health", Specialty::Psychiatry),
                clinic("FD", "Front Desk", Specialty::None),
            ],
        },
        Place {
            code: "PIER",
            name: "Pier Point Specialists",
            is_hospital: false,
            street: "3 Pier Point",
            town: 2,
            departments: &[
                clinic("IM", "Internal Medicine", Specialty::InternalMedicine),
                clinic("ORTHO", "Orthopedics", Specialty::Orthopedics),
                clinic("ENDO", "Endocrinology", Specialty::Endocrinology),
                clinic("DERM", "Dermatology", Specialty::Dermatology),
                clinic("FD", "Front Desk", Specialty::None),
            ],
        },
    ],
};

/// Streets people live in.
pub const STREETS: [&str; 24] = [
    "Maple Avenue",
    "Oak Street",
    "Church Street",
    "Elm Street",
    "Hillcrest Road",
    "Birch Lane",
    "Chestnut Street",
    "Orchard Road",
    "Academy Street",
    "Prospect Street",
    "Union Street",
    "Mansion Street",
    "Spring Street",
    "Cedar Court",
    "Meadow Lane",
    "Willow Way",
    "Garden Street",
    "Franklin Street",
    "Lincoln Avenue",
    "Park Place",
    "Grove Street",
    "Highland Avenue",
    "Quarry Road",
    "Station Road",
];

/// A department: its facility, and its place in the facility's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Spot {
    pub facility: usize,
    pub department: usize,
}

impl Organisation {
    /// The first department of that kind.
    pub fn spot(&self, code: &str) -> Spot {
        self.facilities
            .iter()
            .enumerate()
            .find_map(|(facility, place)| {
                let department = place
                    .departments
                    .iter()
                    .position(|department| department.code == code)?;
                Some(Spot {
                    facility,
                    department,
                })
            })
            .expect("the demo asks for departments it has")
    }

    pub fn department(&self, spot: Spot) -> &'static Department {
        &self.facilities[spot.facility].departments[spot.department]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_organisations_have_the_departments_the_demo_asks_for() {
        for organisation in [&RIVERSIDE, &LAKESIDE] {
            for code in [
                "ED", "MED", "SURG", "ICU", "CARD", "FM", "PED", "PSY", "IM", "ORTHO", "ENDO",
                "DERM", "FD",
            ] {
                assert_eq!(organisation.department(organisation.spot(code)).code, code);
            }
        }
        assert_ne!(RIVERSIDE.zone, LAKESIDE.zone);
    }
}
