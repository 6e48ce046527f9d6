//! `chartwell notes verify`: is a signed note what its signer signed? Needs the file, and neither a database nor a server.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Subcommand;
use clinical::notes::{SignedNote, Verification};

#[derive(Debug, Subcommand)]
pub enum Notes {
    /// Check an exported signed note: hashes, signatures and their chain; exits 1 if anything does not fit
    Verify {
        /// The file that GET /api/v1/notes/{id}/signed gave
        file: PathBuf,
        /// The organisation's public key, in base64, if it is known from elsewhere: no other is then believed
        #[arg(long)]
        key: Vec<String>,
    },
}

pub fn run(Notes::Verify { file, key }: Notes) -> anyhow::Result<ExitCode> {
    let text = std::fs::read_to_string(&file)
        .with_context(|| format!("{} could not be read", file.display()))?;
    let mut note: SignedNote =
        serde_json::from_str(&text).context("the file is not an exported signed note")?;
    let pinned = !key.is_empty();
    if pinned {
        note.keys.retain(|known| key.contains(&known.public_key));
    }
    let found = note.verify();
    print!("{}", told(&found));
    if !pinned {
        println!(
            "The keys are those in the file. That they are the organisation's, only --key can say."
        );
    }
    Ok(if found.valid {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
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
