//! Access tokens: JSON Web Tokens signed with Ed25519.
//!
//! The algorithm is ours to say, never the token's: a header that names another is refused before a key is looked up. The
//! expiry is checked against the house's clock, which tests move. A valid token proves only that we issued it; whether its
//! session lives is asked elsewhere.

use std::sync::LazyLock;

use chrono::{DateTime, TimeDelta};
use jsonwebtoken::{Algorithm, Header, Validation};
use kernel::clock::Instant;
use kernel::ids::{SessionId, TenantId, UserId, mint};
use kernel::{Error, Result};
use platform::access::Role;
use platform::crypto::SigningKeys;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How long an access token lives.
pub(crate) const LIFETIME: TimeDelta = TimeDelta::minutes(10);

const ISSUER: &str = "chartwell";
/// Ours have about 500 characters.
const LONGEST: usize = 2_048;
/// How far ahead another server's clock may be.
const SKEW: TimeDelta = TimeDelta::seconds(60);

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claims {
    iss: String,
    /// The account.
    pub sub: UserId,
    pub tid: TenantId,
    pub sid: SessionId,
    pub role: Role,
    iat: i64,
    exp: i64,
    jti: Uuid,
}

/// Why a token is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Another server may have made the key a moment ago.
    UnknownKey,
    Invalid,
}

impl Claims {
    pub fn new(
        tenant: TenantId,
        user: UserId,
        session: SessionId,
        role: Role,
        now: Instant,
    ) -> Self {
        Self {
            iss: ISSUER.to_owned(),
            sub: user,
            tid: tenant,
            sid: session,
            role,
            iat: now.timestamp(),
            exp: (now + LIFETIME).timestamp(),
            jti: mint(),
        }
    }

    pub fn expires_at(&self) -> Instant {
        DateTime::from_timestamp(self.exp, 0).unwrap_or_default()
    }

    /// Signs with the current key.
    pub fn sign(&self, keys: &SigningKeys) -> Result<String> {
        let (kid, key) = keys.encoding();
        let header = Header {
            kid: Some(kid.to_owned()),
            ..Header::new(Algorithm::EdDSA)
        };
        jsonwebtoken::encode(&header, self, key).map_err(Error::internal)
    }

    /// Reads a token that is ours and has not expired.
    pub fn read(token: &str, keys: &SigningKeys, now: Instant) -> Result<Self, Refusal> {
        static VALIDATION: LazyLock<Validation> = LazyLock::new(|| {
            let mut validation = Validation::new(Algorithm::EdDSA);
            validation.set_issuer(&[ISSUER]);
            validation.set_required_spec_claims(&["exp", "iss", "sub"]);
            // By the system's clock; ours is asked below.
            validation.validate_exp = false;
            validation
        });
        if token.len() > LONGEST {
            return Err(Refusal::Invalid);
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| Refusal::Invalid)?;
        if header.alg != Algorithm::EdDSA {
            return Err(Refusal::Invalid);
        }
        let kid = header.kid.ok_or(Refusal::Invalid)?;
        let key = keys.decoding(&kid).ok_or(Refusal::UnknownKey)?;
        let claims = jsonwebtoken::decode::<Self>(token, key, &VALIDATION)
            .map_err(|_| Refusal::Invalid)?
            .claims;
        let issued = DateTime::from_timestamp(claims.iat, 0).ok_or(Refusal::Invalid)?;
        if claims.expires_at() > now && issued <= now + SKEW {
            Ok(claims)
        } else {
            Err(Refusal::Invalid)
        }
    }
}
