//! How much an account may upload: so many bytes a day, and so many uploads in parts at once. The store is everybody's.
//!
//! Bytes count when they are announced, before any is stored, and go on counting if they are thrown away; what was announced and
//! never came is given back. The row that counts them is locked until the transaction ends, so what is checked after it is checked
//! by one at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use bytes::Bytes;
use chrono::{Days, NaiveTime};
use futures_util::{StreamExt as _, TryStreamExt as _};
use kernel::{Code, Error, Result};
use platform::access::Ctx;
use platform::db::{SystemTx, TenantTx};
use platform::files::Pieces;
use platform::http::Streamed;
use serde_json::json;
use tokio::runtime::Handle;

use super::store;

/// Uploads in parts that an account may have under way.
const OPEN: i64 = 10;

/// What is counted of a file that comes in one piece, before it has come.
#[derive(Clone, Copy)]
pub(in crate::documents) struct Counted {
    pub bytes: i64,
    is_guess: bool,
}

/// Its size; of one that does not say, the largest there may be.
pub(in crate::documents) fn size_of(ctx: &Ctx, body: &Streamed) -> Counted {
    let largest = ctx.app().files.options.largest;
    let size = body.length().unwrap_or(largest).min(largest);
    Counted {
        bytes: i64::try_from(size).unwrap_or(i64::MAX),
        is_guess: body.length().is_none(),
    }
}

/// A file on its way, its bytes counted. Dropped before it has come whole, because its sender hung up or it was refused, it gives
/// back what had not come.
pub(in crate::documents) struct Coming {
    ctx: Ctx,
    counted: Counted,
    came: Arc<AtomicI64>,
    is_over: bool,
}

impl Coming {
    /// From here on the bytes are counted.
    pub fn new(ctx: &Ctx, counted: Counted) -> Self {
        Self {
            ctx: ctx.clone(),
            counted,
            came: Arc::default(),
            is_over: false,
        }
    }

    /// Looks at what comes.
    pub fn seen(&self, content: Pieces<'static>) -> Pieces<'static> {
        let came = self.came.clone();
        let size = |piece: &Bytes| i64::try_from(piece.len()).unwrap_or(i64::MAX);
        content
            .inspect_ok(move |piece| {
                came.fetch_add(size(piece), Ordering::Relaxed);
            })
            .boxed()
    }

    /// It has come whole. Gives back what was counted too much of one that did not say how large it is.
    pub async fn end(mut self, received: i64) -> Result<()> {
        self.is_over = true;
        if self.counted.is_guess {
            give_back(&self.ctx, self.counted.bytes.saturating_sub(received)).await?;
        }
        Ok(())
    }
}

impl Drop for Coming {
    fn drop(&mut self) {
        let unsent = self.counted.bytes - self.came.load(Ordering::Relaxed);
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        if self.is_over || unsent <= 0 {
            return;
        }
        let ctx = self.ctx.clone();
        runtime.spawn(async move {
            if let Err(error) = give_back(&ctx, unsent).await {
                tracing::warn!(
                    cause = error.cause_for_log(),
                    "what was not sent stays counted until midnight"
                );
            }
        });
    }
}

async fn give_back(ctx: &Ctx, bytes: i64) -> Result<()> {
    let mut tx = SystemTx::begin(&ctx.app().db, ctx.tenant()).await?;
    store::give_back(&mut tx, ctx.user(), (bytes, ctx.now().date_naive())).await?;
    tx.commit().await
}

/// Counts bytes as sent today.
///
/// # Errors
/// `upload_quota` if they are more than the account may send, with what it may and until when.
pub(super) async fn charge(ctx: &Ctx, tx: &mut TenantTx, bytes: i64) -> Result<()> {
    let options = &ctx.app().files.options;
    let most = if ctx.acts_for_himself() {
        options.daily_of_patient
    } else {
        options.daily
    };
    let today = ctx.now().date_naive();
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    if bytes == 0 || store::charge(tx, ctx.user(), (bytes, today), most).await? {
        return Ok(());
    }
    let tomorrow = today.checked_add_days(Days::new(1)).unwrap_or(today);
    let until = tomorrow.and_time(NaiveTime::MIN).and_utc();
    let seconds = (until - ctx.now()).num_seconds();
    let quota = json!({ "bytes_per_day": most, "until": until });
    Err(Error::new(Code::UploadQuota)
        .with("quota", quota)
        .retry_after(u64::try_from(seconds).unwrap_or(1)))
}

/// # Errors
/// `too_many_uploads`, with how many there may be, and when the first of them expires.
pub(super) async fn require_few_open(ctx: &Ctx, tx: &mut TenantTx) -> Result<()> {
    let (open, until) = store::open_of(tx, ctx.user(), ctx.now()).await?;
    if open < OPEN {
        return Ok(());
    }
    let quota = json!({ "uploads": OPEN, "until": until });
    Err(Error::new(Code::TooManyUploads).with("quota", quota))
}
