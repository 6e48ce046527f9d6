//! The links in messages of offers: to accept or to decline ([`crate::flow::links`]).

use kernel::clock::Instant;
use kernel::ids::{PatientId, ReminderId, WaitlistOfferId};
use kernel::{Code, Result};
use platform::audit::Subject;
use platform::db::TenantTx;

use super::answering::{self, Accepted};
use super::model::{LinkedOffer, OfferAction};
use super::store_links as store;
pub(super) use super::store_links::Linked;
use crate::appointments::Booker;
use crate::flow::links::{self, Acted, Link, LinkedPlace};
use crate::flow::wall;

/// Makes the link of a message about an offer, good until the offer's deadline. Returns its secret.
pub(crate) async fn open(
    tx: &mut TenantTx,
    message: ReminderId,
    (offer, patient): (WaitlistOfferId, PatientId),
    until: Instant,
    now: Instant,
) -> Result<String> {
    let (secret, digest) = links::new::<Linked>(tx.tenant());
    store::put(tx, message, (offer, patient), &digest, until, now).await?;
    Ok(secret)
}

impl Link for Linked {
    const KIND: &'static str = "off";
    const RESOURCE: &'static str = "waitlist";
    type Answer = OfferAction;
    type Shown = LinkedOffer;

    async fn lock(tx: &mut TenantTx, digest: &[u8], now: Instant) -> Result<Option<Self>> {
        store::lock(tx, digest, now).await
    }

    /// Accepts or declines: accepting books the place that is held, as it does for who logs in.
    ///
    /// # Errors
    /// `illegal_transition` when the offer was answered otherwise; `offer_expired`.
    async fn act(&self, tx: &mut TenantTx, answer: OfferAction, now: Instant) -> Result<Acted> {
        match answer {
            OfferAction::Accept => {
                match answering::accept_in_tx(tx, self.offer_id, Booker::BY_LINK, now).await? {
                    Accepted::Booked => Ok(Acted::Done),
                    Accepted::Gone => Ok(Acted::Refused(Code::OfferExpired.into())),
                }
            }
            OfferAction::Decline => {
                answering::decline_in_tx(tx, self.offer_id, now).await?;
                Ok(Acted::Done)
            }
        }
    }

    async fn use_up(&self, tx: &mut TenantTx, answer: OfferAction, now: Instant) -> Result<()> {
        store::use_up(tx, self.id, answer.as_str(), now).await
    }

    fn subject(&self) -> Subject {
        Subject {
            patient: Some(self.patient_id),
            resource: Some(self.offer_id.into()),
        }
    }

    fn shown(self) -> LinkedOffer {
        let actions = if self.open {
            vec![OfferAction::Accept, OfferAction::Decline]
        } else {
            Vec::new()
        };
        let local_deadline = wall::told(wall::local(self.deadline, wall::zone(&self.time_zone)));
        let when = (self.starts_at, self.ends_at);
        let place = (self.time_zone, self.facility);
        LinkedOffer {
            place: LinkedPlace::new(when, place, self.phone, self.address.as_ref()),
            deadline: self.deadline,
            local_deadline,
            actions,
        }
    }
}
