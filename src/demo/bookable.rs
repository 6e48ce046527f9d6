//! What can be booked at the demo's organisations, and who works when: services, rooms, equipment, opening hours, weekly hours
//! of every provider, and who is on call at night.
//!
//! The hours are those the demo's visits keep: practices from eight to five on weekdays, the emergency department every day.

use chrono::{Days, NaiveDate, NaiveTime};
use identity::facilities::PlaceStatus;
use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{FacilityId, ProviderId};
use kernel::text::name_key;
use platform::db::SystemTx;
use scheduling::assets::{AssetKind, NewAsset, add_asset};
use scheduling::local_time::LocalTime;
use scheduling::on_call::{self, NewOnCallShift};
use scheduling::services::{AppointmentType, NewService, add_service};
use scheduling::working_times::{self, NewWorkingTime, Weekday};
use scheduling::{Standing, wall};

use super::places::{Place, Specialty};
use super::plan::Plan;

const WORKDAYS: &[Weekday] = &[
    Weekday::Monday,
    Weekday::Tuesday,
    Weekday::Wednesday,
    Weekday::Thursday,
    Weekday::Friday,
];
const EVERY_DAY: &[Weekday] = &[
    Weekday::Monday,
    Weekday::Tuesday,
    Weekday::Wednesday,
    Weekday::Thursday,
    Weekday::Friday,
    Weekday::Saturday,
    Weekday::Sunday,
];
/// Rooms and devices: kind, what services ask for, how many of a practice and of a hospital, name.
const ASSETS: [(AssetKind, &str, u32, u32, &str); 5] = [
    (AssetKind::Room, "exam", 5, 6, "Examination room"),
    (AssetKind::Room, "procedure", 1, 3, "Procedure room"),
    (AssetKind::Room, "group", 1, 0, "Group room"),
    (AssetKind::Equipment, "ecg", 1, 2, "ECG"),
    (AssetKind::Equipment, "ultrasound", 1, 2, "Ultrasound"),
];
/// Nights of the roster.
const NIGHTS: u64 = 28;

/// Writes it, for facilities and providers that are there already: by place in the organisation, and by place in the staff.
pub async fn write(
    tx: &mut SystemTx,
    plan: &Plan,
    facilities: &[FacilityId],
    providers: &[Option<ProviderId>],
    now: Instant,
) -> Result<()> {
    for service in services() {
        add_service(tx, service, now).await?;
    }
    for (place, facility) in plan.organisation.facilities.iter().zip(facilities) {
        furnish(tx, place, *facility, now).await?;
        if !place.is_hospital {
            let hours = Hours::new(WORKDAYS, "08:00", "17:00", plan.wall.day(-370));
            hours.add(tx, *facility, None, now).await?;
        }
    }
    let mut on_call = Vec::new();
    for (employee, provider) in plan.staff.iter().zip(providers) {
        let (Some(spot), Some(provider)) = (employee.spots.first(), provider) else {
            continue;
        };
        let place = &plan.organisation.facilities[spot.facility];
        let facility = facilities[spot.facility];
        let since = plan.wall.day(-370);
        if place.departments[spot.department].specialty == Specialty::Emergency {
            let hours = Hours::new(EVERY_DAY, "07:00", "19:00", since);
            hours.add(tx, facility, Some(*provider), now).await?;
        } else {
            for (from, until) in [("08:00", "12:00"), ("12:30", "17:00")] {
                let hours = Hours::new(WORKDAYS, from, until, since);
                hours.add(tx, facility, Some(*provider), now).await?;
            }
        }
        if place.is_hospital {
            on_call.push((facility, *provider));
        }
    }
    roster(tx, plan, &on_call, now).await
}

struct Hours {
    days: &'static [Weekday],
    from: LocalTime,
    until: LocalTime,
    since: NaiveDate,
}

impl Hours {
    fn new(days: &'static [Weekday], from: &str, until: &str, since: NaiveDate) -> Self {
        let time = |text: &str| text.parse().unwrap_or(LocalTime(NaiveTime::MIN));
        Self {
            days,
            from: time(from),
            until: time(until),
            since,
        }
    }

    async fn add(
        &self,
        tx: &mut SystemTx,
        facility: FacilityId,
        provider: Option<ProviderId>,
        now: Instant,
    ) -> Result<()> {
        let new = NewWorkingTime {
            facility_id: facility,
            provider_id: provider,
            staff_id: None,
            asset_id: None,
            weekdays: self.days.to_vec(),
            rrule: None,
            local_from: self.from,
            local_until: self.until,
            valid_from: self.since,
            valid_until: None,
            status: Standing::Active,
        };
        working_times::add_in_tx(tx, &new, now).await.map(drop)
    }
}

async fn furnish(
    tx: &mut SystemTx,
    place: &Place,
    facility: FacilityId,
    now: Instant,
) -> Result<()> {
    for (kind, asset_kind, in_practice, in_hospital, name) in ASSETS {
        let count = if place.is_hospital {
            in_hospital
        } else {
            in_practice
        };
        for number in 1..=count {
            let new = NewAsset {
                facility_id: facility,
                department_id: None,
                kind,
                asset_kind: asset_kind.to_owned(),
                code: format!("{}-{number}", asset_kind.to_uppercase()),
                name: format!("{name} {number}"),
                status: PlaceStatus::Active,
            };
            add_asset(tx, &new, now).await?;
        }
    }
    Ok(())
}

/// Nights are shared in turn by those who work at the hospital.
async fn roster(
    tx: &mut SystemTx,
    plan: &Plan,
    on_call: &[(FacilityId, ProviderId)],
    now: Instant,
) -> Result<()> {
    let (zone, today) = (plan.organisation.zone, plan.wall.today());
    let time = |hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap_or(NaiveTime::MIN);
    for (night, (facility, provider)) in (0..NIGHTS).zip(on_call.iter().cycle()) {
        let evening = today + Days::new(night);
        let morning = evening + Days::new(1);
        let shift = NewOnCallShift {
            facility_id: *facility,
            department_id: None,
            service_id: None,
            provider_id: *provider,
            level: 1,
            starts_at: wall::begins(zone, evening.and_time(time(19))),
            ends_at: wall::ends(zone, morning.and_time(time(7))),
            status: Standing::Active,
        };
        on_call::add_in_tx(tx, &shift, now).await?;
    }
    Ok(())
}

fn plain(code: &str, name: &str, kind: AppointmentType, minutes: i32) -> NewService {
    NewService {
        code: code.to_owned(),
        name: name.to_owned(),
        appointment_type: kind,
        duration_minutes: minutes,
        prep_minutes: 0,
        cleanup_minutes: 0,
        align_minutes: 15,
        lead_minutes: 60,
        ahead_days: 180,
        capacity: 1,
        overbook_per_day: 2,
        needs_provider: true,
        skills: Vec::new(),
        room_kind: Some("exam".to_owned()),
        equipment_kinds: Vec::new(),
        self_booking: false,
        status: PlaceStatus::Active,
    }
}

fn services() -> Vec<NewService> {
    use AppointmentType as Type;
    let of = |specialty: Specialty| specialty.name().map(name_key).into_iter().collect();
    vec![
        NewService {
            self_booking: true,
            ..plain("CONS", "Consultation", Type::Consultation, 30)
        },
        NewService {
            self_booking: true,
            ..plain("FU", "Follow-up", Type::FollowUp, 15)
        },
        NewService {
            self_booking: true,
            room_kind: None,
            ..plain("TELE", "Video consultation", Type::Telemedicine, 20)
        },
        NewService {
            skills: of(Specialty::Pediatrics),
            cleanup_minutes: 5,
            ..plain("WELL", "Well-child visit", Type::Consultation, 30)
        },
        NewService {
            skills: of(Specialty::Cardiology),
            equipment_kinds: vec!["ecg".to_owned()],
            prep_minutes: 5,
            cleanup_minutes: 5,
            ..plain(
                "CARD",
                "Cardiology consultation with ECG",
                Type::Diagnostic,
                40,
            )
        },
        NewService {
            room_kind: Some("procedure".to_owned()),
            prep_minutes: 10,
            cleanup_minutes: 15,
            overbook_per_day: 0,
            ..plain("PROC", "Minor procedure", Type::Procedure, 45)
        },
        NewService {
            needs_provider: false,
            self_booking: true,
            ..plain("VAX", "Vaccination", Type::Immunization, 15)
        },
        NewService {
            skills: of(Specialty::Psychiatry),
            room_kind: Some("group".to_owned()),
            capacity: 8,
            ..plain("GRP", "Group therapy", Type::Group, 60)
        },
        NewService {
            lead_minutes: 0,
            align_minutes: 5,
            ..plain("EMER", "Emergency", Type::Emergency, 30)
        },
    ]
}
