//! A clinic where appointments are made: a facility, a provider, a service, a patient.

use std::time::Duration;

use chrono::{DateTime, Datelike, Days, NaiveTime, TimeDelta, TimeZone, Utc, Weekday};
use chrono_tz::Tz;
use platform::access::Role;
use serde_json::{Value, json};
use sqlx::PgConnection;

use crate::support::{Caller, TestTenant, id};

/// Ends the transaction of a connection when somebody waits for it.
pub async fn commit_once_waited_for(connection: &mut PgConnection) {
    let waits =
        "select exists (select from pg_locks where locktype = 'transactionid' and not granted
                                   and transactionid = pg_current_xact_id()::xid)";
    for _ in 0..500 {
        let asked = sqlx::query_scalar(waits).fetch_one(&mut *connection).await;
        let waits: bool = asked.expect("an answer");
        if waits {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let done = sqlx::query("commit").execute(connection).await;
    done.expect("committed");
}

/// Who and what a test of appointments needs.
pub struct Desk {
    pub clinic: TestTenant,
    pub admin: Caller,
    pub staff: Caller,
    pub facility: String,
    pub provider: String,
    pub doctor: Caller,
    pub service: String,
    pub patient: String,
    pub zone: Tz,
}

impl Desk {
    pub async fn open() -> Self {
        Self::in_zone("America/New_York", json!({})).await
    }

    /// With a service of other properties.
    pub async fn with(service: Value) -> Self {
        Self::in_zone("America/New_York", service).await
    }

    pub async fn in_zone(zone: &str, extra: Value) -> Self {
        let clinic = TestTenant::new().await;
        let admin = clinic.user(Role::Admin).await;
        let staff = clinic.user(Role::Staff).await;
        let doctor = clinic.user(Role::Provider).await;
        let place = json!({ "code": "MAIN", "name": "Main", "time_zone": zone });
        let facility = id(&admin.post("/api/v1/facilities", place).await.expect(201));
        let who = json!({ "user_id": doctor.user_id, "given_name": "Ada", "family_name": "Osei", "credential": "MD" });
        let provider = id(&admin.post("/api/v1/providers", who).await.expect(201));
        let patient = clinic.patient(&staff).await;
        let mut desk = Self {
            clinic,
            admin,
            staff,
            facility,
            provider,
            doctor,
            service: String::new(),
            patient,
            zone: zone.parse().expect("a zone"),
        };
        desk.open_all_day(&desk.provider.clone()).await;
        desk.service = desk.add_service(extra).await;
        desk
    }

    /// A service of half an hour that needs a provider only, unless said otherwise.
    pub async fn add_service(&self, extra: Value) -> String {
        let mut service = json!({ "code": format!("S{}", kernel::ids::mint().simple()), "name": "Visit",
            "appointment_type": "consultation", "duration_minutes": 30, "overbook_per_day": 1, "self_booking": true });
        for (name, value) in extra.as_object().into_iter().flatten() {
            service[name] = value.clone();
        }
        let made = self
            .admin
            .post("/api/v1/scheduling/services", service)
            .await;
        id(&made.expect(201))
    }

    pub async fn add_asset(&self, kind: &str, asset_kind: &str) -> String {
        let asset = json!({ "facility_id": self.facility, "kind": kind, "asset_kind": asset_kind,
            "code": format!("A{}", kernel::ids::mint().simple()), "name": asset_kind });
        let made = self.admin.post("/api/v1/scheduling/assets", asset).await;
        id(&made.expect(201))
    }

    /// Another facility.
    pub async fn elsewhere(&self) -> String {
        let place = json!({ "code": "OTHER", "name": "Other", "time_zone": self.zone.name() });
        id(&self
            .admin
            .post("/api/v1/facilities", place)
            .await
            .expect(201))
    }

    pub async fn add_provider(&self) -> String {
        let who = json!({ "given_name": "Ben", "family_name": "Other" });
        let provider = id(&self.admin.post("/api/v1/providers", who).await.expect(201));
        self.open_all_day(&provider).await;
        provider
    }

    /// Works every day around the clock.
    async fn open_all_day(&self, provider: &str) {
        let hours = json!({ "facility_id": self.facility, "provider_id": provider, "rrule": "FREQ=DAILY",
            "local_from": "00:00", "local_until": "00:00", "valid_from": "2026-01-01" });
        let made = self.admin.post("/api/v1/scheduling/working-times", hours);
        made.await.expect(201);
    }

    pub async fn another_patient(&self) -> String {
        self.clinic.patient(&self.staff).await
    }

    /// A time on the wall of the place, so many days from now, on a working day.
    pub fn at(&self, days: u64, hour: u32, minute: u32) -> DateTime<Utc> {
        let today = self
            .clinic
            .clock
            .now()
            .with_timezone(&self.zone)
            .date_naive();
        let mut day = today.checked_add_days(Days::new(days)).expect("a day");
        while matches!(day.weekday(), Weekday::Sat | Weekday::Sun) {
            day = day.succ_opt().expect("a day");
        }
        let time = NaiveTime::from_hms_opt(hour, minute, 0).expect("a time");
        let local = self.zone.from_local_datetime(&day.and_time(time));
        local.earliest().expect("it exists").with_timezone(&Utc)
    }

    /// A booking of the desk's service with its provider.
    pub fn wish(&self, patient: &str, at: DateTime<Utc>) -> Value {
        json!({ "patient_id": patient, "service_id": self.service, "facility_id": self.facility,
            "provider_id": self.provider, "starts_at": at })
    }

    pub async fn book(&self, patient: &str, at: DateTime<Utc>) -> Value {
        self.staff
            .post("/api/v1/appointments", self.wish(patient, at))
            .await
            .expect(201)
    }

    /// The account of the desk's patient.
    pub async fn portal_user(&self) -> Caller {
        let user = self.clinic.user(Role::Patient).await;
        let place = format!("/api/v1/patients/{}", self.patient);
        let present = self.admin.get(&place).await.expect(200);
        let link = json!({ "portal_user_id": user.user_id });
        let version = present["version"].as_i64().expect("a version");
        self.admin.patch(&place, version, link).await.expect(200);
        user.with_token(Some(self.clinic.log_in(&user.email).await))
    }

    /// Moves the clock, and logs the desk in anew: tokens live minutes.
    pub async fn later(&mut self, by: TimeDelta) {
        self.clinic.clock.advance(by);
        for caller in [&mut self.admin, &mut self.staff, &mut self.doctor] {
            *caller = caller.with_token(Some(self.clinic.log_in(&caller.email).await));
        }
    }

    /// What is occupied by whatever does not stand, and what stands without what it needs: both must be none.
    pub async fn torn(&self) -> (i64, i64) {
        let mut connection = self.clinic.behind_the_curtain().await;
        sqlx::query_as(
            "select (select count(*) from app.reservations r
                      where r.tenant_id = $1 and r.state <> 'released' and r.hold_id is null
                        and not exists (select from app.appointments a where a.tenant_id = r.tenant_id and a.id = r.appointment_id
                                           and a.status in ('scheduled', 'confirmed', 'checked_in', 'in_progress', 'completed'))),
                    (select count(*) from app.appointments a
                      where a.tenant_id = $1 and a.status in ('scheduled', 'confirmed', 'checked_in', 'in_progress', 'completed')
                        and (select count(*) from app.reservations r where r.tenant_id = a.tenant_id and r.appointment_id = a.id
                                and r.state in ('booked', 'overbooked')
                                and (r.patient_id = a.patient_id or r.provider_id = a.provider_id))
                          <> case when a.provider_id is null then 1 else 2 end)",
        )
        .bind(self.clinic.id.0)
        .fetch_one(&mut connection)
        .await
        .expect("the tables can be counted")
    }
}
