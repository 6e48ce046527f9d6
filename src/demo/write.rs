//! Writing a plan: ids for places in lists, and the features' own functions for everything else.

use clinical::care_teams::{self, CareTeamRole, NewCareTeamMember};
use clinical::documents::Stored;
use clinical::encounters::{self, BedStay, EncounterRecord, Participant, ParticipantRole};
use clinical::patients::{self, NewPatient, PatientStatus};
use identity::facilities::{
    self, FacilityAddress, FacilityKind, NewDepartment, NewFacility, PlaceStatus,
};
use identity::staff::assignments::{self, NewAssignment};
use identity::staff::certifications::insert_certification;
use identity::staff::licenses::insert_license;
use identity::staff::members::{NewStaffMember, insert_member};
use identity::staff::{NewProvider, StaffStatus, insert_provider};
use identity::tenants::{self, TenantSettings};
use identity::users::{self, NewUser};
use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{
    AssignmentId, BedStayId, CertificationId, DepartmentId, EncounterId, FacilityId, LicenseId,
    ParticipantId, PatientId, ProviderId, StaffId, UserId,
};
use platform::App;
use platform::access::{ChartAccess, Role};
use platform::crypto::TenantCipher;
use platform::db::SystemTx;
use sqlx::types::Json;

use super::load::Summary;
use super::people::{DEMO_PATIENT, Fate};
use super::places::{Organisation, Place, Spot};
use super::plan::Plan;
use super::record::Paper;
use super::roster::{DEMO_NURSE, DEMO_PROVIDER};
use super::staff::{Employee, Help, Practice, Work};
use super::visits::Visit;
use super::{access, appointments, bookable, waiting};

/// Encounters written in one statement.
const BATCH: usize = 500;

/// Writes one plan in one transaction.
pub struct Writer<'a> {
    pub(super) app: &'a App,
    pub(super) tx: &'a mut SystemTx,
    pub(super) plan: &'a Plan,
    hash: &'a str,
    pub(super) now: Instant,
    facilities: Vec<(FacilityId, Vec<DepartmentId>)>,
    pub(super) users: Vec<UserId>,
    /// By place in the staff; `None`: no provider.
    providers: Vec<Option<ProviderId>>,
    pub(super) patients: Vec<PatientId>,
    /// In the order of the visits.
    pub(super) encounters: Vec<EncounterRecord>,
}

impl<'a> Writer<'a> {
    pub fn new(app: &'a App, tx: &'a mut SystemTx, plan: &'a Plan, hash: &'a str) -> Self {
        Self {
            app,
            tx,
            plan,
            hash,
            now: plan.wall.now,
            facilities: Vec::new(),
            users: Vec::new(),
            providers: Vec::new(),
            patients: Vec::new(),
            encounters: Vec::new(),
        }
    }

    /// `papers`: their contents are in the store.
    pub async fn write(mut self, papers: &[(Paper, Stored)]) -> Result<Summary> {
        self.organisation().await?;
        for place in &self.plan.organisation.facilities {
            self.facility(place).await?;
        }
        for employee in &self.plan.staff {
            self.employee(employee).await?;
        }
        let facilities: Vec<FacilityId> = self.facilities.iter().map(|(id, _)| *id).collect();
        bookable::write(self.tx, self.plan, &facilities, &self.providers, self.now).await?;
        let account = self.portal_account().await?;
        let cipher = self.app.tenant_keys.cipher(self.tx).await?;
        for place in 0..self.plan.people.len() {
            self.patient(place, account, &cipher).await?;
        }
        for visits in self.plan.visits.chunks(BATCH) {
            self.visits(visits).await?;
        }
        let whom = (self.patients.as_slice(), self.providers.as_slice());
        waiting::write(self.tx, self.app, &self.plan.waiting, whom, self.now).await?;
        self.record(papers).await?;
        self.access_records().await?;
        Ok(Summary {
            tenants: 1,
            accounts: self.users.len() + 1,
            patients: self.patients.len(),
            encounters: self.plan.visits.len(),
        })
    }

    async fn organisation(&mut self) -> Result<()> {
        let organisation = self.plan.organisation;
        let settings = TenantSettings {
            name: organisation.name.to_owned(),
            time_zone: organisation.zone.name().to_owned(),
            mrn_prefix: organisation.mrn_prefix.to_owned(),
            mrn_digits: 8,
            chart_access: if organisation.by_facility {
                ChartAccess::Facility
            } else {
                ChartAccess::CareTeam
            },
            session_hours: 24,
            idle_minutes: 60,
            password_min: 12,
        };
        tenants::make(self.tx, self.app, organisation.slug, &settings, self.now).await
    }

    async fn facility(&mut self, place: &Place) -> Result<()> {
        let facility =
            facilities::add_facility(self.tx, &form_of(self.plan.organisation, place), self.now)
                .await?;
        let mut departments = Vec::with_capacity(place.departments.len());
        for department in place.departments {
            let new = NewDepartment {
                code: department.code.to_owned(),
                name: department.name.to_owned(),
                specialty: department.specialty.name().map(str::to_owned),
                status: PlaceStatus::Active,
            };
            departments.push(facilities::add_department(self.tx, facility, &new, self.now).await?);
        }
        self.facilities.push((facility, departments));
        Ok(())
    }

    fn facility_at(&self, place: usize) -> FacilityId {
        self.facilities[place].0
    }

    fn department_at(&self, spot: Spot) -> DepartmentId {
        self.facilities[spot.facility].1[spot.department]
    }

    async fn employee(&mut self, employee: &Employee) -> Result<()> {
        let user = users::seed(self.tx, &employee.account, self.hash, self.now).await?;
        let provider = match &employee.work {
            Work::Treats(practice) => Some(self.provider(user, practice).await?),
            Work::Helps(help) => {
                self.member(user, employee, help).await?;
                None
            }
            Work::Administers => None,
        };
        for (place, spot) in employee.spots.iter().enumerate() {
            let new = NewAssignment {
                department_id: self.department_at(*spot),
                is_primary: place == 0,
                valid_from: Some(self.plan.wall.at(self.plan.wall.day(-400), 8 * 60)),
            };
            assignments::assign(self.tx, AssignmentId::new(), user, &new, self.now).await?;
        }
        self.users.push(user);
        self.providers.push(provider);
        Ok(())
    }

    async fn provider(&mut self, user: UserId, practice: &Practice) -> Result<ProviderId> {
        let id = ProviderId::new();
        let new = NewProvider {
            user_id: Some(user),
            ..practice.provider.clone()
        };
        insert_provider(self.tx, id, &new, self.now).await?;
        for license in &practice.licenses {
            insert_license(self.tx, id, LicenseId::new(), license, self.now).await?;
        }
        for certification in &practice.certifications {
            insert_certification(self.tx, id, CertificationId::new(), certification, self.now)
                .await?;
        }
        Ok(id)
    }

    async fn member(&mut self, user: UserId, employee: &Employee, help: &Help) -> Result<()> {
        let new = NewStaffMember {
            user_id: user,
            kind: help.kind,
            title: Some(help.title.to_owned()),
            department_id: employee.spots.first().map(|spot| self.department_at(*spot)),
            credentials: help
                .credentials
                .iter()
                .map(|word| (*word).to_owned())
                .collect(),
            license_number: help.license.as_ref().map(|(number, _)| number.clone()),
            license_state: help
                .license
                .as_ref()
                .map(|_| self.plan.organisation.state.to_owned()),
            license_expires_on: help.license.as_ref().map(|(_, expires_on)| *expires_on),
            status: StaffStatus::Active,
        };
        insert_member(self.tx, StaffId::new(), &new, self.now).await
    }

    /// The account of the patient who has one.
    async fn portal_account(&mut self) -> Result<UserId> {
        let person = &self.plan.people[DEMO_PATIENT];
        let new = NewUser {
            email: format!("patient@{}.demo", self.plan.organisation.slug),
            role: Role::Patient,
            given_name: person.given.join(" "),
            family_name: person.family.to_owned(),
            phone: None,
            avatar_ref: None,
        };
        users::seed(self.tx, &new, self.hash, self.now).await
    }

    async fn patient(
        &mut self,
        place: usize,
        account: UserId,
        cipher: &TenantCipher,
    ) -> Result<()> {
        let (person, form) = (&self.plan.people[place], &self.plan.forms[place]);
        let id = PatientId::new();
        let new = NewPatient {
            primary_provider_id: self.providers[person.primary],
            facility_id: Some(self.facility_at(person.facility)),
            portal_user_id: (place == DEMO_PATIENT).then_some(account),
            ..form.clone()
        };
        patients::register_in_tx(self.tx, cipher, id, &new, None, self.now).await?;
        let gone = match person.fate {
            // The day of death has said it.
            Fate::Stays | Fate::Died => None,
            Fate::Left => Some((PatientStatus::Inactive, "No visit for a long time")),
            Fate::WentElsewhere => Some((PatientStatus::Transferred, "Moved to another practice")),
        };
        if let Some((status, reason)) = gone {
            patients::restate_in_tx(self.tx, id, status, Some(reason), self.now).await?;
        }
        // The own doctor is on the team by registration; the nurse he works with is put on it.
        if person.primary == DEMO_PROVIDER {
            let nurse = NewCareTeamMember {
                user_id: self.users[DEMO_NURSE],
                role: CareTeamRole::Nurse,
                valid_from: None,
                valid_until: None,
            };
            care_teams::join(self.tx, id, &nurse, self.now).await?;
        }
        self.patients.push(id);
        Ok(())
    }

    async fn access_records(&mut self) -> Result<()> {
        let records = access::of_created(self.app, self.tx.tenant(), &self.patients, self.now);
        self.tx.record(&records).await
    }

    async fn visits(&mut self, visits: &[Visit]) -> Result<()> {
        let mut records = Vec::with_capacity(visits.len());
        let (mut stays, mut nurses) = (Vec::new(), Vec::new());
        for visit in visits {
            let record = self.encounter(visit);
            stays.extend(visit.beds.iter().map(|bed| BedStay {
                id: BedStayId::new(),
                patient_id: record.patient_id,
                encounter_id: record.id,
                facility_id: self.facility_at(bed.spot.facility),
                department_id: self.department_at(bed.spot),
                bed: bed.bed.clone(),
                starts_at: bed.from,
                ends_at: bed.until,
                version: 1,
            }));
            nurses.extend(visit.nurse.map(|nurse| Participant {
                id: ParticipantId::new(),
                patient_id: record.patient_id,
                encounter_id: record.id,
                provider_id: None,
                user_id: Some(self.users[nurse]),
                role: ParticipantRole::Nurse,
                name: None,
                version: 1,
                created_at: self.now,
            }));
            records.push(record);
        }
        encounters::record_in_tx(self.tx, &records, None, self.now).await?;
        encounters::record_stays_in_tx(self.tx, &stays, None, self.now).await?;
        encounters::record_participants_in_tx(self.tx, &nurses).await?;
        appointments::write(self.tx, &records, self.now).await?;
        self.encounters.extend(records);
        Ok(())
    }

    fn encounter(&self, visit: &Visit) -> EncounterRecord {
        EncounterRecord {
            id: EncounterId::new(),
            patient_id: self.patients[visit.patient],
            class: visit.class,
            status: visit.status,
            scheduled_start: visit.start,
            scheduled_end: visit.end,
            actual_start: visit.begun,
            actual_end: visit.ended,
            starts_on: None,
            ends_on: None,
            time_zone: self.plan.organisation.zone.name().to_owned(),
            facility_id: Some(self.facility_at(visit.spot.facility)),
            department_id: Some(self.department_at(visit.spot)),
            attending_provider_id: self.providers[visit.provider],
            chief_complaint: visit
                .reasons
                .first()
                .map(|reason| reason.complaint.to_owned()),
            reason_codes: Json(visit.reasons.iter().map(|reason| reason.coded()).collect()),
            disposition: visit.disposition.map(str::to_owned),
            cancel_reason: visit.cancel_reason.map(str::to_owned),
        }
    }
}

fn form_of(organisation: &Organisation, place: &Place) -> NewFacility {
    let town = &organisation.towns[place.town];
    NewFacility {
        code: place.code.to_owned(),
        name: place.name.to_owned(),
        kind: if place.is_hospital {
            FacilityKind::Hospital
        } else {
            FacilityKind::Clinic
        },
        time_zone: organisation.zone.name().to_owned(),
        phone: Some(format!(
            "+1 {} 555 01{:02}",
            organisation.area_codes[0], place.town
        )),
        address: Some(FacilityAddress {
            line: vec![place.street.to_owned()],
            city: Some(town.name.to_owned()),
            state: Some(organisation.state.to_owned()),
            postal_code: Some(town.zip.to_owned()),
            country: Some("US".to_owned()),
        }),
        status: PlaceStatus::Active,
    }
}
