//! Who works there: the six demo accounts, and colleagues enough to be looked for.
//!
//! A roster says which posts there are; names, numbers and dates are drawn. Some licences end within sixty days and one has
//! just ended, so that there is something to renew.

use std::collections::BTreeSet;

use chrono::{Days, NaiveDate};
use identity::staff::NewProvider;
use identity::staff::StaffStatus;
use identity::staff::certifications::NewCertification;
use identity::staff::licenses::{LicenseKind, LicenseStatus, NewLicense};
use identity::staff::members::StaffKind;
use identity::users::NewUser;
use kernel::{npi, text};
use platform::access::Role;

use super::names::{Culture, Gender};
use super::places::{Organisation, Specialty, Spot};
use super::random::Random;
use super::roster::{PostKind, ROSTER, Training};
use super::telephone::Telephones;

/// Somebody with an account who works there.
#[derive(Clone, Debug)]
pub struct Employee {
    pub account: NewUser,
    /// Where he works; the first is where he belongs.
    pub spots: Vec<Spot>,
    pub work: Work,
}

/// What he does.
#[derive(Clone, Debug)]
pub enum Work {
    Treats(Box<Practice>),
    Helps(Help),
    /// Keeps the organisation running.
    Administers,
}

/// What makes a provider. The account is linked when it has an id.
#[derive(Clone, Debug)]
pub struct Practice {
    pub specialty: Specialty,
    pub provider: NewProvider,
    pub licenses: Vec<NewLicense>,
    pub certifications: Vec<NewCertification>,
}

/// What makes a nurse or another member of the staff.
#[derive(Clone, Debug)]
pub struct Help {
    pub kind: StaffKind,
    pub title: &'static str,
    pub credentials: &'static [&'static str],
    pub license: Option<(String, NaiveDate)>,
}

/// The whole staff, in the order of the roster.
pub fn hire(
    organisation: &Organisation,
    seed: u64,
    today: NaiveDate,
    phones: &mut Telephones,
) -> Vec<Employee> {
    let mut names = BTreeSet::new();
    let mut staff = Vec::with_capacity(ROSTER.len());
    for (number, post) in (0..).zip(&ROSTER) {
        let mut random = Random::stream(seed, &format!("{} staff", organisation.slug), number);
        let (given, family) = new_name(&mut random, &mut names);
        let email = if post.demo {
            format!("{}@{}.demo", post.role.as_str(), organisation.slug)
        } else {
            let words = format!("{given} {family}");
            format!(
                "{}@{}.demo",
                text::name_key(&words).replace(' ', "."),
                organisation.slug
            )
        };
        let phone = phones.next();
        let work = match &post.kind {
            PostKind::Admin => Work::Administers,
            PostKind::Provider(training) => {
                let mut practice =
                    practice(*training, organisation.state, number, today, &mut random);
                practice.provider.given_name.clone_from(&given);
                practice.provider.family_name.clone_from(&family);
                practice.provider.phone = Some(phone.clone());
                practice.provider.email = Some(email.clone());
                practice.provider.accepting_patients |= post.demo;
                Work::Treats(Box::new(practice))
            }
            PostKind::Helper {
                kind,
                title,
                credentials,
            } => {
                let license = (!credentials.is_empty()).then(|| {
                    (
                        format!("{}-{}", credentials[0], random.digits(6)),
                        day(today, random.between(20, 700)),
                    )
                });
                Work::Helps(Help {
                    kind: *kind,
                    title,
                    credentials,
                    license,
                })
            }
        };
        let spots = post
            .spots
            .iter()
            .map(|code| organisation.spot(code))
            .collect();
        let account = NewUser {
            email,
            role: post.role,
            given_name: given,
            family_name: family,
            phone: Some(phone),
            avatar_ref: None,
        };
        staff.push(Employee {
            account,
            spots,
            work,
        });
    }
    staff
}

/// A name nobody there has yet: it becomes an e-mail address.
fn new_name(random: &mut Random, names: &mut BTreeSet<String>) -> (String, String) {
    loop {
        let culture = Culture::any(random);
        let gender = if random.chance(58) {
            Gender::Female
        } else {
            Gender::Male
        };
        let (given, family) = (
            random.pick(culture.given(gender)),
            random.pick(culture.family),
        );
        if names.insert(text::name_key(&format!("{given} {family}"))) {
            return (given.to_owned(), family.to_owned());
        }
    }
}

/// All but the name and how to reach him.
fn practice(
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
        specialty,
        provider: NewProvider {
            user_id: None,
            npi: npi::complete(&nine),
            given_name: String::new(),
            family_name: String::new(),
            credential: Some(credential.to_owned()),
            specialty: specialty.name().map(str::to_owned),
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
fn day(from: NaiveDate, days: i64) -> NaiveDate {
    let distance = Days::new(days.unsigned_abs());
    if days < 0 {
        from - distance
    } else {
        from + distance
    }
}

#[cfg(test)]
mod tests {
    use chrono::NaiveTime;
    use kernel::{Checks, Validate};

    use super::super::places::{LAKESIDE, RIVERSIDE};
    use super::super::roster::{DEMO_NURSE, DEMO_PROVIDER, FAMILY_NURSE_PRACTITIONER, INTERNIST, PEDIATRICIAN};
    use super::*;

    fn staff(organisation: &Organisation, seed: u64) -> (NaiveDate, Vec<Employee>) {
        let today = NaiveDate::from_ymd_opt(2026, 3, 10).expect("a day");
        (
            today,
            hire(
                organisation,
                seed,
                today,
                &mut Telephones::new(organisation, seed),
            ),
        )
    }

    #[test]
    fn everything_about_a_provider_passes_the_rules_of_the_api() {
        for seed in 0..20 {
            for organisation in [&RIVERSIDE, &LAKESIDE] {
                let (today, staff) = staff(organisation, seed);
                let mut npis = BTreeSet::new();
                for employee in &staff {
                    let mut checks = Checks::at(today.and_time(NaiveTime::MIN).and_utc());
                    employee.account.check(&mut checks);
                    if let Work::Treats(practice) = &employee.work {
                        practice.provider.check(&mut checks);
                        practice
                            .licenses
                            .iter()
                            .for_each(|license| license.check(&mut checks));
                        practice
                            .certifications
                            .iter()
                            .for_each(|certification| certification.check(&mut checks));
                        assert!(npis.insert(practice.provider.npi.clone().expect("an NPI")));
                    }
                    checks.finish().unwrap_or_else(|error| {
                        panic!("{}: {:?}", employee.account.email, error.fields())
                    });
                }
                assert_eq!(npis.len(), 12);
            }
        }
    }

    #[test]
    fn each_role_but_the_patient_has_its_demo_account_and_licences_run_out() {
        let (today, staff) = staff(&RIVERSIDE, 1);
        for role in Role::ALL.into_iter().filter(|role| *role != Role::Patient) {
            let email = format!("{}@riverside.demo", role.as_str());
            assert_eq!(
                staff
                    .iter()
                    .filter(|it| it.account.email == email && it.account.role == role)
                    .count(),
                1
            );
        }
        assert_eq!(
            staff[DEMO_PROVIDER].account.email,
            "provider@riverside.demo"
        );
        assert_eq!(staff[DEMO_NURSE].account.email, "nurse@riverside.demo");
        for place in [
            DEMO_PROVIDER,
            FAMILY_NURSE_PRACTITIONER,
            INTERNIST,
            PEDIATRICIAN,
        ] {
            let Work::Treats(practice) = &staff[place].work else {
                panic!("{place} is no provider")
            };
            assert!(practice.specialty.is_primary_care());
        }
        let soon = staff
            .iter()
            .filter_map(|employee| match &employee.work {
                Work::Treats(practice) => Some(&practice.licenses),
                _ => None,
            })
            .flatten()
            .filter(|license| (0..=60).contains(&(license.expires_on - today).num_days()))
            .count();
        assert!(soon >= 3, "{soon}");
        let emails: BTreeSet<&str> = staff
            .iter()
            .map(|employee| employee.account.email.as_str())
            .collect();
        assert_eq!(emails.len(), staff.len());
    }
}
