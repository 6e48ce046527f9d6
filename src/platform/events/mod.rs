//! What happens elsewhere, told to those of this server who wait for it.
//!
//! One connection listens for all of them. A notice holds ids only: its tenant, and what its channel adds. It is handed out
//! by tenant, and each receiver sees for himself that he may hear it; what that needs from the database is asked once an
//! event and not once a receiver ([`Event::audience`]).
//!
//! Invariants: when notices may have been missed, every receiver is told so ([`Heard::Gap`]) and reads the state anew; what
//! was numbered is kept for a while, so that who comes back with the last number he heard gets what followed.
//!
//! Traps: numbers are this process's own; those of another mean a gap. The connection is opened when somebody first asks.

mod listener;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kernel::ids::{TenantId, UserId};
use kernel::{Code, Error, Result};
use tokio::sync::{Notify, OnceCell, broadcast, watch};

use crate::access::{Principal, Scope};
use crate::crypto::random;
use crate::db::Db;

/// Channels of LISTEN and NOTIFY: a job is due; an appointment of these days has changed.
pub(crate) const WORK: &str = "chartwell_jobs";
pub(crate) const BOARD: &str = "chartwell_board";

/// Events a slow receiver may be behind before he has to begin anew, and events kept for those who come back.
const BEHIND: usize = 64;
const KEPT: usize = 128;
/// How long a receiver waits for the connection to listen.
const PATIENCE: Duration = Duration::from_secs(3);

/// Something happened in a tenant.
#[derive(Debug)]
pub struct Event {
    /// This server's number for it: `<epoch>-<count>`.
    pub number: String,
    /// What the notice says after the tenant: ids with a blank between them.
    pub ids: String,
    /// Who may see whom it is about, looked up by the first receiver who needs it.
    pub audience: OnceCell<Audience>,
}

/// The callers of narrower scope than the organisation's who may see a patient.
#[derive(Clone, Debug, Default)]
pub struct Audience {
    pub care_team: HashSet<UserId>,
    pub facility: HashSet<UserId>,
}

impl Audience {
    pub fn includes(&self, caller: &Principal) -> bool {
        match caller.scope {
            Scope::Organization => true,
            Scope::CareTeam => self.care_team.contains(&caller.user),
            Scope::Facility => self.facility.contains(&caller.user),
            Scope::Own => false,
        }
    }
}

/// What a receiver hears.
#[derive(Clone, Debug)]
pub enum Heard {
    Event(Arc<Event>),
    /// Something may have been missed.
    Gap,
}

/// The events of this server. Cheap to clone.
#[derive(Clone)]
pub struct Events(Arc<Inner>);

struct Inner {
    db: Db,
    epoch: String,
    started: AtomicBool,
    closed: AtomicBool,
    listening: watch::Sender<bool>,
    work: Arc<Notify>,
    topics: Mutex<HashMap<TenantId, Topic>>,
    receivers: Mutex<HashMap<UserId, usize>>,
}

struct Topic {
    sender: broadcast::Sender<Heard>,
    count: u64,
    recent: VecDeque<Arc<Event>>,
}

impl Topic {
    fn new() -> Self {
        Self {
            sender: broadcast::Sender::new(BEHIND),
            count: 0,
            recent: VecDeque::new(),
        }
    }
}

impl Events {
    pub fn new(db: Db) -> Self {
        Self(Arc::new(Inner {
            db,
            epoch: hex::encode(random::secret::<6>()),
            started: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            listening: watch::Sender::new(false),
            work: Arc::new(Notify::new()),
            topics: Mutex::default(),
            receivers: Mutex::default(),
        }))
    }

    /// Wakes when a job somewhere is due at once.
    pub fn work(&self) -> Arc<Notify> {
        self.start();
        self.0.work.clone()
    }

    /// The events of the caller's tenant, from the one after `last` on if that is still known.
    ///
    /// # Errors
    /// `rate_limited` when the account has `at_most` receivers already; `unavailable` while nothing can be heard.
    pub async fn subscribe(
        &self,
        caller: &Principal,
        at_most: usize,
        last: Option<&str>,
    ) -> Result<Receiver> {
        self.start();
        let mut listening = self.0.listening.subscribe();
        let heard = tokio::time::timeout(PATIENCE, listening.wait_for(|listening| *listening));
        if !matches!(heard.await, Ok(Ok(_))) {
            return Err(Error::new(Code::Unavailable).retry_after(1));
        }
        let place = Place::take(&self.0, caller.user, at_most)?;
        let mut topics = lock(&self.0.topics);
        if self.0.closed.load(Ordering::Acquire) {
            return Err(Error::new(Code::Unavailable).retry_after(1));
        }
        let topic = topics.entry(caller.tenant).or_insert_with(Topic::new);
        let missed = match last {
            None => VecDeque::new(),
            Some(last) => after(last, &self.0.epoch, topic),
        };
        Ok(Receiver {
            missed,
            events: topic.sender.subscribe(),
            _place: place,
        })
    }

    /// Ends every receiver, so that a server can stop; there are no new ones.
    pub fn close(&self) {
        self.0.closed.store(true, Ordering::Release);
        lock(&self.0.topics).clear();
    }

    /// Receivers at this moment, for the metrics.
    pub fn receivers(&self) -> usize {
        lock(&self.0.receivers).values().sum()
    }

    fn start(&self) {
        if !self.0.started.swap(true, Ordering::AcqRel) {
            tokio::spawn(listener::run(Arc::downgrade(&self.0)));
        }
    }
}

impl Inner {
    /// A notice of the board's channel: the tenant, then what it says.
    fn tell(&self, notice: &str) {
        let Some((tenant, ids)) = notice.split_once(' ') else {
            return;
        };
        let Ok(tenant) = tenant.parse::<TenantId>() else {
            return;
        };
        let mut topics = lock(&self.topics);
        // Nobody has asked for this tenant's yet.
        let Some(topic) = topics.get_mut(&tenant) else {
            return;
        };
        topic.count += 1;
        let event = Arc::new(Event {
            number: format!("{}-{}", self.epoch, topic.count),
            ids: ids.to_owned(),
            audience: OnceCell::new(),
        });
        if topic.recent.len() == KEPT {
            topic.recent.pop_front();
        }
        topic.recent.push_back(event.clone());
        // No receiver at the moment is no failure.
        let _ = topic.sender.send(Heard::Event(event));
    }

    /// Something may have been missed, of every tenant.
    fn gap(&self) {
        for topic in lock(&self.topics).values_mut() {
            topic.recent.clear();
            topic.count += 1;
            let _ = topic.sender.send(Heard::Gap);
        }
    }
}

/// What followed the event of that number, or that it can't be told.
fn after(last: &str, epoch: &str, topic: &Topic) -> VecDeque<Heard> {
    if last == format!("{epoch}-{}", topic.count) {
        return VecDeque::new();
    }
    match topic.recent.iter().position(|event| event.number == last) {
        Some(place) => topic
            .recent
            .iter()
            .skip(place + 1)
            .cloned()
            .map(Heard::Event)
            .collect(),
        None => VecDeque::from([Heard::Gap]),
    }
}

/// One who waits for events.
pub struct Receiver {
    missed: VecDeque<Heard>,
    events: broadcast::Receiver<Heard>,
    _place: Place,
}

impl Receiver {
    /// The next event. `None` when there will be none.
    pub async fn next(&mut self) -> Option<Heard> {
        if let Some(heard) = self.missed.pop_front() {
            return Some(heard);
        }
        match self.events.recv().await {
            Ok(heard) => Some(heard),
            Err(broadcast::error::RecvError::Lagged(_)) => Some(Heard::Gap),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}

/// One of the receivers an account may have.
struct Place {
    events: Arc<Inner>,
    user: UserId,
}

impl Place {
    fn take(events: &Arc<Inner>, user: UserId, at_most: usize) -> Result<Self> {
        let mut receivers = lock(&events.receivers);
        let taken = receivers.entry(user).or_default();
        if *taken >= at_most {
            return Err(Error::new(Code::RateLimited)
                .detail("This account listens in too many places.")
                .retry_after(30));
        }
        *taken += 1;
        Ok(Self {
            events: events.clone(),
            user,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut receivers = lock(&self.events.receivers);
        if let Some(taken) = receivers.get_mut(&self.user) {
            *taken -= 1;
            if *taken == 0 {
                receivers.remove(&self.user);
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topic(events: u64) -> Topic {
        let mut topic = Topic::new();
        for count in 1..=events {
            topic.count = count;
            topic.recent.push_back(Arc::new(Event {
                number: format!("e-{count}"),
                ids: String::new(),
                audience: OnceCell::new(),
            }));
        }
        topic
    }

    fn numbers(heard: &VecDeque<Heard>) -> Vec<&str> {
        heard
            .iter()
            .map(|heard| match heard {
                Heard::Event(event) => event.number.as_str(),
                Heard::Gap => "gap",
            })
            .collect()
    }

    #[test]
    fn who_comes_back_hears_what_followed_or_that_it_is_not_known() {
        let topic = topic(3);
        assert_eq!(numbers(&after("e-1", "e", &topic)), ["e-2", "e-3"]);
        assert!(after("e-3", "e", &topic).is_empty());
        for unknown in ["e-0", "e-4", "other-1", "", "<script>"] {
            assert_eq!(numbers(&after(unknown, "e", &topic)), ["gap"], "{unknown}");
        }
    }
}
