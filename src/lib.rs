//! Chartwell: an electronic health record backend. This crate puts the areas together into one server.

pub mod cli;
pub mod config;
pub mod demo;
mod problems;
pub mod rekeying;
pub mod server;

use std::sync::{Arc, LazyLock};

use identity::Identity;
use platform::App;
use serde_json::Value;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

/// The system's allocator took some 7 % of the time of a busy machine.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Chartwell",
        description = "An electronic health record: patients, encounters and the people who care for them. Every access to health information is recorded before it is answered.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(platform::http::ProblemDocument, problems::Members)),
    tags(
        (name = "auth", description = "Log in, refresh, log out; one's own account"),
        (name = "tenant", description = "The organisation and its settings"),
        (name = "facilities", description = "Places of care and their departments"),
        (name = "users", description = "Accounts"),
        (name = "staff", description = "Providers with their credentials, nurses and other staff"),
        (name = "patients", description = "Registration, search, history"),
        (name = "care teams", description = "Who cares for a patient, and so may open the chart"),
        (name = "encounters", description = "Visits and stays"),
        (name = "vital signs", description = "What is measured at a patient, scores, trends and alerts"),
        (name = "notes", description = "Notes: drafts, signatures, addenda, co-signatures, search"),
        (name = "note templates", description = "What notes begin from"),
        (name = "amendment requests", description = "Patients who ask to have their record amended (45 CFR 164.526)"),
        (name = "documents", description = "What is filed as a file: versions, uploads, attestations, search"),
        (name = "retention", description = "How long documents are kept, legal holds, review and destruction"),
        (name = "imported resources", description = "What came from elsewhere, as it came"),
        (name = "family and social history", description = "What lies behind a patient"),
        (name = "care plans", description = "Goals and plans of care"),
        (name = "referrals", description = "Patients sent to somebody else, and what came of it"),
        (name = "services and rooms", description = "What can be booked, and what it needs"),
        (name = "availability", description = "Who works when, and what is free"),
        (name = "appointments", description = "Holds, appointments, series and calendars"),
        (name = "waitlist", description = "Who waits for a place, and the offers made"),
        (name = "reminders", description = "What patients are told about their appointments"),
        (name = "flow board", description = "Who waits where, and how long"),
        (name = "schedule plans", description = "Proposed schedules: made, compared, applied"),
        (name = "forecasts", description = "Expected demand, capacity and staffing"),
        (name = "terminology", description = "Code systems: find codes, and what is loaded"),
        (name = "audit", description = "Who accessed and who changed what"),
        (name = "security", description = "What happened at the door"),
        (name = "operations", description = "Health and metrics of the server")
    )
)]
struct Document;

/// Every operation of every area.
fn areas() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Document::openapi())
        .merge(identity::router())
        .merge(clinical::router())
        .merge(scheduling::router())
        .merge(compliance::router())
        .merge(server::health::router())
}

/// Who does the jobs of every area.
pub fn jobs() -> platform::jobs::Handlers {
    clinical::jobs(scheduling::jobs()).with(rekeying::JOB, rekeying::HANDLER)
}

/// The API document, as it is committed and served. Made once a process, where anybody asks.
pub fn document() -> Arc<Value> {
    static DOCUMENT: LazyLock<Arc<Value>> =
        LazyLock::new(|| Arc::new(finished(areas().split_for_parts().1)));
    DOCUMENT.clone()
}

fn finished(document: utoipa::openapi::OpenApi) -> Value {
    let mut document =
        serde_json::to_value(document).expect("the document is made of strings and maps");
    problems::tell(&mut document);
    platform::http::openapi::finish(document)
}

/// A server ready to answer: its parts, and its routes.
pub struct Chartwell {
    pub app: App,
    pub identity: Arc<Identity>,
    pub router: axum::Router,
}
