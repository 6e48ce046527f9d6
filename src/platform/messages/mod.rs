//! Messages to people: handed to a [`Messenger`], which brings them on their way.
//!
//! The one that comes with the house writes files: an e-mail as RFC 5322 has it, a text message as a line of JSON. A relay
//! picks them up from there. Another is another `impl Messenger`.
//!
//! Invariants: a message has an id, and one sent again under the same id is the same message; who sends has written the access
//! record before. Traps: addresses come from records of any age, so whatever could break a header is refused here.

mod files;
mod mail;

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::BoxFuture;
use kernel::clock::Instant;
use kernel::{Error, Result};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

pub use files::FileMessenger;

/// By which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
#[schema(as = MessageChannel)]
pub enum Channel {
    Email,
    Sms,
}

/// A message to one person.
#[derive(Clone, Debug)]
pub struct Message {
    pub id: Uuid,
    pub channel: Channel,
    /// An e-mail address, or a telephone number.
    pub to: String,
    /// Of an e-mail.
    pub subject: Option<String>,
    pub body: String,
    pub at: Instant,
}

impl Message {
    /// Whether the address can be written into a message at all.
    pub fn is_addressable(&self) -> bool {
        addressable(self.channel, &self.to)
    }
}

/// Whether an address of this kind can be written into a message.
pub fn addressable(channel: Channel, to: &str) -> bool {
    match channel {
        Channel::Email => {
            to.len() <= 254
                && to.split_once('@').is_some_and(|(local, domain)| {
                    !local.is_empty() && !domain.is_empty() && !domain.contains('@')
                })
                && to
                    .chars()
                    .all(|c| !c.is_whitespace() && !c.is_control() && !"<>,;:\"()[]\\".contains(c))
        }
        Channel::Sms => {
            (7..=15).contains(&to.chars().filter(char::is_ascii_digit).count())
                && to
                    .chars()
                    .all(|c| c.is_ascii_digit() || " +-().".contains(c))
        }
    }
}

/// Brings messages on their way.
pub trait Messenger: Send + Sync {
    /// Returns when the message can't be lost any more. An error is tried again with the same message.
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<()>>;
}

/// Keeps messages in memory, for tests.
#[derive(Clone, Debug, Default)]
pub struct Outbox(Arc<Mutex<Vec<Message>>>);

impl Outbox {
    pub fn messages(&self) -> Vec<Message> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Messenger for Outbox {
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            if !message.is_addressable() {
                return Err(Error::internal("an address that is none"));
            }
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            all.retain(|other| other.id != message.id);
            all.push(message.clone());
            Ok(())
        })
    }
}
