//! The installation's own keys: they sign access tokens, sign seals of the access log, and authenticate its records.
//!
//! [`SigningKeys`] never changes. After a rotation, here or on another server, it is loaded again and swapped. A retired
//! key signs nothing more; seals and records made with it verify for ever, access tokens until the last of them must have
//! expired, so that a stolen key is worthless soon after it was replaced.
//!
//! Traps: a server that has not loaded a new key yet refuses its tokens, so an unknown key id is a reason to load again;
//! and retired token keys are dropped when loading, so load now and then even if nothing seems to have changed.

use std::fmt;

use aes_gcm::Aes256Gcm;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use ed25519_dalek::{Signature, Signer, SigningKey};
use jsonwebtoken::{DecodingKey, EncodingKey};
use kernel::Result;
use kernel::clock::Instant;
use sqlx::PgConnection;
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

use super::signing_rows::{self as rows, Key};
use super::{Fault, KeyWrapper, primitives, random};

/// How long after its retirement a key's access tokens are taken. Longer than an access token lives (ten minutes).
const TOKENS_OUTLIVE_KEY_BY: TimeDelta = TimeDelta::minutes(15);

/// What a signing key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Signs access tokens (Ed25519).
    AccessToken,
    /// Signs seals of the access log (Ed25519).
    Seal,
    /// Authenticates records of the access log (HMAC-SHA256).
    RecordMac,
}

impl Purpose {
    pub const ALL: [Self; 3] = [Self::AccessToken, Self::Seal, Self::RecordMac];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AccessToken => "access_token",
            Self::Seal => "seal",
            Self::RecordMac => "record_mac",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|purpose| purpose.as_str() == text)
    }
}

/// All signing keys of the installation, unwrapped. In each list the current key stands first.
pub struct SigningKeys {
    tokens: Vec<TokenKey>,
    seals: Vec<SealKey>,
    macs: Vec<Zeroizing<[u8; 32]>>,
}

struct SealKey {
    id: String,
    key: SigningKey,
    compromised_at: Option<Instant>,
}

struct TokenKey {
    id: String,
    public: [u8; 32],
    encoding: EncodingKey,
    decoding: DecodingKey,
}

impl SigningKeys {
    /// Unwraps all keys and makes those that are missing. Fails with a [`Fault`] as the cause if the master key is not the
    /// one that wrapped them, before anything is made. Safe while other servers do the same.
    pub async fn load_or_create(
        conn: &mut PgConnection,
        wrapper: &dyn KeyWrapper,
        now: Instant,
    ) -> Result<Self> {
        let found = rows::all(conn).await?;
        let keys = rows::unwrap(&found, wrapper).await?;
        let missing: Vec<Purpose> = Purpose::ALL
            .into_iter()
            .filter(|purpose| current(&keys, *purpose).is_none())
            .collect();
        if missing.is_empty() {
            return Self::new(&keys, now).map_err(Into::into);
        }
        for purpose in missing {
            let fresh = rows::fresh(&found, wrapper, purpose).await?;
            rows::insert(conn, &fresh, now).await?;
        }
        // What counts is what is there now: another server may have been first.
        let keys = rows::unwrap(&rows::all(conn).await?, wrapper).await?;
        Ok(Self::new(&keys, now)?)
    }

    /// Makes a new current key for the purpose and retires the present ones. Returns the new key's id.
    ///
    /// Servers sign with it when they have loaded it. Call in a transaction.
    pub async fn rotate(
        conn: &mut PgConnection,
        wrapper: &dyn KeyWrapper,
        purpose: Purpose,
        now: Instant,
    ) -> Result<String> {
        let found = rows::all(conn).await?;
        let fresh = rows::fresh(&found, wrapper, purpose).await?;
        rows::insert(conn, &fresh, now).await?;
        // Only what was seen: another rotation may have gone on beyond this one.
        let superseded: Vec<String> = found
            .into_iter()
            .filter(|row| row.purpose == purpose.as_str())
            .map(|row| row.id)
            .collect();
        rows::retire(conn, &superseded, now).await?;
        Ok(fresh.id)
    }

    /// The keys as an operator is shown them, the oldest first.
    pub async fn list(conn: &mut PgConnection) -> Result<Vec<rows::Listed>> {
        rows::list(conn).await
    }

    /// Says that a key has been in other hands since an instant, and replaces it if it is still in use. Access tokens of such a
    /// key are refused as soon as servers have loaded the keys again; seals are, from the instant on. Returns the key that
    /// replaces it, or none if it was replaced before.
    ///
    /// Call in a transaction. `not_found` if there is no such key.
    pub async fn disown(
        conn: &mut PgConnection,
        wrapper: &dyn KeyWrapper,
        id: &str,
        since: Instant,
        now: Instant,
    ) -> Result<Option<String>> {
        let found = rows::all(conn).await?;
        let row = found.iter().find(|row| row.id == id);
        let row = row.ok_or_else(kernel::Error::not_found)?;
        let purpose =
            Purpose::parse(&row.purpose).ok_or_else(|| Fault::SigningKeyDamaged(id.to_owned()))?;
        let replaced = match row.retired_at {
            None => Some(Self::rotate(conn, wrapper, purpose, now).await?),
            Some(_) => None,
        };
        rows::disown(conn, id, since).await?;
        Ok(replaced)
    }

    /// Wraps the keys anew that another than the current master key has wrapped. Returns how many; none the second time.
    pub async fn rewrap(conn: &mut PgConnection, wrapper: &dyn KeyWrapper) -> Result<u64> {
        let mut changed = 0;
        for row in rows::all(conn).await? {
            if row.master_key_id != wrapper.key_id() {
                changed += rows::rewrap(conn, wrapper, &row).await?;
            }
        }
        Ok(changed)
    }

    /// Keys come with the newest first.
    fn new(keys: &[Key], now: Instant) -> Result<Self, Fault> {
        let of = |purpose| {
            let first = current(keys, purpose).ok_or(Fault::SigningKeyMissing(purpose.as_str()))?;
            let rest = keys
                .iter()
                .filter(move |key| key.purpose == purpose && key.id != first.id);
            Ok::<_, Fault>(std::iter::once(first).chain(rest))
        };
        let taken = |key: &&Key| {
            key.compromised_at.is_none()
                && key
                    .retired_at
                    .is_none_or(|at| now < at + TOKENS_OUTLIVE_KEY_BY)
        };
        Ok(Self {
            tokens: of(Purpose::AccessToken)?
                .filter(taken)
                .map(TokenKey::new)
                .collect(),
            seals: of(Purpose::Seal)?
                .map(|key| SealKey {
                    id: key.id.clone(),
                    key: SigningKey::from_bytes(&key.secret),
                    compromised_at: key.compromised_at,
                })
                .collect(),
            macs: of(Purpose::RecordMac)?
                .map(|key| key.secret.clone())
                .collect(),
        })
    }

    /// The current key for access tokens, with its id for the token's `kid`.
    pub fn encoding(&self) -> (&str, &EncodingKey) {
        (&self.tokens[0].id, &self.tokens[0].encoding)
    }

    /// The key that verifies access tokens with this `kid`. Algorithm EdDSA, nothing else.
    pub fn decoding(&self, kid: &str) -> Option<&DecodingKey> {
        self.tokens
            .iter()
            .find(|key| key.id == kid)
            .map(|key| &key.decoding)
    }

    /// The public keys of access tokens as a JSON Web Key Set (RFC 7517, RFC 8037).
    pub fn jwks(&self) -> serde_json::Value {
        let keys: Vec<_> = self
            .tokens
            .iter()
            .map(|key| {
                serde_json::json!({
                    "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA",
                    "kid": key.id, "x": URL_SAFE_NO_PAD.encode(key.public),
                })
            })
            .collect();
        serde_json::json!({ "keys": keys })
    }

    /// Signs a seal with the current key. Returns the key's id and the Ed25519 signature.
    pub fn sign_seal(&self, message: &[u8]) -> (&str, [u8; 64]) {
        let SealKey { id, key, .. } = &self.seals[0];
        (id, key.sign(message).to_bytes())
    }

    /// Whether the key named, current or retired, made this signature of this message.
    pub fn verify_seal(&self, key_id: &str, message: &[u8], signature: &[u8]) -> bool {
        let key = self.seals.iter().find(|key| key.id == key_id);
        match (key, Signature::from_slice(signature)) {
            (Some(key), Ok(signature)) => key
                .key
                .verifying_key()
                .verify_strict(message, &signature)
                .is_ok(),
            _ => false,
        }
    }

    /// Whether the key named has ever been in other hands: then whoever has it may sign, and write whatever time he likes.
    pub fn is_seal_key_compromised(&self, key_id: &str) -> bool {
        let key = self.seals.iter().find(|key| key.id == key_id);
        key.is_some_and(|key| key.compromised_at.is_some())
    }

    /// Whether a seal of this key that was not made before this time is to be believed.
    pub fn is_seal_trusted(&self, key_id: &str, made_at: Instant) -> bool {
        let key = self.seals.iter().find(|key| key.id == key_id);
        key.and_then(|key| key.compromised_at)
            .is_none_or(|since| made_at < since)
    }

    /// The authentication code of a record under the current key: the first 16 bytes of HMAC-SHA256.
    pub fn record_mac(&self, record: &[u8]) -> [u8; 16] {
        record_mac(&self.macs[0], record)
    }

    /// What is mixed into the leaf of a record that carries no code, so that its content can't be guessed from the leaf. From
    /// the first key there was, because it has to come out the same for ever.
    pub fn leaf_salt(&self, fingerprint: &[u8; 32]) -> [u8; 32] {
        let oldest = self.macs.last().unwrap_or(&self.macs[0]);
        primitives::hmac(oldest, &[b"chartwell.leaf.v1\0", fingerprint])
    }

    /// Seals where a page ended; `scope` is what it is good for.
    pub fn seal_cursor(&self, scope: &str, key: &[u8]) -> Vec<u8> {
        primitives::seal(&self.cursor_cipher(), scope.as_bytes(), key)
    }

    /// Opens what [`seal_cursor`](Self::seal_cursor) sealed for the same scope; `None` for anything else.
    pub fn open_cursor(&self, scope: &str, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        primitives::open(&self.cursor_cipher(), scope.as_bytes(), sealed)
    }

    /// Cursors live shortly, so their key is made from another's and changes with it.
    fn cursor_cipher(&self) -> Aes256Gcm {
        let halves = [
            self.record_mac(b"cursor key, first half"),
            self.record_mac(b"cursor key, second half"),
        ];
        primitives::cipher(&random::digest(&halves.concat()))
    }

    /// Whether any key, current or retired, made this code for this record.
    pub fn verify_record_mac(&self, record: &[u8], mac: &[u8]) -> bool {
        let matches = self
            .macs
            .iter()
            .map(|key| record_mac(key, record).ct_eq(mac));
        matches.fold(Choice::from(0), |any, this| any | this).into()
    }
}

impl TokenKey {
    fn new(key: &Key) -> Self {
        let public = SigningKey::from_bytes(&key.secret)
            .verifying_key()
            .to_bytes();
        Self {
            id: key.id.clone(),
            public,
            encoding: EncodingKey::from_ed_der(pkcs8(&key.secret).as_slice()),
            decoding: DecodingKey::from_ed_der(&public),
        }
    }
}

impl fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tokens: Vec<&str> = self.tokens.iter().map(|key| key.id.as_str()).collect();
        let seals: Vec<&str> = self.seals.iter().map(|key| key.id.as_str()).collect();
        f.debug_struct("SigningKeys")
            .field("tokens", &tokens)
            .field("seals", &seals)
            .finish_non_exhaustive()
    }
}

/// The current key of a purpose, the newest being first.
fn current(keys: &[Key], purpose: Purpose) -> Option<&Key> {
    keys.iter()
        .find(|key| key.purpose == purpose && key.retired_at.is_none())
}

fn record_mac(key: &[u8; 32], record: &[u8]) -> [u8; 16] {
    let mut mac = [0; 16];
    mac.copy_from_slice(&primitives::hmac(key, &[record])[..16]);
    mac
}

/// A seed as PKCS#8 version 1 (RFC 8410), the one form `jsonwebtoken` takes; `ed25519-dalek` writes version 2.
fn pkcs8(seed: &[u8; 32]) -> Zeroizing<Vec<u8>> {
    const HEAD: [u8; 16] = [
        0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20,
    ];
    Zeroizing::new([HEAD.as_slice(), seed].concat())
}

#[cfg(test)]
#[path = "signing_tests.rs"]
mod tests;
