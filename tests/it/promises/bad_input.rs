//! What bad input gets, at every operation: a problem document that names the field or the rule, and nothing done.
//!
//! One line for each kind of bad input the house promises to refuse, and who looks. Of those marked `here` every operation of
//! the document is asked, tomorrow's too.
//!
//! | bad input | asked by |
//! |---|---|
//! | malformed JSON | here, `manners::a_body_that_is_not_json_is_told_where` |
//! | wrong types | `strictness::an_array_is_never_taken_for_an_object…`, `manners::a_field_of_the_wrong_kind…`, `canaries` |
//! | unknown fields, unknown query parameters, a body where there is none | here |
//! | oversized bodies, deeply nested ones | here |
//! | bad dates, naive timestamps | here, `strictness::a_date_has_one_form…`, `slips::a_day_or_an_instant_nobody_means…` |
//! | a birth date in the future | `manners::a_field_of_the_wrong_kind…` |
//! | a bad NPI | `identity::staff::an_npi_has_a_right_check_digit_and_one_owner` |
//! | NUL bytes, lone surrogates, what is no UTF-8 | here |
//! | wrong content type, wrong method, unknown path | here, `strictness::a_body_in_another_charset…`, `strictness::every_path_that_is_not_served…` |
//! | missing or stale `If-Match` | here |
//! | a replayed `Idempotency-Key` with another body | `manners::a_repeated_request…`, `manners::a_key_that_was_used…` |
//! | expired, forged, `alg: none` tokens | `strangers::nobody_gets_in…`, `identity::forged` |
//! | slow clients, and those that say nothing or hang up | `weather` |
//! | a panic | `manners::a_panic_is_told_to_nobody…` |
//! | SQL, paths or health information in an answer or a log | `canaries`, `weather`, `manners` |
//! | the database away for ten seconds | `weather::while_the_database_is_away…` |

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::body::Body;
use axum::http::Method;
use platform::access::Role;
use platform::http::Rates;
use serde_json::{Value, json};

use super::openapi::{example, is_form, operations, required_query};
use crate::support::{Caller, Chart, Reply, TestTenant};

/// A clinic with a chart, and who asks for what.
struct Desk {
    document: Arc<Value>,
    chart: Chart,
    admin: Caller,
}

/// An operation, who may do it, and how it is done rightly.
struct Deed {
    place: String,
    method: Method,
    path: String,
    caller: Caller,
    /// Its example, in the chart's ids.
    body: Option<Value>,
    /// The parameters it can't do without.
    query: String,
    takes_form: bool,
}

impl Desk {
    async fn open() -> Self {
        let clinic = TestTenant::with_rates(Rates {
            address: 1_000_000,
            user: 1_000_000,
            tenant: 1_000_000,
            login: 1_000_000,
        })
        .await;
        Self {
            document: chartwell::document(),
            chart: Chart::open(&clinic).await,
            admin: clinic.user(Role::Admin).await,
        }
    }

    /// Every operation with a permission.
    fn deeds(&self) -> Vec<Deed> {
        let guarded = operations(&self.document).into_iter();
        guarded
            .filter(|(_, _, what)| !what["x-permission"].is_null())
            .map(|(path, method, what)| self.deed(&path, method, &what))
            .collect()
    }

    fn deed(&self, path: &str, method: Method, what: &Value) -> Deed {
        let may = |name: &str| {
            let roles = what["x-roles"].as_array();
            roles.is_some_and(|roles| roles.iter().any(|role| role == name))
        };
        let caller = match (may("admin"), may("provider"), may("nurse")) {
            (true, ..) => &self.admin,
            (_, true, _) => &self.chart.doctor,
            (_, _, true) => &self.chart.nurse,
            _ => &self.chart.portal_user,
        };
        let takes_json = ["application/json", "application/merge-patch+json"]
            .iter()
            .any(|kind| what["requestBody"]["content"][kind].is_object());
        let body = takes_json
            .then(|| example(&self.document, what))
            .flatten()
            .map(|example| self.chart.localise(example));
        Deed {
            place: format!("{method} {path}"),
            path: self.chart.fill(path),
            caller: caller.clone(),
            method,
            body,
            query: required_query(what),
            takes_form: is_form(what),
        }
    }

    /// Those that take JSON.
    fn deeds_of_json(&self) -> Vec<Deed> {
        let mut deeds = self.deeds();
        deeds.retain(|deed| deed.body.is_some());
        deeds
    }
}

impl Deed {
    /// Does it with this body, from the version that there is.
    async fn with(&self, body: impl Into<Body>) -> Reply {
        let version = self.version().await;
        self.with_headers(&[("if-match", &version)], body).await
    }

    async fn with_headers(&self, more: &[(&str, &str)], body: impl Into<Body>) -> Reply {
        let mut headers = vec![("content-type", self.kind())];
        headers.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
        headers.extend(more);
        let path = self.path.clone() + &self.query;
        self.caller
            .send_bytes(self.method.clone(), &path, &headers, body.into())
            .await
    }

    fn kind(&self) -> &'static str {
        if self.method == Method::PATCH {
            "application/merge-patch+json"
        } else {
            "application/json"
        }
    }

    /// What `If-Match` says of a change.
    async fn version(&self) -> String {
        if self.method != Method::PATCH {
            return "\"1\"".to_owned();
        }
        let found = self.caller.get(&self.path).await;
        let etag = found.headers.get("etag").and_then(|tag| tag.to_str().ok());
        etag.unwrap_or("\"1\"").to_owned()
    }
}

/// What it says if it is no problem of the caller's.
fn not_refused(place: &str, reply: &Reply) -> Option<String> {
    let kind = reply.headers.get("content-type");
    let refused = reply.status.is_client_error()
        && kind.is_some_and(|kind| kind == "application/problem+json")
        && reply.json()["code"].is_string();
    (!refused).then(|| format!("{place}: {} {}", reply.status, reply.text))
}

/// The pointers of everything in the value that is of a kind.
fn pointers(value: &Value, at: &str, wanted: &impl Fn(&Value) -> bool, found: &mut Vec<String>) {
    if wanted(value) {
        found.push(at.to_owned());
    }
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                pointers(member, &format!("{at}/{name}"), wanted, found);
            }
        }
        Value::Array(items) => {
            for (place, item) in items.iter().enumerate() {
                pointers(item, &format!("{at}/{place}"), wanted, found);
            }
        }
        _ => {}
    }
}

fn all_of(value: &Value, wanted: impl Fn(&Value) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    pointers(value, "", &wanted, &mut found);
    found
}

/// The body with something else in a place.
fn with(body: &Value, pointer: &str, other: Value) -> Value {
    let mut body = body.clone();
    *body.pointer_mut(pointer).expect("it is there") = other;
    body
}

/// A change of what this chart does not have, or has closed, is refused for that: its body is laid over what there is.
fn refused_before(deed: &Deed, reply: &Reply) -> bool {
    deed.method == Method::PATCH && matches!(reply.status.as_u16(), 404 | 409)
}

/// Where a batch refuses a row, and not the whole.
fn refused_row(deed: &Deed, pointer: &str, reply: &Reply) -> bool {
    let row = pointer
        .strip_prefix("/rows/")
        .and_then(|rest| rest.split('/').next()?.parse::<usize>().ok());
    deed.path.ends_with("/batch")
        && reply.status.is_success()
        && row.is_some_and(|row| reply.json()["rows"][row]["outcome"] == "refused")
}

#[tokio::test]
async fn a_field_nobody_knows_is_refused_by_name_in_any_body_at_any_depth() {
    let desk = Desk::open().await;
    let (mut wrong, mut asked, mut deep) = (Vec::new(), 0, 0);
    for deed in desk.deeds_of_json() {
        let body = deed.body.clone().unwrap_or_default();
        for pointer in all_of(&body, Value::is_object) {
            let mut object = body.pointer(&pointer).cloned().unwrap_or_default();
            object["no_such_field"] = json!(1);
            let reply = deed.with(with(&body, &pointer, object).to_string()).await;
            let named = format!("{pointer}/no_such_field");
            asked += 1;
            deep += usize::from(!pointer.is_empty());
            if refused_row(&deed, &pointer, &reply) || refused_before(&deed, &reply) {
                continue;
            }
            if reply.status != 422 || !reply.pointers().contains(&named) {
                wrong.push(format!(
                    "{} {named}: {} {}",
                    deed.place, reply.status, reply.text
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(
        asked > 100 && deep > 30,
        "{asked} asked, {deep} of them deep"
    );
}

#[tokio::test]
async fn a_body_is_refused_where_there_is_none() {
    let desk = Desk::open().await;
    let (mut wrong, mut asked) = (Vec::new(), 0);
    for deed in desk.deeds() {
        let has_one = deed.method != Method::POST || deed.body.is_some() || deed.takes_form;
        // Whatever comes with it, it logs out: a session left open is worse.
        if has_one || deed.path.ends_with("/auth/logout") {
            continue;
        }
        let reply = deed.with(json!({ "no_such_field": 1 }).to_string()).await;
        if reply.status != 422 || reply.pointers() != ["/no_such_field"] {
            wrong.push(format!("{}: {} {}", deed.place, reply.status, reply.text));
        }
        asked += 1;
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(asked > 35, "{asked} asked");
}

#[tokio::test]
async fn a_parameter_nobody_knows_is_refused_by_name_at_every_operation() {
    let desk = Desk::open().await;
    let (mut wrong, mut asked) = (Vec::new(), 0);
    for (path, method, what) in operations(&desk.document) {
        // Pages and probes are opened by what adds words of its own. A code system that is none is not there.
        if !path.starts_with("/api/") || path.contains("{system}") {
            continue;
        }
        let deed = desk.deed(&path, method, &what);
        let query = &deed.query;
        let sign = if query.is_empty() { '?' } else { '&' };
        let path = format!("{}{query}{sign}no_such_parameter=1", deed.path);
        let body = deed.body.as_ref().map(ToString::to_string);
        let version = deed.version().await;
        let headers = [
            ("if-match", version.as_str()),
            ("content-type", deed.kind()),
        ];
        let reply = deed
            .caller
            .send(deed.method.clone(), &path, &headers, body)
            .await;
        asked += 1;
        if reply.status != 400 || !reply.pointers().contains(&"?no_such_parameter".to_owned()) {
            wrong.push(format!("{}: {} {}", deed.place, reply.status, reply.text));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(asked > 150, "{asked} asked");
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_at_every_operation() {
    let desk = Desk::open().await;
    let (mut wrong, mut asked) = (Vec::new(), 0);
    for deed in desk.deeds_of_json() {
        // One operation says that it takes more.
        let most = if deed.path.ends_with("/vitals/batch") {
            8 << 20
        } else {
            1 << 20
        };
        let large = format!("{{\"a\":\"{}\"}}", "x".repeat(most));
        let key = format!("large-{asked}");
        let with_key = [("idempotency-key", key.as_str()), ("if-match", "\"1\"")];
        for headers in [&with_key[1..], &with_key] {
            let reply = deed.with_headers(headers, large.clone()).await;
            if reply.status != 413 || reply.json()["code"] != "body_too_large" {
                wrong.push(format!("{}: {} {}", deed.place, reply.status, reply.text));
            }
        }
        asked += 1;
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(asked > 100, "{asked} asked");
}

#[tokio::test]
async fn what_is_no_json_or_nests_too_deeply_is_refused_at_every_operation() {
    let desk = Desk::open().await;
    let (mut wrong, mut asked) = (Vec::new(), 0);
    for deed in desk.deeds_of_json() {
        let body = deed.body.clone().unwrap_or_default();
        let member = body.as_object().and_then(|members| members.keys().next());
        let member = member.cloned().unwrap_or_else(|| "a".to_owned());
        let deep = format!("{{\"{member}\":").repeat(20_000) + "1" + &"}".repeat(20_000);
        let nested = format!(
            "{{\"{member}\":{}{}}}",
            "[".repeat(20_000),
            "]".repeat(20_000)
        );
        for text in [
            "{",
            "{\"a\":1,}",
            "{} {}",
            "\u{feff}{}",
            &deep,
            &nested,
            "[]",
            "7",
            "\"\"",
        ] {
            let reply = deed.with(text.to_owned()).await;
            let shown = &text[..text.len().min(20)];
            wrong.extend(not_refused(&format!("{} {shown}", deed.place), &reply));
        }
        let latin = b"{\"a\":\"Garc\xeda\"}".to_vec();
        let surrogate = b"{\"a\":\"\xed\xa0\x80\"}".to_vec();
        for bytes in [latin, surrogate] {
            let reply = deed.with(bytes).await;
            wrong.extend(not_refused(&format!("{} no UTF-8", deed.place), &reply));
        }
        asked += 1;
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(asked > 100, "{asked} asked");
}

#[tokio::test]
async fn a_lone_surrogate_or_a_nul_is_refused_in_every_text_of_every_body() {
    const HERE: &str = "something-stands-here";
    let desk = Desk::open().await;
    let (mut wrong, mut asked) = (Vec::new(), 0);
    for deed in desk.deeds_of_json() {
        let body = deed.body.clone().unwrap_or_default();
        for pointer in all_of(&body, Value::is_string) {
            let text = with(&body, &pointer, json!(HERE)).to_string();
            for escape in [
                "\\ud800",
                "\\udc00",
                "\\udc00\\ud800",
                "a\\ud83dz",
                "a\\u0000z",
            ] {
                let reply = deed.with(text.replace(HERE, escape)).await;
                let place = format!("{} {pointer} {escape}", deed.place);
                wrong.extend(not_refused(&place, &reply));
                let named = reply.status != 422 || reply.pointers().contains(&pointer);
                if escape.contains("0000") && !named {
                    wrong.push(format!("{place}: {}", reply.text));
                }
                asked += 1;
            }
        }
        // In a name, too.
        for escape in ["\\ud800", "\\u0000"] {
            let reply = deed.with(format!("{{\"a{escape}\":1}}")).await;
            wrong.extend(not_refused(
                &format!("{} {escape} in a name", deed.place),
                &reply,
            ));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(asked > 1_000, "{asked} asked");
}

/// A day that is none, and an instant without its offset, for a text that is a day or an instant.
fn spoilt(text: &str) -> Option<[&'static str; 2]> {
    let day = |text: &str| text.len() == 10 && text.parse::<chrono::NaiveDate>().is_ok();
    if day(text) {
        Some(["2019-02-30", "0000-00-00"])
    } else if chrono::DateTime::parse_from_rfc3339(text).is_ok() {
        Some(["2026-11-30T09:00:00", "2026-02-30T09:00:00Z"])
    } else {
        None
    }
}

#[tokio::test]
async fn a_day_that_is_none_or_a_naive_instant_is_refused_by_name_in_every_body() {
    let desk = Desk::open().await;
    let (mut wrong, mut asked) = (Vec::new(), 0);
    for deed in desk.deeds_of_json() {
        let body = deed.body.clone().unwrap_or_default();
        for pointer in all_of(&body, |value| value.as_str().and_then(spoilt).is_some()) {
            let text = body.pointer(&pointer).and_then(Value::as_str);
            for other in text.and_then(spoilt).into_iter().flatten() {
                let reply = deed
                    .with(with(&body, &pointer, json!(other)).to_string())
                    .await;
                asked += 1;
                if refused_row(&deed, &pointer, &reply) || refused_before(&deed, &reply) {
                    continue;
                }
                if reply.status != 422 || !reply.pointers().contains(&pointer) {
                    let place = format!("{} {pointer} {other}", deed.place);
                    wrong.push(format!("{place}: {} {}", reply.status, reply.text));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(asked > 40, "{asked} asked");
}

#[tokio::test]
async fn a_body_of_another_type_is_refused_at_every_operation() {
    let desk = Desk::open().await;
    let (mut wrong, mut asked) = (Vec::new(), 0);
    for deed in desk.deeds_of_json() {
        let body = deed
            .body
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default();
        for kind in [
            "text/plain",
            "application/xml",
            "application/x-www-form-urlencoded",
            "json",
            "",
        ] {
            let headers = [("content-type", kind), ("if-match", "\"1\"")];
            let reply = deed.with_headers(&headers, body.clone()).await;
            if reply.status != 415 || reply.json()["code"] != "unsupported_media_type" {
                wrong.push(format!(
                    "{} {kind:?}: {} {}",
                    deed.place, reply.status, reply.text
                ));
            }
        }
        asked += 1;
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(asked > 100, "{asked} asked");
}

#[tokio::test]
async fn every_method_a_path_does_not_have_is_refused_and_those_it_has_are_named() {
    let desk = Desk::open().await;
    let all = operations(&desk.document);
    let paths: BTreeSet<&String> = all.iter().map(|(path, ..)| path).collect();
    let mut wrong = Vec::new();
    for path in paths {
        let has = |method: &Method| {
            all.iter()
                .any(|(other, one, _)| other == path && one == method)
        };
        let methods = [
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ];
        for method in methods.iter().filter(|method| !has(method)) {
            let path = desk.chart.fill(path);
            let reply = desk.admin.send(method.clone(), &path, &[], None).await;
            let allow = reply
                .headers
                .get("allow")
                .and_then(|allow| allow.to_str().ok());
            let named = methods.iter().filter(|one| has(one)).all(|one| {
                allow.is_some_and(|allow| allow.split(',').any(|name| name.trim() == one.as_str()))
            });
            if reply.status != 405 || !named {
                wrong.push(format!(
                    "{method} {path}: {} {allow:?} {}",
                    reply.status, reply.text
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn every_change_needs_the_version_it_was_made_from() {
    let desk = Desk::open().await;
    let (mut wrong, mut asked) = (Vec::new(), 0);
    let changes = desk.deeds_of_json().into_iter();
    for deed in changes.filter(|deed| deed.method == Method::PATCH) {
        let found = deed.caller.get(&deed.path).await;
        // What this chart does not have is not there, whatever version is named; and what is signed stays as it is.
        if found.status != 200 || deed.path.contains("/notes/") {
            continue;
        }
        let body = deed
            .body
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default();
        let reply = deed.with_headers(&[], body.clone()).await;
        if reply.status != 428 || reply.json()["code"] != "if_match_required" {
            wrong.push(format!(
                "{} without: {} {}",
                deed.place, reply.status, reply.text
            ));
        }
        for (version, status) in [
            ("\"777\"", 412),
            ("*", 400),
            ("W/\"1\"", 400),
            ("\"1\", \"2\"", 400),
            ("", 400),
        ] {
            let reply = deed
                .with_headers(&[("if-match", version)], body.clone())
                .await;
            if reply.status != status {
                wrong.push(format!(
                    "{} {version}: {} {}",
                    deed.place, reply.status, reply.text
                ));
            }
        }
        asked += 1;
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(asked > 10, "{asked} asked");
}

#[tokio::test]
async fn a_form_that_is_none_is_refused_at_every_operation_that_takes_one() {
    let desk = Desk::open().await;
    let (mut wrong, mut asked) = (Vec::new(), 0);
    let forms = desk.deeds().into_iter();
    for deed in forms.filter(|deed| deed.takes_form) {
        for (kind, body) in [
            ("multipart/form-data", ""),
            ("multipart/form-data; boundary=a", "no form at all"),
            ("multipart/form-data; boundary=a", "--a\r\n\r\n--a--\r\n"),
            ("application/json", "{}"),
            ("", ""),
        ] {
            let reply = deed.with_headers(&[("content-type", kind)], body).await;
            wrong.extend(not_refused(
                &format!("{} {kind:?} {body:?}", deed.place),
                &reply,
            ));
        }
        asked += 1;
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(asked >= 3, "{asked} asked");
}
