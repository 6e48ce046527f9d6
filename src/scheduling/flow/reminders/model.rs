//! Reminders and their templates on the wire.

use chrono::{DateTime, Utc};
use kernel::ids::{AppointmentId, PatientId, ReminderId, WaitlistOfferId};
use kernel::{Checks, Validate};
use platform::access::NoPhi;
use platform::messages::Channel;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::text;
use crate::appointments::AppointmentStatus;
use crate::flow::links::LinkedPlace;

/// What a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum ReminderPurpose {
    /// Of an appointment.
    Reminder,
    /// A place that became free, for somebody who waits.
    Offer,
}

/// Whether a template is used.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum TemplateState {
    #[default]
    Active,
    Inactive,
}

/// What a message says. The text may contain `{{first_name}}`, `{{date}}`, `{{time}}`, `{{place}}`, `{{link}}` (to confirm or
/// cancel; of an offer, to accept or decline) and `{{deadline}}` (of an offer), and nothing else about a patient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "purpose": "reminder", "channel": "email", "offset_minutes": 2880, "subject": "Your appointment on {{date}}",
    "body": "Hello {{first_name}},\nwe expect you on {{date}} at {{time}}, {{place}}.\nTo confirm or cancel: {{link}}" }))]
pub struct NewReminderTemplate {
    pub purpose: ReminderPurpose,
    pub channel: Channel,
    /// How long before the start it is sent, at most 60 days. An offer is sent at once: 0.
    #[serde(default)]
    pub offset_minutes: i32,
    /// For patients who speak it: a BCP 47 tag such as `es`. Without one: for everybody who has no template of his own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Of an e-mail, and of nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    pub body: String,
    #[serde(default)]
    pub status: TemplateState,
}

impl Validate for NewReminderTemplate {
    fn check(&self, checks: &mut Checks) {
        let most = match self.purpose {
            ReminderPurpose::Reminder => 86_400,
            ReminderPurpose::Offer => 0,
        };
        if !(0..=most).contains(&self.offset_minutes) {
            checks.fail(
                "offset_minutes",
                "out_of_range",
                format!("must lie between 0 and {most}"),
            );
        }
        checks.require(
            self.subject.is_some() == (self.channel == Channel::Email),
            "subject",
            "not_of_this_channel",
            "must be there for an e-mail, and for nothing else",
        );
        if let Some(tag) = &self.language {
            let plain = (2..=35).contains(&tag.len())
                && tag.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
            checks.require(
                plain,
                "language",
                "wrong_form",
                "must be a BCP 47 language tag",
            );
        }
        let most = match self.channel {
            Channel::Email => 4_000,
            Channel::Sms => 480,
        };
        checks.text("body", &self.body, most);
        checks.text_if("subject", self.subject.as_deref(), 150);
        for (field, words) in [
            ("body", Some(&self.body)),
            ("subject", self.subject.as_ref()),
        ] {
            let known = words.is_none_or(|words| text::is_template(words, self.purpose));
            checks.require(
                known,
                field,
                "unknown_placeholder",
                "must have no other placeholders than first_name, date, time, place, link and deadline (of an offer)",
            );
        }
    }
}

/// A template.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ReminderTemplate {
    pub id: Uuid,
    #[serde(flatten)]
    pub data: NewReminderTemplate,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl NoPhi for ReminderTemplate {}

/// How a reminder stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum ReminderStatus {
    Scheduled,
    /// Handed over at this moment, or waiting to be handed over again.
    Sending,
    Sent,
    Cancelled,
    Undeliverable,
}

/// A message to a patient, planned or sent.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Reminder {
    pub id: ReminderId,
    pub patient_id: PatientId,
    pub appointment_id: Option<AppointmentId>,
    pub offer_id: Option<WaitlistOfferId>,
    pub template_id: Uuid,
    pub channel: Channel,
    /// One more, because the patient is likely not to come.
    pub additional: bool,
    pub send_at: DateTime<Utc>,
    pub status: ReminderStatus,
    /// Why it was not sent: `appointment_changed`, `no_address`, `no_time_left`, `patient_not_active`, `taken_back`,
    /// `send_failed`.
    pub outcome: Option<String>,
    pub sent_at: Option<DateTime<Utc>>,
    pub version: i64,
}

/// Which templates to list.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListReminderTemplates {
    pub purpose: Option<ReminderPurpose>,
    /// Rows of a page, 1 to 200; 50 unless said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// What stands behind the link of a reminder.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LinkedAppointment {
    #[serde(flatten)]
    pub place: LinkedPlace,
    /// `rescheduled`: see `moved_to`. What was moved first and called off then is `cancelled`.
    pub status: AppointmentStatus,
    /// When and where it takes place now, if it was moved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moved_to: Option<LinkedPlace>,
    /// Where it does not take place: whether another for the same is still to come. When that is, its own message says.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub another: bool,
    /// What can be done with the link. `cancel` is left out when it is too late for a patient to cancel himself.
    pub actions: Vec<LinkAction>,
    pub link_expires_at: DateTime<Utc>,
}

// Whoever has the link learns that somebody has an appointment there; it says nothing of whom. That it was looked at is
// recorded against the patient all the same.
impl NoPhi for LinkedAppointment {}

/// What is done with a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LinkAction {
    Confirm,
    Cancel,
}

impl LinkAction {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Confirm => "confirm",
            Self::Cancel => "cancel",
        }
    }
}

/// The answer to a message.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "action": "confirm" }))]
pub struct LinkAnswer {
    pub action: LinkAction,
}

impl Validate for LinkAnswer {
    fn check(&self, _: &mut Checks) {}
}
