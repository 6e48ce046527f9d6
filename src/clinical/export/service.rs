//! Taking a record out.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use kernel::ids::PatientId;
use kernel::{Error, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::audit::Action;
use platform::files::{Spool, Spooled};
use platform::http::{Download, MadeContent};
use serde_json::{Value, json};

use super::archive::{self, Archive};
use super::store;
use super::turns::{self, Turn};
use crate::documents::{self, PatientFile};
use crate::patients;

/// The longest the rows may take to be read from the database.
const ROWS_IN: Duration = Duration::from_mins(5);

pub(super) async fn export(ctx: &Ctx, patient: PatientId) -> Result<Download> {
    let mut tx = ctx.begin(Permission::PatientExport).await?;
    let person = patients::find(&mut tx, patient)
        .await?
        .ok_or_else(Error::not_found)?;
    person.require_unmerged()?;
    let turn = Turn::take(ctx.user())?;
    let own = ctx.clone();
    let content = MadeContent {
        filename: format!("record-{}.zip", person.mrn),
        content_type: "application/zip",
        pieces: archive::archive(move |archive| fill(own, patient, archive, turn)),
    };
    let disclosure = Disclosure::of("patient_export", Action::Export, patient, patient, ());
    tx.finish_made(disclosure, content).await
}

/// Rows in one snapshot, then files, then what it all was.
async fn fill(ctx: Ctx, patient: PatientId, archive: Archive, _turn: Turn) -> Result<()> {
    let Gathered {
        tables,
        rows,
        files,
    } = gather(&ctx, patient).await?;
    give_rows(&tables, rows, &archive).await?;
    let mut withheld = Vec::new();
    let mut given = 0;
    for file in files {
        match content(&ctx, file, &archive).await? {
            None => given += 1,
            Some(why) => withheld.push(why),
        }
    }
    let counts: BTreeMap<&str, u64> = tables
        .iter()
        .map(|table| (table.name.as_str(), table.rows))
        .collect();
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

/// A record on its way out.
struct Gathered {
    tables: Vec<TableRows>,
    /// The rows of the tables, one table after the other.
    rows: Spooled,
    files: Vec<PatientFile>,
}

struct TableRows {
    name: String,
    rows: u64,
    bytes: u64,
}

/// Reads the rows of every table into a spool, and which files are to follow. When it returns, the transaction has ended.
async fn gather(ctx: &Ctx, patient: PatientId) -> Result<Gathered> {
    let _place = turns::place().await?;
    tokio::time::timeout(ROWS_IN, gather_at_once(ctx, patient))
        .await
        .map_err(Error::unavailable)?
}

async fn gather_at_once(ctx: &Ctx, patient: PatientId) -> Result<Gathered> {
    let mut spool = Spool::new().await?;
    let mut tx = ctx.begin_snapshot(Permission::PatientExport).await?;
    let role = ctx.principal().role;
    let mut tables = Vec::new();
    for table in store::tables(&mut tx).await? {
        let before = spool.size();
        let mut count = 0;
        let mut rows = store::rows(&mut tx, role, &table, patient);
        while let Some(row) = rows.next().await {
            count += 1;
            spool.push(row?.as_bytes()).await?;
            spool.push(b"\n").await?;
        }
        drop(rows);
        tables.push(TableRows {
            name: table.name,
            rows: count,
            bytes: spool.size() - before,
        });
    }
    let files = documents::files_of_patient(ctx, &mut tx, patient).await?;
    drop(tx);
    let rows = spool.finish().await?;
    Ok(Gathered {
        tables,
        rows,
        files,
    })
}

/// Writes the rows of every table that has some.
async fn give_rows(tables: &[TableRows], rows: Spooled, archive: &Archive) -> Result<()> {
    let mut pieces = rows.read();
    let mut rest = Bytes::new();
    for table in tables.iter().filter(|table| table.rows > 0) {
        archive.entry(format!("data/{}.ndjson", table.name)).await?;
        let mut left = table.bytes;
        while left > 0 {
            if rest.is_empty() {
                let next = pieces.next().await;
                rest = next.ok_or_else(|| Error::internal("a spool ended early"))??;
            }
            let wanted = usize::try_from(left).unwrap_or(usize::MAX);
            let now = rest.split_to(rest.len().min(wanted));
            left -= now.len() as u64;
            archive.content(now).await?;
        }
    }
    Ok(())
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
