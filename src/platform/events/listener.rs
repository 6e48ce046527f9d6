//! The connection that listens.
//!
//! It is asked for a sign of life every few seconds, because a connection that was lost on the way says nothing. Once it
//! listens again, what was told meanwhile is lost, and everybody is told that.

use std::sync::Weak;
use std::time::Duration;

use sqlx::Executor as _;
use sqlx::postgres::PgListener;
use tokio::time::MissedTickBehavior;

use super::{BOARD, Inner, WORK};

const BEAT: Duration = Duration::from_secs(5);
const DEAF_AFTER: Duration = Duration::from_secs(3);
const RETRY: Duration = Duration::from_secs(1);

/// Listens until the pool closes or nobody needs it any more.
pub(super) async fn run(events: Weak<Inner>) {
    let mut again = false;
    loop {
        let Err(error) = listen(&events, again).await else {
            return;
        };
        let Some(events) = events.upgrade() else {
            return;
        };
        events.listening.send_replace(false);
        if matches!(error, sqlx::Error::PoolClosed) {
            return;
        }
        let error = kernel::Error::from(error);
        tracing::warn!(
            cause = error.cause_for_log(),
            "not hearing of events; jobs are looked for every second, boards stand still"
        );
        drop(events);
        again = true;
        tokio::time::sleep(RETRY).await;
    }
}

async fn listen(events: &Weak<Inner>, again: bool) -> Result<(), sqlx::Error> {
    let Some(inner) = events.upgrade() else {
        return Ok(());
    };
    let mut listener = PgListener::connect_with(inner.db.notices()).await?;
    // A silent reconnection would hide that notices were missed.
    listener.eager_reconnect(false);
    listener.listen_all([WORK, BOARD]).await?;
    if again {
        inner.gap();
        inner.work.notify_one();
    }
    inner.listening.send_replace(true);
    drop(inner);
    let mut beats = tokio::time::interval(BEAT);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = beats.tick() => {
                if events.strong_count() == 0 {
                    return Ok(());
                }
                let alive = listener.execute("select 1");
                tokio::time::timeout(DEAF_AFTER, alive).await.map_err(|_| lost_connection())??;
            }
            notice = listener.try_recv() => {
                let notice = notice?.ok_or_else(lost_connection)?;
                let Some(events) = events.upgrade() else { return Ok(()) };
                if notice.channel() == WORK {
                    events.work.notify_one();
                } else {
                    events.tell(notice.payload());
                }
            }
        }
    }
}

fn lost_connection() -> sqlx::Error {
    sqlx::Error::Io(std::io::ErrorKind::ConnectionAborted.into())
}
