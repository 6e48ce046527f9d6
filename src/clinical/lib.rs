//! Clinical records: patients, who cares for them, and what happens to them.

pub mod alerts;
pub mod care_plans;
pub mod care_teams;
pub mod documents;
pub mod encounters;
pub mod family_history;
pub mod goals;
pub mod imported;
pub mod notes;
pub mod patients;
pub mod referrals;
pub mod social_history;
pub mod terminology;

pub mod allergies;
pub mod diagnoses;
pub mod entries;
pub mod immunizations;
pub mod problems;
pub mod procedures;
pub mod vitals;

pub mod chart;
pub mod export;
pub mod search;
pub mod timeline;

use platform::App;
use utoipa_axum::router::OpenApiRouter;

/// Every operation of the area.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(patients::router())
        .merge(care_teams::router())
        .merge(imported::router())
        .merge(notes::router())
        .merge(encounters::router())
        .merge(terminology::router())
        .merge(family_history::router())
        .merge(social_history::router())
        .merge(care_plans::router())
        .merge(goals::router())
        .merge(referrals::router())
        .merge(problems::router())
        .merge(diagnoses::router())
        .merge(allergies::router())
        .merge(procedures::router())
        .merge(immunizations::router())
        .merge(vitals::router())
        .merge(alerts::router())
        .merge(documents::router())
        .merge(chart::router())
        .merge(export::router())
        .merge(search::router())
        .merge(timeline::router())
}

/// Who does the area's jobs.
pub fn jobs(handlers: platform::jobs::Handlers) -> platform::jobs::Handlers {
    handlers.with(documents::DAYS_JOB, documents::MOVE_DAYS)
}

/// What the area keeps sealed with tenants' data keys.
pub fn sealed() -> platform::crypto::reseal::Places {
    let mut columns = vec![patients::SEALED_SSNS];
    columns.extend(documents::SEALED_KEYS);
    platform::crypto::reseal::Places {
        columns,
        indexes: vec![patients::SSN_INDEX],
        names: Vec::new(),
    }
}
