//! A clinic with a provider, a service and patients, for what flows around appointments.

use chrono::{DateTime, Days, DurationRound as _, NaiveTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::America::New_York;
use platform::access::Role;
use platform::jobs;
use serde_json::{Value, json};

use crate::support::{Caller, TestTenant, id};

pub struct Clinic {
    pub tenant: TestTenant,
    pub admin: Caller,
    pub doctor: Caller,
    pub facility: String,
    pub provider: String,
    pub service: String,
}

impl Clinic {
    pub async fn open() -> Self {
        Self::of(TestTenant::new().await).await
    }

    /// At nine in the morning, by the clock on its wall: its quiet hours are from eight in the evening to eight.
    pub async fn by_day() -> Self {
        let tenant = TestTenant::new().await;
        let now = tenant.clock.now();
        let today = now.with_timezone(&New_York).date_naive();
        let nine = NaiveTime::from_hms_opt(9, 0, 0).expect("a time");
        let next = [today, today + Days::new(1)].into_iter().find_map(|day| {
            let at = New_York.from_local_datetime(&day.and_time(nine)).earliest();
            at.map(|at| at.to_utc()).filter(|at| *at > now)
        });
        tenant.clock.advance(next.expect("a morning") - now);
        Self::of(tenant).await
    }

    async fn of(tenant: TestTenant) -> Self {
        let admin = tenant.user(Role::Admin).await;
        let doctor = tenant.user(Role::Provider).await;
        let main = json!({ "code": "MAIN", "name": "Main Street Clinic", "time_zone": "America/New_York", "phone": "+1 312 555 0100" });
        let facility = id(&admin.post("/api/v1/facilities", main).await.expect(201));
        let provider =
            json!({ "user_id": doctor.user_id, "given_name": "Ada", "family_name": "Lovelace" });
        let provider = id(&admin.post("/api/v1/providers", provider).await.expect(201));
        let service = json!({ "code": "CONS", "name": "Consultation", "appointment_type": "consultation", "duration_minutes": 30,
                              "self_booking": true, "align_minutes": 1 });
        let service = id(&admin
            .post("/api/v1/scheduling/services", service)
            .await
            .expect(201));
        let clinic = Self {
            tenant,
            admin,
            doctor,
            facility,
            provider,
            service,
        };
        clinic.open_all_day(&clinic.provider).await;
        clinic
    }

    /// The provider works every day around the clock.
    pub async fn open_all_day(&self, provider: &str) {
        let hours = json!({ "facility_id": self.facility, "provider_id": provider, "rrule": "FREQ=DAILY",
            "local_from": "00:00", "local_until": "00:00", "valid_from": "2026-01-01" });
        let made = self.admin.post("/api/v1/scheduling/working-times", hours);
        made.await.expect(201);
    }

    /// A patient with these telecoms.
    pub async fn patient(&self, given: &str, telecoms: Value) -> String {
        let body = json!({
            "names": [{ "use": "legal", "family": "Geheimnis", "given": [given] }], "birth_date": "1970-01-01", "sex": "female",
            "telecoms": telecoms
        });
        let made = self
            .admin
            .post("/api/v1/patients?allow_duplicate=true", body)
            .await;
        id(&made.expect(201))
    }

    /// A patient with an account of his own.
    pub async fn patient_with_account(&self, given: &str) -> (String, Caller) {
        let account = self.tenant.user(Role::Patient).await;
        let patient = self.patient(given, json!([])).await;
        self.admin
            .patch(
                format!("/api/v1/patients/{patient}"),
                1,
                json!({ "portal_user_id": account.user_id }),
            )
            .await
            .expect(200);
        // The token was issued before the chart was his.
        let token = self.tenant.log_in(&account.email).await;
        (patient, account.with_token(Some(token)))
    }

    /// A whole minute so long from now.
    pub fn in_(&self, wait: TimeDelta) -> DateTime<Utc> {
        (self.tenant.clock.now() + wait)
            .duration_trunc(TimeDelta::minutes(1))
            .expect("a minute")
    }

    /// Books the patient with the provider.
    pub async fn book(&self, patient: &str, at: DateTime<Utc>) -> String {
        let wanted = json!({ "patient_id": patient, "service_id": self.service, "facility_id": self.facility,
                             "provider_id": self.provider, "starts_at": at });
        id(&self
            .admin
            .post("/api/v1/appointments", wanted)
            .await
            .expect(201))
    }

    /// A step of an appointment.
    pub async fn step(&self, appointment: &str, step: &str) {
        let path = format!("/api/v1/appointments/{appointment}/{step}");
        if step == "cancel" {
            let why = json!({ "by": "patient", "reason": "Feels better" });
            self.admin.post(path, why).await.expect(200);
        } else {
            self.admin.act(path).await.expect(200);
        }
    }

    /// Lets the time pass, and everybody log in anew.
    pub async fn wait(&mut self, time: TimeDelta) {
        self.tenant.clock.advance(time);
        for caller in [&mut self.admin, &mut self.doctor] {
            let token = self.tenant.log_in(&caller.email).await;
            *caller = caller.with_token(Some(token));
        }
    }

    /// Does the jobs that are due, those too that the database has put off by a second.
    pub async fn work(&self) -> usize {
        self.tenant.clock.advance(TimeDelta::seconds(3));
        jobs::run_due(&self.tenant.app, &chartwell::jobs(), self.tenant.id)
            .await
            .expect("the jobs can be reached")
    }
}

/// An e-mail address as a telecom.
pub fn email(address: &str) -> Value {
    json!([{ "system": "email", "value": address }])
}
