//! Passwords: how they are kept, and which are good enough.
//!
//! Kept as Argon2id with the parameters of [`PARAMS`]; a hash made with other parameters is replaced at the next login.
//! Chosen by the rules of NIST 800-63B: long enough, not easy to guess, no rules of composition, no expiry. A password is
//! normalised (NFKC) first, so that the same keys pressed on two machines are the same password.
//!
//! Traps: hashing takes 19 MiB and tens of milliseconds, so it runs off the async pool and only so many at once. Whoever
//! checks a password of nobody hashes all the same ([`Passwords::verify`] with `None`): the time it takes must not tell
//! whether an account exists.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use kernel::{Code, Error, FieldError, Result};
use platform::compute::Compute;
use secrecy::{ExposeSecret, SecretString};
use unicode_normalization::UnicodeNormalization;
use zxcvbn::Score;

/// The longest password, in characters. Longer ones would only be work.
pub const LONGEST: usize = 128;

/// OWASP's first choice: 19 MiB, two passes, one lane.
const PARAMS: (u32, u32, u32) = (19_456, 2, 1);

/// What stands in for the hash of nobody. Of the present parameters, so that it takes as long; of no password.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$Q2hhcnR3ZWxsIE5vYm9keQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Hashes and verifies, so many at once.
#[derive(Debug)]
pub struct Passwords {
    compute: Compute,
}

/// What a verification found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub right: bool,
    /// The hash was made with other parameters than today's.
    pub outdated: bool,
}

/// The rules for a new password.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Characters at least; the tenant's setting.
    pub shortest: usize,
    /// What somebody who knows the person would try first: e-mail, names, the organisation.
    pub guessable: Vec<String>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self {
            // More at once would not be faster, and each holds 19 MiB.
            compute: Compute::short(),
        }
    }
}

impl Passwords {
    /// The hash of a password, whatever it is worth: for one that has passed [`choose`](Self::choose) before, and for demo
    /// accounts.
    pub async fn hash(&self, password: SecretString) -> Result<String> {
        self.compute.run(move || hash(&password)).await?
    }

    /// Checks the rules, then hashes. `pointer` is the field that held the password.
    pub async fn choose(
        &self,
        password: SecretString,
        rules: Rules,
        pointer: &'static str,
    ) -> Result<String> {
        self.compute
            .run(move || {
                check(&password, &rules, pointer)?;
                hash(&password)
            })
            .await?
    }

    /// Compares with a stored hash, or takes as long over nobody's and says no.
    pub async fn verify(&self, password: SecretString, stored: Option<String>) -> Result<Verdict> {
        self.compute
            .run(move || verify(&password, stored.as_deref()))
            .await
    }
}

fn hasher() -> Result<Argon2<'static>> {
    let (memory, passes, lanes) = PARAMS;
    let params = Params::new(memory, passes, lanes, None)
        .map_err(|_| Error::internal("Argon2 parameters"))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn normalised(password: &SecretString) -> SecretString {
    password.expose_secret().nfkc().collect::<String>().into()
}

fn hash(password: &SecretString) -> Result<String> {
    hasher()?
        .hash_password(normalised(password).expose_secret().as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|_| Error::internal("a password could not be hashed"))
}

fn verify(password: &SecretString, stored: Option<&str>) -> Verdict {
    let password = normalised(password);
    let parsed = PasswordHash::new(stored.unwrap_or(NOBODY));
    let right = parsed.as_ref().is_ok_and(|hash| {
        Argon2::default()
            .verify_password(password.expose_secret().as_bytes(), hash)
            .is_ok()
    });
    Verdict {
        right: right && stored.is_some(),
        outdated: !parsed.is_ok_and(|hash| current(&hash)),
    }
}

/// Whether a hash was made as one would be made today.
fn current(hash: &PasswordHash) -> bool {
    let (memory, passes, lanes) = PARAMS;
    hash.algorithm.as_str() == "argon2id"
        && hash.version == Some(Version::V0x13.into())
        && Params::try_from(hash).is_ok_and(|params| {
            (params.m_cost(), params.t_cost(), params.p_cost()) == (memory, passes, lanes)
        })
}

fn check(password: &SecretString, rules: &Rules, pointer: &'static str) -> Result<()> {
    let refuse = |code: &'static str, message: String| {
        Err(Error::new(Code::PasswordTooWeak)
            .with_fields(vec![FieldError::new(pointer, code, message)]))
    };
    let password = normalised(password);
    let text = password.expose_secret();
    let length = text.chars().count();
    if length < rules.shortest {
        return refuse(
            "too_short",
            format!("must have at least {} characters", rules.shortest),
        );
    }
    if length > LONGEST {
        return refuse(
            "too_long",
            format!("must have at most {LONGEST} characters"),
        );
    }
    let guessable: Vec<&str> = rules.guessable.iter().map(String::as_str).collect();
    let estimate = zxcvbn::zxcvbn(text, &guessable);
    if estimate.score() < Score::Three {
        let why = estimate
            .feedback()
            .and_then(zxcvbn::feedback::Feedback::warning);
        let why = why.map_or_else(String::new, |warning| format!(": {warning}"));
        return refuse("easy_to_guess", format!("is too easy to guess{why}"));
    }
    Ok(())
}

impl Rules {
    /// The rules of a tenant for a person.
    pub fn new<'a>(shortest: i16, about: impl IntoIterator<Item = &'a str>) -> Self {
        let mut guessable: Vec<String> = vec!["chartwell".to_owned()];
        for text in about {
            let words = text.split(|c: char| !c.is_alphanumeric());
            guessable.extend(
                words
                    .clone()
                    .filter(|word| word.chars().count() > 2)
                    .map(str::to_owned),
            );
            guessable.push(text.to_owned());
            guessable.push(words.collect());
        }
        Self {
            shortest: usize::try_from(shortest).unwrap_or(LONGEST),
            guessable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> SecretString {
        text.to_owned().into()
    }

    fn refused(text: &str) -> Option<String> {
        let rules = Rules::new(
            12,
            [
                "nora.okafor@riverside.example",
                "Nora Okafor",
                "Riverside Clinic",
            ],
        );
        check(&secret(text), &rules, "/new_password")
            .err()
            .map(|error| error.fields()[0].code.to_string())
    }

    #[test]
    fn a_hash_verifies_its_password_and_no_other() {
        let stored = hash(&secret("correct horse battery")).expect("hashes");
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert_eq!(
            verify(&secret("correct horse battery"), Some(&stored)),
            Verdict {
                right: true,
                outdated: false
            }
        );
        assert!(!verify(&secret("correct horse batterx"), Some(&stored)).right);
    }

    #[test]
    fn nobody_has_no_password_and_takes_as_long() {
        let nobody = PasswordHash::new(NOBODY).expect("parses");
        assert!(current(&nobody) && nobody.salt.is_some() && nobody.hash.is_some());
        assert_eq!(
            verify(&secret(""), None),
            Verdict {
                right: false,
                outdated: false
            }
        );
    }

    #[test]
    fn a_hash_of_other_parameters_is_outdated() {
        let params = Params::new(8_192, 1, 1, None).expect("allowed");
        let old = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let stored = old
            .hash_password(b"correct horse battery")
            .expect("hashes")
            .to_string();
        assert_eq!(
            verify(&secret("correct horse battery"), Some(&stored)),
            Verdict {
                right: true,
                outdated: true
            }
        );
    }

    #[test]
    fn keys_pressed_on_two_machines_are_one_password() {
        let stored = hash(&secret("caf\u{e9} \u{fb01}ngers crossed")).expect("hashes");
        assert!(verify(&secret("cafe\u{301} fingers crossed"), Some(&stored)).right);
    }

    #[test]
    fn only_length_and_guessability_count() {
        assert_eq!(refused("short one").as_deref(), Some("too_short"));
        assert_eq!(
            refused(&"long enough ".repeat(11)).as_deref(),
            Some("too_long")
        );
        assert_eq!(
            refused("passwordpassword").as_deref(),
            Some("easy_to_guess")
        );
        assert_eq!(
            refused("aaaaaaaaaaaaaaaaaaaa").as_deref(),
            Some("easy_to_guess")
        );
        assert_eq!(refused("noraokafor12").as_deref(), Some("easy_to_guess"));
        assert_eq!(refused("riversideclinic").as_deref(), Some("easy_to_guess"));
        assert_eq!(refused("walnut glider sonnet"), None);
        assert_eq!(refused("kein umlaut über alles"), None);
    }
}
