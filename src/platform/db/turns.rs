//! Whose turn it is at the database.
//!
//! As many requests are in a transaction at once as the pool has connections; the others stand in line, in the order they
//! came. A request that ends its read while others wait hands its connection to the first of them as it is: the next one's
//! head ends the old transaction and begins the new one in one message. That saves, for each read of a busy server, a
//! message there and back and a walk through the pool, which is a sixth of its cost. When nobody waits, the transaction is
//! rolled back and the connection goes back to the pool.
//!
//! Invariants: a turn that is dropped goes to the next in line; an open transaction is handed on only by who ended his work
//! in it without an error, so that nobody inherits a statement still running.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kernel::{Code, Error, Result};
use sqlx::{Postgres, Transaction};
use tokio::sync::oneshot;

type Open = Transaction<'static, Postgres>;

/// The line in front of a pool. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Turns {
    line: Arc<Mutex<Line>>,
    patience: Duration,
}

#[derive(Debug)]
struct Line {
    free: u32,
    waiting: VecDeque<oneshot::Sender<Turn>>,
}

/// The right to use one connection.
#[derive(Debug)]
pub(super) struct Turn(Option<Held>);

#[derive(Debug)]
struct Held {
    turns: Turns,
    open: Option<Open>,
}

impl Turns {
    /// A line for so many at once, in which nobody waits longer than `patience`.
    pub fn new(at_once: u32, patience: Duration) -> Self {
        let line = Line {
            free: at_once,
            waiting: VecDeque::new(),
        };
        Self {
            line: Arc::new(Mutex::new(line)),
            patience,
        }
    }

    /// Waits for a turn. `unavailable` when it does not come in time.
    pub async fn take(&self) -> Result<Turn> {
        let place = {
            let mut line = self.lock();
            if line.free > 0 {
                line.free -= 1;
                return Ok(Turn(Some(Held {
                    turns: self.clone(),
                    open: None,
                })));
            }
            let (sender, place) = oneshot::channel();
            line.waiting.push_back(sender);
            place
        };
        match tokio::time::timeout(self.patience, place).await {
            Ok(Ok(turn)) => Ok(turn),
            _ => Err(Error::new(Code::Unavailable).retry_after(1)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    /// The transaction the one before left open, which the next head must end.
    pub fn inherit(&mut self) -> Option<Open> {
        self.0.as_mut().and_then(|held| held.open.take())
    }

    /// Leaves the transaction to the next in line.
    pub fn hand_on(mut self, open: Open) {
        if let Some(held) = &mut self.0 {
            held.open = Some(open);
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(held) = self.0.take() {
            held.pass_on();
        }
    }
}

impl Held {
    fn pass_on(mut self) {
        let turns = self.turns.clone();
        loop {
            let next = {
                let mut line = turns.lock();
                let next = line.waiting.pop_front();
                if next.is_none() {
                    line.free += 1;
                }
                next
            };
            let Some(next) = next else {
                return;
            };
            // Who went away while he waited gives it back.
            match next.send(Turn(Some(self))) {
                Ok(()) => return,
                Err(mut turn) => match turn.0.take() {
                    Some(held) => self = held,
                    None => return,
                },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> Turns {
        Turns::new(1, Duration::from_millis(20))
    }

    #[tokio::test]
    async fn a_turn_goes_to_the_next_in_line_in_order() {
        let turns = line();
        let first = turns.take().await.expect("free");
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut waiting = Vec::new();
        for name in ["second", "third"] {
            let (turns, order) = (turns.clone(), order.clone());
            waiting.push(tokio::spawn(async move {
                let _turn = turns.take().await.expect("in time");
                order.lock().expect("sound").push(name);
            }));
            tokio::task::yield_now().await;
        }
        drop(first);
        for task in waiting {
            task.await.expect("done");
        }
        assert_eq!(*order.lock().expect("sound"), ["second", "third"]);
        assert_eq!(turns.lock().free, 1);
    }

    #[tokio::test]
    async fn who_waits_too_long_is_told_and_who_goes_away_loses_nothing() {
        let turns = line();
        let first = turns.take().await.expect("free");
        let late = turns.take().await.expect_err("too long");
        assert_eq!(late.code(), Code::Unavailable);
        let waiting = tokio::spawn({
            let turns = turns.clone();
            async move { turns.take().await.map(drop) }
        });
        tokio::task::yield_now().await;
        waiting.abort();
        let _ = waiting.await;
        drop(first);
        assert_eq!(turns.lock().free, 1);
        turns.take().await.map(drop).expect("free again");
    }
}
