//! SQL of entries. There is no update: a trigger refuses one.

use kernel::clock::Instant;
use kernel::ids::{NoteEntryId, NoteId, PatientId, UserId};
use kernel::{Error, Result};
use platform::crypto::tenant_signing::RecordSignature;
use platform::db::TenantTx;
use serde_json::Value;
use uuid::Uuid;

use super::chain::{Link, SignerName};
use super::model::NoteEntry;
use crate::notes::kinds::EntryKind;
use crate::notes::model::Note;

/// A signed entry as it is kept.
pub(in crate::notes) struct Entry {
    pub id: NoteEntryId,
    pub sequence: i32,
    pub kind: EntryKind,
    pub payload: String,
    pub hash: Vec<u8>,
    pub previous: Option<Vec<u8>>,
    pub key_id: Uuid,
    pub signature: Vec<u8>,
    pub signed_by: UserId,
    pub signed_at: Instant,
}

impl Entry {
    /// As it is shown: its payload taken apart.
    pub fn shown(&self) -> Result<NoteEntry> {
        let payload: Value = serde_json::from_str(&self.payload).map_err(Error::internal)?;
        let content = &payload["content"];
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let signer = &payload["signer"];
        let mut name = text(&signer["name"]).unwrap_or_default();
        if let Some(credential) = signer["credential"].as_str() {
            name = format!("{name}, {credential}");
        }
        Ok(NoteEntry {
            id: self.id,
            sequence: self.sequence,
            kind: self.kind,
            content: serde_json::from_value(content["sections"].clone())
                .map_err(Error::internal)?,
            text: text(&content["text"]),
            reason: text(&content["reason"]),
            attestation: text(&payload["attestation"]).unwrap_or_default(),
            signed_by: self.signed_by,
            signer: name,
            signed_at: self.signed_at,
            hash: hex::encode(&self.hash),
            previous: self.previous.as_ref().map(hex::encode),
            key_id: self.key_id,
        })
    }
}

/// Where a chain ends.
pub(in crate::notes) struct Last {
    pub sequence: i32,
    hash: Vec<u8>,
}

impl Last {
    pub fn hash(&self) -> Result<[u8; 32]> {
        self.hash
            .as_slice()
            .try_into()
            .map_err(|_| Error::internal("a hash of an entry is not one of SHA-256"))
    }
}

pub(in crate::notes) async fn last(tx: &mut TenantTx, note: NoteId) -> Result<Option<Last>> {
    let tenant = tx.tenant();
    let last = sqlx::query_as!(
        Last,
        "select e.sequence, e.hash from app.note_entries e
          where e.tenant_id = $1 and e.note_id = $2 order by e.sequence desc limit 1",
        tenant as _,
        note as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(last)
}

/// All entries of a note, from the original on.
pub(in crate::notes) async fn entries(tx: &mut TenantTx, note: NoteId) -> Result<Vec<Entry>> {
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        Entry,
        r#"select e.id as "id: _", e.sequence, e.kind as "kind: _", e.payload, e.hash, e.previous, e.key_id, e.signature,
                  e.signed_by as "signed_by: _", e.signed_at
             from app.note_entries e
            where e.tenant_id = $1 and e.note_id = $2
            order by e.sequence"#,
        tenant as _,
        note as _,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

/// What a note counts of its entries.
pub(super) struct Counted {
    pub entries: i32,
    pub last_hash: Option<Vec<u8>>,
}

pub(super) async fn counted(tx: &mut TenantTx, note: NoteId) -> Result<Counted> {
    let tenant = tx.tenant();
    let counted = sqlx::query_as!(
        Counted,
        "select n.entry_count as entries, n.last_hash from app.notes n where n.tenant_id = $1 and n.id = $2",
        tenant as _,
        note as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(counted)
}

/// The registrations of one person, as far as the caller may see him.
pub(super) async fn registrations(tx: &mut TenantTx, patient: PatientId) -> Result<Vec<PatientId>> {
    let ids = sqlx::query_scalar!(
        r#"select r as "id!: PatientId" from app.registrations_of($1) r"#,
        patient as _,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(ids)
}

/// What addenda and amendments add to a note's text, in one piece.
pub(in crate::notes) async fn added_text(tx: &mut TenantTx, note: NoteId) -> Result<String> {
    let tenant = tx.tenant();
    let text = sqlx::query_scalar!(
        r#"select coalesce(string_agg(e.payload::jsonb #>> '{content,text}', E'\n\n' order by e.sequence), '') as "text!"
             from app.note_entries e
            where e.tenant_id = $1 and e.note_id = $2 and e.kind in ('addendum', 'amendment')"#,
        tenant as _,
        note as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(text)
}

/// The name under which somebody signs.
pub(super) async fn signer(
    tx: &mut TenantTx,
    user: UserId,
    role: &'static str,
) -> Result<SignerName> {
    let tenant = tx.tenant();
    let row = sqlx::query!(
        r#"select u.given_name || ' ' || u.family_name as "name!",
                  coalesce(p.credential, array_to_string(s.credentials, ', ')) as credential
             from app.users u
             left join app.providers p on p.tenant_id = $1 and p.user_id = u.id
             left join app.staff_members s on s.tenant_id = $1 and s.user_id = u.id
            where u.tenant_id = $1 and u.id = $2"#,
        tenant as _,
        user as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(SignerName {
        user,
        name: row.name,
        credential: row.credential.filter(|text| !text.is_empty()),
        role,
    })
}

pub(super) async fn insert(
    tx: &mut TenantTx,
    note: &Note,
    link: &Link,
    payload: &str,
    hash: &[u8; 32],
    signature: &RecordSignature,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "insert into app.note_entries (tenant_id, id, patient_id, note_id, sequence, kind, payload, hash, previous, key_id, signature,
                signed_by, signed_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, app.user_id(), $12)",
        tenant as _,
        link.id as _,
        note.summary.patient_id as _,
        note.summary.id as _,
        link.sequence,
        link.kind as _,
        payload,
        hash.as_slice(),
        link.previous.as_ref().map(<[u8; 32]>::as_slice),
        signature.key_id,
        signature.signature.as_slice(),
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
