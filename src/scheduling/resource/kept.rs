//! What was said of working time, kept in one shape: whatever it is, it is read, added and changed the same way.
//!
//! A feature tells what may be said (its model) and where that lies (its store), and asks in its service what has to be asked
//! first; the answers are the same for all and stand here.
//!
//! Invariants: nothing is deleted, what does not stand any more is [withdrawn](super::Standing); who changes something says from
//! which version.

use std::borrow::Cow;
use std::fmt::Display;

use kernel::clock::Instant;
use kernel::{Error, Result, Validate};
use platform::access::{Disclosure, NoPhi};
use platform::db::CallerTx;
use platform::http::{Answer, IfMatch, MergePatch};
use serde::Serialize;
use serde::de::DeserializeOwned;
use utoipa::openapi::schema::{
    AllOfBuilder, KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type,
};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

use crate::affected::{self, Scope};

/// What may be said: the part of it that is written. It tells nothing of any patient.
pub trait Said: Serialize + DeserializeOwned + Validate + ToSchema {
    type Id: Copy + Display + Serialize + ToSchema;
    /// What it is called when it is kept, and how the API's document describes it.
    const NAME: &'static str;
    const DESCRIPTION: &'static str;
    /// Where it is: the last part of its path.
    const PLACE: &'static str;

    /// Whose time it decides over, and when: what is booked of that may lie outside of what is available once it is said.
    fn decides(&self, now: Instant) -> Option<Scope>;
}

/// What was said, with its id and version.
#[derive(Clone, Debug, Serialize)]
pub struct Kept<S: Said> {
    pub id: S::Id,
    #[serde(flatten)]
    pub data: S,
    pub version: i64,
    pub created_at: Instant,
    pub updated_at: Instant,
    /// Told by whoever writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub affected_appointments: Option<usize>,
}

impl<S: Said> NoPhi for Kept<S> {}

impl<S: Said> PartialSchema for Kept<S> {
    fn schema() -> RefOr<Schema> {
        let own = ObjectBuilder::new()
            .property("id", Ref::from_schema_name(S::Id::name()))
            .property("version", i64::schema())
            .property("created_at", moment())
            .property("updated_at", moment())
            .property("affected_appointments", affected());
        let required = ["id", "version", "created_at", "updated_at"];
        let own = required.into_iter().fold(own, ObjectBuilder::required);
        AllOfBuilder::new()
            .item(Ref::from_schema_name(S::name()))
            .item(own)
            .description(Some(S::DESCRIPTION))
            .into()
    }
}

fn affected() -> ObjectBuilder {
    let text = "Of an answer to a change: how many appointments of that time, whoever's they are, lie outside of what is available \
                now. `GET /api/v1/scheduling/affected-appointments` says which.";
    let count = ObjectBuilder::new().schema_type(Type::Integer);
    count.minimum(Some(0)).description(Some(text))
}

fn moment() -> ObjectBuilder {
    let format = SchemaFormat::KnownFormat(KnownFormat::DateTime);
    let text = ObjectBuilder::new().schema_type(Type::String);
    text.format(Some(format))
}

impl<S: Said> ToSchema for Kept<S> {
    fn name() -> Cow<'static, str> {
        S::NAME.into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((S::name().into_owned(), S::schema()));
        schemas.push((S::Id::name().into_owned(), S::Id::schema()));
        S::schemas(schemas);
    }
}

pub(crate) fn there<S: Said>(found: Option<Kept<S>>) -> Result<Kept<S>> {
    found.ok_or_else(Error::not_found)
}

/// Answers a reading.
pub(crate) async fn told<S: Said>(tx: CallerTx, found: Option<Kept<S>>) -> Result<Answer<Kept<S>>> {
    let found = there(found)?;
    let version = found.version;
    tx.finish(Disclosure::plain(found).version(version)).await
}

/// Answers what was said for the first time, and written under an id.
pub(crate) async fn added<S: Said>(
    mut tx: CallerTx,
    id: S::Id,
    data: S,
    now: Instant,
) -> Result<Answer<Kept<S>>> {
    let affected_appointments = affected_by(&mut tx, data.decides(now), now).await?;
    let made = Kept {
        id,
        data,
        version: 1,
        created_at: now,
        updated_at: now,
        affected_appointments,
    };
    let location = format!("/api/v1/scheduling/{}/{id}", S::PLACE);
    tx.commit(Disclosure::plain(made).created_at(location).version(1))
        .await
}

/// What is said from now on.
pub(crate) fn patched<S: Said>(
    present: &Kept<S>,
    if_match: IfMatch,
    patch: &MergePatch,
) -> Result<S> {
    if_match.require(present.version)?;
    patch.apply(&present.data)
}

/// How many appointments what was written puts outside of what is available, or leaves there.
async fn affected_by(
    tx: &mut CallerTx,
    scope: Option<Scope>,
    now: Instant,
) -> Result<Option<usize>> {
    match scope {
        Some(scope) => affected::count(tx, &scope, now).await,
        None => Ok(None),
    }
}

/// Answers a change that was written.
pub(crate) async fn changed<S: Said>(
    mut tx: CallerTx,
    present: Kept<S>,
    data: S,
    now: Instant,
) -> Result<Answer<Kept<S>>> {
    let version = present.version + 1;
    // What it decided over before, and what it decides over now.
    let scopes = present.data.decides(now).zip(data.decides(now));
    let scope = scopes.map(|(before, after)| before.and(after));
    let affected_appointments = affected_by(&mut tx, scope, now).await?;
    let changed = Kept {
        affected_appointments,
        data,
        version,
        updated_at: now,
        ..present
    };
    tx.commit(Disclosure::plain(changed).version(version)).await
}
