//! The opaque secret of a session: its kind, the ids that say where its row is, and 256 random bits. The ids let the row be found
//! without a search and without any secret in an index; what is kept of the whole is its SHA-256.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::ids::{SessionId, TenantId};
use platform::crypto::random;
use uuid::Uuid;

/// A refresh token of a session.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct RefreshToken {
    pub tenant: TenantId,
    pub session: SessionId,
    secret: [u8; 32],
}

const REFRESH: &str = "cwr_";

impl RefreshToken {
    pub fn new(tenant: TenantId, session: SessionId) -> Self {
        Self {
            tenant,
            session,
            secret: random::secret(),
        }
    }

    /// What the client keeps.
    pub fn render(&self) -> String {
        let bytes = [
            &self.tenant.0.as_bytes()[..],
            self.session.0.as_bytes(),
            &self.secret,
        ]
        .concat();
        format!("{REFRESH}{}", URL_SAFE_NO_PAD.encode(bytes))
    }

    /// `None` for what can't be one.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; 64] = decode(text, REFRESH)?;
        Some(Self {
            tenant: TenantId(Uuid::from_slice(&bytes[..16]).ok()?),
            session: SessionId(Uuid::from_slice(&bytes[16..32]).ok()?),
            secret: bytes[32..].try_into().ok()?,
        })
    }

    /// What the database keeps.
    pub fn digest(&self) -> [u8; 32] {
        random::digest(&self.secret)
    }
}

fn decode<const N: usize>(text: &str, kind: &str) -> Option<[u8; N]> {
    // Checked first, so that nobody has megabytes decoded.
    let body = text
        .trim()
        .strip_prefix(kind)
        .filter(|body| body.len() == (N * 4).div_ceil(3))?;
    URL_SAFE_NO_PAD.decode(body).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_as_it_was_written() {
        let token = RefreshToken::new(TenantId::new(), SessionId::new());
        assert!(RefreshToken::parse(&token.render()) == Some(token));
    }

    #[test]
    fn nothing_else_is_one() {
        let refresh = RefreshToken::new(TenantId::new(), SessionId::new()).render();
        let mut cut = refresh.clone();
        cut.pop();
        for text in [
            "",
            "cwr_",
            "cwo_AAAA",
            &cut,
            &format!("{refresh}A"),
            &"x".repeat(1 << 20),
        ] {
            assert!(RefreshToken::parse(text).is_none());
        }
    }

    #[test]
    fn two_tokens_of_one_session_differ() {
        let (tenant, session) = (TenantId::new(), SessionId::new());
        assert!(
            RefreshToken::new(tenant, session).digest()
                != RefreshToken::new(tenant, session).digest()
        );
    }
}
