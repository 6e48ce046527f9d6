//! Of the signing keys, what needs no database.

use jsonwebtoken::{Algorithm, Header, Validation, decode, encode};
use kernel::Clock;
use serde_json::{Value, json};

use super::super::LocalMasterKeys;
use super::super::signing_rows::Row;
use super::*;

fn master() -> LocalMasterKeys {
    LocalMasterKeys::from_base64(&LocalMasterKeys::generate(), None)
        .expect("a generated key has the right form")
}

async fn generation(before: &[Row], wrapper: &dyn KeyWrapper) -> Result<Vec<Row>> {
    let mut made = Vec::new();
    for purpose in Purpose::ALL {
        made.push(rows::fresh(before, wrapper, purpose).await?);
    }
    Ok(made)
}

async fn keys(rows: &[Row], wrapper: &dyn KeyWrapper, now: Instant) -> Result<SigningKeys> {
    Ok(SigningKeys::new(&rows::unwrap(rows, wrapper).await?, now)?)
}

fn fault<T>(result: Result<T>) -> Option<String> {
    result
        .err()
        .and_then(|error| error.cause().map(ToString::to_string))
}

/// Two generations of keys, the first retired `ago`; and the keys as they were before the second.
async fn rotated(ago: TimeDelta) -> Result<(SigningKeys, SigningKeys)> {
    let (master, now) = (master(), Clock::system().now());
    let mut all = generation(&[], &master).await?;
    let before = keys(&all, &master, now).await?;
    let second = generation(&all, &master).await?;
    for row in &mut all {
        row.retired_at = Some(now - ago);
    }
    all.extend(second);
    Ok((before, keys(&all, &master, now).await?))
}

fn token(keys: &SigningKeys) -> (String, String) {
    let (kid, key) = keys.encoding();
    let header = Header {
        kid: Some(kid.to_owned()),
        ..Header::new(Algorithm::EdDSA)
    };
    let claims = json!({ "sub": "someone", "exp": 4_000_000_000_u64 });
    (
        kid.to_owned(),
        encode(&header, &claims, key).expect("the key is well formed"),
    )
}

#[tokio::test]
async fn a_token_verifies_by_its_key_id_and_the_published_key() -> Result<()> {
    let master = master();
    let keys = keys(
        &generation(&[], &master).await?,
        &master,
        Clock::system().now(),
    )
    .await?;
    let (kid, token) = token(&keys);
    assert_eq!(kid, "access_token-1");
    let own = keys.decoding(&kid).expect("its own key");
    assert!(decode::<Value>(&token, own, &Validation::new(Algorithm::EdDSA)).is_ok());
    assert!(keys.decoding("access_token-2").is_none());
    assert!(keys.decoding("seal-1").is_none());

    let jwks: jsonwebtoken::jwk::JwkSet = serde_json::from_value(keys.jwks()).expect("a key set");
    let published = DecodingKey::from_jwk(jwks.find(&kid).expect("published")).expect("a key");
    assert!(decode::<Value>(&token, &published, &Validation::new(Algorithm::EdDSA)).is_ok());
    assert!(!keys.jwks().to_string().contains("\"d\""));
    Ok(())
}

#[tokio::test]
async fn after_a_rotation_the_new_key_signs_and_the_old_one_verifies() -> Result<()> {
    let (before, after) = rotated(TimeDelta::minutes(5)).await?;
    let (kid, token) = token(&before);
    let old = after
        .decoding(&kid)
        .expect("tokens outlive their key for a while");
    assert!(decode::<Value>(&token, old, &Validation::new(Algorithm::EdDSA)).is_ok());
    assert_eq!(after.encoding().0, "access_token-2");

    let (id, signature) = before.sign_seal(b"root");
    assert!(after.verify_seal(id, b"root", &signature));
    assert_eq!(after.sign_seal(b"root").0, "seal-2");

    let mac = before.record_mac(b"record");
    assert!(after.verify_record_mac(b"record", &mac));
    assert_ne!(after.record_mac(b"record"), mac);
    Ok(())
}

#[tokio::test]
async fn a_token_key_long_retired_verifies_nothing_but_its_contemporaries_still_do() -> Result<()> {
    let (before, after) = rotated(TimeDelta::minutes(16)).await?;
    assert!(after.decoding(before.encoding().0).is_none());
    assert_eq!(after.jwks()["keys"].as_array().map(Vec::len), Some(1));
    let (id, signature) = before.sign_seal(b"root");
    assert!(after.verify_seal(id, b"root", &signature));
    assert!(after.verify_record_mac(b"record", &before.record_mac(b"record")));
    Ok(())
}

#[tokio::test]
async fn seals_and_codes_verify_for_what_they_were_made_and_for_nothing_else() -> Result<()> {
    let (before, after) = rotated(TimeDelta::minutes(5)).await?;
    let (id, mut signature) = after.sign_seal(b"root");
    assert!(after.verify_seal(id, b"root", &signature));
    assert!(!after.verify_seal(id, b"toor", &signature));
    assert!(!after.verify_seal("seal-1", b"root", &signature));
    assert!(!after.verify_seal("seal-9", b"root", &signature));
    assert!(!after.verify_seal(id, b"root", &signature[..63]));
    assert!(!before.verify_seal(id, b"root", &signature));
    signature[7] ^= 1;
    assert!(!after.verify_seal(id, b"root", &signature));

    let mut mac = after.record_mac(b"record");
    assert!(after.verify_record_mac(b"record", &mac));
    assert!(!after.verify_record_mac(b"recorD", &mac));
    assert!(!after.verify_record_mac(b"record", &mac[..15]));
    assert!(!before.verify_record_mac(b"record", &mac));
    mac[15] ^= 1;
    assert!(!after.verify_record_mac(b"record", &mac));
    Ok(())
}

#[tokio::test]
async fn a_wrong_master_key_is_named_by_its_variable() -> Result<()> {
    let rows = generation(&[], &master()).await?;
    let message = fault(rows::unwrap(&rows, &master()).await).expect("another master key");
    assert!(
        message.contains("CHARTWELL_MASTER_KEY") && message.contains(&rows[0].master_key_id),
        "{message}"
    );
    Ok(())
}

#[tokio::test]
async fn an_altered_row_is_refused() -> Result<()> {
    let master = master();
    let damaged = |id: &str| Some(Fault::SigningKeyDamaged(id.to_owned()).to_string());
    let not_opened = Some(Fault::WrappedKeyDamaged(master.key_id().to_owned()).to_string());

    let mut rows = generation(&[], &master).await?;
    rows[1].public_key = SigningKey::from_bytes(&[7; 32])
        .verifying_key()
        .to_bytes()
        .to_vec();
    assert_eq!(fault(rows::unwrap(&rows, &master).await), damaged("seal-1"));

    // A token key offered as a key for seals: what is wrapped for one purpose does not open for another.
    let mut rows = generation(&[], &master).await?;
    "seal".clone_into(&mut rows[0].purpose);
    assert_eq!(fault(rows::unwrap(&rows, &master).await), not_opened);

    let mut rows = generation(&[], &master).await?;
    "seal-2".clone_into(&mut rows[1].id);
    assert_eq!(fault(rows::unwrap(&rows, &master).await), not_opened);
    Ok(())
}

#[tokio::test]
async fn the_newest_key_not_retired_is_current_and_numbers_are_compared_as_numbers() -> Result<()> {
    let (master, now) = (master(), Clock::system().now());
    let mut all = Vec::new();
    for _ in 0..10 {
        let next = generation(&all, &master).await?;
        all.extend(next);
    }
    all.reverse();
    let made = keys(&all, &master, now).await?;
    assert_eq!(
        (made.encoding().0, made.sign_seal(b"").0),
        ("access_token-10", "seal-10")
    );

    for row in &mut all {
        row.retired_at = Some(now);
    }
    let refused = keys(&all, &master, now).await;
    assert_eq!(
        fault(refused),
        Some(Fault::SigningKeyMissing("access_token").to_string())
    );
    Ok(())
}
