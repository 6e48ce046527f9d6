//! A seal key in other hands, and the database with it: whatever time its thief writes, what he signs is not believed.

use chrono::TimeDelta;
use kernel::Clock;
use platform::crypto::Keyring;

use super::pieces::Archive;

const OTHER_HANDS: &str = "is signed with a key that was in other hands by then";

/// A clock that is behind.
fn behind(by: TimeDelta) -> Clock {
    let clock = Clock::default();
    clock.advance(-by);
    clock
}

impl Archive {
    /// What the thief seals with the key he took.
    async fn seal_as(&mut self, thief: &Keyring, clock: Clock) {
        let ours = std::mem::replace(&mut self.keys, thief.clone());
        self.seal_into(None, clock).await;
        self.keys = ours;
    }
}

/// A database that went on in another cluster, which is a break.
async fn continued() -> Archive {
    let mut archive = Archive::new().await;
    archive
        .run("update app.numbering set shift = 1000000000")
        .await;
    archive.write([1, 0]).await;
    archive.seal_all(None).await;
    archive.run("update app.numbering set shift = 0").await;
    archive.write([1, 0]).await;
    archive.seal_all(None).await;
    archive
}

#[tokio::test]
async fn an_acknowledgement_of_a_stolen_key_counts_for_nothing_whatever_time_it_bears() {
    let mut archive = continued().await;
    // Made before the theft, by what it says of itself: a thief would have it say the same.
    assert!(archive.acknowledge(None).await);
    assert!(archive.verified(None).await.is_clean());
    let since = Clock::system().now();
    archive.compromise(since).await;
    let report = archive.verified(None).await;
    let told = report.to_string();
    assert_eq!(
        (report.disowned.as_slice(), report.faults.len()),
        ([1].as_slice(), 1),
        "{told}"
    );
    assert!(
        told.contains("acknowledgement 1 is signed with a key that has been in other hands"),
        "{told}"
    );
    assert!(told.contains("counts transactions anew") && told.ends_with("2 faults"));

    // Somebody answers for both with the new key.
    assert!(archive.acknowledge(None).await);
    let report = archive.verified(None).await;
    let told = report.to_string();
    assert!(report.is_clean(), "{told}");
    for words in [
        "acknowledgement 1 is signed with a key that has been in other hands, and counts for nothing (acknowledgement 2)",
        "counts transactions anew: the database went on in another cluster (acknowledgement 2)",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
    assert!(!archive.acknowledge(None).await, "there is nothing more");
    // Who alters the one that was answered for has another one.
    archive
        .run("update app.seal_acknowledgements set made_by = 'Eve' where number = 1")
        .await;
    let report = archive.verified(None).await;
    assert_eq!(
        (report.forged.as_slice(), report.is_clean()),
        ([1].as_slice(), false)
    );
    archive.end().await;
}

#[tokio::test]
async fn an_acknowledgement_written_by_the_thief_covers_nothing() {
    let mut archive = continued().await;
    let since = Clock::system().now() - TimeDelta::minutes(30);
    let stolen = archive.compromise(since).await;
    // Every seal of before the theft is long believed here.
    let ours = std::mem::replace(&mut archive.keys, stolen);
    let dated_back = since - TimeDelta::hours(5);
    assert!(archive.acknowledge_at(None, dated_back).await);
    archive.keys = ours;
    let report = archive.verified(None).await;
    assert_eq!(report.disowned, [1]);
    assert!(
        report
            .to_string()
            .contains("counts transactions anew: the database went on in another cluster\n"),
        "{report}"
    );
    archive.end().await;
}

#[tokio::test]
async fn a_seal_dated_before_the_theft_does_not_hold_what_was_written_since() {
    let mut archive = Archive::new().await;
    let since = Clock::system().now() - TimeDelta::minutes(30);
    let stolen = archive.compromise(since).await;
    archive.write([1, 1]).await;
    // An hour ago, says the thief, of what was written now; and goes on with that.
    archive.seal_as(&stolen, behind(TimeDelta::hours(1))).await;
    archive.write([1, 0]).await;
    archive.seal_as(&stolen, behind(TimeDelta::hours(1))).await;
    let found = archive.found(None).await;
    assert!(
        found.len() == 3 && found.iter().all(|one| one.contains(OTHER_HANDS)),
        "{found:#?}"
    );
    assert!(!archive.acknowledge(None).await, "nobody answers for that");
    // What the new key seals upon them is sound.
    archive.write([1, 1]).await;
    archive.seal_all(None).await;
    assert_eq!(archive.found(None).await.len(), 3);
    archive.end().await;
}

#[tokio::test]
async fn a_seal_without_later_records_does_not_go_behind_the_seal_it_follows() {
    let mut archive = Archive::new().await;
    archive.write([1, 0]).await;
    archive.seal_all(None).await;
    let since = Clock::system().now();
    archive.write([1, 0]).await;
    archive.seal_all(None).await;
    let stolen = archive.compromise(since).await;
    // Records that say they are old, under seals that say so too: one upon the other.
    for _ in 0..2 {
        archive.write([1, 0]).await;
        archive
            .run("update app.audit_log set at = now() - interval '2 hours' where xid >= (select until_xid from app.seal_progress where log = 'history')")
            .await;
        archive.seal_as(&stolen, behind(TimeDelta::hours(1))).await;
    }
    let found = archive.found(None).await;
    assert!(
        found.len() == 3 && found.iter().all(|one| one.contains(OTHER_HANDS)),
        "{found:#?}"
    );
    archive.end().await;
}
