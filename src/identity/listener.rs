//! Hearing of changes that other processes make.
//!
//! One connection listens. Each second it notifies itself, through the same queue as everybody's notifications; hearing
//! that back proves that it hears the others. After three seconds without, [`Hearing::is_fresh`] says no and nobody
//! relies on what is remembered. When the connection was lost, messages may have been missed: everything is forgotten.

use std::sync::Weak;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use kernel::ids::mint;
use platform::access::{Authenticator, CHANNEL, Changed};
use platform::db::Db;
use sqlx::postgres::PgListener;
use sqlx::{AssertSqlSafe, Executor};
use tokio::time::{Instant, MissedTickBehavior};

use crate::identity::Identity;

const BEAT: Duration = Duration::from_secs(1);
const DEAF_AFTER: Duration = Duration::from_secs(3);
const RETRY: Duration = Duration::from_secs(1);

/// When the listener last heard itself.
#[derive(Debug)]
pub(crate) struct Hearing {
    began: Instant,
    /// Milliseconds after `began`; 0 is never.
    heard: AtomicU64,
}

impl Default for Hearing {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            heard: AtomicU64::new(0),
        }
    }
}

impl Hearing {
    /// Whether messages arrive, as far as one can know.
    pub fn is_fresh(&self) -> bool {
        fresh(self.heard.load(Ordering::Acquire), self.began.elapsed())
    }

    fn heard_now(&self) {
        let millis = u64::try_from(self.began.elapsed().as_millis())
            .unwrap_or(u64::MAX)
            .max(1);
        self.heard.store(millis, Ordering::Release);
    }

    fn lost(&self) {
        self.heard.store(0, Ordering::Release);
    }
}

fn fresh(heard: u64, elapsed: Duration) -> bool {
    heard != 0 && elapsed < Duration::from_millis(heard).saturating_add(DEAF_AFTER)
}

/// Listens until the pool closes or nobody needs it any more.
pub(crate) async fn run(db: Db, identity: Weak<Identity>) {
    loop {
        let ended = listen(&db, &identity).await;
        let Some(identity) = identity.upgrade() else {
            return;
        };
        identity.hearing().lost();
        identity.forget_all();
        match ended {
            Ok(()) | Err(sqlx::Error::PoolClosed) => return,
            Err(error) => {
                let error = kernel::Error::from(error);
                tracing::warn!(
                    cause = error.cause_for_log(),
                    "not hearing of changes; every request asks the database"
                );
            }
        }
        drop(identity);
        tokio::time::sleep(RETRY).await;
    }
}

async fn listen(db: &Db, identity: &Weak<Identity>) -> Result<(), sqlx::Error> {
    // Only this process listens to its own beat.
    let own = format!("chartwell_beat_{}", mint().simple());
    let beat = format!("notify {own}");
    let mut listener = PgListener::connect_with(db.notices()).await?;
    // A silent reconnection would hide that messages were missed.
    listener.eager_reconnect(false);
    listener.listen_all([CHANNEL, own.as_str()]).await?;
    // What was looked up before may have changed before anybody listened.
    identity.upgrade().inspect(|identity| identity.forget_all());
    let mut ticks = tokio::time::interval(BEAT);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {
                if identity.strong_count() == 0 {
                    return Ok(());
                }
                // A constant and an id of our own making.
                let sent = listener.execute(AssertSqlSafe(beat.clone()));
                tokio::time::timeout(DEAF_AFTER, sent).await.map_err(|_| lost_connection())??;
            }
            notice = listener.try_recv() => {
                let notice = notice?.ok_or_else(lost_connection)?;
                let Some(identity) = identity.upgrade() else { return Ok(()) };
                if notice.channel() == own {
                    identity.hearing().heard_now();
                } else if let Some((tenant, changed)) = Changed::parse(notice.payload()) {
                    identity.forget(tenant, changed);
                } else {
                    // From a later version, perhaps: what it means is unknown, so nothing is safe.
                    identity.forget_all();
                }
            }
        }
    }
}

fn lost_connection() -> sqlx::Error {
    sqlx::Error::Io(std::io::ErrorKind::ConnectionAborted.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hearing_is_fresh_for_three_seconds() {
        assert!(!fresh(0, Duration::from_millis(1)), "never heard");
        assert!(fresh(1_000, Duration::from_secs(1)));
        assert!(fresh(1_000, Duration::from_millis(3_999)));
        assert!(!fresh(1_000, Duration::from_secs(4)));
        let hearing = Hearing::default();
        hearing.heard_now();
        assert!(hearing.is_fresh());
        hearing.lost();
        assert!(!hearing.is_fresh());
    }
}
