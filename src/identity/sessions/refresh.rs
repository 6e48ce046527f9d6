//! Staying in: a refresh token for the next pair of tokens.
//!
//! A refresh is no use of the session: a client left alone refreshes too. Only requests with an access token move its last
//! use forward ([`live`](super::live)), so a session that nobody uses ends at its idle limit, whatever is refreshed.

use kernel::{Code, Error, Result};
use platform::App;
use platform::access::{Authenticator, Changed, announce};
use platform::audit::{SecurityEvent, SecurityKind, security};
use platform::db::SystemTx;
use platform::http::{Answer, RequestInfo};
use secrecy::ExposeSecret;

use super::model::{Refresh, SessionTokens};
use super::store::{self, EndReason};
use super::store_tokens::{self, GivenOut};
use crate::Identity;
use crate::access_token::LIFETIME;
use crate::refresh_token::RefreshToken;

/// Exchanges the token. One that was used before ends the session: whoever of the two is the thief, he is out.
pub(super) async fn refresh(
    app: &App,
    identity: &Identity,
    request: &RequestInfo,
    refresh: &Refresh,
) -> Result<Answer<SessionTokens>> {
    let invalid = || Error::new(Code::RefreshInvalid);
    let now = app.clock.now();
    let token = RefreshToken::parse(refresh.refresh_token.expose_secret()).ok_or_else(invalid)?;
    let mut tx = SystemTx::begin(&app.db, token.tenant).await?;
    let given = store_tokens::lock(&mut tx, token.session, &token.digest())
        .await?
        .ok_or_else(invalid)?;
    if given.used {
        end_for_reuse(tx, identity, request, &token, &given, now).await?;
        return Err(invalid());
    }
    let Some(live) = store::live(&mut tx, token.session, given.user, now).await? else {
        let event = SecurityEvent::new(SecurityKind::Refresh, false)
            .by(Some(given.user), Some(token.session))
            .because("session_over");
        security::insert(&mut tx, &event, Some(request), now).await?;
        tx.commit().await?;
        return Err(invalid());
    };
    let next = RefreshToken::new(token.tenant, token.session);
    store_tokens::mark_used(&mut tx, given.id, now).await?;
    store_tokens::insert(&mut tx, token.session, &next.digest(), now).await?;
    let tokens = SessionTokens {
        access_token: identity.issue(token.tenant, given.user, token.session, live.role, now)?,
        token_type: "Bearer",
        expires_in: LIFETIME.num_seconds(),
        refresh_token: next.render(),
        session_id: token.session,
        session_expires_at: live.ends_at,
    };
    tx.commit().await?;
    Answer::plain(&tokens)
}

async fn end_for_reuse(
    mut tx: SystemTx,
    identity: &Identity,
    request: &RequestInfo,
    token: &RefreshToken,
    given: &GivenOut,
    now: kernel::clock::Instant,
) -> Result<()> {
    let changed = Changed::Session(token.session);
    if !given.session_ended {
        store::end_one(
            &mut tx,
            given.user,
            token.session,
            EndReason::RefreshReuse,
            now,
        )
        .await?;
        announce(&mut tx, changed).await?;
    }
    let event = SecurityEvent::new(SecurityKind::RefreshReuse, false)
        .by(Some(given.user), Some(token.session));
    security::insert(&mut tx, &event, Some(request), now).await?;
    tx.commit().await?;
    identity.forget(token.tenant, changed);
    Ok(())
}
