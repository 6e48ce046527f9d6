//! Taking a record out.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use futures_util::StreamExt;
use kernel::ids::PatientId;
use kernel::{Error, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::audit::Action;
use platform::http::{Download, MadeContent};
use serde_json::{Value, json};

use super::archive::{self, Archive};
use super::store;
use crate::documents::{self, PatientFile};
use crate::patients;

/// The longest a reader may take for the rows, while their snapshot is held.
const ROWS_IN: Duration = Duration::from_mins(5);
/// Bytes of rows that are handed on at once.
const BATCH: usize = 32 << 10;

pub(super) async fn export(ctx: &Ctx, patient: PatientId) -> Result<Download> {
    let mut tx = ctx.begin(Permission::PatientExport).await?;
    let person = patients::find(&mut tx, patient)
        .await?
        .ok_or_else(Error::not_found)?;
    let own = ctx.clone();
    let content = MadeContent {
        filename: format!("record-{}.zip", person.mrn),
        content_type: "application/zip",
        pieces: archive::archive(move |archive| fill(own, patient, archive)),
    };
    let disclosure = Disclosure::of("patient_export", Action::Export, patient, patient, ());
    tx.finish_made(disclosure, content).await
}

/// Rows in one snapshot, then files, then what it all was.
async fn fill(ctx: Ctx, patient: PatientId, archive: Archive) -> Result<()> {
    let in_time = tokio::time::timeout(ROWS_IN, rows(&ctx, patient, &archive));
    let (counts, files) = in_time.await.map_err(Error::unavailable)??;
    let mut withheld = Vec::new();
    let mut given = 0;
    for file in files {
        match content(&ctx, file, &archive).await? {
            None => given += 1,
            Some(why) => withheld.push(why),
        }
    }
    let manifest = json!({
        "patient_id": patient,
        "exported_at": ctx.now(),
        "exported_by": ctx.user(),
        "rows": counts,
        "documents": given,
        "documents_withheld": withheld,
    });
    archive.entry("manifest.json".to_owned()).await?;
    archive.content(manifest.to_string().into()).await
}

/// Writes the rows of every table; returns how many of each, and the files that are to follow.
async fn rows(
    ctx: &Ctx,
    patient: PatientId,
    archive: &Archive,
) -> Result<(BTreeMap<String, u64>, Vec<PatientFile>)> {
    let mut tx = ctx.begin_snapshot(Permission::PatientExport).await?;
    let mut counts = BTreeMap::new();
    for table in store::tables(&mut tx).await? {
        let mut batch = BytesMut::new();
        let mut count = 0_u64;
        let mut rows = store::rows(&mut tx, ctx.principal().role, &table, patient);
        while let Some(row) = rows.next().await {
            if count == 0 {
                archive.entry(format!("data/{}.ndjson", table.name)).await?;
            }
            count += 1;
            batch.put_slice(row?.as_bytes());
            batch.put_u8(b'\n');
            if batch.len() >= BATCH {
                archive.content(batch.split().freeze()).await?;
            }
        }
        drop(rows);
        if !batch.is_empty() {
            archive.content(batch.freeze()).await?;
        }
        counts.insert(table.name, count);
    }
    let files = documents::files_of_patient(ctx, &mut tx, patient).await?;
    Ok((counts, files))
}

/// Writes a file; or says why not.
async fn content(ctx: &Ctx, file: PatientFile, archive: &Archive) -> Result<Option<Value>> {
    let content = match file.content {
        Ok(content) => content,
        Err(why) => {
            let (document, number) = (file.document, file.number);
            return Ok(Some(json!({
                "document_id": document, "number": number, "code": why.code().as_str()
            })));
        }
    };
    let name = entry_name(&file.filename);
    let place = format!("documents/{}/{}-{name}", file.document, file.number);
    archive.entry(place).await?;
    let mut pieces = ctx.app().files.objects.read(content);
    while let Some(piece) = pieces.next().await {
        let piece: Bytes = piece?;
        archive.content(piece).await?;
    }
    Ok(None)
}

/// A file name that leads nowhere else when it is unpacked.
fn entry_name(filename: &str) -> String {
    let name: String = filename
        .chars()
        .map(|c| {
            if c.is_alphanumeric() || " ._-()".contains(c) {
                c
            } else {
                '_'
            }
        })
        .collect();
    name.trim_start_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_can_not_lead_out_of_its_folder() {
        assert_eq!(entry_name("../../etc/passwd"), "_.._etc_passwd");
        assert_eq!(entry_name("a\\b:c.pdf"), "a_b_c.pdf");
        assert_eq!(entry_name("Befund ü.pdf"), "Befund ü.pdf");
    }
}
