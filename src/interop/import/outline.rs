//! What is in a document, before any of it is read in full: each resource's type, name, place and text.
//!
//! A bundle's entries are looked at one by one, so that a bad one fails alone. Only the outer form must be sound: a file
//! cut off in the middle is refused whole.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::reference::{Name, Scope, identifier_in};
use super::report::{Fault, Place};
use super::resource::{Condition, Resource, Stage, compact, digest, hex};

/// Beyond it an id is not an id.
const LONGEST_ID: usize = 200;

/// A resource that was found, its text still unread.
pub(super) struct Outline<'a> {
    pub place: Place,
    pub name: Name,
    /// The `urn:uuid:` under which others may refer to it, where that is not its id.
    pub alias: Option<String>,
    pub condition: Option<Condition>,
    /// `meta.lastUpdated`, as text: of two states of one resource, the later counts.
    pub last_updated: Option<String>,
    /// When an encounter began or a vital sign was measured, as text: its month must be there before it is written.
    pub when: Option<String>,
    pub scope: Arc<Scope>,
    text: &'a str,
}

impl Outline<'_> {
    pub(super) fn stage(&self) -> Stage {
        Stage::of(&self.name.resource_type)
    }

    /// What tells it from others: the identifier of its condition, else its name.
    pub(super) fn identity(&self) -> Name {
        match &self.condition {
            Some(condition) => Name::new(
                self.name.resource_type.clone(),
                condition.identifier.clone(),
            ),
            None => self.name.clone(),
        }
    }

    /// Reads the resource in full.
    pub(super) fn read(&self) -> Result<Resource, Fault> {
        let value: Value = serde_json::from_str(self.text)
            .map_err(|error| self.fault(format!("is not readable JSON ({})", category(&error))))?;
        if self.text.contains("\\u0000") && super::elements::has_nul(&value) {
            return Err(self.fault("holds a NUL character, which can't be kept"));
        }
        Ok(Resource {
            place: self.place,
            name: self.name.clone(),
            aliases: self.alias.iter().cloned().collect(),
            condition: self.condition.clone(),
            content: compact(self.text),
            scope: self.scope.clone(),
            value,
        })
    }

    fn fault(&self, reason: impl Into<Cow<'static, str>>) -> Fault {
        Fault {
            place: self.place,
            name: Some(self.name.clone()),
            reason: reason.into(),
        }
    }
}

#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(rename = "resourceType", borrow)]
    resource_type: Option<Cow<'a, str>>,
    id: Option<Value>,
    meta: Option<Value>,
    #[serde(borrow)]
    period: Option<&'a RawValue>,
    #[serde(borrow)]
    category: Option<&'a RawValue>,
    #[serde(rename = "effectiveDateTime")]
    effective_date_time: Option<Value>,
    #[serde(rename = "effectiveInstant")]
    effective_instant: Option<Value>,
    #[serde(rename = "effectivePeriod", borrow)]
    effective_period: Option<&'a RawValue>,
}

impl Kind<'_> {
    /// Where the resource lies in time, if it will be written into a month.
    fn when(&self, resource_type: &str) -> Option<String> {
        let start = |period: Option<&RawValue>| {
            let period: Value = serde_json::from_str(period?.get()).ok()?;
            period.get("start")?.as_str().map(str::to_owned)
        };
        match resource_type {
            "Encounter" => start(self.period),
            "Observation" if self.category?.get().contains("vital-signs") => {
                let said = [&self.effective_date_time, &self.effective_instant];
                let said = said.into_iter().flatten().find_map(Value::as_str);
                said.map(str::to_owned)
                    .or_else(|| start(self.effective_period))
            }
            _ => None,
        }
    }
}

#[derive(Deserialize)]
struct Bundle<'a> {
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(default, borrow)]
    entry: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(rename = "fullUrl")]
    full_url: Option<String>,
    #[serde(borrow)]
    resource: Option<&'a RawValue>,
    request: Option<Request>,
}

#[derive(Deserialize)]
struct Request {
    method: Option<String>,
    url: Option<String>,
    #[serde(rename = "ifNoneExist")]
    if_none_exist: Option<String>,
}

/// The resources of one JSON document: a bundle's entries, or the document itself.
pub(super) fn outlines<'a>(
    text: &'a str,
    place: Place,
    source: Option<&str>,
) -> Vec<Result<Outline<'a>, Fault>> {
    let whole = |reason: String| Fault {
        place,
        name: None,
        reason: reason.into(),
    };
    let kind: Kind<'_> = match serde_json::from_str(text) {
        Ok(kind) => kind,
        Err(error) => return vec![Err(whole(unreadable(&error)))],
    };
    if kind.resource_type.as_deref() != Some("Bundle") {
        let scope = Arc::new(Scope::new(source));
        return vec![outline(text, place, None, None, &scope).map(|(found, _)| found)];
    }
    let bundle: Bundle<'_> = match serde_json::from_str(text) {
        Ok(bundle) => bundle,
        Err(error) => return vec![Err(whole(unreadable(&error)))],
    };
    match bundle.kind.as_deref() {
        Some("transaction" | "batch" | "collection" | "searchset") => entries(&bundle.entry, place, source),
        _ => vec![Err(whole("is a bundle of a type that is not imported (transaction, batch, collection, searchset are)".into()))],
    }
}

fn entries<'a>(
    entries: &[&'a RawValue],
    place: Place,
    source: Option<&str>,
) -> Vec<Result<Outline<'a>, Fault>> {
    let mut scope = Scope::new(source);
    let bare = Arc::new(Scope::new(source));
    let mut found = Vec::with_capacity(entries.len());
    for (number, raw) in entries.iter().enumerate() {
        let place = place.entry(number);
        match entry(raw.get(), place, &bare) {
            Ok(Some((outline, full_url))) => {
                if let Some(url) = full_url {
                    scope.add(&url, outline.identity());
                }
                found.push(Ok(outline));
            }
            Ok(None) => {}
            Err(fault) => found.push(Err(fault)),
        }
    }
    let scope = Arc::new(scope);
    for outline in found.iter_mut().flatten() {
        outline.scope = scope.clone();
    }
    found
}

type Found<'a> = (Outline<'a>, Option<String>);

fn entry<'a>(text: &'a str, place: Place, scope: &Arc<Scope>) -> Result<Option<Found<'a>>, Fault> {
    let fault = |reason: &'static str| Fault {
        place,
        name: None,
        reason: reason.into(),
    };
    let entry: Entry<'_> =
        serde_json::from_str(text).map_err(|_| fault("is not a bundle entry"))?;
    if let Some(method) = entry
        .request
        .as_ref()
        .and_then(|request| request.method.as_deref())
        && !matches!(method, "POST" | "PUT")
    {
        return Err(fault("asks for something other than POST or PUT"));
    }
    let Some(resource) = entry.resource else {
        return Err(fault("has no resource"));
    };
    let found = outline(
        resource.get(),
        place,
        entry.full_url,
        entry.request.as_ref(),
        scope,
    )?;
    // What a search tells about itself is not a record.
    Ok((found.0.name.resource_type != "OperationOutcome").then_some(found))
}

fn outline<'a>(
    text: &'a str,
    place: Place,
    full_url: Option<String>,
    request: Option<&Request>,
    scope: &Arc<Scope>,
) -> Result<Found<'a>, Fault> {
    let fault = |reason: &'static str| Fault {
        place,
        name: None,
        reason: reason.into(),
    };
    let kind: Kind<'_> = serde_json::from_str(text).map_err(|_| fault("is not a resource"))?;
    let resource_type = kind
        .resource_type
        .as_deref()
        .filter(|word| is_type(word))
        .ok_or(fault("has no resourceType"))?
        .to_owned();
    let when = kind.when(&resource_type);
    let url = request
        .and_then(|request| request.url.as_deref())
        .unwrap_or_default();
    let condition = condition(request, url);
    let urn = full_url
        .as_deref()
        .and_then(|url| url.strip_prefix("urn:uuid:"));
    let own = match &kind.id {
        Some(Value::String(id)) => Some(id.trim()).filter(|id| !id.is_empty()),
        Some(Value::Null) | None => None,
        Some(_) => return Err(fault("has an id that is not text")),
    };
    let given = own
        .or_else(|| put_id(request, url))
        .or(urn)
        .or_else(|| last_part(full_url.as_deref()));
    // Where nothing names it but what it says.
    let by_content = || format!("sha256:{}", hex(&digest(&[compact(text).as_bytes()])));
    let id = given.map_or_else(by_content, str::to_owned);
    if id.chars().count() > LONGEST_ID || id.chars().any(char::is_control) {
        return Err(fault(
            "has an id that is too long or holds control characters",
        ));
    }
    let alias = urn.filter(|urn| *urn != id).map(|urn| scope.source_id(urn));
    let meta = kind.meta.unwrap_or_default();
    let last_updated = super::elements::text(&meta, "/lastUpdated").map(str::to_owned);
    let name = Name::new(resource_type, scope.source_id(&id));
    Ok((
        Outline {
            place,
            name,
            alias,
            condition,
            last_updated,
            when,
            scope: scope.clone(),
            text,
        },
        full_url,
    ))
}

/// `ifNoneExist`, or a `PUT` to a search.
fn condition(request: Option<&Request>, url: &str) -> Option<Condition> {
    let request = request?;
    if let Some(query) = &request.if_none_exist {
        return identifier_in(query).map(|identifier| Condition {
            identifier,
            updates: false,
        });
    }
    let (_, query) = url
        .split_once('?')
        .filter(|_| request.method.as_deref() == Some("PUT"))?;
    identifier_in(query).map(|identifier| Condition {
        identifier,
        updates: true,
    })
}

/// The id in `PUT Type/id`.
fn put_id<'a>(request: Option<&Request>, url: &'a str) -> Option<&'a str> {
    let put = request.is_some_and(|request| request.method.as_deref() == Some("PUT"));
    (put && !url.contains('?'))
        .then(|| url.rsplit_once('/').map(|(_, id)| id))
        .flatten()
        .filter(|id| !id.is_empty())
}

fn last_part(url: Option<&str>) -> Option<&str> {
    url?.rsplit_once('/')
        .map(|(_, id)| id)
        .filter(|id| !id.is_empty())
}

fn is_type(word: &str) -> bool {
    (2..=64).contains(&word.len())
        && word.starts_with(|c: char| c.is_ascii_uppercase())
        && word.bytes().all(|b| b.is_ascii_alphabetic())
}

/// Where and how, never what: the parser's own words may quote the text.
fn unreadable(error: &serde_json::Error) -> String {
    match error.line() {
        0 | 1 => format!(
            "is not readable JSON ({}, column {})",
            category(error),
            error.column()
        ),
        line => format!(
            "is not readable JSON ({}, line {line} column {})",
            category(error),
            error.column()
        ),
    }
}

fn category(error: &serde_json::Error) -> &'static str {
    match error.classify() {
        serde_json::error::Category::Io => "unreadable",
        // Not told apart by its category.
        serde_json::error::Category::Syntax if error.to_string().starts_with("recursion") => {
            "nested too deeply"
        }
        serde_json::error::Category::Syntax => "syntax",
        serde_json::error::Category::Data => "unexpected form",
        serde_json::error::Category::Eof => "ends too early",
    }
}

#[cfg(test)]
#[path = "outline_tests.rs"]
mod tests;
