//! One search over notes and documents: one order, one page, and each caller finds what he may read.

use chrono::TimeDelta;
use platform::access::Role;
use serde_json::{Value, json};
use sqlx::Row as _;

use super::notes::Ward;
use crate::support::{Caller, admin_connection};

const PLACE: &str = "/api/v1/search/notes";

async fn page(caller: &Caller, query: &str) -> Value {
    caller.get(format!("{PLACE}?{query}")).await.expect(200)
}

/// What was found, as kind and day, in the order it came.
async fn found(caller: &Caller, query: &str) -> Vec<(String, String)> {
    let page = page(caller, query).await;
    let items = page["items"].as_array().expect("items").iter();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    items
        .map(|item| {
            let day = text(&item["noted_at"]).or_else(|| text(&item["document_date"]));
            let day = day.expect("a day")[..10].to_owned();
            (text(&item["found"]).expect("what it is"), day)
        })
        .collect()
}

/// Files a text; it is found when the work that follows an upload is done.
async fn file(ward: &Ward, caller: &Caller, category: &str, day: &str, text: &str) -> String {
    let label =
        json!({ "category": category, "kind": "other", "title": "A paper", "document_date": day });
    let made = caller
        .file(
            format!("/api/v1/patients/{}/documents", ward.patient),
            Some(&label),
            ("paper.txt", "text/plain", text.as_bytes()),
        )
        .await
        .expect(201);
    clinical::documents::round(&ward.clinic.app, ward.clinic.id)
        .await
        .expect("the work is done");
    crate::support::id(&made)
}

async fn note(ward: &Ward, at: &str, body: &str) -> String {
    let new = json!({ "type": "progress", "noted_at": at, "content": { "body": body } });
    let place = format!("/api/v1/patients/{}/notes", ward.patient);
    crate::support::id(&ward.doctor.post(place, new).await.expect(201))
}

/// The account of the ward's patient.
async fn portal_user(ward: &Ward) -> Caller {
    let user = ward.clinic.user(Role::Patient).await;
    let place = format!("/api/v1/patients/{}", ward.patient);
    let present = ward.admin.get(&place).await.expect(200);
    let link = json!({ "portal_user_id": user.user_id });
    let version = present["version"].as_i64().expect("a version");
    ward.admin.patch(&place, version, link).await.expect(200);
    user.with_token(Some(ward.clinic.log_in(&user.email).await))
}

fn pairs<'a>(found: &'a [(String, String)]) -> Vec<(&'a str, &'a str)> {
    let pair = |(kind, day): &'a (String, String)| (kind.as_str(), day.as_str());
    found.iter().map(pair).collect()
}

#[tokio::test]
async fn notes_and_documents_stand_in_one_order_and_pages_go_over_both() {
    let ward = Ward::open().await;
    note(&ward, "2026-01-04T12:00:00Z", "quinsy on the left").await;
    file(
        &ward,
        &ward.doctor,
        "clinical",
        "2026-01-03",
        "quinsy, said the letter",
    )
    .await;
    note(&ward, "2026-01-02T12:00:00Z", "no quinsy").await;
    file(
        &ward,
        &ward.doctor,
        "clinical",
        "2026-01-01",
        "an old quinsy",
    )
    .await;
    let all = [
        ("note", "2026-01-04"),
        ("document", "2026-01-03"),
        ("note", "2026-01-02"),
        ("document", "2026-01-01"),
    ];
    for caller in [&ward.doctor, &ward.admin] {
        assert_eq!(pairs(&found(caller, "q=quinsy").await), all);
        assert_eq!(
            pairs(&found(caller, "").await),
            all,
            "everything, unless words are given"
        );
        let mut walked = Vec::new();
        let mut next = String::new();
        loop {
            let query = format!("q=quinsy&limit=1{next}");
            walked.extend(found(caller, &query).await);
            match page(caller, &query).await["next_cursor"].as_str() {
                Some(cursor) => next = format!("&cursor={cursor}"),
                None => break,
            }
        }
        assert_eq!(pairs(&walked), all);
    }
    let doctor = &ward.doctor.user_id;
    for (query, expected) in [
        ("in=notes&q=quinsy".to_owned(), vec![all[0], all[2]]),
        ("in=documents&q=quinsy".to_owned(), vec![all[1], all[3]]),
        ("in=documents".to_owned(), vec![all[1], all[3]]),
        ("q=quinsy+-left&type=progress".to_owned(), vec![all[2]]),
        ("q=quin*&kind=other".to_owned(), vec![all[1], all[3]]),
        ("q=quinsy&kind=consent".to_owned(), vec![]),
        (
            "q=quinsy&category=clinical".to_owned(),
            vec![all[1], all[3]],
        ),
        ("q=quinsy&category=insurance".to_owned(), vec![]),
        ("q=%22old+quinsy%22".to_owned(), vec![all[3]]),
        (
            format!("q=quinsy&author_id={doctor}&to=2026-01-03T00:00:00Z"),
            vec![all[2], all[3]],
        ),
        (format!("q=quinsy&author_id={}", ward.patient), vec![]),
        (
            format!("patient_id={}&from=2026-01-02T13:00:00Z", ward.patient),
            vec![all[0], all[1]],
        ),
    ] {
        assert_eq!(
            pairs(&found(&ward.doctor, &query).await),
            expected,
            "{query}"
        );
    }
    for query in [
        "type=progress&kind=other",
        "type=progress&in=documents",
        "in=notes&category=clinical",
    ] {
        let refused = ward.doctor.get(format!("{PLACE}?{query}")).await;
        refused.expect_problem(400, "invalid_parameter");
    }
}

#[tokio::test]
async fn the_front_desk_finds_its_papers_and_a_patient_what_was_released_to_him() {
    let ward = Ward::open().await;
    let staff = ward.clinic.user(Role::Staff).await;
    let office = file(
        &ward,
        &ward.admin,
        "administrative",
        "2026-01-03",
        "wombat address",
    )
    .await;
    file(&ward, &ward.admin, "clinical", "2026-01-02", "wombat bite").await;
    note(&ward, "2026-01-01T12:00:00Z", "wombat draft").await;
    for (query, expected) in [
        ("q=wombat", vec![("document", "2026-01-03")]),
        ("", vec![("document", "2026-01-03")]),
        ("in=notes&q=wombat", vec![]),
        ("in=notes", vec![]),
    ] {
        assert_eq!(pairs(&found(&staff, query).await), expected, "{query}");
    }
    let portal = portal_user(&ward).await;
    assert_eq!(found(&portal, "q=wombat").await, []);
    let signed = ward
        .signed(&ward.doctor, "progress", "wombat bite, healed")
        .await;
    ward.admin
        .act(format!("/api/v1/documents/{office}/release"))
        .await
        .expect(200);
    let mine = page(&portal, "q=wombat").await;
    assert_eq!(mine["items"].as_array().map(Vec::len), Some(2), "{mine}");
    assert_eq!(mine["items"][0]["found"], "released_note", "{mine}");
    assert_eq!(mine["items"][0]["id"], signed.as_str());
    assert_eq!(mine["items"][1]["id"], office.as_str());
    let first = page(&portal, "q=wombat&limit=1").await;
    let cursor = first["next_cursor"].as_str().expect("another page");
    let second = page(&portal, &format!("q=wombat&limit=1&cursor={cursor}")).await;
    assert_eq!(second["items"][0]["id"], office.as_str());
    assert!(second["next_cursor"].is_null());
    for (query, count) in [
        ("q=healed", 1),
        ("q=%22bite+healed%22", 1),
        ("q=wombat+-healed", 1),
        ("q=draft", 0),
        ("q=the", 0),
        ("type=progress", 1),
        ("type=nursing", 0),
        ("in=documents", 1),
    ] {
        assert_eq!(found(&portal, query).await.len(), count, "{query}");
    }
    // His doctor finds the note, not the copy of it.
    let hers = found(&ward.doctor, "q=healed").await;
    assert_eq!(hers.len(), 1);
    assert_eq!(hers[0].0, "note");
    ward.doctor
        .act(format!("/api/v1/notes/{signed}/withhold"))
        .await
        .expect(200);
    assert_eq!(found(&portal, "q=wombat").await.len(), 1);
}

#[tokio::test]
async fn the_words_of_a_document_follow_its_label_and_each_hit_is_on_record_as_what_it_is() {
    let ward = Ward::open().await;
    let document = file(
        &ward,
        &ward.doctor,
        "clinical",
        "2026-01-02",
        "ocelot scratch",
    )
    .await;
    note(&ward, "2026-01-01T12:00:00Z", "ocelot again").await;
    let place = format!("/api/v1/documents/{document}");
    let present = ward.doctor.get(&place).await.expect(200);
    let version = present["version"].as_i64().expect("a version");
    let label =
        json!({ "title": "Zoo incident", "document_date": "2025-12-24", "kind": "correspondence" });
    ward.doctor.patch(&place, version, label).await.expect(200);
    let all = [("note", "2026-01-01"), ("document", "2025-12-24")];
    assert_eq!(pairs(&found(&ward.doctor, "q=ocelot").await), all);
    assert_eq!(
        pairs(&found(&ward.doctor, "q=incident+ocelot").await),
        all[1..]
    );
    assert_eq!(found(&ward.doctor, "q=paper").await, []);
    assert_eq!(
        pairs(&found(&ward.doctor, "kind=correspondence").await),
        all[1..]
    );
    let reply = ward.doctor.get(format!("{PLACE}?q=ocelot")).await;
    let request = reply.headers["x-request-id"].to_str().expect("an id");
    let rows = sqlx::query(
        "select resource, resource_id::text as id, patient_id::text as patient from app.phi_accesses
          where request_id = $1::uuid order by resource",
    )
    .bind(request)
    .fetch_all(&mut admin_connection().await)
    .await
    .expect("the log can be read");
    let kinds: Vec<String> = rows.iter().map(|row| row.get("resource")).collect();
    assert_eq!(kinds, ["document", "note"]);
    assert_eq!(rows[0].get::<String, _>("id"), document);
    assert!(
        rows.iter()
            .all(|row| row.get::<String, _>("patient") == ward.patient)
    );
}

async fn jobs_done(ward: &Ward) {
    ward.clinic.clock.advance(TimeDelta::seconds(3));
    let jobs = chartwell::jobs();
    let done = platform::jobs::run_due(&ward.clinic.app, &jobs, ward.clinic.id).await;
    done.expect("the jobs can be reached");
}

#[tokio::test]
async fn the_days_of_many_documents_move_in_batches_until_none_is_out_of_place() {
    let ward = Ward::open().await;
    file(&ward, &ward.doctor, "clinical", "2026-01-02", "lynx bite").await;
    let mut connection = ward.clinic.behind_the_curtain().await;
    // More than two batches: each stands in the search as the one does.
    sqlx::query(
        "with new as (select d as old, gen_random_uuid() as id from app.documents d, generate_series(1, 2100) where d.tenant_id = $1),
              made as (insert into app.documents
                       select (jsonb_populate_record(null::app.documents, to_jsonb(n.old) || jsonb_build_object('id', n.id))).* from new n)
         insert into app.search_texts
         select (jsonb_populate_record(null::app.search_texts, to_jsonb(s) || jsonb_build_object('source_id', n.id))).*
           from new n join app.search_texts s on s.tenant_id = $1 and s.kind = 'document'",
    )
    .bind(ward.clinic.id.0)
    .execute(&mut connection)
    .await
    .expect("a superuser may");
    let mut astray = async || -> i64 {
        sqlx::query_scalar(
            "select count(*) from app.search_texts s join app.documents d on d.tenant_id = s.tenant_id and d.id = s.source_id
               join app.tenants t on t.tenant_id = s.tenant_id
              where s.tenant_id = $1 and s.happened_at <> d.document_date::timestamp at time zone t.time_zone",
        )
        .bind(ward.clinic.id.0)
        .fetch_one(&mut connection)
        .await
        .expect("a count")
    };
    assert_eq!(astray().await, 0);
    let change = json!({ "time_zone": "Asia/Tokyo" });
    ward.admin
        .patch("/api/v1/tenant", 1, change)
        .await
        .expect(200);
    assert_eq!(astray().await, 2_101, "nobody waits for it");
    jobs_done(&ward).await;
    assert_eq!(astray().await, 0);
    // One that somebody was just filing by the clocks of before.
    let old = "update app.search_texts set happened_at = happened_at + interval '1 hour'
                where (tenant_id, source_id) in (select tenant_id, source_id from app.search_texts
                                                  where tenant_id = $1 and kind = 'document' limit 1)";
    let mut stray = ward.clinic.behind_the_curtain().await;
    let strayed = sqlx::query(old).bind(ward.clinic.id.0);
    strayed.execute(&mut stray).await.expect("a superuser may");
    for expected in [1, 0] {
        assert_eq!(astray().await, expected);
        ward.clinic.clock.advance(TimeDelta::minutes(1));
        jobs_done(&ward).await;
    }
    ward.clinic.clock.advance(TimeDelta::minutes(2));
    let jobs = chartwell::jobs();
    let left = platform::jobs::run_due(&ward.clinic.app, &jobs, ward.clinic.id).await;
    assert_eq!(left.expect("the jobs can be reached"), 0, "it has ended");
}

#[tokio::test]
async fn a_document_lies_where_its_day_begins_on_the_organisations_clocks() {
    let ward = Ward::open().await;
    let zone = async |name: &str, version: i64| {
        let change = json!({ "time_zone": name });
        let place = "/api/v1/tenant";
        ward.admin.patch(place, version, change).await.expect(200);
    };
    zone("America/New_York", 1).await;
    file(&ward, &ward.doctor, "clinical", "2026-01-02", "lynx bite").await;
    note(&ward, "2026-01-02T03:00:00Z", "lynx, the evening before").await;
    let day = [("document", "2026-01-02")];
    let evening = [("note", "2026-01-02")];
    let both = [day[0], evening[0]];
    let of = async |query: &str| found(&ward.doctor, &format!("q=lynx{query}")).await;
    assert_eq!(pairs(&of("").await), both);
    assert_eq!(pairs(&of("&from=2026-01-02T05:00:00Z").await), day);
    assert_eq!(pairs(&of("&to=2026-01-02T05:00:00Z").await), evening);

    // The organisation has moved, and its days with it: as soon as a job has come by.
    zone("Asia/Tokyo", 2).await;
    assert_eq!(pairs(&of("").await), both);
    jobs_done(&ward).await;
    assert_eq!(pairs(&of("&to=2026-01-02T00:00:00Z").await), day);
    assert_eq!(pairs(&of("&from=2026-01-02T00:00:00Z").await), evening);
    file(&ward, &ward.doctor, "clinical", "2026-01-03", "lynx again").await;
    let later = [("document", "2026-01-03")];
    assert_eq!(
        pairs(&of("&from=2026-01-02T15:00:00Z").await),
        later,
        "{:?}",
        of("").await
    );
}
