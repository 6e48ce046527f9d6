//! Those who wait at the demo's organisations for an earlier time, and whom one is offered: the portal's patient, some of the
//! demo provider's, and others.

use chrono::TimeDelta;
use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{PatientId, ProviderId};
use platform::App;
use platform::db::SystemTx;
use scheduling::appointments::Priority;
use scheduling::flow_settings::{self, NewFlowSettings};
use scheduling::services;
use scheduling::waitlist::{self, NewWaitlistEntry, WaitlistWindow};

use super::people::{DEMO_PATIENT, Fate, Person};
use super::places::Organisation;
use super::random::Random;
use super::roster::DEMO_PROVIDER;
use super::wall::Wall;

/// What people wait for: the code of a service, how it presses, and why.
const WISHES: [(&str, Priority, &str); 8] = [
    (
        "FU",
        Priority::Medium,
        "Wants her results before she travels",
    ),
    (
        "PROC",
        Priority::High,
        "The mole has grown since it was seen",
    ),
    ("FU", Priority::Low, "An earlier time would suit him better"),
    ("TELE", Priority::Medium, "Questions about the new medicine"),
    (
        "FU",
        Priority::High,
        "Blood pressure is not where it should be yet",
    ),
    (
        "PROC",
        Priority::Medium,
        "Ingrown toenail, sore when walking",
    ),
    (
        "TELE",
        Priority::Low,
        "Would like to talk about the side effects",
    ),
    ("FU", Priority::Urgent, "The wound is red again"),
];
/// Of the demo provider's patients, and of the others.
const HIS: usize = 6;
const OTHERS: usize = 8;
/// Of so many, one is offered a time at once; the others look for one in the days that are nearly full.
const ONE_OFFERED_OF: usize = 3;
/// Three days of daylight, so that an offer is still open when somebody looks at the demo.
const OFFER_MINUTES: i32 = 2_160;

/// Somebody who waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// As a place among the people.
    pub patient: usize,
    /// Whom he wants to see, as a place in the staff.
    pub provider: usize,
    pub service: &'static str,
    pub priority: Priority,
    pub reason: &'static str,
    pub since: Instant,
    /// When he could come.
    pub from: Instant,
    pub until: Instant,
    /// Whether a time is offered.
    pub offered: bool,
}

/// Who waits, drawn from the seed.
pub fn draw(organisation: &Organisation, seed: u64, people: &[Person], wall: Wall) -> Vec<Waiting> {
    let stays =
        |place: &usize| people[*place].fate == Fate::Stays && people[*place].until.is_none();
    let his = |place: &usize| people[*place].primary == DEMO_PROVIDER;
    let rest = || (0..people.len()).filter(|place| *place != DEMO_PATIENT);
    let one = rest().filter(stays).filter(his).take(HIS);
    let other = rest()
        .filter(stays)
        .filter(|place| !his(place))
        .take(OTHERS);
    let all: Vec<usize> = [DEMO_PATIENT].into_iter().chain(one).chain(other).collect();
    all.into_iter()
        .enumerate()
        .map(|(number, patient)| {
            let name = format!("{} waits", organisation.slug);
            let mut random = Random::stream(seed, &name, number as u64);
            let offered = number % ONE_OFFERED_OF == 0;
            let (service, priority, reason) = WISHES[number % WISHES.len()];
            let last = if offered { 30 } else { random.between(2, 4) };
            Waiting {
                patient,
                provider: people[patient].primary,
                service,
                priority,
                reason,
                since: wall.now - TimeDelta::minutes(random.between(600, 30_000)),
                from: wall.at(wall.day(1), 0),
                until: wall.at(wall.day(last), 0),
                offered,
            }
        })
        .collect()
}

/// Puts them on the waitlist, by their places among patients and staff, and offers times that are free. What can be booked is there already.
pub async fn write(
    tx: &mut SystemTx,
    app: &App,
    all: &[Waiting],
    (patients, providers): (&[PatientId], &[Option<ProviderId>]),
    now: Instant,
) -> Result<()> {
    let settings = NewFlowSettings {
        offer_minutes: OFFER_MINUTES,
        ..NewFlowSettings::default()
    };
    flow_settings::set_in_tx(tx, &settings, now).await?;
    let services = services::all_active(tx).await?;
    for one in all {
        let Some(service) = services.iter().find(|it| it.data.code == one.service) else {
            continue;
        };
        let patient = patients[one.patient];
        let new = NewWaitlistEntry {
            patient_id: Some(patient),
            service_id: service.id,
            facility_id: None,
            provider_ids: providers[one.provider].into_iter().collect(),
            windows: vec![WaitlistWindow {
                from: one.from,
                to: one.until,
            }],
            priority: one.priority,
            flags: Vec::new(),
            reason: Some(one.reason.to_owned()),
        };
        let entry = waitlist::record_in_tx(tx, patient, &new, one.since, now).await?;
        if one.offered {
            waitlist::offer_in_tx(app, tx, entry, now).await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::places::{LAKESIDE, RIVERSIDE};
    use super::super::plan::Plan;
    use super::*;

    #[test]
    fn the_same_people_wait_whenever_the_seed_is_the_same() {
        let now: Instant = "2026-03-10T15:20:00Z".parse().expect("an instant");
        for organisation in [&RIVERSIDE, &LAKESIDE] {
            let plan = |seed| Plan::draw(organisation, seed, Wall::new(now, organisation.zone));
            let all = plan(1).waiting;
            assert!(all == plan(1).waiting && all != plan(2).waiting);
            assert_eq!(all.len(), 1 + HIS + OTHERS);
            assert!(all[0].offered && all[0].patient == DEMO_PATIENT);
            assert!(all.iter().any(|one| !one.offered));
            for one in &all {
                assert!(one.since < now && now < one.from && one.from < one.until);
            }
        }
    }
}
