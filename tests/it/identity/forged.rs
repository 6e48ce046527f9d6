//! Tokens somebody made up: whatever they say of themselves, only what our key has signed in our way is believed.

use axum::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer as _, SigningKey};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use platform::access::Role;
use serde_json::{Value, json};

use crate::support::{Caller, TestTenant};

/// A token of an admin, in its parts.
struct Token {
    caller: Caller,
    header: Value,
    claims: Value,
    signature: String,
}

fn decoded(part: &str) -> Value {
    let bytes = URL_SAFE_NO_PAD.decode(part).expect("base64");
    serde_json::from_slice(&bytes).expect("JSON")
}

fn encoded(part: &Value) -> String {
    URL_SAFE_NO_PAD.encode(part.to_string())
}

impl Token {
    async fn of(clinic: &TestTenant) -> Self {
        let caller = clinic.user(Role::Nurse).await;
        let token = caller.token.clone().expect("a token");
        let parts: Vec<&str> = token.split('.').collect();
        Self {
            header: decoded(parts[0]),
            claims: decoded(parts[1]),
            signature: parts[2].to_owned(),
            caller,
        }
    }

    fn header(&self, change: &Value) -> Value {
        changed(&self.header, change)
    }

    fn claims(&self, change: &Value) -> Value {
        changed(&self.claims, change)
    }

    /// The present signature under other words.
    fn misused(&self, header: &Value, claims: &Value) -> String {
        format!("{}.{}.{}", encoded(header), encoded(claims), self.signature)
    }

    async fn is_refused(&self, what: &str, token: &str) {
        let reply = self
            .caller
            .with_token(Some(token.to_owned()))
            .get("/api/v1/me")
            .await;
        assert_eq!(reply.status, 401, "{what}: {}", reply.text);
        assert!(reply.headers.contains_key("www-authenticate"), "{what}");
        reply.expect_problem(401, "token_invalid");
    }
}

fn changed(value: &Value, change: &Value) -> Value {
    let mut value = value.clone();
    for (name, other) in change.as_object().expect("an object") {
        value[name] = other.clone();
    }
    value
}

#[tokio::test]
async fn a_token_without_a_signature_is_nobodys() {
    let clinic = TestTenant::new().await;
    let token = Token::of(&clinic).await;
    for none in ["none", "None", "NONE", "nOnE", ""] {
        let header = token.header(&json!({ "alg": none }));
        let unsigned = format!("{}.{}.", encoded(&header), encoded(&token.claims));
        token.is_refused(none, &unsigned).await;
        let misused = token.misused(&header, &token.claims);
        token.is_refused(none, &misused).await;
    }
    let bare = format!("{}.{}", encoded(&token.header), encoded(&token.claims));
    for (what, made) in [
        ("nothing behind the dot", format!("{bare}.")),
        ("two parts", bare),
        (
            "zeros",
            format!(
                "{}.{}.{}",
                encoded(&token.header),
                encoded(&token.claims),
                "A".repeat(86)
            ),
        ),
        (
            "four parts",
            format!("{}.x", token.misused(&token.header, &token.claims)),
        ),
        ("dots", "..".to_owned()),
        ("long", "a".repeat(5_000)),
    ] {
        token.is_refused(what, &made).await;
    }
    token.caller.get("/api/v1/me").await.expect(200);
}

#[tokio::test]
async fn what_everybody_can_read_of_our_key_signs_nothing() {
    let clinic = TestTenant::new().await;
    let token = Token::of(&clinic).await;
    let jwks = clinic.nobody().get("/.well-known/jwks.json").await;
    let text = jwks.text.clone();
    let key = jwks.expect(200)["keys"][0].clone();
    let x = key["x"].as_str().expect("a public key").to_owned();
    let raw = URL_SAFE_NO_PAD.decode(&x).expect("base64");
    for (alg, name) in [
        (Algorithm::HS256, "HS256"),
        (Algorithm::HS384, "HS384"),
        (Algorithm::HS512, "HS512"),
    ] {
        for secret in [raw.as_slice(), x.as_bytes(), text.as_bytes(), b""] {
            let header = Header {
                kid: token.header["kid"].as_str().map(str::to_owned),
                ..Header::new(alg)
            };
            let secret = EncodingKey::from_secret(secret);
            let made = jsonwebtoken::encode(&header, &token.claims, &secret).expect("a token");
            token.is_refused(name, &made).await;
        }
    }
    for alg in ["ES256", "RS256", "PS256", "EdDSA ", "eddsa"] {
        let header = token.header(&json!({ "alg": alg }));
        token
            .is_refused(alg, &token.misused(&header, &token.claims))
            .await;
    }
}

#[tokio::test]
async fn a_key_that_the_token_brings_along_is_not_ours() {
    let clinic = TestTenant::new().await;
    let token = Token::of(&clinic).await;
    let theirs = SigningKey::from_bytes(&[7; 32]);
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig",
        "x": URL_SAFE_NO_PAD.encode(theirs.verifying_key().to_bytes()) });
    for change in [
        json!({}),
        json!({ "jwk": jwk }),
        json!({ "jku": "https://attacker.test/jwks.json" }),
        json!({ "x5u": "https://attacker.test/key.pem" }),
        json!({ "kid": "access_token-999" }),
        json!({ "kid": "../../../../dev/null" }),
        json!({ "kid": "' or true --" }),
        json!({ "kid": "" }),
        json!({ "kid": null }),
    ] {
        let head = format!(
            "{}.{}",
            encoded(&token.header(&change)),
            encoded(&token.claims)
        );
        let signature = URL_SAFE_NO_PAD.encode(theirs.sign(head.as_bytes()).to_bytes());
        token
            .is_refused(&change.to_string(), &format!("{head}.{signature}"))
            .await;
    }
}

#[tokio::test]
async fn not_a_word_of_a_token_can_be_changed() {
    let clinic = TestTenant::new().await;
    let other = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let token = Token::of(&clinic).await;
    for change in [
        json!({ "role": "admin" }),
        json!({ "sub": admin.user_id }),
        json!({ "tid": other.id }),
        json!({ "exp": 99_999_999_999_i64 }),
        json!({ "iss": "somebody" }),
        json!({ "more": 1 }),
    ] {
        let made = token.misused(&token.header, &token.claims(&change));
        token.is_refused(&change.to_string(), &made).await;
    }
    let header = token.header(&json!({ "typ": "JWT2" }));
    token
        .is_refused("typ", &token.misused(&header, &token.claims))
        .await;
}

#[tokio::test]
async fn what_our_key_signed_must_say_everything_and_name_a_session_that_lives() {
    let clinic = TestTenant::new().await;
    let other = TestTenant::new().await;
    let token = Token::of(&clinic).await;
    let keys = clinic.app.keys.current();
    let (kid, key) = keys.encoding();
    let header = Header {
        kid: Some(kid.to_owned()),
        ..Header::new(Algorithm::EdDSA)
    };
    let signed = |claims: &Value| jsonwebtoken::encode(&header, claims, key).expect("a token");
    let now = clinic.clock.now().timestamp();
    for change in [
        json!({ "iss": "another house" }),
        json!({ "iss": null }),
        json!({ "exp": null }),
        json!({ "exp": now - 1 }),
        json!({ "exp": "tomorrow" }),
        json!({ "exp": i64::MAX }),
        json!({ "iat": now + 3_600 }),
        json!({ "sub": null }),
        json!({ "sid": kernel::ids::mint() }),
        json!({ "tid": other.id }),
        json!({ "role": "operator" }),
    ] {
        let made = signed(&token.claims(&change));
        token.is_refused(&change.to_string(), &made).await;
    }
    // With nothing changed it is as good as the one that was given out.
    let same = token.caller.with_token(Some(signed(&token.claims)));
    same.get("/api/v1/me").await.expect(200);
}

#[tokio::test]
async fn no_other_secret_passes_for_an_access_token() {
    let clinic = TestTenant::new().await;
    let token = Token::of(&clinic).await;
    let tokens = clinic.tokens(&token.caller.email).await;
    let refresh = tokens["refresh_token"].as_str().expect("a token");
    token.is_refused("a refresh token", refresh).await;
    let access = tokens["access_token"].as_str().expect("a token").to_owned();
    for (scheme, code) in [
        ("Basic", "token_missing"),
        ("Token", "token_missing"),
        ("BearerX", "token_missing"),
    ] {
        let header = format!("{scheme} {access}");
        clinic
            .nobody()
            .send(
                Method::GET,
                "/api/v1/me",
                &[("authorization", &header)],
                None,
            )
            .await
            .expect_problem(401, code);
    }
    let path = format!("/api/v1/me?access_token={access}");
    let reply = clinic.nobody().get(path).await;
    reply.expect_problem(401, "token_missing");
}
