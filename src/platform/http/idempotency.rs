//! `Idempotency-Key`: a POST that is sent again gets the first answer again.
//!
//! The row is claimed at the head of the work's own transaction and filled at its end: a repeat that races the first waits
//! for it, then finds its answer; if the first failed, nothing is left and the repeat does the work.

use kernel::clock::Instant;
use kernel::error::StoredAnswer;
use kernel::ids::{PatientId, UserId};
use kernel::{Code, Error, Result};
use sha2::{Digest as _, Sha256};

use super::Answer;
use crate::audit::Subject;
use crate::db::TenantTx;

/// The key of a request, and what it was sent with.
#[derive(Clone, Debug)]
pub struct IdempotencyKey {
    pub(crate) key: String,
    /// SHA-256 of method, path and body.
    pub(crate) request_hash: [u8; 32],
}

impl IdempotencyKey {
    /// The same key, bound also to content that came after it was read.
    #[must_use]
    pub(crate) fn bound_to(&self, content: &[&[u8]]) -> Self {
        let mut hash = Sha256::new_with_prefix(self.request_hash);
        for part in content {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Self {
            key: self.key.clone(),
            request_hash: hash.finalize().into(),
        }
    }

    /// Takes the key for this transaction, or returns the answer another gave, with the patients it disclosed.
    pub(crate) async fn claim(
        &self,
        tx: &mut TenantTx,
        user: UserId,
        now: Instant,
    ) -> Result<Option<(StoredAnswer, Vec<PatientId>)>> {
        let tenant = tx.tenant();
        let claimed = sqlx::query!(
            r#"insert into app.idempotency_keys (tenant_id, user_id, key, request_hash, created_at)
               values ($1, $2, $3, $4, $5) on conflict do nothing"#,
            tenant as _,
            user as _,
            self.key,
            &self.request_hash[..],
            now
        )
        .execute(tx.conn())
        .await?;
        if claimed.rows_affected() == 1 {
            return Ok(None);
        }
        let row = sqlx::query!(
            r#"select request_hash, status, location, etag, body, patients as "patients: Vec<PatientId>"
                 from app.idempotency_keys where tenant_id = $1 and user_id = $2 and key = $3"#,
            tenant as _,
            user as _,
            self.key
        )
        .fetch_one(tx.conn())
        .await?;
        if row.request_hash != self.request_hash {
            return Err(Code::IdempotencyKeyReused.into());
        }
        let status = row
            .status
            .and_then(|status| u16::try_from(status).ok())
            .unwrap_or(200);
        let answer = StoredAnswer {
            status,
            location: row.location,
            etag: row.etag,
            body: row.body.unwrap_or_default(),
        };
        if !answer.body.is_empty() {
            require_sight(tx, &row.patients).await?;
        }
        Ok(Some((answer, row.patients)))
    }

    /// Keeps the answer beside the work.
    pub(crate) async fn keep<T>(
        &self,
        tx: &mut TenantTx,
        user: UserId,
        answer: &Answer<T>,
        subjects: &[Subject],
    ) -> Result<()> {
        let tenant = tx.tenant();
        let patients: Vec<PatientId> = subjects
            .iter()
            .filter_map(|subject| subject.patient)
            .collect();
        let status = i16::try_from(answer.stored.status).map_err(Error::internal)?;
        sqlx::query!(
            r#"update app.idempotency_keys set status = $4, location = $5, etag = $6, body = $7, patients = $8
                where tenant_id = $1 and user_id = $2 and key = $3"#,
            tenant as _,
            user as _,
            self.key,
            status,
            answer.stored.location,
            answer.stored.etag,
            answer.stored.body,
            &patients as _
        )
        .execute(tx.conn())
        .await?;
        Ok(())
    }
}

/// An answer given again discloses again: whoever lost sight of a patient meanwhile does not get it.
async fn require_sight(tx: &mut TenantTx, patients: &[PatientId]) -> Result<()> {
    let tenant = tx.tenant();
    let unseen = sqlx::query_scalar!(
        r#"select exists (select from unnest($2::uuid[]) as shown (id)
                           where not exists (select from app.patients p
                                              where p.tenant_id = $1 and p.id = shown.id and p.deleted_at is null)) as "unseen!""#,
        tenant as _,
        patients as _
    )
    .fetch_one(tx.conn())
    .await?;
    if unseen {
        Err(Error::not_found())
    } else {
        Ok(())
    }
}
