//! What a provider may show: number, licences, certifications. Some licences end soon, one has just ended.

use chrono::{Days, NaiveDate};
use identity::staff::certifications::NewCertification;
use identity::staff::licenses::{LicenseKind, LicenseStatus, NewLicense};
use identity::staff::{NewProvider, StaffStatus};
use kernel::npi;

use super::places::Specialty;
use super::random::Random;
use super::roster::Training;
use super::staff::Practice;

/// All but the name and how to reach him.
pub fn practice(
    training: Training,
    state: &str,
    number: u64,
    today: NaiveDate,
    random: &mut Random,
) -> Practice {
    let Training {
        specialty,
        credential,
        subspecialty,
        license_days,
    } = training;
    // The number of the post in the middle keeps any two of the organisation apart.
    let nine = format!("1{}{number:02}{}", random.digits(3), random.digits(3));
    let physician = credential != "FNP-C";
    let expires_on = day(today, license_days);
    let mut licenses = vec![NewLicense {
        state: state.to_owned(),
        number: format!("{number:02}{}", random.digits(5)),
        kind: if physician {
            LicenseKind::Medical
        } else {
            LicenseKind::Nursing
        },
        status: if license_days < 0 {
            LicenseStatus::Expired
        } else {
            LicenseStatus::Active
        },
        issued_on: Some(day(today, license_days - 730)),
        expires_on,
    }];
    if random.chance(70) {
        let left = random.between(70, 1000);
        licenses.push(NewLicense {
            state: state.to_owned(),
            number: format!(
                "B{}{number:02}{}",
                if physician { 'C' } else { 'N' },
                random.digits(5)
            ),
            kind: LicenseKind::Dea,
            status: LicenseStatus::Active,
            issued_on: Some(day(today, left - 1095)),
            expires_on: day(today, left),
        });
    }
    Practice {
        provider: NewProvider {
            user_id: None,
            npi: npi::complete(&nine),
            given_name: String::new(),
            family_name: String::new(),
            credential: Some(credential.to_owned()),
            specialties: specialty.name().map(str::to_owned).into_iter().collect(),
            subspecialties: subspecialty.map(str::to_owned).into_iter().collect(),
            phone: None,
            email: None,
            verified: random.chance(85),
            accepting_patients: random.chance(75),
            status: StaffStatus::Active,
        },
        licenses,
        certifications: certifications(specialty, physician, today, random),
    }
}

fn certifications(
    specialty: Specialty,
    physician: bool,
    today: NaiveDate,
    random: &mut Random,
) -> Vec<NewCertification> {
    let (name, issuer) = match specialty {
        Specialty::FamilyMedicine if physician => {
            ("Family Medicine", "American Board of Family Medicine")
        }
        Specialty::FamilyMedicine => (
            "Family Nurse Practitioner",
            "American Academy of Nurse Practitioners Certification Board",
        ),
        Specialty::InternalMedicine | Specialty::None => {
            ("Internal Medicine", "American Board of Internal Medicine")
        }
        Specialty::Pediatrics => ("General Pediatrics", "American Board of Pediatrics"),
        Specialty::Cardiology => (
            "Cardiovascular Disease",
            "American Board of Internal Medicine",
        ),
        Specialty::Orthopedics => (
            "Orthopaedic Surgery",
            "American Osteopathic Board of Orthopedic Surgery",
        ),
        Specialty::Emergency => ("Emergency Medicine", "American Board of Emergency Medicine"),
        Specialty::Surgery => ("Surgery", "American Board of Surgery"),
        Specialty::Endocrinology => (
            "Endocrinology, Diabetes and Metabolism",
            "American Board of Internal Medicine",
        ),
        Specialty::Psychiatry => ("Psychiatry", "American Board of Psychiatry and Neurology"),
        Specialty::Dermatology => ("Dermatology", "American Board of Dermatology"),
    };
    let since = random.between(200, 3000);
    let mut list = vec![NewCertification {
        name: name.to_owned(),
        issuer: issuer.to_owned(),
        number: Some(random.digits(6)),
        issued_on: Some(day(today, -since)),
        expires_on: Some(day(today, 3650 - since)),
    }];
    if random.chance(60) {
        let since = random.between(10, 700);
        list.push(NewCertification {
            name: "Advanced Cardiovascular Life Support".to_owned(),
            issuer: "American Heart Association".to_owned(),
            number: None,
            issued_on: Some(day(today, -since)),
            expires_on: Some(day(today, 730 - since)),
        });
    }
    list
}

/// So many days from a day on.
pub fn day(from: NaiveDate, days: i64) -> NaiveDate {
    let distance = Days::new(days.unsigned_abs());
    if days < 0 {
        from - distance
    } else {
        from + distance
    }
}
