//! What a board is told: that an appointment has changed, by its id.

use std::sync::Arc;
use std::time::Duration;

use kernel::ids::{AppointmentId, FacilityId, TenantId};
use kernel::{Code, Error, Result};
use platform::App;
use platform::access::{Ctx, Disclosure, Permission, Principal};
use platform::db::SystemTx;
use platform::events::{Audience, Event, Heard, Receiver};

use super::model::WhichBoard;
use super::{service, store};

/// Streams an account may have open on one server.
const AT_ONCE: usize = 5;
/// How often a client hears that the stream lives, while nothing happens; and how often is looked whether he still may.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// What goes to the client.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// The stream is open.
    Open,
    Changed {
        number: String,
        facility: FacilityId,
        appointment: AppointmentId,
    },
    /// Something may have been missed: read the board.
    Reload,
    /// Nothing happens.
    Alive,
}

/// An open stream.
pub(super) struct Stream {
    app: App,
    token: Arc<str>,
    tenant: TenantId,
    facility: Option<FacilityId>,
    events: Receiver,
    opened: bool,
}

/// Opens a stream; that it was opened is on record when this returns.
pub(super) async fn open(
    ctx: &Ctx,
    which: &WhichBoard,
    token: &str,
    last: Option<&str>,
) -> Result<Stream> {
    let mut tx = ctx.begin(Permission::BoardRead).await?;
    service::require(&mut tx, which.facility_id).await?;
    tx.finish(Disclosure::list("board", [], ())).await?;
    let events = ctx
        .app()
        .events
        .subscribe(ctx.principal(), AT_ONCE, last)
        .await?;
    Ok(Stream {
        app: ctx.app().clone(),
        token: token.into(),
        tenant: ctx.tenant(),
        facility: which.facility_id,
        events,
        opened: false,
    })
}

impl Stream {
    /// The next thing to tell. `None` ends the stream: the session is over, or nobody can say that it is not.
    pub async fn next(&mut self) -> Option<Told> {
        if !self.opened {
            self.opened = true;
            return Some(Told::Open);
        }
        // Over all that is heard and not told: who listens to a quiet place in a busy organisation waits no longer.
        let alive = tokio::time::sleep(HEARTBEAT);
        tokio::pin!(alive);
        loop {
            let heard = tokio::select! {
                biased;
                () = &mut alive => None,
                heard = self.events.next() => Some(heard?),
            };
            let caller = self.caller().await?;
            match heard {
                None => return Some(Told::Alive),
                Some(Heard::Gap) => return Some(Told::Reload),
                Some(Heard::Event(event)) => {
                    if let Some(told) = self.tell(&caller, &event).await {
                        return Some(told);
                    }
                }
            }
        }
    }

    /// Who the token stands for now: its session may have ended, and what he may see may have changed.
    async fn caller(&self) -> Option<Arc<Principal>> {
        let caller = match self.app.authenticator.remembered(&self.token) {
            Some(caller) => caller,
            None => self
                .app
                .authenticator
                .authenticate(&self.token)
                .await
                .ok()?,
        };
        let may = caller.tenant == self.tenant && Permission::BoardRead.allows(caller.role);
        may.then_some(caller)
    }

    /// The event, if it is of this board and about a patient the caller may see.
    async fn tell(&self, caller: &Principal, event: &Arc<Event>) -> Option<Told> {
        let (facility, appointment) = event.ids.split_once(' ')?;
        let facility = facility.parse::<FacilityId>().ok()?;
        let appointment = appointment.parse::<AppointmentId>().ok()?;
        if self.facility.is_some_and(|wanted| wanted != facility) {
            return None;
        }
        if !Audience::default().includes(caller) {
            let asked = event
                .audience
                .get_or_try_init(|| audience(&self.app, self.tenant, appointment))
                .await;
            match asked {
                Ok(audience) if audience.includes(caller) => {}
                Ok(_) => return None,
                // Not known whether he may hear of it: he is told to look, and the board shows what he may see.
                Err(_) => return Some(Told::Reload),
            }
        }
        Some(Told::Changed {
            number: event.number.clone(),
            facility,
            appointment,
        })
    }
}

/// Asked once an event, whoever needs it first.
async fn audience(app: &App, tenant: TenantId, appointment: AppointmentId) -> Result<Audience> {
    let asked = async {
        let mut tx = SystemTx::begin(&app.db, tenant).await?;
        store::audience(&mut tx, appointment).await
    };
    tokio::time::timeout(Duration::from_secs(3), asked)
        .await
        .map_err(|_| Error::new(Code::Unavailable))?
}
