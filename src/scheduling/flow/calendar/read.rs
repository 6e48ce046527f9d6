//! Reading a feed: by whoever has its secret.

use chrono::TimeDelta;
use clinical::patients::PatientName;
use kernel::clock::Instant;
use kernel::ids::{PatientId, TenantId};
use kernel::{Error, Result};
use platform::App;
use platform::audit::{AccessRecord, Action, Occasion, Subject, by_system};
use platform::crypto::{LinkSecret, random};
use platform::db::SystemTx;
use platform::http::RequestInfo;
use uuid::Uuid;

use super::feed::{self, Item};
use super::service::KIND;
use super::store;
use crate::flow::flow_settings;

const BEHIND: TimeDelta = TimeDelta::days(30);
const AHEAD: TimeDelta = TimeDelta::days(180);

/// A calendar to be given out; without a text, the reader has it.
pub(super) struct Calendar {
    pub etag: String,
    pub text: Option<String>,
}

/// The calendar behind the secret; recorded when this returns.
///
/// # Errors
/// `not_found` for whatever is not the secret of an open feed.
pub(super) async fn read(
    app: &App,
    request: &RequestInfo,
    file: &str,
    known: Option<&str>,
) -> Result<Calendar> {
    let secret = file
        .strip_suffix(".ics")
        .and_then(|text| LinkSecret::parse(KIND, text))
        .ok_or_else(Error::not_found)?;
    let now = app.clock.now();
    let mut tx = SystemTx::begin(&app.db, secret.tenant).await?;
    let feed = store::open(&mut tx, &secret.digest(), now)
        .await?
        .ok_or_else(Error::not_found)?;
    let initials = flow_settings::current(&mut tx).await?.calendar_initials;
    let entries = store::entries(&mut tx, feed.provider_id, now - BEHIND, now + AHEAD).await?;
    let (items, mut patients) = items(entries, initials)?;
    let text = feed::render(&format!("{} {}", feed.given_name, feed.family_name), &items);
    let etag = format!(
        "\"{}\"",
        hex::encode(&random::digest(text.as_bytes())[..16])
    );
    let same = known.is_some_and(|known| known.split(',').any(|one| one.trim() == etag));
    if same {
        patients.clear();
    }
    let feed = feed.id.into();
    let records = records(app, secret.tenant, request, feed, patients, now);
    tx.record(&records).await?;
    tx.commit().await?;
    Ok(Calendar {
        etag,
        text: (!same).then_some(text),
    })
}

/// The entries as they are shown, and whose initials are.
fn items(entries: Vec<store::Entry>, initials: bool) -> Result<(Vec<Item>, Vec<PatientId>)> {
    let mut patients = Vec::new();
    let mut items = Vec::with_capacity(entries.len());
    for entry in entries {
        let who = if initials {
            patients.push(entry.patient_id);
            let names: Vec<PatientName> =
                serde_json::from_value(entry.names).map_err(Error::internal)?;
            PatientName::legal(&names).map(initials_of)
        } else {
            None
        };
        items.push(Item {
            id: entry.id,
            summary: entry.service,
            who,
            place: entry.room.map_or(entry.facility.clone(), |room| {
                format!("{room}, {}", entry.facility)
            }),
            confirmed: entry.status != "scheduled",
            starts_at: entry.starts_at,
            ends_at: entry.ends_at,
            version: entry.version,
            changed_at: entry.updated_at,
        });
    }
    Ok((items, patients))
}

/// One access record for each patient who was shown; one of the feed alone where none was.
fn records(
    app: &App,
    tenant: TenantId,
    request: &RequestInfo,
    feed: Uuid,
    mut patients: Vec<PatientId>,
    now: Instant,
) -> Vec<AccessRecord> {
    patients.sort_unstable();
    patients.dedup();
    let mut subjects: Vec<Option<_>> = patients.into_iter().map(Some).collect();
    if subjects.is_empty() {
        subjects.push(None);
    }
    let records = subjects.into_iter().map(|patient| {
        let subject = Subject {
            patient,
            resource: Some(feed),
        };
        let occasion = Occasion::Request(request);
        by_system(
            app,
            tenant,
            occasion,
            "calendar",
            Action::Read,
            subject,
            now,
        )
    });
    records.collect()
}

/// The first letters of the given and the family name.
fn initials_of(name: &PatientName) -> String {
    let first = |text: &str| text.chars().find(|c| c.is_alphabetic());
    let letters = [
        name.given.first().and_then(|given| first(given)),
        first(&name.family),
    ];
    letters
        .into_iter()
        .flatten()
        .flat_map(char::to_uppercase)
        .flat_map(|letter| [letter, '.'])
        .collect()
}
