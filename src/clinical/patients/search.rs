//! Finding patients.
//!
//! All that is asked must hold. A family name alone, the commonest question, is one statement that reads keys in the order of
//! names and stops when the page is full. Otherwise keys are intersected to ids, and rows are looked up among them; a whole
//! name is first guessed at by spelling and sound, then ranked. Each row says why it is there.
//!
//! Trap: under a scope narrower than the organisation no statement may walk through strangers; it starts from own charts.

use std::collections::HashSet;

use chrono::NaiveDate;
use kernel::ids::{PatientId, ProviderId};
use kernel::text::{email_key, name_key, phone_key};
use kernel::{Code, Error, FieldError, Page, Result};
use platform::access::{Ctx, Disclosure, Permission, Scope};
use platform::db::{CallerTx, TenantTx};
use platform::http::{Answer, Paging};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::keys::{self, Key};
use super::model::{PatientName, PatientSort, SearchPatients, Sex, Ssn};
use super::ranking::{self, Match};
use super::status::PatientStatus;
use super::store_search::{self as store, Found, RowFilter};
use super::{mrn, sealing};

/// How many a fuzzy name may bring up by each of its ways; the best of them are ranked.
const GUESSES: i32 = 400;
/// Charts a caller has who meets more of his own in the list of names than strangers worth avoiding.
const MANY_CHARTS: usize = 1_000;

/// A patient as a list shows him.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PatientSummary {
    pub id: PatientId,
    pub mrn: String,
    /// The legal name.
    #[schema(example = "Adaeze Marie Okafor")]
    pub name: String,
    pub birth_date: NaiveDate,
    pub sex: Sex,
    pub status: PatientStatus,
    pub primary_provider_id: Option<ProviderId>,
    pub primary_provider: Option<String>,
    pub is_vip: bool,
    pub is_confidential: bool,
    /// Why this row was found.
    pub matched: Vec<Match>,
}

/// What is asked, in the form in which it is compared. It narrows the cursor, too.
#[derive(Debug, Serialize)]
struct Wanted {
    family: Option<String>,
    given: Option<String>,
    name: Option<String>,
    birth_date: Option<NaiveDate>,
    mrn: Option<String>,
    phone: Option<String>,
    email: Option<String>,
    ssn: Option<String>,
    status: Option<PatientStatus>,
    provider: Option<ProviderId>,
    sort: PatientSort,
}

/// Where a page ended.
#[derive(Debug, Serialize, Deserialize)]
enum Place {
    Key(String, PatientId),
    /// Points a ranked row is short of the best.
    Rank(u32, PatientId),
}

pub(super) async fn search(
    ctx: &Ctx,
    query: SearchPatients,
) -> Result<Answer<Page<PatientSummary>>> {
    let wanted = Wanted::read(&query)?;
    let paging = Paging::new(ctx, &wanted, query.limit, query.cursor)?;
    let after: Option<Place> = paging.after()?;
    let mut tx = ctx.begin(Permission::PatientSearch).await?;
    let page = match (&wanted.name, after) {
        (Some(name), after) => {
            let after = match after {
                Some(Place::Rank(short, id)) => Some((short, id)),
                _ => None,
            };
            let rows = ranked(ctx, &mut tx, &wanted, name).await?;
            let next = rows
                .into_iter()
                .filter(|(place, _)| after.is_none_or(|after| *place > after));
            let fetch = usize::try_from(paging.fetch()).unwrap_or_default();
            let page = paging.page(next.take(fetch).collect(), |(place, _)| {
                Place::Rank(place.0, place.1)
            })?;
            page.map(|(_, summary)| summary)
        }
        (None, after) => {
            let after = match after {
                Some(Place::Key(key, id)) => Some((key, id)),
                _ => None,
            };
            let rows = match wanted.only_family() {
                Some(family) => {
                    store::page_of_family(&mut tx, family, after, paging.fetch()).await?
                }
                None => in_order(ctx, &mut tx, &wanted, after, paging.fetch()).await?,
            };
            let page = paging.page(rows, |row| Place::Key(row.place.clone(), row.id))?;
            page.map(|row| wanted.summary(row, Vec::new()))
        }
    };
    let subjects: Vec<_> = page
        .items
        .iter()
        .map(|row| super::subject(row.id))
        .collect();
    tx.finish(Disclosure::list("patient", subjects, page)).await
}

/// Rows in the order asked for.
async fn in_order(
    ctx: &Ctx,
    tx: &mut CallerTx,
    wanted: &Wanted,
    after: Option<(String, PatientId)>,
    limit: i64,
) -> Result<Vec<Found>> {
    let mut among = with_all_keys(ctx, tx, wanted).await?;
    let sees_all = ctx.principal().scope == Scope::Organization;
    // Few are born on one day; asking about strangers among them costs less than knowing all who are none.
    if among.is_none() && !sees_all && wanted.birth_date.is_none() {
        let own = store::own_charts(tx).await?;
        let unfiltered = wanted.status.is_none() && wanted.provider.is_none();
        // Who has many charts fills a page from the list of names sooner than he sorts them all.
        among = Some(own).filter(|own| own.len() < MANY_CHARTS || !unfiltered);
    }
    store::page_of_rows(tx, &wanted.rows(among), wanted.sort, after, limit).await
}

/// Who has a name like this and all else that is asked, best first, each with his place.
async fn ranked(
    ctx: &Ctx,
    tx: &mut CallerTx,
    wanted: &Wanted,
    name: &str,
) -> Result<Vec<((u32, PatientId), PatientSummary)>> {
    let mut guesses: HashSet<PatientId> = guesses(tx, name).await?;
    if let Some(keyed) = with_all_keys(ctx, tx, wanted).await? {
        let keyed: HashSet<PatientId> = keyed.into_iter().collect();
        guesses.retain(|id| keyed.contains(id));
    }
    let filter = wanted.rows(Some(guesses.into_iter().collect()));
    let found =
        store::page_of_rows(tx, &filter, PatientSort::Name, None, i64::from(GUESSES) * 3).await?;
    let mut rows: Vec<_> = found
        .into_iter()
        .map(|row| {
            let (score, reasons) = ranking::fit(name, &row.names);
            (
                (1000 - score.min(1000), row.id),
                wanted.summary(row, reasons),
            )
        })
        .filter(|(_, summary)| !summary.matched.is_empty())
        .collect();
    rows.sort_by_key(|(place, _)| *place);
    Ok(rows)
}

async fn guesses(tx: &mut TenantTx, name: &str) -> Result<HashSet<PatientId>> {
    let mut found: HashSet<PatientId> = store::with_similar_name(tx, name, GUESSES)
        .await?
        .into_iter()
        .collect();
    found.extend(store::with_beginning(tx, "family", name, Some(GUESSES.into())).await?);
    let sounds = keys::sounds_like(name);
    let codes: Vec<&str> = sounds.iter().map(String::as_str).collect();
    if !codes.is_empty() {
        found.extend(store::with_sound(tx, &codes, GUESSES.into()).await?);
    }
    Ok(found)
}

/// Who has every key that is asked for; `None` if none is.
async fn with_all_keys(
    ctx: &Ctx,
    tx: &mut CallerTx,
    wanted: &Wanted,
) -> Result<Option<Vec<PatientId>>> {
    let mut sets: Vec<Vec<PatientId>> = Vec::new();
    let exact = wanted.exact_keys(ctx, tx).await?;
    if !exact.is_empty() {
        sets.push(store::with_keys(tx, &exact).await?);
    }
    for (kind, beginning) in [("family", &wanted.family), ("given", &wanted.given)] {
        if let Some(beginning) = beginning {
            sets.push(store::with_beginning(tx, kind, beginning, None).await?);
        }
    }
    Ok(sets.into_iter().reduce(|one, other| {
        let other: HashSet<PatientId> = other.into_iter().collect();
        one.into_iter().filter(|id| other.contains(id)).collect()
    }))
}

impl Wanted {
    fn read(query: &SearchPatients) -> Result<Self> {
        if query.name.is_some() && query.sort.is_some() {
            return Err(refusal(
                "sort",
                "not_with_name",
                "does not go with name, whose rows come best first",
            ));
        }
        Ok(Self {
            family: key("family", query.family.as_deref(), name_key)?,
            given: key("given", query.given.as_deref(), name_key)?,
            name: key("name", query.name.as_deref(), name_key)?,
            birth_date: query.birth_date,
            mrn: key("mrn", query.mrn.as_deref(), mrn::key)?,
            phone: key("phone", query.phone.as_deref(), phone_key)?,
            email: key("email", query.email.as_deref(), email_key)?,
            ssn: query.ssn.as_deref().map(ssn).transpose()?,
            status: query.status,
            provider: query.provider_id,
            sort: query.sort.unwrap_or_default(),
        })
    }

    /// The family name, if nothing else is asked.
    fn only_family(&self) -> Option<&str> {
        let others = [
            &self.given,
            &self.name,
            &self.mrn,
            &self.phone,
            &self.email,
            &self.ssn,
        ];
        let alone = others.iter().all(|other| other.is_none())
            && self.birth_date.is_none()
            && self.status.is_none()
            && self.provider.is_none()
            && self.sort == PatientSort::Name;
        self.family.as_deref().filter(|_| alone)
    }

    async fn exact_keys(&self, ctx: &Ctx, tx: &mut CallerTx) -> Result<Vec<Key>> {
        let plain = [
            ("mrn", &self.mrn),
            ("phone", &self.phone),
            ("email", &self.email),
        ];
        let mut keys: Vec<Key> = plain
            .into_iter()
            .filter_map(|(kind, key)| Some((kind, key.clone()?)))
            .collect();
        if let Some(ssn) = self.ssn.as_deref().and_then(Ssn::read) {
            let cipher = ctx.app().tenant_keys.cipher(tx).await?;
            let forms = sealing::forms(&cipher, &ssn).into_iter();
            keys.extend(forms.map(|form| ("ssn", form)));
        }
        Ok(keys)
    }

    fn rows(&self, among: Option<Vec<PatientId>>) -> RowFilter {
        RowFilter {
            among,
            birth_date: self.birth_date,
            status: self.status,
            provider: self.provider,
        }
    }

    fn summary(&self, row: Found, mut matched: Vec<Match>) -> PatientSummary {
        if let Some(family) = &self.family {
            matched.extend(ranking::family(family, &row.names));
        }
        if let Some(given) = &self.given {
            matched.extend(ranking::given(given, &row.names));
        }
        let asked = [
            (self.birth_date.is_some(), Match::BirthDate),
            (self.mrn.is_some(), Match::Mrn),
            (self.phone.is_some(), Match::Phone),
            (self.email.is_some(), Match::Email),
            (self.ssn.is_some(), Match::Ssn),
        ];
        matched.extend(
            asked
                .into_iter()
                .filter_map(|(asked, reason)| asked.then_some(reason)),
        );
        // Who is found by `name` is a guess until a name of his own fits.
        let keyed = self.name.is_none() && (self.family.is_some() || self.given.is_some());
        if matched.is_empty() && keyed {
            matched.push(Match::MergedRegistration);
        }
        matched.sort_unstable();
        matched.dedup();
        PatientSummary {
            id: row.id,
            mrn: row.mrn,
            name: PatientName::legal(&row.names)
                .map(PatientName::spoken)
                .unwrap_or_default(),
            birth_date: row.birth_date,
            sex: row.sex,
            status: row.status,
            primary_provider_id: row.primary_provider_id,
            primary_provider: row.primary_provider,
            is_vip: row.is_vip,
            is_confidential: row.is_confidential,
            matched,
        }
    }
}

/// A filter in the form in which it is compared. One of which nothing is left would match everybody, so it is refused.
fn key(name: &'static str, text: Option<&str>, form: fn(&str) -> String) -> Result<Option<String>> {
    let Some(text) = text else { return Ok(None) };
    if text.chars().count() > 200 {
        return Err(refusal(
            name,
            "too_long",
            "must have at most 200 characters",
        ));
    }
    let key = form(text);
    if key.is_empty() {
        return Err(refusal(name, "blank", "must have a letter or digit"));
    }
    Ok(Some(key))
}

fn ssn(text: &str) -> Result<String> {
    let ssn = Ssn::read(text).ok_or_else(|| {
        refusal(
            "ssn",
            "not_an_ssn",
            "must be a whole Social Security number",
        )
    })?;
    Ok(ssn.digits().to_owned())
}

fn refusal(name: &'static str, code: &'static str, rule: &'static str) -> Error {
    Error::new(Code::InvalidParameter).with_fields(vec![FieldError::new(
        format!("?{name}"),
        code,
        rule,
    )])
}
