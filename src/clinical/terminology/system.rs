//! The code systems there are: their names on the wire, their canonical URIs, and what a code of each must look like.
//!
//! A form says that a code could be one; only a loaded version says that it is one.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A code system.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    ToSchema,
    sqlx::Type,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum System {
    /// Diagnoses.
    Icd10cm,
    /// Procedures of inpatients.
    Icd10pcs,
    /// Vaccines.
    Cvx,
    /// Observations, questions, documents.
    Loinc,
    /// Drugs and their ingredients.
    Rxnorm,
    /// Clinical terms.
    Snomed,
    /// Procedures and services (HCPCS level I).
    Cpt,
    /// Supplies and services (HCPCS level II).
    Hcpcs,
    /// Where a service was given.
    PlaceOfService,
    /// Packages of drugs.
    Ndc,
    /// Drugs by what they act on.
    Atc,
}

impl System {
    pub const ALL: [Self; 11] = [
        Self::Icd10cm,
        Self::Icd10pcs,
        Self::Cvx,
        Self::Loinc,
        Self::Rxnorm,
        Self::Snomed,
        Self::Cpt,
        Self::Hcpcs,
        Self::PlaceOfService,
        Self::Ndc,
        Self::Atc,
    ];

    /// The name in paths, in bodies and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Icd10cm => "icd10cm",
            Self::Icd10pcs => "icd10pcs",
            Self::Cvx => "cvx",
            Self::Loinc => "loinc",
            Self::Rxnorm => "rxnorm",
            Self::Snomed => "snomed",
            Self::Cpt => "cpt",
            Self::Hcpcs => "hcpcs",
            Self::PlaceOfService => "place_of_service",
            Self::Ndc => "ndc",
            Self::Atc => "atc",
        }
    }

    /// The name people use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Icd10cm => "ICD-10-CM",
            Self::Icd10pcs => "ICD-10-PCS",
            Self::Cvx => "CVX",
            Self::Loinc => "LOINC",
            Self::Rxnorm => "RxNorm",
            Self::Snomed => "SNOMED CT",
            Self::Cpt => "CPT",
            Self::Hcpcs => "HCPCS Level II",
            Self::PlaceOfService => "Place of Service",
            Self::Ndc => "NDC",
            Self::Atc => "ATC",
        }
    }

    /// The URI that FHIR knows the system by.
    pub const fn uri(self) -> &'static str {
        match self {
            Self::Icd10cm => "http://hl7.org/fhir/sid/icd-10-cm",
            Self::Icd10pcs => "http://www.cms.gov/Medicare/Coding/ICD10",
            Self::Cvx => "http://hl7.org/fhir/sid/cvx",
            Self::Loinc => "http://loinc.org",
            Self::Rxnorm => "http://www.nlm.nih.gov/research/umls/rxnorm",
            Self::Snomed => "http://snomed.info/sct",
            Self::Cpt => "http://www.ama-assn.org/go/cpt",
            Self::Hcpcs => "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets",
            Self::PlaceOfService => {
                "https://www.cms.gov/Medicare/Coding/place-of-service-codes/Place_of_Service_Code_Set"
            }
            Self::Ndc => "http://hl7.org/fhir/sid/ndc",
            Self::Atc => "http://www.whocc.no/atc",
        }
    }

    /// Whose it is, and on which terms a file may be loaded.
    pub const fn rights(self) -> &'static str {
        match self {
            Self::Icd10cm | Self::Icd10pcs => "US government work (NCHS, CMS); free.",
            Self::Cvx => "US government work (CDC); free.",
            Self::Loinc => {
                "This material contains content from LOINC (http://loinc.org). LOINC is copyright © Regenstrief Institute, Inc. and the Logical Observation Identifiers Names and Codes (LOINC) Committee and is available at no cost under the license at http://loinc.org/license."
            }
            Self::Rxnorm => {
                "NLM; the Current Prescribable Content is free, the full file needs a UMLS licence."
            }
            Self::Snomed => {
                "SNOMED International; loaded only under your own affiliate or UMLS licence."
            }
            Self::Cpt => "American Medical Association; loaded only under your own licence.",
            Self::Hcpcs | Self::PlaceOfService => "US government work (CMS); free.",
            Self::Ndc => "US government work (FDA); free.",
            Self::Atc => {
                "WHO Collaborating Centre for Drug Statistics Methodology; free with reference, no commercial resale."
            }
        }
    }

    /// The system a URI names.
    pub fn from_uri(uri: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|system| system.uri() == uri)
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|system| system.as_str() == name)
    }

    /// The form in which the code is kept and compared: `e119` is `E11.9`, vaccine `3` is `03`.
    pub fn canonical(self, code: &str) -> String {
        let code = code.trim();
        match self {
            Self::Icd10cm => {
                let bare: String = code.chars().filter(|c| *c != '.').collect();
                let bare = bare.to_uppercase();
                match bare.split_at_checked(3) {
                    Some((category, rest)) if !rest.is_empty() => format!("{category}.{rest}"),
                    _ => bare,
                }
            }
            Self::Cvx | Self::PlaceOfService if code.len() == 1 => format!("0{code}"),
            Self::Icd10pcs | Self::Cpt | Self::Hcpcs | Self::Atc => code.to_uppercase(),
            _ => code.to_owned(),
        }
    }

    /// Whether a canonical code has the form, and where there is one the check digit, of the system.
    pub fn has_form(self, code: &str) -> bool {
        let bytes = code.as_bytes();
        match self {
            Self::Icd10cm => icd10cm(bytes),
            Self::Icd10pcs => fits(bytes, "PPPPPPP"),
            Self::Cvx => digits(bytes, 2, 3),
            Self::Loinc => loinc(code),
            Self::Rxnorm => digits(bytes, 1, 8) && bytes[0] != b'0',
            Self::Snomed => digits(bytes, 6, 18) && bytes[0] != b'0' && verhoeff(bytes),
            Self::Cpt => {
                fits(bytes, "00000")
                    || (fits(&bytes[..bytes.len().min(4)], "0000")
                        && bytes.len() == 5
                        && b"FTUM".contains(&bytes[4]))
            }
            Self::Hcpcs => fits(bytes, "A0000"),
            Self::PlaceOfService => fits(bytes, "00"),
            Self::Ndc => {
                fits(bytes, "00000000000")
                    || [
                        "0000-0000-00",
                        "00000-000-00",
                        "00000-0000-0",
                        "00000-0000-00",
                    ]
                    .iter()
                    .any(|form| fits(bytes, form))
            }
            Self::Atc => fits(bytes, "A00AA00"),
        }
    }

    /// The form as a rule for people.
    pub const fn form(self) -> &'static str {
        match self {
            Self::Icd10cm => "must have the form of an ICD-10-CM code, such as E11.9",
            Self::Icd10pcs => "must have the form of an ICD-10-PCS code: seven letters and digits",
            Self::Cvx => "must have the form of a CVX code: two or three digits",
            Self::Loinc => "must be a LOINC code with its check digit, such as 8480-6",
            Self::Rxnorm => "must have the form of an RxNorm concept: one to eight digits",
            Self::Snomed => "must be a SNOMED CT identifier with its check digit",
            Self::Cpt => "must have the form of a CPT code: five digits, or four and F, T, U or M",
            Self::Hcpcs => "must have the form of an HCPCS Level II code: a letter and four digits",
            Self::PlaceOfService => "must have the form of a place of service: two digits",
            Self::Ndc => "must have the form of an NDC, such as 0071-0155-23 or eleven digits",
            Self::Atc => "must have the form of an ATC substance, such as A10BA02",
        }
    }
}

fn digits(code: &[u8], least: usize, most: usize) -> bool {
    (least..=most).contains(&code.len()) && code.iter().all(u8::is_ascii_digit)
}

/// `0` stands for a digit, `A` for a capital letter, `P` for a letter or digit of ICD-10-PCS (no I, no O); others for
/// themselves.
fn fits(code: &[u8], form: &str) -> bool {
    code.len() == form.len()
        && code
            .iter()
            .zip(form.bytes())
            .all(|(c, wanted)| match wanted {
                b'0' => c.is_ascii_digit(),
                b'A' => c.is_ascii_uppercase(),
                b'P' => c.is_ascii_digit() || (c.is_ascii_uppercase() && !b"IO".contains(c)),
                other => *c == other,
            })
}

/// A letter and two letters or digits (nearly always a digit first, but there is QA0); then a point and one to four letters
/// or digits.
fn icd10cm(code: &[u8]) -> bool {
    let word = |part: &[u8]| {
        part.iter()
            .all(|c| c.is_ascii_digit() || c.is_ascii_uppercase())
    };
    let (category, rest) = code.split_at(code.len().min(3));
    category.len() == 3
        && category[0].is_ascii_uppercase()
        && word(category)
        && match rest.split_first() {
            None => true,
            Some((b'.', rest)) => (1..=4).contains(&rest.len()) && word(rest),
            Some(_) => false,
        }
}

/// Digits, a hyphen, and their Luhn check digit.
fn loinc(code: &str) -> bool {
    let Some((number, check)) = code.split_once('-') else {
        return false;
    };
    if !digits(number.as_bytes(), 1, 7) || !digits(check.as_bytes(), 1, 1) {
        return false;
    }
    let sum: u32 = number
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let digit = u32::from(digit - b'0');
            let doubled = if place % 2 == 0 { digit * 2 } else { digit };
            doubled / 10 + doubled % 10
        })
        .sum();
    check == ((10 - sum % 10) % 10).to_string()
}

/// Verhoeff's check digit: the dihedral group of the pentagon, and a permutation of period eight.
fn verhoeff(code: &[u8]) -> bool {
    const MULTIPLY: [&[u8; 10]; 10] = [
        b"0123456789",
        b"1234067895",
        b"2340178956",
        b"3401289567",
        b"4012395678",
        b"5987604321",
        b"6598710432",
        b"7659821043",
        b"8765932104",
        b"9876543210",
    ];
    const PERMUTE: [&[u8; 10]; 8] = [
        b"0123456789",
        b"1576283094",
        b"5803796142",
        b"8916043527",
        b"9453126870",
        b"4286573901",
        b"2793806415",
        b"7046913258",
    ];
    let at = |row: &[u8; 10], place: u8| row[usize::from(place)] - b'0';
    code.iter()
        .rev()
        .enumerate()
        .fold(0, |sum, (place, digit)| {
            at(
                MULTIPLY[usize::from(sum)],
                at(PERMUTE[place % 8], digit - b'0'),
            )
        })
        == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_each_system_have_its_form_and_others_not() {
        for (system, good, bad) in [
            (
                System::Icd10cm,
                &["E11.9", "A00", "S52.501A", "C7A.00", "QA0.0101"][..],
                &["E119", "E11.", "11.9", "E1", "E11.12345", ""][..],
            ),
            (System::Icd10pcs, &["0DTJ4ZZ"], &["0DTJ4ZI", "0DTJ4Z"]),
            (System::Cvx, &["03", "208"], &["3", "2080", "ab"]),
            (
                System::Loinc,
                &["8480-6", "718-7", "2093-3"],
                &["8480-5", "84806", "-6", "8480-"],
            ),
            (System::Rxnorm, &["6809"], &["", "06809", "123456789"]),
            (
                System::Snomed,
                &["44054006", "73211009", "38341003"],
                &["44054007", "1234", "0"],
            ),
            (
                System::Cpt,
                &["99213", "0001F", "0042T"],
                &["9921", "99213X", "0042X", ""],
            ),
            (System::Hcpcs, &["G0008"], &["g0008", "00008"]),
            (System::PlaceOfService, &["11"], &["1", "111"]),
            (
                System::Ndc,
                &["0071-0155-23", "00071015523"],
                &["0071-0155-2"],
            ),
            (System::Atc, &["A10BA02"], &["A10BA"]),
        ] {
            for code in good {
                assert!(system.has_form(code), "{} {code}", system.name());
            }
            for code in bad {
                assert!(!system.has_form(code), "{} {code}", system.name());
            }
        }
    }

    #[test]
    fn a_code_is_kept_in_one_form() {
        assert_eq!(System::Icd10cm.canonical(" e119"), "E11.9");
        assert_eq!(System::Icd10cm.canonical("a00"), "A00");
        assert_eq!(System::Icd10cm.canonical("S52.501A"), "S52.501A");
        assert_eq!(System::Cvx.canonical("3"), "03");
        assert_eq!(System::Hcpcs.canonical("g0008"), "G0008");
        assert_eq!(System::Icd10cm.canonical("äöü"), "ÄÖÜ");
    }

    #[test]
    fn names_and_uris_lead_back() {
        for system in System::ALL {
            assert_eq!(System::from_uri(system.uri()), Some(system));
            assert_eq!(System::from_name(system.as_str()), Some(system));
            assert_eq!(
                serde_json::to_value(system).expect("a name"),
                system.as_str()
            );
        }
    }
}
