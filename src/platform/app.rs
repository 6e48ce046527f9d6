//! What a running server consists of, handed to every request.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use kernel::Clock;

use crate::access::Authenticator;
use crate::audit::AccessWriter;
use crate::crypto::{Keyring, TenantKeys};
use crate::db::Db;
use crate::events::Events;
use crate::files::Files;
use crate::http::{Limits, Origins};
use crate::messages::Messenger;

/// The parts of a server. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Parts>);

pub struct Parts {
    pub db: Db,
    pub clock: Clock,
    pub access_log: AccessWriter,
    /// Keys of the installation: tokens, seals, record MACs, cursors.
    pub keys: Keyring,
    /// Data keys of the tenants.
    pub tenant_keys: TenantKeys,
    pub authenticator: Arc<dyn Authenticator>,
    pub limits: Limits,
    /// Content too large for a row.
    pub files: Files,
    /// What happens elsewhere.
    pub events: Events,
    /// Brings messages to people on their way.
    pub messenger: Arc<dyn Messenger>,
    pub settings: Settings,
}

/// What an operator may choose.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The longest a request may take before it answers 503.
    pub request_deadline: Duration,
    /// Whether `X-Forwarded-For` names the client: only behind a proxy that sets it.
    pub trust_forwarded_for: bool,
    /// Where links in messages lead.
    pub public_url: String,
    /// Whose pages may call from a browser.
    pub origins: Origins,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            request_deadline: Duration::from_secs(15),
            trust_forwarded_for: false,
            public_url: "http://127.0.0.1:8080".to_owned(),
            origins: Origins::default(),
        }
    }
}

impl App {
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl Deref for App {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}
