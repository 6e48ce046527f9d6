//! How much an account may upload: so many bytes a day, and so many uploads in parts at once. The store is everybody's.
//!
//! Bytes count when they are announced, before any is stored, and go on counting if they are thrown away. The row that counts
//! them is locked until the transaction ends, so what is checked after it is checked by one at a time.

use chrono::{Days, NaiveTime};
use kernel::{Code, Error, Result};
use platform::access::Ctx;
use platform::db::{SystemTx, TenantTx};
use platform::http::Streamed;
use serde_json::json;

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

/// Gives back what was counted too much of a file that did not say how large it is.
pub(in crate::documents) async fn give_back(
    ctx: &Ctx,
    counted: Counted,
    received: i64,
) -> Result<()> {
    if !counted.is_guess {
        return Ok(());
    }
    let mut tx = SystemTx::begin(&ctx.app().db, ctx.tenant()).await?;
    let too_much = counted.bytes.saturating_sub(received);
    store::give_back(&mut tx, ctx.user(), (too_much, ctx.now().date_naive())).await?;
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
