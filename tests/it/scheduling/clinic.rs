//! A clinic in which free time is looked for.

use chrono::{DateTime, TimeDelta, Utc};
use kernel::ids::mint;
use platform::access::Role;
use serde_json::{Value, json};

use crate::support::{Caller, Reply, TestTenant, id};

/// A clinic with a doctor who works from nine to twelve every day, a room, and a consultation of half an hour in it.
pub struct Clinic {
    pub tenant: TestTenant,
    pub admin: Caller,
    pub doctor: Caller,
    pub facility: String,
    pub provider: String,
    pub room: String,
    pub service: String,
}

impl Clinic {
    pub async fn open(zone: &str) -> Self {
        let tenant = TestTenant::new().await;
        let admin = tenant.user(Role::Admin).await;
        let doctor = tenant.user(Role::Provider).await;
        let made = async |place: &str, body: Value| id(&admin.post(place, body).await.expect(201));
        let facility = made(
            "/api/v1/facilities",
            json!({ "code": "MAIN", "name": "Main", "time_zone": zone }),
        )
        .await;
        let provider = made(
            "/api/v1/providers",
            json!({ "user_id": doctor.user_id, "given_name": "Ada", "family_name": "Lovelace",
            "specialties": ["Cardiology"] }),
        )
        .await;
        let room = made("/api/v1/scheduling/assets",
            json!({ "facility_id": facility, "kind": "room", "asset_kind": "exam", "code": "R1", "name": "Room" })).await;
        let service = made("/api/v1/scheduling/services", json!({ "code": "C", "name": "Consultation", "appointment_type": "consultation",
            "duration_minutes": 30, "align_minutes": 30, "room_kind": "exam", "skills": ["cardiology"] })).await;
        let clinic = Self {
            tenant,
            admin,
            doctor,
            facility,
            provider,
            room,
            service,
        };
        let every_day = [
            "monday",
            "tuesday",
            "wednesday",
            "thursday",
            "friday",
            "saturday",
            "sunday",
        ];
        clinic.add("working-times", json!({ "facility_id": clinic.facility, "provider_id": clinic.provider, "weekdays": every_day,
            "local_from": "09:00", "local_until": "12:00", "valid_from": "2026-01-01" })).await;
        clinic
    }

    pub async fn add(&self, place: &str, body: Value) -> Value {
        self.admin
            .post(format!("/api/v1/scheduling/{place}"), body)
            .await
            .expect(201)
    }

    /// The walls' times of the free slots of a day, a few months ahead.
    pub async fn free(&self, day: &str, more: &str) -> Vec<String> {
        let found = self.ask(&self.admin, day, more).await.expect(200);
        let items = found["items"].as_array().expect("items");
        items
            .iter()
            .map(|slot| slot["local_start"].as_str().expect("a time")[..16].to_owned())
            .collect()
    }

    pub async fn ask(&self, caller: &Caller, day: &str, more: &str) -> Reply {
        let from: DateTime<Utc> = format!("{day}T00:00:00Z").parse().expect("a day");
        let (from, to) = (from - TimeDelta::hours(14), from + TimeDelta::hours(50));
        let place = format!(
            "/api/v1/scheduling/availability?service_id={}&facility_id={}&from={}&to={}&limit=200{more}",
            self.service,
            self.facility,
            from.format("%Y-%m-%dT%H:%M:%SZ"),
            to.format("%Y-%m-%dT%H:%M:%SZ")
        );
        caller.get(place).await
    }

    pub async fn on(&self, day: &str, more: &str) -> Vec<String> {
        let mut free = self.free(day, more).await;
        free.retain(|time| time.starts_with(day));
        free.into_iter().map(|time| time[11..].to_owned()).collect()
    }

    /// Takes somebody's or something's time with a hold, past the API.
    pub async fn take(
        &self,
        column: &str,
        who: &str,
        from: &str,
        until: &str,
        state: &str,
        expires_at: DateTime<Utc>,
    ) {
        let patient = self.tenant.patient(&self.admin).await;
        let mut connection = self.tenant.behind_the_curtain().await;
        let hold = mint();
        sqlx::query("insert into app.appointment_holds (tenant_id, id, patient_id, service_id, facility_id, starts_at, ends_at, expires_at, created_at, updated_at)
                     values ($1, $2, $3::uuid, $4::uuid, $5::uuid, $6::timestamptz, $7::timestamptz, $8, now(), now())")
            .bind(self.tenant.id.0).bind(hold).bind(&patient).bind(&self.service).bind(&self.facility).bind(from).bind(until).bind(expires_at)
            .execute(&mut connection).await.expect("a hold");
        sqlx::query(sqlx::AssertSqlSafe(format!("insert into app.reservations (tenant_id, id, hold_id, {column}, party, starts_at, ends_at, state, expires_at, created_at)
                     values ($1, $2, $3, $4::uuid, $3, $5::timestamptz, $6::timestamptz, $7, $8, now())")))
            .bind(self.tenant.id.0).bind(mint()).bind(hold).bind(who).bind(from).bind(until).bind(state).bind(expires_at)
            .execute(&mut connection).await.expect("a reservation");
    }
}

/// Next year, so that nothing lies in the past.
pub fn day(month_and_day: &str) -> String {
    format!("2027-{month_and_day}")
}
