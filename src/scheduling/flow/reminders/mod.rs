//! What patients are told about their appointments, and the link in a message by which they answer.
//!
//! The database itself notes that an appointment was made, moved or called off (trigger `appointments_follow`), so nobody who
//! books has to think of it: a job plans the reminders anew, and each planned one has a job that sends it. A message is made of
//! a tenant's template and says a first name, a time and a place, never more: [`text`] knows no other words.
//!
//! Invariants: what was sent is sent once for a start; nobody is told of an appointment that was moved or called off, because
//! it is looked up again before it leaves; nothing leaves in quiet hours but in their first quarter of an hour, however late it
//! is; the access record is durable before the message is handed over; neither text nor address is kept.
//!
//! Traps: a message handed over twice after a crash has the same id, and the link in the later one is the one that works.

mod links;
mod model;
mod planning;
mod routes;
mod routes_links;
mod sending;
mod service;
mod store;
mod store_links;
mod store_templates;
mod store_work;
mod templates;
mod text;
mod work;

use platform::App;
use platform::jobs::Handlers;
use utoipa_axum::router::OpenApiRouter;

pub use model::{NewReminderTemplate, Reminder, ReminderPurpose, ReminderStatus, ReminderTemplate};
pub(crate) use work::{announce_offer, plan_again};

/// Every operation on reminders.
pub fn router() -> OpenApiRouter<App> {
    routes::router().merge(routes_links::router())
}

/// Who plans and sends.
pub(crate) fn jobs(handlers: Handlers) -> Handlers {
    handlers
        .with(work::PLAN, |app, job| Box::pin(work::plan(app, job)))
        .with(sending::SEND, |app, job| Box::pin(sending::send(app, job)))
}
