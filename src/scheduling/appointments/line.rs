//! Who wants the same time stands in line.
//!
//! The constraint in the database decides who gets a place; here those who want one at the same moment are kept from doing all
//! the work of a booking, and of holding a connection, only to learn that somebody was a moment faster. One goes ahead, and when
//! his booking is durable the others see at their first look that the place is taken.
//!
//! Invariants: nothing depends on it. Another server has a line of its own, a booking of an overlapping time stands in another
//! one, and who has waited too long goes on without his turn: all of them meet at the constraint.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use kernel::clock::Instant;
use kernel::ids::TenantId;
use tokio::sync::{Mutex as Place, OwnedMutexGuard};
use uuid::Uuid;

use super::placement::Placement;

/// Longer than that nobody waits for his turn.
const PATIENCE: Duration = Duration::from_secs(1);

type Key = (TenantId, Uuid, Instant);

static LINES: LazyLock<Mutex<HashMap<Key, Weak<Place<()>>>>> = LazyLock::new(Mutex::default);

/// A turn. Dropping it lets the next one go ahead.
#[derive(Debug)]
pub(super) struct Turn {
    held: Option<OwnedMutexGuard<()>>,
}

/// Waits until nobody else is booking this time of whoever leads, or of the service where nobody is named.
pub(super) async fn stand(tenant: TenantId, wish: &Placement) -> Turn {
    let resources = wish.resources();
    let wanted = resources.first().copied().unwrap_or(wish.service.0);
    take((tenant, wanted, wish.starts_at), PATIENCE).await
}

async fn take(key: Key, patience: Duration) -> Turn {
    let place = {
        let mut lines = lines();
        let place = lines.get(&key).and_then(Weak::upgrade).unwrap_or_default();
        lines.insert(key, Arc::downgrade(&place));
        place
    };
    let held = tokio::time::timeout(patience, place.lock_owned()).await;
    Turn { held: held.ok() }
}

fn lines() -> MutexGuard<'static, HashMap<Key, Weak<Place<()>>>> {
    LINES.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut lines = lines();
        self.held = None;
        // Whoever gave up as his turn came left his line behind; there are no more lines than bookings under way.
        lines.retain(|_, line| line.strong_count() > 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u128) -> Key {
        let id = Uuid::from_u128(number);
        (TenantId(id), id, Instant::UNIX_EPOCH)
    }

    #[tokio::test]
    async fn one_goes_ahead_the_others_in_their_order_and_nothing_is_left_of_the_line() {
        let patience = Duration::from_secs(5);
        let first = take(key(1), patience).await;
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut waiting = Vec::new();
        for number in 0..3 {
            let order = order.clone();
            waiting.push(tokio::spawn(async move {
                let _turn = take(key(1), patience).await;
                order.lock().expect("sound").push(number);
            }));
            tokio::task::yield_now().await;
        }
        assert!(order.lock().expect("sound").is_empty());
        drop(first);
        for task in waiting {
            task.await.expect("done");
        }
        assert_eq!(*order.lock().expect("sound"), [0, 1, 2]);
        assert!(!lines().contains_key(&key(1)));
    }

    #[tokio::test]
    async fn who_wants_another_time_does_not_wait_and_who_waits_too_long_goes_on() {
        let first = take(key(2), Duration::from_secs(5)).await;
        let other = take(key(3), Duration::from_secs(5)).await;
        assert!(other.held.is_some());
        let late = take(key(2), Duration::from_millis(10)).await;
        assert!(late.held.is_none());
        drop(late);
        assert!(lines().contains_key(&key(2)));
        drop(first);
        assert!(!lines().contains_key(&key(2)));
    }

    #[tokio::test]
    async fn a_line_that_was_left_behind_goes_with_the_next_turn() {
        lines().insert(key(4), Weak::new());
        drop(take(key(5), Duration::from_secs(5)).await);
        assert!(!lines().contains_key(&key(4)));
    }
}
