//! What an operator answers for: breaks in the sealed logs that a restore or a clock has left, and acknowledgements of a key that
//! was in other hands.
//!
//! An acknowledgement is signed like a seal and says who, when, why, and exactly which breaks; verification lists it for ever, with
//! each of them, and goes on naming whatever else it finds. What was changed, removed or inserted can't be acknowledged: no
//! restore does that.
//!
//! Traps: who takes one away makes its breaks faults again; who alters one makes it a fault itself. It hides nothing. No seal
//! covers one, so of a key that has ever been in other hands none is believed, whatever time it bears: who has the key writes any.
//! What it claimed is a fault again, until somebody answers for it with a sound key.

use std::collections::HashMap;

use chrono::SubsecRound;
use kernel::clock::Instant;
use kernel::ids::TenantId;
use kernel::{Error, Result};
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;
use uuid::Uuid;

use super::log::Log;
use super::merkle::Hash;
use crate::crypto::SigningKeys;

/// First bytes of what is signed: no seal, nor anything else of ours, can pass for one.
const DOMAIN: &[u8] = b"chartwell acknowledgement v1\n";

/// Who answers for the breaks, and why there are any.
#[derive(Clone, Debug)]
pub struct Answer {
    pub made_by: String,
    pub reason: String,
}

/// Breaks that somebody answers for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acknowledgement {
    /// 1, 2, 3 …
    pub number: i64,
    pub made_at: Instant,
    pub made_by: String,
    pub reason: String,
    /// One for each break, in the words of this module.
    pub claims: Vec<String>,
}

impl Acknowledgement {
    /// What is signed: numbers big-endian, texts with their length before them.
    fn canonical(&self) -> Vec<u8> {
        let mut bytes = DOMAIN.to_vec();
        for number in [self.number, self.made_at.timestamp_micros()] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        for text in [&self.made_by, &self.reason]
            .into_iter()
            .chain(&self.claims)
        {
            bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        bytes
    }

    /// The claim of a later one that answers for this one being there, whose key was in other hands. For nothing that it claims.
    fn claim(&self) -> String {
        let hash = hex::encode(Sha256::digest(self.canonical()));
        format!("acknowledgement {} {hash}", self.number)
    }
}

/// A seal that is kept outside, and that the database does not have.
pub(super) fn outside((tenant, log): (TenantId, Log), number: i64, hash: &Hash) -> String {
    format!(
        "outside {tenant} {} {number} {}",
        log.word(),
        hex::encode(hash)
    )
}

/// A record that bears a time at which it can't have been written.
pub(super) fn mistimed((tenant, log): (TenantId, Log), record: Uuid) -> String {
    format!("mistimed {tenant} {} {record}", log.word())
}

/// A last seal that bears a time that has not come: what follows it can't bear a later one.
pub(super) fn ahead((tenant, log): (TenantId, Log), number: i64, hash: &Hash) -> String {
    format!(
        "ahead {tenant} {} {number} {}",
        log.word(),
        hex::encode(hash)
    )
}

/// Transactions that are counted anew, from this number on.
pub(super) fn renumbered(base: i64) -> String {
    format!("renumbered {base}")
}

/// All acknowledgements there are.
#[derive(Debug, Default)]
pub(super) struct Acknowledged {
    pub all: Vec<Acknowledgement>,
    /// Those without a valid signature: nothing they claim counts.
    pub forged: Vec<i64>,
    /// Those of a key that has been in other hands: nothing they claim counts either. With the claim that answers for each.
    disowned: Vec<(i64, String)>,
    by_claim: HashMap<String, i64>,
    bases: Vec<(i64, i64)>,
}

impl Acknowledged {
    pub async fn load(conn: &mut PgConnection, keys: &SigningKeys) -> Result<Self> {
        let rows = sqlx::query!(
            "select number, made_at, made_by, reason, claims, key_id, signature from app.seal_acknowledgements order by number"
        )
        .fetch_all(conn)
        .await?;
        let mut found = Self::default();
        for row in rows {
            let one = Acknowledgement {
                number: row.number,
                made_at: row.made_at,
                made_by: row.made_by,
                reason: row.reason,
                claims: row.claims,
            };
            if !keys.verify_seal(&row.key_id, &one.canonical(), &row.signature) {
                found.forged.push(one.number);
            } else if keys.is_seal_key_compromised(&row.key_id) {
                found.disowned.push((one.number, one.claim()));
            } else {
                found.take(one);
            }
        }
        Ok(found)
    }

    fn take(&mut self, one: Acknowledgement) {
        for claim in &one.claims {
            let base = claim.strip_prefix("renumbered ").map(str::parse::<i64>);
            if let Some(Ok(base)) = base {
                self.bases.push((base, one.number));
            }
            self.by_claim.entry(claim.clone()).or_insert(one.number);
        }
        self.all.push(one);
    }

    /// Of those whose key was in other hands: which one answers for each.
    pub fn answered(&self) -> Vec<(i64, i64)> {
        let by = |(number, claim): &(i64, String)| Some((*number, self.of(claim)?));
        self.disowned.iter().filter_map(by).collect()
    }

    /// Those whose key was in other hands, and that nobody answers for.
    pub fn unanswered(&self) -> Vec<i64> {
        let open = self.disowned.iter();
        let open = open.filter(|(_, claim)| self.of(claim).is_none());
        open.map(|(number, _)| *number).collect()
    }

    /// What answers for those whose key was in other hands.
    pub fn claims_of_disowned(&self) -> impl Iterator<Item = String> {
        self.disowned.iter().map(|(_, claim)| claim.clone())
    }

    /// The acknowledgement that names this break.
    pub fn of(&self, claim: &str) -> Option<i64> {
        self.by_claim.get(claim).copied()
    }

    /// The acknowledgement of a seal that was ahead of its time, and when it was made.
    pub fn of_ahead(
        &self,
        chain: (TenantId, Log),
        number: i64,
        hash: &Hash,
    ) -> Option<(i64, Instant)> {
        if self.all.is_empty() {
            return None;
        }
        let by = self.of(&ahead(chain, number, hash))?;
        let made_at = self.all.iter().find(|one| one.number == by)?.made_at;
        Some((by, made_at))
    }

    /// The acknowledgement of numbers that begin anew between these two.
    pub fn of_leap(&self, (after, until): (i64, i64)) -> Option<i64> {
        let inside = |(base, _): &&(i64, i64)| after < *base && *base < until;
        self.bases.iter().find(inside).map(|(_, number)| *number)
    }
}

/// Signs the claims and writes them down.
pub(super) async fn insert(
    conn: &mut PgConnection,
    keys: &SigningKeys,
    answer: Answer,
    claims: Vec<String>,
    now: Instant,
) -> Result<()> {
    let last = sqlx::query_scalar!(
        r#"select coalesce(max(number), 0) as "number!" from app.seal_acknowledgements"#
    )
    .fetch_one(&mut *conn)
    .await?;
    let one = Acknowledgement {
        number: last + 1,
        made_at: now.trunc_subsecs(6),
        made_by: answer.made_by,
        reason: answer.reason,
        claims,
    };
    let (key_id, signature) = keys.sign_seal(&one.canonical());
    sqlx::query!(
        "insert into app.seal_acknowledgements (number, made_at, made_by, reason, claims, key_id, signature)
         values ($1, $2, $3, $4, $5, $6, $7)",
        one.number,
        one.made_at,
        one.made_by,
        one.reason,
        &one.claims,
        key_id,
        &signature[..]
    )
    .execute(conn)
    .await
    .map_err(Error::from)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_signed_and_none_runs_into_the_next() {
        let one = Acknowledgement {
            number: 1,
            made_at: Instant::default(),
            made_by: "ab".to_owned(),
            reason: "c".to_owned(),
            claims: vec!["x".to_owned(), "y".to_owned()],
        };
        let changes: [fn(&mut Acknowledgement); 7] = [
            |one| one.number = 2,
            |one| one.made_at += chrono::TimeDelta::microseconds(1),
            |one| (one.made_by, one.reason) = ("a".to_owned(), "bc".to_owned()),
            |one| one.reason.push('!'),
            |one| one.claims = vec!["xy".to_owned()],
            |one| one.claims.truncate(1),
            |one| one.claims.push("z".to_owned()),
        ];
        for (place, change) in changes.iter().enumerate() {
            let mut changed = one.clone();
            change(&mut changed);
            assert_ne!(changed.canonical(), one.canonical(), "change {place}");
        }
    }
}
