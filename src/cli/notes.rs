//! `chartwell notes verify`: is a signed note what its signer signed? Needs the file, and neither a database nor a server.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Subcommand;
use clinical::notes::{NoteKey, SignedNote, Verification};
use compliance::signing_keys::SigningKeySet;

#[derive(Debug, Subcommand)]
pub enum Notes {
    /// Check an exported signed note: hashes, signatures and their chain; exits 1 if anything does not fit
    Verify {
        /// The file that GET /api/v1/notes/{id}/signed gave
        file: PathBuf,
        /// The organisation's public key, in base64, if it is known from elsewhere: no other is then believed
        #[arg(long, value_parser = public_key)]
        key: Vec<String>,
        /// The organisation's list of public keys, as GET /api/v1/signing-keys gave it: no other is then believed, and what the
        /// list says of keys that were in other hands counts
        #[arg(long, conflicts_with = "key")]
        keys: Option<PathBuf>,
    },
}

/// A key that is none would make every note look like a forgery.
fn public_key(text: &str) -> Result<String, String> {
    match STANDARD.decode(text.trim()) {
        Ok(bytes) if bytes.len() == 32 => Ok(STANDARD.encode(bytes)),
        _ => Err("must be the 32 bytes of an Ed25519 key in base64".to_owned()),
    }
}

pub fn run(Notes::Verify { file, key, keys }: Notes) -> anyhow::Result<ExitCode> {
    let text = std::fs::read_to_string(&file)
        .with_context(|| format!("{} could not be read", file.display()))?;
    let mut note: SignedNote =
        serde_json::from_str(&text).context("the file is not an exported signed note")?;
    let pinned = !key.is_empty() || keys.is_some();
    if let Some(list) = keys {
        note.keys = listed(&list)?;
    }
    if !key.is_empty() {
        note.keys.retain(|known| key.contains(&known.public_key));
    }
    let found = note.verify();
    super::print::whole(&told(&found));
    if !pinned {
        out!(
            "The keys are those in the file. That they are the organisation's, and in nobody else's hands, only --keys can say."
        );
    }
    Ok(if found.valid {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The keys of a list, in the form in which a signed note carries them.
fn listed(list: &Path) -> anyhow::Result<Vec<NoteKey>> {
    let text = std::fs::read_to_string(list)
        .with_context(|| format!("{} could not be read", list.display()))?;
    let set: SigningKeySet =
        serde_json::from_str(&text).context("the list is not one of signing keys")?;
    set.keys
        .into_iter()
        .map(|key| {
            let public = key.public().context("a key of the list is not one")?;
            Ok(NoteKey {
                id: key.kid,
                algorithm: key.crv,
                public_key: STANDARD.encode(public),
                retired_at: key.retired_at,
                compromised_at: key.compromised_at,
            })
        })
        .collect()
}

fn told(found: &Verification) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    let _ = writeln!(text, "note {}", found.note_id);
    for entry in &found.entries {
        let faults: Vec<String> = entry.faults.iter().map(ToString::to_string).collect();
        let verdict = if faults.is_empty() {
            "ok".to_owned()
        } else {
            format!("NOT VALID: {}", faults.join("; "))
        };
        let _ = writeln!(
            text,
            "  {} {} signed {} by {}: {verdict}",
            entry.sequence, entry.kind, entry.signed_at, entry.signer
        );
    }
    for fault in &found.faults {
        let _ = writeln!(text, "  NOT VALID: {fault}");
    }
    let _ = writeln!(
        text,
        "{}; last hash {}",
        if found.valid { "valid" } else { "NOT VALID" },
        found.last_hash.as_deref().unwrap_or("-")
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_none_is_refused() {
        let key = STANDARD.encode([7; 32]);
        assert_eq!(public_key(&format!("{key}\n")), Ok(key.clone()));
        for wrong in ["AAAA", "", "not base64", &key[1..]] {
            assert!(public_key(wrong).is_err(), "{wrong}");
        }
    }
}
