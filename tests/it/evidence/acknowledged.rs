//! Breaks that a restore or a clock leaves in the sealed logs: sealing goes on, verification names them, somebody answers for them,
//! and nothing else is covered by that.

use std::path::Path;

use chrono::TimeDelta;
use kernel::Clock;
use kernel::clock::Instant;
use platform::audit::verify::{self, Report};
use platform::audit::{Answer, Log, Sealer};
use sqlx::Executor;

use super::pieces::Archive;
use super::seals::Outside;

const REASON: &str = "the disk was lost; the dump of last night was put back";

impl Archive {
    pub(super) async fn verified(&self, sink: Option<&Path>) -> Report {
        let keys = self.keys.current();
        verify::verify_with(&self.db, &keys, &verify::Range::default(), sink)
            .await
            .expect("it can be verified")
    }

    pub(super) async fn found(&self, sink: Option<&Path>) -> Vec<String> {
        let report = self.verified(sink).await;
        report.faults.iter().map(ToString::to_string).collect()
    }

    /// Whether there was anything to acknowledge.
    pub(super) async fn acknowledge(&self, sink: Option<&Path>) -> bool {
        self.acknowledge_at(sink, Clock::system().now()).await
    }

    pub(super) async fn acknowledge_at(&self, sink: Option<&Path>, now: Instant) -> bool {
        let answer = Answer {
            made_by: "Ada".to_owned(),
            reason: REASON.to_owned(),
        };
        let keys = self.keys.current();
        let done = verify::acknowledge_with(&self.db, &keys, sink, answer, now).await;
        done.expect("it can be acknowledged").1
    }

    pub(super) async fn run(&mut self, statement: &'static str) -> u64 {
        let done = self.connection.execute(statement).await;
        done.expect("a superuser may").rows_affected()
    }

    pub(super) async fn seal_all(&self, sink: Option<&Path>) {
        self.seal_into(sink, Clock::system()).await;
    }
}

/// What acknowledges nothing: a restore does not do that, and it is found whatever was acknowledged.
async fn tampering_stays_a_fault(archive: &mut Archive, sink: Option<&Path>) {
    let changed = "update app.audit_log set version = 77 where id = (select max(id::text)::uuid from app.audit_log)";
    assert_eq!(archive.run(changed).await, 1);
    for _ in 0..2 {
        let found = archive.found(sink).await;
        assert!(
            found.len() == 1 && found[0].contains("was changed after it was sealed"),
            "{found:#?}"
        );
        assert!(!archive.acknowledge(sink).await);
    }
}

#[tokio::test]
async fn a_dump_loaded_into_a_cluster_that_counts_anew_is_sealed_on_and_told() {
    let mut archive = Archive::new().await;
    // A cluster that has counted far, with records that are sealed and some that are not yet.
    archive
        .run("update app.numbering set shift = 1000000000")
        .await;
    archive.write([5, 3]).await;
    archive.seal_all(None).await;
    archive.write([2, 2]).await;
    assert_eq!(archive.found(None).await, Vec::<String>::new());
    // Another, that has not.
    archive.run("update app.numbering set shift = 0").await;
    archive.write([3, 0]).await;
    archive.seal_all(None).await;
    let report = archive.verified(None).await;
    let found: Vec<String> = report.faults.iter().map(ToString::to_string).collect();
    // One of each chain, but for who was idle since.
    assert!(
        !found.is_empty()
            && found
                .iter()
                .all(|one| one.contains("counts transactions anew")),
        "{found:#?}"
    );
    assert_eq!((report.history.records, report.history.unsealed), (15, 0));

    assert!(archive.acknowledge(None).await);
    let report = archive.verified(None).await;
    assert!(report.is_clean(), "{report}");
    let told = report.to_string();
    for words in [
        "acknowledgement 1 of 2",
        "by Ada",
        REASON,
        "counts transactions anew: the database went on in another cluster (acknowledgement 1)",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
    assert_eq!(report.acknowledged.len(), found.len());
    assert!(!archive.acknowledge(None).await, "there is nothing more");
    // Sealing goes on, and the next restore is a break of its own.
    archive.write([1, 1]).await;
    archive.seal_all(None).await;
    assert!(archive.verified(None).await.is_clean());
    archive
        .run("update app.numbering set shift = 0 where era = 1")
        .await;
    archive.write([1, 0]).await;
    archive.seal_all(None).await;
    assert_eq!(archive.found(None).await.len(), 1);
    assert!(archive.acknowledge(None).await);
    // Who was idle meanwhile is not asked about again.
    archive.write([0, 1]).await;
    archive.seal_all(None).await;
    let report = archive.verified(None).await;
    assert!(
        report.is_clean() && report.acknowledgements.len() == 2,
        "{report}"
    );
    tampering_stays_a_fault(&mut archive, None).await;
    archive.end().await;
}

#[tokio::test]
async fn whoever_seals_first_in_another_cluster_goes_on() {
    let mut archive = Archive::new().await;
    archive
        .run("update app.numbering set shift = 1000000000")
        .await;
    archive.write([1, 0]).await;
    archive.seal_all(None).await;
    archive.run("update app.numbering set shift = 0").await;
    // Nobody has written yet: the sealer finds its mark beyond every transaction.
    let mut sealer = Sealer::new(
        archive.db.clone(),
        archive.keys.clone(),
        Clock::system(),
        None,
    );
    assert!(sealer.round().await.expect("it goes on").more);
    let eras: i64 = sqlx::query_scalar("select count(*) from app.numbering")
        .fetch_one(&mut archive.connection)
        .await
        .expect("a count");
    assert_eq!(eras, 2);
    archive.write([1, 0]).await;
    archive.seal_all(None).await;
    assert_eq!(archive.found(None).await.len(), 1);
    archive.end().await;
}

#[tokio::test]
async fn an_acknowledgement_that_was_altered_or_taken_away_covers_nothing() {
    let mut archive = Archive::new().await;
    archive
        .run("update app.numbering set shift = 1000000000")
        .await;
    archive.write([1, 0]).await;
    archive.seal_all(None).await;
    archive.run("update app.numbering set shift = 0").await;
    archive.write([1, 0]).await;
    archive.seal_all(None).await;
    assert!(archive.acknowledge(None).await);
    for alter in [
        "update app.seal_acknowledgements set reason = 'maintenance'",
        "update app.seal_acknowledgements set claims = claims || '{mistimed}'::text[]",
    ] {
        archive
            .run("create table kept as table app.seal_acknowledgements")
            .await;
        assert_eq!(archive.run(alter).await, 1);
        let report = archive.verified(None).await;
        assert_eq!(
            (report.forged.clone(), report.faults.len()),
            (vec![1], 1),
            "{report}"
        );
        assert!(
            report
                .to_string()
                .contains("acknowledgement 1 has no valid signature")
        );
        archive.run("delete from app.seal_acknowledgements").await;
        let report = archive.verified(None).await;
        assert_eq!(
            (report.forged.len(), report.faults.len()),
            (0, 1),
            "{report}"
        );
        archive
            .run("insert into app.seal_acknowledgements table kept; drop table kept")
            .await;
        assert!(archive.verified(None).await.is_clean());
    }
    archive.end().await;
}

#[tokio::test]
async fn an_earlier_state_put_back_is_told_by_the_file_and_acknowledged_by_name() {
    let (mut archive, outside) = (Archive::new().await, Outside::new());
    let sink = Some(outside.0.as_path());
    archive.write([2, 1]).await;
    archive.seal_all(sink).await;
    let mark: i64 =
        sqlx::query_scalar("select until_xid from app.seal_progress where log = 'history'")
            .fetch_one(&mut archive.connection)
            .await
            .expect("a mark");
    for _ in 0..2 {
        archive.write([2, 1]).await;
        archive.seal_all(sink).await;
    }
    // As the database was at the mark.
    let back = format!(
        "delete from app.audit_log where xid >= {mark}; delete from app.seals where from_xid >= {mark};
         update app.seal_progress set until_xid = {mark} where log = 'history'"
    );
    archive
        .connection
        .execute(sqlx::AssertSqlSafe(back.clone()))
        .await
        .expect("a superuser may");
    let found = archive.found(sink).await;
    assert!(
        found.len() == 4 && found.iter().all(|one| one.contains("was removed")),
        "{found:#?}"
    );
    assert!(archive.acknowledge(sink).await);
    let report = archive.verified(sink).await;
    assert!(
        report.is_clean() && report.acknowledged.len() == 4,
        "{report}"
    );
    assert!(
        report
            .to_string()
            .contains("an earlier state was put back (acknowledgement 1)"),
        "{report}"
    );
    // The numbers are given again, and both seals of each stand in the file.
    archive.write([2, 1]).await;
    archive.seal_all(sink).await;
    let report = archive.verified(sink).await;
    assert!(
        report.is_clean() && report.acknowledged.len() == 4,
        "{report}"
    );
    // Who does the same again is not covered.
    archive
        .connection
        .execute(sqlx::AssertSqlSafe(back))
        .await
        .expect("a superuser may");
    let found = archive.found(sink).await;
    assert!(
        found.len() == 2 && found.iter().all(|one| one.contains("was removed")),
        "{found:#?}"
    );
    assert!(archive.acknowledge(sink).await);
    archive.write([1, 1]).await;
    archive.seal_all(sink).await;
    assert!(archive.verified(sink).await.is_clean());
    tampering_stays_a_fault(&mut archive, sink).await;
    archive.end().await;
}

#[tokio::test]
async fn a_file_of_seals_that_lacks_some_does_not_read_as_one_that_agrees() {
    let mut archive = Archive::new().await;
    let outside = Outside::new();
    let sink = Some(outside.0.as_path());
    for _ in 0..4 {
        archive.write([1, 1]).await;
        archive.seal_all(sink).await;
    }
    assert!(archive.verified(sink).await.is_clean());
    let whole = std::fs::read_to_string(&outside.0).expect("the file");
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    assert_eq!(lines.len(), 8, "{whole}");
    let keep = |wanted: &[&str]| std::fs::write(&outside.0, wanted.concat()).expect("written");
    // Begun anew: it says from where on it is a witness.
    keep(&lines[4..]);
    let found = archive.found(sink).await;
    let lacks = |text| found.iter().filter(|one| one.contains(text)).count();
    assert_eq!(found.len(), 2, "{found:#?}");
    assert_eq!(
        lacks("seals from 1 on are not kept outside the database: 2"),
        2
    );
    // A hole.
    keep(&[&lines[..2], &lines[6..]].concat());
    let found = archive.found(sink).await;
    let lacks = |text| found.iter().filter(|one| one.contains(text)).count();
    assert_eq!(
        lacks("seals from 2 on are not kept outside the database: 2"),
        2,
        "{found:#?}"
    );
    // Emptied, or away: also where there is another fault.
    let gone = "the file of seals is not there or has none";
    keep(&[]);
    for twice in [false, true] {
        let report = archive.verified(sink).await;
        assert!(
            !report.is_clean() && report.to_string().contains(gone),
            "{report}"
        );
        assert_eq!(report.faults.is_empty(), !twice, "{report}");
        std::fs::remove_file(&outside.0).expect("removed");
        let report = archive.verified(sink).await;
        assert!(
            !report.is_clean() && report.to_string().contains(gone),
            "{report}"
        );
        keep(&[]);
        let changed = "update app.audit_log set version = 77 where id = (select max(id::text)::uuid from app.audit_log)";
        assert_eq!(archive.run(changed).await, 1);
    }
    assert!(archive.verified(None).await.to_string().contains("1 fault"));
    archive.end().await;
}

#[tokio::test]
async fn a_file_of_seals_that_stays_behind_is_named_after_a_minute() {
    let mut archive = Archive::new().await;
    let outside = Outside::new();
    let sink = Some(outside.0.as_path());
    let clock = Clock::default();
    clock.advance(-TimeDelta::minutes(10));
    for there in [sink, None] {
        archive.write([1, 1]).await;
        archive.seal_into(there, clock.clone()).await;
    }
    let found = archive.found(sink).await;
    let late = found
        .iter()
        .filter(|one| one.contains("seals from 2 on are not kept"));
    assert_eq!(late.count(), 2, "{found:#?}");
    // What was made just now is on its way.
    archive.seal_into(sink, clock).await;
    archive.write([1, 1]).await;
    archive.seal_all(None).await;
    assert_eq!(archive.found(sink).await, Vec::<String>::new());
    archive.end().await;
}

#[tokio::test]
async fn records_of_a_clock_that_went_wrong_are_acknowledged_one_by_one() {
    let mut archive = Archive::new().await;
    let ahead = Clock::default();
    ahead.advance(TimeDelta::days(3));
    archive.write([2, 0]).await;
    archive.seal_into(None, ahead).await;
    archive.write([1, 0]).await;
    archive.seal_all(None).await;
    let found = archive.found(None).await;
    assert!(
        found.len() == 1 && found[0].contains("can't have been written"),
        "{found:#?}"
    );
    assert!(archive.acknowledge(None).await);
    let report = archive.verified(None).await;
    assert!(report.is_clean(), "{report}");
    let (known, by) = &report.acknowledged[0];
    assert_eq!((known.log, *by), (Log::History, 1));
    archive.write([1, 0]).await;
    archive.seal_all(None).await;
    assert!(archive.verified(None).await.is_clean());
    tampering_stays_a_fault(&mut archive, None).await;
    archive.end().await;
}

#[tokio::test]
async fn who_was_idle_since_a_clock_went_wrong_is_covered_when_he_writes_again() {
    let mut archive = Archive::new().await;
    let ahead = Clock::default();
    ahead.advance(TimeDelta::days(5));
    archive.write([1, 1]).await;
    archive.seal_into(None, ahead).await;
    archive.write([1, 0]).await;
    archive.seal_all(None).await;
    assert_eq!(archive.found(None).await.len(), 1);
    assert!(archive.acknowledge(None).await);
    // Not sealed yet; sealed; and with more behind it.
    archive.write([0, 2]).await;
    for more in [[0, 0], [1, 2], [0, 1]] {
        let report = archive.verified(None).await;
        assert!(report.is_clean(), "{report}");
        let told = report.to_string();
        let idle = format!("tenant {}: change history: record", archive.tenants[1]);
        assert!(
            told.contains(&idle) && told.contains("written (acknowledgement 1)"),
            "{told}"
        );
        assert!(!archive.acknowledge(None).await, "there is nothing more");
        archive.seal_all(None).await;
        archive.write(more).await;
    }
    archive.seal_all(None).await;
    tampering_stays_a_fault(&mut archive, None).await;
    archive.end().await;
}

#[tokio::test]
async fn what_says_it_is_older_than_the_acknowledgement_is_not_covered_by_it() {
    let mut archive = Archive::new().await;
    let ahead = Clock::default();
    ahead.advance(TimeDelta::days(9));
    archive.write([1, 1]).await;
    archive.seal_into(None, ahead).await;
    let later = Clock::system().now() + TimeDelta::days(3);
    assert!(archive.acknowledge_at(None, later).await);
    archive.write([1, 0]).await;
    for _ in 0..2 {
        let found = archive.found(None).await;
        assert!(
            found.len() == 1 && found[0].contains("can't have been written"),
            "{found:#?}"
        );
        archive.seal_all(None).await;
    }
    archive.end().await;
}
