//! The links in messages, whatever they are about: made when a message leaves, answered by whoever has the secret.
//!
//! The work is the system's on the patient's behalf: who holds the secret is taken for him, and may no more than he may.
//! Looking changes nothing, so whoever fetches links ahead, such as a mail server, answers nothing.

use chrono::{DateTime, Utc};
use kernel::clock::Instant;
use kernel::ids::TenantId;
use kernel::{Error, Result};
use platform::App;
use platform::access::NoPhi;
use platform::audit::{Action, Occasion, Subject, by_system};
use platform::crypto::LinkSecret;
use platform::db::{SystemTx, TenantTx};
use platform::http::{Answer, RequestInfo};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::wall;

/// A link that still answers, locked.
pub(crate) trait Link: Sized {
    /// How the secret begins.
    const KIND: &'static str;
    /// What an access record calls it.
    const RESOURCE: &'static str;
    /// What can be done with it.
    type Answer: Copy;
    /// What stands behind it.
    type Shown: NoPhi + Serialize;

    /// The link with this digest that has not been answered or run out, locked; of a tenant that is active.
    async fn lock(tx: &mut TenantTx, digest: &[u8], now: Instant) -> Result<Option<Self>>;
    /// Answers what was done; after an error nothing is kept.
    async fn act(&self, tx: &mut TenantTx, answer: Self::Answer, now: Instant) -> Result<Acted>;
    /// It answers no more, where that answer was the last.
    async fn use_up(&self, tx: &mut TenantTx, answer: Self::Answer, now: Instant) -> Result<()>;
    fn subject(&self) -> Subject;
    fn shown(self) -> Self::Shown;
}

/// What came of an answer.
#[must_use]
pub(crate) enum Acted {
    Done,
    /// It can't be done, and what was found out by that is kept.
    Refused(Error),
}

/// A new secret, and what the database keeps of it.
pub(crate) fn new<L: Link>(tenant: TenantId) -> (String, [u8; 32]) {
    let secret = LinkSecret::new(tenant);
    (secret.render(L::KIND), secret.digest())
}

/// What the link is about.
///
/// # Errors
/// `not_found` for whatever is not the secret of a link that still answers.
pub(crate) async fn read<L: Link>(
    app: &App,
    request: &RequestInfo,
    token: &str,
) -> Result<Answer<L::Shown>> {
    let (mut tx, link) = find::<L>(app, token).await?;
    record(app, &mut tx, request, &link, Action::Read).await?;
    tx.commit().await?;
    Answer::plain(&link.shown())
}

/// Does what is asked.
///
/// # Errors
/// As [`read`], and those of what is done.
pub(crate) async fn answer<L: Link>(
    app: &App,
    request: &RequestInfo,
    token: &str,
    answer: L::Answer,
) -> Result<Answer<()>> {
    let (mut tx, link) = find::<L>(app, token).await?;
    let now = app.clock.now();
    let acted = link.act(&mut tx, answer, now).await?;
    link.use_up(&mut tx, answer, now).await?;
    record(app, &mut tx, request, &link, Action::Update).await?;
    tx.commit().await?;
    match acted {
        Acted::Done => Ok(Answer::nothing()),
        Acted::Refused(error) => Err(error),
    }
}

async fn find<L: Link>(app: &App, token: &str) -> Result<(SystemTx, L)> {
    let secret = LinkSecret::parse(L::KIND, token).ok_or_else(Error::not_found)?;
    let mut tx = SystemTx::begin(&app.db, secret.tenant).await?;
    let link = L::lock(&mut tx, &secret.digest(), app.clock.now()).await?;
    Ok((tx, link.ok_or_else(Error::not_found)?))
}

async fn record<L: Link>(
    app: &App,
    tx: &mut SystemTx,
    request: &RequestInfo,
    link: &L,
    action: Action,
) -> Result<()> {
    let (by, subject, now) = (Occasion::Request(request), link.subject(), app.clock.now());
    let record = by_system(app, tx.tenant(), by, L::RESOURCE, action, subject, now);
    tx.record(&[record]).await
}

/// When and where, as it stands behind every link, and nothing of whom.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LinkedPlace {
    pub starts_at: DateTime<Utc>,
    pub ends_at: DateTime<Utc>,
    /// On the wall clock of the place.
    #[schema(example = "2027-03-09T10:00:00")]
    pub local_start: String,
    #[schema(example = "America/New_York")]
    pub time_zone: String,
    pub facility: String,
    pub phone: Option<String>,
    pub address: Vec<String>,
}

impl LinkedPlace {
    pub(crate) fn new(
        (starts_at, ends_at): (Instant, Instant),
        (time_zone, facility): (String, String),
        phone: Option<String>,
        address: Option<&Value>,
    ) -> Self {
        Self {
            starts_at,
            ends_at,
            local_start: wall::told(wall::local(starts_at, wall::zone(&time_zone))),
            time_zone,
            facility,
            phone,
            address: wall::address_lines(address),
        }
    }
}
