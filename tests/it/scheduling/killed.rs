//! Bookings that are killed half-way: nothing is ever half-booked.

use std::time::Duration;

use chrono::TimeDelta;
use kernel::ids::mint;
use serde_json::Value;

use super::desk::Desk;
use crate::support::{Caller, id};

/// A number below `most`, another each time.
pub(super) fn any(most: u64) -> u64 {
    let (_, low) = mint().as_u64_pair();
    (low.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) % most
}

/// The booking of place number so-and-so: half an hour each, one after the other, through all the days.
fn booking(desk: &Desk, number: i64) -> Value {
    let first = desk.at(2, 0, 0);
    desk.wish(&desk.patient, first + TimeDelta::minutes(30 * number))
}

/// How many appointments stand.
async fn standing(desk: &Desk) -> i64 {
    sqlx::query_scalar("select count(*) from app.appointments where tenant_id = $1")
        .bind(desk.clinic.id.0)
        .fetch_one(&mut desk.clinic.behind_the_curtain().await)
        .await
        .expect("a count")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_hangs_up_at_any_moment_leaves_nothing_half_booked() {
    let desk = Desk::open().await;
    let mut answered = 0;
    for number in 0..100 {
        let wish = booking(&desk, number);
        let patience = Duration::from_micros(any(25_000));
        let booked = desk.staff.post("/api/v1/appointments", wish);
        if let Ok(reply) = tokio::time::timeout(patience, booked).await {
            reply.expect(201);
            answered += 1;
        }
        if number % 10 == 9 {
            assert_eq!(desk.torn().await, (0, 0), "after {number}");
        }
    }
    // What was being undone when the last one hung up is undone.
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(desk.torn().await, (0, 0));
    let standing = standing(&desk).await;
    assert!(
        (answered..100).contains(&standing),
        "{answered} were answered, {standing} stand: was nobody interrupted?"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_connection_that_dies_at_any_moment_leaves_nothing_half_booked() {
    let desk = Desk::open().await;
    let name = format!("victim-{}", mint().simple());
    let staff: Caller = desk.staff.on(desk.clinic.server_named(&name).await);
    let mut killer = desk.clinic.behind_the_curtain().await;
    let (mut killed, mut booked) = (0_i64, Vec::new());
    let mut number = 0;
    while killed < 100 {
        assert!(number < 1_000, "only {killed} were killed");
        let wish = booking(&desk, number % 400);
        number += 1;
        let request = tokio::spawn({
            let staff = staff.clone();
            async move { staff.post("/api/v1/appointments", wish).await }
        });
        tokio::time::sleep(Duration::from_micros(any(12_000))).await;
        let victims: i64 = sqlx::query_scalar(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity
              where application_name = $1 and (state like 'idle in%' or state = 'active')",
        )
        .bind(&name)
        .fetch_one(&mut killer)
        .await
        .expect("backends can be ended");
        killed += victims;
        let reply = request.await.expect("the request ends");
        match reply.status.as_u16() {
            201 => booked.push(id(&reply.json())),
            // Cut off, or the place was taken by one that was cut off after it was written.
            409 | 500 | 503 => {}
            other => panic!("{other}: {}", reply.text),
        }
        if number % 10 == 0 {
            assert_eq!(desk.torn().await, (0, 0), "after {number}");
        }
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(desk.torn().await, (0, 0));
    for id in &booked {
        let found = desk.staff.get(format!("/api/v1/appointments/{id}")).await;
        found.expect(200);
    }
    assert!(standing(&desk).await >= i64::try_from(booked.len()).expect("few"));
}
