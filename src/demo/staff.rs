//! Who works there: the six demo accounts, and colleagues enough to be looked for.
//!
//! A roster says which posts there are; names, numbers and dates are drawn. Some licences end within sixty days and one has
//! just ended, so that there is something to renew.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use identity::staff::NewProvider;
use identity::staff::certifications::NewCertification;
use identity::staff::licenses::NewLicense;
use identity::staff::members::StaffKind;
use identity::users::NewUser;
use kernel::text;

use super::credentials::{day, practice};
use super::names::{Culture, Gender};
use super::places::{Organisation, Spot};
use super::random::Random;
use super::roster::{Post, PostKind, ROSTER};
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
    let employees = (0..).zip(&ROSTER).map(|(number, post)| {
        let mut random = Random::stream(seed, &format!("{} staff", organisation.slug), number);
        let (given_name, family_name) = new_name(&mut random, &mut names);
        let mailbox = if post.demo {
            post.role.as_str().to_owned()
        } else {
            text::name_key(&format!("{given_name} {family_name}")).replace(' ', ".")
        };
        let email = format!("{mailbox}@{}.demo", organisation.slug);
        let phone = Some(phones.next());
        let account = NewUser {
            email,
            role: post.role,
            given_name,
            family_name,
            phone,
            avatar_ref: None,
        };
        let spots = post
            .spots
            .iter()
            .map(|code| organisation.spot(code))
            .collect();
        let work = work(
            post,
            &account,
            organisation.state,
            number,
            today,
            &mut random,
        );
        Employee {
            account,
            spots,
            work,
        }
    });
    employees.collect()
}

fn work(
    post: &Post,
    account: &NewUser,
    state: &str,
    number: u64,
    today: NaiveDate,
    random: &mut Random,
) -> Work {
    match post.kind {
        PostKind::Admin => Work::Administers,
        PostKind::Provider(training) => {
            let mut practice = practice(training, state, number, today, random);
            practice.provider.given_name.clone_from(&account.given_name);
            practice
                .provider
                .family_name
                .clone_from(&account.family_name);
            practice.provider.phone.clone_from(&account.phone);
            practice.provider.email = Some(account.email.clone());
            practice.provider.accepting_patients |= post.demo;
            Work::Treats(Box::new(practice))
        }
        PostKind::Helper {
            kind,
            title,
            credentials,
        } => {
            let license = credentials.first().map(|word| {
                (
                    format!("{word}-{}", random.digits(6)),
                    day(today, random.between(20, 700)),
                )
            });
            Work::Helps(Help {
                kind,
                title,
                credentials,
                license,
            })
        }
    }
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

#[cfg(test)]
mod tests {
    use chrono::NaiveTime;
    use kernel::{Checks, Validate};
    use platform::access::Role;

    use super::super::places::{LAKESIDE, RIVERSIDE};
    use super::super::roster::{
        DEMO_NURSE, DEMO_PROVIDER, FAMILY_NURSE_PRACTITIONER, INTERNIST, PEDIATRICIAN,
    };
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
            assert!(matches!(staff[place].work, Work::Treats(_)));
            assert!(
                ["FM", "IM", "PED"]
                    .map(|code| RIVERSIDE.spot(code))
                    .contains(&staff[place].spots[0])
            );
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
