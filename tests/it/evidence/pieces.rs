//! What a single transaction left is sealed in pieces where it is more than a round holds.

use std::path::Path;
use std::sync::Arc;

use kernel::Clock;
use kernel::clock::Instant;
use kernel::ids::mint;
use platform::audit::{FileSink, SealSink, Sealer, verify};
use platform::crypto::{Keyring, LocalMasterKeys, SigningKeys};
use platform::db::{Db, DbOptions};
use sqlx::{Executor, PgConnection};
use uuid::Uuid;

use crate::support::OwnDatabase;

/// Records a round holds.
const MOST: u32 = 4;

/// A database nobody else seals, with a history that was there before history was sealed.
pub(super) struct Archive {
    own: OwnDatabase,
    pub(super) connection: PgConnection,
    pub(super) db: Db,
    pub(super) keys: Keyring,
    wrapper: LocalMasterKeys,
    pub(super) tenants: [Uuid; 2],
}

impl Archive {
    pub(super) async fn new() -> Self {
        let own = OwnDatabase::copy().await;
        let mut connection = own.connect().await;
        let wrapper =
            LocalMasterKeys::from_base64(&LocalMasterKeys::generate(), None).expect("a key");
        let keys = SigningKeys::load_or_create(&mut connection, &wrapper, Clock::system().now())
            .await
            .expect("keys");
        let db = Db::new(&DbOptions::from_url(&own.runtime_url()).expect("our own URL"));
        Self {
            own,
            connection,
            db,
            keys: Keyring::new(keys),
            wrapper,
            tenants: [mint(), mint()],
        }
    }

    /// So many changes of each tenant, all of one transaction.
    pub(super) async fn write(&mut self, changes: [i32; 2]) {
        sqlx::query(
            "insert into app.audit_log (tenant_id, at, table_name, row_id, action, role, version, after)
             select tenant, now(), 'patients', gen_random_uuid(), 'update', 'admin', number, '{}'
               from (values ($1::uuid, $2), ($3::uuid, $4)) as t (tenant, changes) cross join generate_series(1, changes) number",
        )
        .bind(self.tenants[0])
        .bind(changes[0])
        .bind(self.tenants[1])
        .bind(changes[1])
        .execute(&mut self.connection)
        .await
        .expect("a superuser may");
    }

    /// The seal key has been in other hands since then: another signs from now on. Returns the keys of before.
    pub(super) async fn compromise(&mut self, since: Instant) -> Keyring {
        let id = self.keys.current().sign_seal(b"whose id").0.to_owned();
        let now = Clock::system().now();
        let next = SigningKeys::disown(&mut self.connection, &self.wrapper, &id, since, now).await;
        assert!(next.expect("it is noted").is_some());
        let keys = SigningKeys::load_or_create(&mut self.connection, &self.wrapper, now).await;
        std::mem::replace(&mut self.keys, Keyring::new(keys.expect("keys")))
    }

    /// Seals until nothing waits.
    async fn seal(&self) {
        self.seal_into(None, Clock::system()).await;
    }

    /// The same, for a file outside the database and by a clock of its own.
    pub(super) async fn seal_into(&self, sink: Option<&Path>, clock: Clock) {
        let sink = sink.map(|path| Arc::new(FileSink::new(path)) as Arc<dyn SealSink>);
        let mut sealer = Sealer::new(self.db.clone(), self.keys.clone(), clock, sink).holding(MOST);
        for _ in 0..400 {
            let round = sealer.round().await.expect("it seals");
            let [_, history] = platform::audit::backlog(&self.db).await.expect("a count");
            if !round.more && history.records == 0 {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        panic!("the records were not sealed");
    }

    /// The records of each seal of a tenant's history, and whether all are of one transaction.
    async fn seals(&mut self, tenant: usize) -> Vec<(i32, bool)> {
        sqlx::query_as(
            "select records, until_xid - from_xid = 1 from app.seals where tenant_id = $1 and log = 'history' order by sequence",
        )
        .bind(self.tenants[tenant])
        .fetch_all(&mut self.connection)
        .await
        .expect("seals")
    }

    /// What is found in the histories, looked at in stretches of so many records.
    async fn faults(&self, stretch: u32) -> Vec<String> {
        let range = verify::Range::default();
        let keys = self.keys.current();
        let report = verify::verify_in_stretches(&self.db, &keys, &range, None, stretch)
            .await
            .expect("it can be verified");
        report.faults.iter().map(ToString::to_string).collect()
    }

    pub(super) async fn end(self) {
        self.db.close().await;
        drop(self.connection);
        self.own.drop().await;
    }
}

/// Around the sizes of a piece, and more than there is.
const STRETCHES: [u32; 5] = [1, 3, 5, 9, 200_000];

#[tokio::test]
async fn what_one_transaction_left_is_sealed_in_pieces_and_verifies() {
    let mut archive = Archive::new().await;
    archive.write([22, 9]).await;
    archive.write([2, 0]).await;
    archive.seal().await;
    let whole: [Vec<(i32, bool)>; 2] = [archive.seals(0).await, archive.seals(1).await];
    for (seals, records) in whole.iter().zip([24, 9]) {
        assert_eq!(
            seals.iter().map(|(records, _)| records).sum::<i32>(),
            records
        );
        assert!(seals.iter().all(|(records, _)| *records <= 4), "{seals:?}");
    }
    assert!(
        whole[0].iter().filter(|(_, one)| *one).count() >= 6,
        "{whole:?}"
    );
    for stretch in STRETCHES {
        assert_eq!(
            archive.faults(stretch).await,
            Vec::<String>::new(),
            "{stretch}"
        );
    }
    // Sealing goes on behind the pieces.
    archive.write([1, 1]).await;
    archive.seal().await;
    assert_eq!(archive.faults(3).await, Vec::<String>::new());
    archive.end().await;
}

#[tokio::test]
async fn whatever_is_done_to_a_record_in_a_piece_is_found_and_named() {
    let mut archive = Archive::new().await;
    archive.write([22, 9]).await;
    archive.seal().await;
    let ids: Vec<Uuid> =
        sqlx::query_scalar("select id from app.audit_log where tenant_id = $1 order by id")
            .bind(archive.tenants[0])
            .fetch_all(&mut archive.connection)
            .await
            .expect("ids");
    let columns = "tenant_id, at, table_name, row_id, action, role, version, after, xid";
    for number in [0, 3, 4, 11, 20, 21] {
        let id = ids[number];
        for (attack, finding) in [
            (
                format!("update app.audit_log set version = 77 where id = '{id}'"),
                "was changed",
            ),
            (
                format!("delete from app.audit_log where id = '{id}'"),
                "was removed",
            ),
        ] {
            archive.connection.execute("begin").await.expect("begin");
            sqlx::query("create temp table kept on commit drop as select * from app.audit_log where id = $1")
                .bind(id)
                .execute(&mut archive.connection)
                .await
                .expect("kept");
            archive
                .connection
                .execute("create temp table aside as table kept")
                .await
                .expect("kept");
            archive
                .connection
                .execute(sqlx::AssertSqlSafe(attack))
                .await
                .expect("a superuser may");
            archive.connection.execute("commit").await.expect("commit");
            for stretch in STRETCHES {
                let found = archive.faults(stretch).await;
                assert!(
                    found.len() == 1
                        && found[0].contains(finding)
                        && found[0].contains(&id.to_string()),
                    "{number} {finding} {stretch}: {found:#?}"
                );
            }
            sqlx::query("delete from app.audit_log where id = $1")
                .bind(id)
                .execute(&mut archive.connection)
                .await
                .expect("a superuser may");
            archive
                .connection
                .execute("insert into app.audit_log select * from aside; drop table aside")
                .await
                .expect("put back");
        }
        // One more, right behind it.
        let stranger = Uuid::from_u128(id.as_u128() + 1);
        let insert = format!(
            "insert into app.audit_log (id, {columns}) select '{stranger}', {columns} from app.audit_log where id = '{id}'"
        );
        archive
            .connection
            .execute(sqlx::AssertSqlSafe(insert))
            .await
            .expect("a superuser may");
        for stretch in STRETCHES {
            let found = archive.faults(stretch).await;
            assert!(
                found.len() == 1
                    && found[0].contains("was inserted")
                    && found[0].contains(&stranger.to_string()),
                "{number} {stretch}: {found:#?}"
            );
        }
        let delete = format!("delete from app.audit_log where id = '{stranger}'");
        archive
            .connection
            .execute(sqlx::AssertSqlSafe(delete))
            .await
            .expect("a superuser may");
        assert_eq!(archive.faults(9).await, Vec::<String>::new());
    }
    archive.end().await;
}
