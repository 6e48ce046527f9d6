//! The master key: what wraps every other key, and is never in the database.
//!
//! [`KeyWrapper`] is what a key management service would implement, hence its futures. [`LocalMasterKeys`] holds the key in
//! this process. A master key is changed by making it the current one and the old one the previous, and wrapping
//! everything anew; both are known meanwhile.

use std::fmt;

use aes_gcm::Aes256Gcm;
use base64::Engine;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use futures_util::future::{self, BoxFuture};
use kernel::Result;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{Fault, MASTER_KEY, MASTER_KEY_PREVIOUS, primitives, random};

/// Wraps keys so that they can lie in the database.
///
/// `aad` binds a wrapped key to its place; a wrapped key moved elsewhere does not unwrap.
pub trait KeyWrapper: fmt::Debug + Send + Sync {
    /// The id of the key that [`wrap`](Self::wrap) uses. Not secret; kept beside what it wrapped.
    fn key_id(&self) -> &str;

    /// Wraps a key under the current master key.
    fn wrap<'a>(&'a self, aad: &'a [u8], plain: &'a [u8]) -> BoxFuture<'a, Result<Vec<u8>>>;

    /// Unwraps a key. Fails with [`Fault::MasterKeyUnknown`] or [`Fault::WrappedKeyDamaged`] as the cause, or whatever
    /// keeps a remote service from answering.
    fn unwrap<'a>(
        &'a self,
        key_id: &'a str,
        aad: &'a [u8],
        wrapped: &'a [u8],
    ) -> BoxFuture<'a, Result<Zeroizing<Vec<u8>>>>;
}

/// Master keys held in this process, from the environment or from a file.
pub struct LocalMasterKeys {
    current: MasterKey,
    previous: Option<MasterKey>,
}

struct MasterKey {
    id: String,
    cipher: Aes256Gcm,
}

impl LocalMasterKeys {
    /// Reads keys of 32 bytes in base64, in either alphabet, padded or not, with white space around them ignored.
    pub fn from_base64(current: &str, previous: Option<&str>) -> Result<Self, Fault> {
        Ok(Self {
            current: MasterKey::parse(current, MASTER_KEY)?,
            previous: previous
                .map(|text| MasterKey::parse(text, MASTER_KEY_PREVIOUS))
                .transpose()?,
        })
    }

    /// A new master key in base64, to be kept by whoever asked.
    pub fn generate() -> Zeroizing<String> {
        Zeroizing::new(STANDARD.encode(Zeroizing::new(random::secret::<32>())))
    }
}

impl MasterKey {
    fn parse(text: &str, variable: &'static str) -> Result<Self, Fault> {
        const LENIENT: GeneralPurposeConfig =
            GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        let text = text.trim();
        let letters = if text.contains(['-', '_']) {
            &alphabet::URL_SAFE
        } else {
            &alphabet::STANDARD
        };
        let bytes = GeneralPurpose::new(letters, LENIENT)
            .decode(text)
            .map(Zeroizing::new)
            .ok();
        let key = bytes
            .and_then(|bytes| <[u8; 32]>::try_from(bytes.as_slice()).ok())
            .map(Zeroizing::new);
        match key {
            // 32 times the same byte is an example somebody copied, not a key.
            Some(key) if key.iter().any(|byte| *byte != key[0]) => Ok(Self::new(&key)),
            _ => Err(Fault::MasterKeyForm(variable)),
        }
    }

    fn new(key: &[u8; 32]) -> Self {
        let hash = Sha256::new_with_prefix(b"chartwell.master_key.id\0")
            .chain_update(key)
            .finalize();
        Self {
            id: hex::encode(&hash[..8]),
            cipher: primitives::cipher(key),
        }
    }
}

impl KeyWrapper for LocalMasterKeys {
    fn key_id(&self) -> &str {
        &self.current.id
    }

    fn wrap<'a>(&'a self, aad: &'a [u8], plain: &'a [u8]) -> BoxFuture<'a, Result<Vec<u8>>> {
        Box::pin(future::ready(Ok(primitives::seal(
            &self.current.cipher,
            aad,
            plain,
        ))))
    }

    fn unwrap<'a>(
        &'a self,
        key_id: &'a str,
        aad: &'a [u8],
        wrapped: &'a [u8],
    ) -> BoxFuture<'a, Result<Zeroizing<Vec<u8>>>> {
        let key = std::iter::once(&self.current)
            .chain(&self.previous)
            .find(|key| key.id == key_id);
        let result = match key {
            None => Err(Fault::MasterKeyUnknown(key_id.to_owned())),
            Some(key) => primitives::open(&key.cipher, aad, wrapped)
                .ok_or_else(|| Fault::WrappedKeyDamaged(key_id.to_owned())),
        };
        Box::pin(future::ready(result.map_err(Into::into)))
    }
}

impl fmt::Debug for LocalMasterKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalMasterKeys")
            .field("current", &self.current.id)
            .field("previous", &self.previous.as_ref().map(|key| &key.id))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(error: &kernel::Error) -> &Fault {
        error
            .cause()
            .and_then(|cause| cause.downcast_ref())
            .expect("a fault is the cause")
    }

    fn keys(current: &str, previous: Option<&str>) -> LocalMasterKeys {
        LocalMasterKeys::from_base64(current, previous).expect("a generated key has the right form")
    }

    #[tokio::test]
    async fn a_wrapped_key_opens_with_its_master_key_in_its_place_only() -> Result<()> {
        let (first, second) = (LocalMasterKeys::generate(), LocalMasterKeys::generate());
        let old = keys(&first, None);
        let wrapped = old.wrap(b"place", b"key").await?;
        assert_eq!(
            old.unwrap(old.key_id(), b"place", &wrapped)
                .await?
                .as_slice(),
            b"key"
        );

        let moved = old
            .unwrap(old.key_id(), b"elsewhere", &wrapped)
            .await
            .expect_err("moved");
        assert_eq!(
            fault(&moved),
            &Fault::WrappedKeyDamaged(old.key_id().to_owned())
        );
        for at in 0..wrapped.len() {
            let mut tampered = wrapped.clone();
            tampered[at] ^= 1;
            assert!(
                old.unwrap(old.key_id(), b"place", &tampered).await.is_err(),
                "byte {at}"
            );
        }

        let stranger = keys(&second, None);
        let refused = stranger
            .unwrap(old.key_id(), b"place", &wrapped)
            .await
            .expect_err("another master key");
        assert_eq!(
            fault(&refused),
            &Fault::MasterKeyUnknown(old.key_id().to_owned())
        );
        // No fault of the server's that a restart does not mend; the log names the key.
        assert_eq!(refused.code(), kernel::Code::Unavailable);
        let logged = refused.cause_for_log().expect("a cause");
        assert!(logged.contains(old.key_id()), "{logged}");
        let message = fault(&refused).to_string();
        assert!(
            message.contains("CHARTWELL_MASTER_KEY_PREVIOUS") && !message.contains(first.as_str())
        );

        let rotated = keys(&second, Some(&first));
        assert_eq!(
            rotated
                .unwrap(old.key_id(), b"place", &wrapped)
                .await?
                .as_slice(),
            b"key"
        );
        assert_ne!(rotated.key_id(), old.key_id());
        Ok(())
    }

    #[test]
    fn a_key_is_read_in_any_base64_and_nothing_else_is() {
        let bytes: [u8; 32] = std::array::from_fn(|i| 255 - u8::try_from(i).unwrap_or(0));
        let padded = STANDARD.encode(bytes);
        let id = keys(&padded, None).current.id;
        assert_eq!(id.len(), 16);
        for form in [
            format!("  {padded}\n"),
            padded.trim_end_matches('=').to_owned(),
            base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes),
        ] {
            assert_eq!(keys(&form, None).current.id, id, "{form}");
        }
        for wrong in [
            "",
            "secret",
            &STANDARD.encode([7; 16]),
            &STANDARD.encode([0; 32]),
            &hex::encode(bytes),
        ] {
            let error = LocalMasterKeys::from_base64(&padded, Some(wrong)).expect_err("not a key");
            assert_eq!(error, Fault::MasterKeyForm(MASTER_KEY_PREVIOUS));
        }
    }

    #[test]
    fn debug_shows_ids_and_no_keys() {
        let secret = LocalMasterKeys::generate();
        let shown = format!("{:?}", keys(&secret, Some(&secret)));
        assert!(shown.contains("current") && !shown.contains(secret.as_str()));
        assert!(!shown.contains("cipher"));
    }
}
