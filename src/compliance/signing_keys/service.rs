//! Reading public keys.

use kernel::Result;
use platform::access::{Ctx, Disclosure, Permission};
use platform::crypto::tenant_signing;
use platform::http::Answer;

use super::model::{SigningKey, SigningKeySet};

pub(super) async fn list(ctx: &Ctx) -> Result<Answer<SigningKeySet>> {
    let mut tx = ctx.begin(Permission::SigningKeyRead).await?;
    let cipher = ctx.app().tenant_keys.cipher(&mut tx).await?;
    let keys = tenant_signing::public_keys(&mut tx, &cipher).await?;
    let keys = keys.into_iter().map(SigningKey::from).collect();
    tx.finish(Disclosure::plain(SigningKeySet { keys })).await
}
