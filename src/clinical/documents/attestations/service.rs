//! Signing and checking attestations.

use kernel::ids::{DocumentAttestationId, DocumentId};
use kernel::{Code, Error, OnConstraint, Page, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::audit::Action;
use platform::crypto::tenant_signing::{self, RecordKey, RecordSignature};
use platform::db::TenantTx;
use platform::http::{Answer, Paging};
use sha2::{Digest, Sha256};

use super::model::{Attestation, NewAttestation, Payload, TYPE};
use super::store::{self, Row, Version};
use crate::documents::model::{DocumentStatus, PagesAsOf, Scan};
use crate::documents::{past, service, store as documents};

const RESOURCE: &str = "document_attestation";

pub(super) async fn list(
    ctx: &Ctx,
    id: DocumentId,
    query: PagesAsOf,
) -> Result<Answer<Page<Attestation>>> {
    let then = query.as_of.map(|then| then.instant(ctx));
    let paging = Paging::new(ctx, &(id, then), query.limit, query.cursor)?;
    let (mut tx, owner) = past::begin_read(ctx, id, then).await?;
    let keys = keys(ctx, &mut tx).await?;
    let of = (id, then);
    let rows = store::page(&mut tx, of, paging.after()?, paging.fetch()).await?;
    let rows = rows.into_iter().map(|row| checked(&keys, row)).collect();
    let page = paging.page(rows, |row: &Attestation| (row.signed_at, row.id))?;
    let subject = owner.subject(id);
    tx.finish(Disclosure::shown(RESOURCE, Action::Read, [subject], page))
        .await
}

pub(super) async fn attest(
    ctx: &Ctx,
    id: DocumentId,
    new: &NewAttestation,
) -> Result<Answer<Attestation>> {
    let mut tx = ctx.begin(Permission::DocumentAttest).await?;
    let document = documents::get(&mut tx, id).await?;
    let owner = service::owner_of(&document)?;
    let Some(patient) = owner.patient() else {
        return Err(Error::not_found());
    };
    if document.status != DocumentStatus::Current {
        return Err(Error::new(Code::DocumentClosed));
    }
    let Some(provider) = store::own_provider(&mut tx).await? else {
        return Err(Error::new(Code::Forbidden).detail("Only an active provider can attest."));
    };
    let number = new.number.unwrap_or(document.current.number);
    let version = attestable(&mut tx, id, number).await?;
    let payload = Payload {
        document_id: id,
        number,
        provider_id: provider,
        sha256: hex::encode(&version.sha256),
        signed_at: ctx.now(),
        signed_by: ctx.user(),
        statement: new.statement.clone(),
        tenant_id: ctx.tenant(),
        r#type: TYPE.to_owned(),
        version_id: version.id,
    };
    let payload = serde_json::to_string(&payload).map_err(Error::internal)?;
    let (signature, public, keys) = sign(ctx, &mut tx, &payload).await?;
    let row = Row {
        id: DocumentAttestationId::new(),
        document_id: id,
        version_id: version.id,
        number,
        provider_id: provider,
        signed_by: ctx.user(),
        signed_at: ctx.now(),
        statement: new.statement.clone(),
        payload,
        key_id: signature.key_id,
        public_key: public,
        signature: signature.signature.to_vec(),
        sha256: version.sha256,
    };
    store::insert(&mut tx, patient, document.data.category, &row)
        .await
        .on_constraint("document_attestations_once_key", || {
            Error::new(Code::AlreadyAttested)
        })?;
    let attested = checked(&keys, row);
    let disclosure = Disclosure::of(RESOURCE, Action::Create, patient, attested.id, attested)
        .created_at(format!("/api/v1/documents/{id}/attestations"))
        .version(1);
    tx.commit(disclosure).await
}

/// A version that can be attested: one that is there, and was found clean.
async fn attestable(tx: &mut TenantTx, id: DocumentId, number: i32) -> Result<Version> {
    let version = store::version(tx, id, number).await?;
    let version = version.ok_or_else(|| {
        Error::field(
            "/number",
            "no_such_version",
            "must be the number of a version",
        )
    })?;
    if matches!(version.scan, Scan::Infected | Scan::Pending | Scan::Failed) {
        return Err(Error::new(Code::DocumentQuarantined));
    }
    Ok(version)
}

/// A signature with the clinic's key, that key's public half, and all there are.
async fn sign(
    ctx: &Ctx,
    tx: &mut TenantTx,
    payload: &str,
) -> Result<(RecordSignature, Vec<u8>, Vec<RecordKey>)> {
    let cipher = ctx.app().tenant_keys.cipher(tx).await?;
    let signature = tenant_signing::sign(tx, &cipher, &hash(payload), ctx.now()).await?;
    let keys = tenant_signing::public_keys(tx, &cipher).await?;
    let public = keys
        .iter()
        .find(|key| key.id == signature.key_id)
        .ok_or_else(|| Error::internal("a signature of a key that is not there"))?
        .public
        .to_vec();
    Ok((signature, public, keys))
}

async fn keys(ctx: &Ctx, tx: &mut TenantTx) -> Result<Vec<RecordKey>> {
    let cipher = ctx.app().tenant_keys.cipher(tx).await?;
    tenant_signing::public_keys(tx, &cipher).await
}

fn hash(payload: &str) -> [u8; 32] {
    Sha256::digest(payload).into()
}

fn checked(keys: &[RecordKey], row: Row) -> Attestation {
    let signed: Option<Payload> = serde_json::from_str(&row.payload).ok();
    let signed_at = signed.as_ref().map(|signed| signed.signed_at);
    let says_so = signed.is_some_and(|signed| {
        signed.r#type == TYPE
            && signed.sha256 == hex::encode(&row.sha256)
            && signed.version_id == row.version_id
    });
    let signed = keys
        .iter()
        .find(|key| key.id == row.key_id)
        .is_some_and(|key| {
            tenant_signing::verify(&key.public, &hash(&row.payload), &row.signature)
                && signed_at.is_some_and(|at| key.is_trusted_at(at))
        });
    let valid = says_so && signed;
    Attestation {
        id: row.id,
        document_id: row.document_id,
        number: row.number,
        provider_id: row.provider_id,
        signed_by: row.signed_by,
        signed_at: row.signed_at,
        statement: row.statement,
        payload: row.payload,
        key_id: row.key_id,
        public_key: hex::encode(row.public_key),
        signature: hex::encode(row.signature),
        valid,
        version: 1,
    }
}
