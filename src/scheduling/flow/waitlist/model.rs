//! The waitlist on the wire.

use chrono::{DateTime, TimeDelta, Utc};
use kernel::clock::Instant;
use kernel::ids::{
    AppointmentId, FacilityId, PatientId, ProviderId, ServiceId, WaitlistEntryId, WaitlistOfferId,
};
use kernel::{Checks, FieldError, Validate};
use platform::access::NoPhi;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::triage::Triage;
use crate::appointments::Priority;
use crate::flow::flow_settings::is_flag;
use crate::flow::links::LinkedPlace;

/// A time in which somebody could come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WaitlistWindow {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
}

/// What somebody who waits would take.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "windows": [{ "from": "2027-03-01T00:00:00-05:00", "to": "2027-04-01T00:00:00-04:00" }], "priority": "high",
    "flags": [], "reason": "Wants to be seen before she travels" }))]
pub struct WaitlistWish {
    /// There, or anywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facility_id: Option<FacilityId>,
    /// Any of them, or anybody at all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub provider_ids: Vec<ProviderId>,
    /// The whole appointment must lie in one of them; without any, at any time. At most ten.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<WaitlistWindow>,
    #[serde(default)]
    pub priority: Priority,
    /// Words of the organisation's triage rules, such as `pregnant`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl WaitlistWish {
    /// Whether somebody who wants this could come then.
    pub(super) fn allows(&self, starts_at: Instant, ends_at: Instant) -> bool {
        self.windows.is_empty()
            || self
                .windows
                .iter()
                .any(|window| window.from <= starts_at && ends_at <= window.to)
    }

    /// Whether a place is what he asks for: then, there, with him.
    pub(super) fn fits(
        &self,
        (starts_at, ends_at): (Instant, Instant),
        facility: FacilityId,
        provider: Option<ProviderId>,
    ) -> bool {
        let with = |who: ProviderId| self.provider_ids.contains(&who);
        self.allows(starts_at, ends_at)
            && self.facility_id.is_none_or(|id| id == facility)
            && (self.provider_ids.is_empty() || provider.is_some_and(with))
    }
}

impl WaitlistWish {
    /// Why no appointment that takes so long can ever lie in one of its windows, if none can.
    pub(super) fn never(&self, duration: TimeDelta, now: Instant) -> Option<FieldError> {
        let mut windows = self.windows.iter();
        if self.windows.is_empty() || windows.any(|it| it.to - it.from.max(now) >= duration) {
            return None;
        }
        let past = self.windows.iter().all(|window| window.to <= now);
        let (code, rule) = if past {
            ("in_the_past", "must not all lie in the past")
        } else {
            let rule = "must leave time for the whole appointment in one of them";
            ("too_short", rule)
        };
        Some(FieldError::new("/windows", code, rule))
    }
}

impl Validate for WaitlistWish {
    fn check(&self, checks: &mut Checks) {
        checks.each("provider_ids", &self.provider_ids, 20, |_, _| {});
        checks.each("windows", &self.windows, 10, |checks, window| {
            checks.instant("from", window.from);
            checks.instant("to", window.to);
            let rule = "must lie after from";
            checks.require(window.from < window.to, "to", "before_from", rule);
        });
        checks.each("flags", &self.flags, 10, |checks, flag| {
            if !is_flag(flag) {
                checks.fail_here("wrong_form", "must be a word in lower case");
            }
        });
        checks.text_if("reason", self.reason.as_deref(), 1000);
    }
}

/// A request for a place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "patient_id": "01890a5d-ac96-774b-bcce-b302099a8057", "service_id": "01890a5d-ac96-774b-bcce-b302099a8058",
    "windows": [{ "from": "2027-03-01T00:00:00-05:00", "to": "2027-04-01T00:00:00-04:00" }], "priority": "high",
    "reason": "Wants to be seen before she travels" }))]
pub struct NewWaitlistEntry {
    /// Who waits. A patient asks for himself and may leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patient_id: Option<PatientId>,
    pub service_id: ServiceId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facility_id: Option<FacilityId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub provider_ids: Vec<ProviderId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<WaitlistWindow>,
    #[serde(default)]
    pub priority: Priority,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl NewWaitlistEntry {
    pub(super) fn wish(&self) -> WaitlistWish {
        WaitlistWish {
            facility_id: self.facility_id,
            provider_ids: self.provider_ids.clone(),
            windows: self.windows.clone(),
            priority: self.priority,
            flags: self.flags.clone(),
            reason: self.reason.clone(),
        }
    }
}

impl Validate for NewWaitlistEntry {
    fn check(&self, checks: &mut Checks) {
        self.wish().check(checks);
    }
}

/// Where a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum WaitlistStatus {
    Waiting,
    /// A place is offered and held.
    Offered,
    Booked,
    Withdrawn,
}

/// Somebody who waits.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct WaitlistEntry {
    pub id: WaitlistEntryId,
    pub patient_id: PatientId,
    pub service_id: ServiceId,
    /// The service's name.
    pub service: String,
    #[serde(flatten)]
    pub wish: WaitlistWish,
    pub status: WaitlistStatus,
    pub closed_reason: Option<String>,
    /// What he got in the end.
    pub appointment_id: Option<AppointmentId>,
    pub waiting_since: DateTime<Utc>,
    /// The points, and what they are made of, while he waits; not shown to patients.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub triage: Option<Triage>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// What became of an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum OfferStatus {
    Open,
    Accepted,
    Declined,
    /// Nobody answered in time.
    Expired,
    /// The request it was made for is no more, or the place.
    Withdrawn,
}

/// A place offered to somebody who waits.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct WaitlistOffer {
    pub id: WaitlistOfferId,
    pub entry_id: WaitlistEntryId,
    pub patient_id: PatientId,
    pub facility_id: FacilityId,
    pub provider_id: Option<ProviderId>,
    pub starts_at: DateTime<Utc>,
    pub ends_at: DateTime<Utc>,
    /// Until then the place is held.
    pub deadline: DateTime<Utc>,
    pub status: OfferStatus,
    /// Why he, and not another; not shown to patients.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub triage: Option<Triage>,
    pub appointment_id: Option<AppointmentId>,
    /// An appointment for the same service that the patient has later on. Accepting leaves it as it is: whoever does not want
    /// both cancels it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub standing_appointment_id: Option<AppointmentId>,
    pub answered_at: Option<DateTime<Utc>>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
}

/// What stands behind the link in the message of an offer.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LinkedOffer {
    #[serde(flatten)]
    pub place: LinkedPlace,
    /// Until then the place is held, and the link answers.
    pub deadline: DateTime<Utc>,
    /// On the wall clock of the place.
    #[schema(example = "2027-03-08T18:30:00")]
    pub local_deadline: String,
    /// What can be done with the link.
    pub actions: Vec<OfferAction>,
}

// Whoever has the link learns that somebody waits for a place there; it says nothing of whom. That it was looked at is
// recorded against the patient all the same.
impl NoPhi for LinkedOffer {}

/// What is done with the link of an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OfferAction {
    Accept,
    Decline,
}

impl OfferAction {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Decline => "decline",
        }
    }
}

/// The answer to an offer's message.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "action": "accept" }))]
pub struct OfferAnswer {
    pub action: OfferAction,
}

impl Validate for OfferAnswer {
    fn check(&self, _: &mut Checks) {}
}

/// Why a request is withdrawn.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "reason": "Was seen elsewhere" }))]
#[schema(as = WaitlistWithdrawal)]
pub struct Withdrawal {
    pub reason: String,
}

impl Validate for Withdrawal {
    fn check(&self, checks: &mut Checks) {
        checks.text("reason", &self.reason, 500);
    }
}

/// Which requests to list.
#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListWaitlist {
    /// Unless given, those that wait or have an offer.
    pub status: Option<WaitlistStatus>,
    pub service_id: Option<ServiceId>,
    /// Those who would come to this facility.
    pub facility_id: Option<FacilityId>,
    pub patient_id: Option<PatientId>,
    /// Rows of a page, 1 to 200; 50 unless said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}
