//! A file of 100 MB through the server, sealed on the way in and opened on the way out, beside `openssl enc` doing the same to
//! a file on the same disk; and what of it the server ever holds in memory.
//!
//! The server answers when the file and its record are on the disk, which `openssl` does not wait for; the time with a `sync`
//! behind it is shown too.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use super::Bench;
use super::client::{self, Client};
use super::load::Random;
use super::people::{People, Role};
use super::report::{Goal, Row, median};
use super::server::Server;

const SIZE: usize = 100_000_000;
const SETTLE: Duration = Duration::from_secs(4);
/// Made up, as is what it seals.
const KEY: [&str; 4] = [
    "-K",
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
    "-iv",
    "00112233445566778899aabbccddeeff",
];
/// A form's parts stand between these.
const BOUNDARY: &str = "figures-boundary";

pub async fn measure(bench: &mut Bench<'_>) -> anyhow::Result<()> {
    let (options, folder) = (bench.options, bench.postgres.folder());
    let database = bench.postgres.small().await?;
    let file = folder.join("photograph.jpg");
    write_file(&file)?;
    let server = Server::start(&database, folder).await?;
    let people = People::log_in(&server, database.plan, Role::Provider).await?;
    let token = people.token(0);
    let patient = database.plan.patient(0, 0);
    let form = form(&format!("/api/v1/patients/{patient}/documents"), token);
    let mut client = Client::connect(server.address).await?;
    // What a server does at its start is over, and so is the hash of the password.
    tokio::time::sleep(SETTLE).await;
    let idle = server.forget_peak();
    let id = upload(&mut client, &form, &file).await?;
    download(&mut client, &id, token, folder).await?;
    let (mut up, mut down, mut sealing, mut opening, mut synced) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..options.runs {
        if let Some((enc, dec, with_sync)) = openssl(&file, folder)? {
            sealing.push(rate(enc));
            opening.push(rate(dec));
            synced.push(rate(with_sync));
        }
        let began = Instant::now();
        let id = upload(&mut client, &form, &file).await?;
        up.push(rate(began.elapsed()));
        let began = Instant::now();
        download(&mut client, &id, token, folder).await?;
        down.push(rate(began.elapsed()));
    }
    let peak = server.peak_memory();
    server.stop().await?;
    for name in ["photograph.jpg", "sealed", "opened", "downloaded"] {
        let _ = std::fs::remove_file(folder.join(name));
    }
    std::fs::remove_dir_all(folder.join("files"))?;
    transfer(
        bench,
        "upload",
        median(up),
        (!sealing.is_empty()).then(|| median(sealing)),
        Some(median(synced)),
    );
    transfer(
        bench,
        "download",
        median(down),
        (!opening.is_empty()).then(|| median(opening)),
        None,
    );
    if let (Some(idle), Some(peak)) = (idle, peak) {
        bench.report.add(Row {
            what: "server memory during these, above idle".to_owned(),
            measured: format!("{:.0} MiB", peak - idle),
            beside: format!("idle: {idle:.0} MiB"),
            ratio: None,
            goal: Goal::Holds(peak - idle <= 32.0, "≤ 32".to_owned()),
        });
    }
    Ok(())
}

fn transfer(
    bench: &mut Bench<'_>,
    what: &str,
    ours: f64,
    theirs: Option<f64>,
    synced: Option<f64>,
) {
    let synced = synced.filter(|rate| rate.is_finite());
    bench.report.add(Row {
        what: format!("{what} of 100 MB, audited"),
        measured: format!("{ours:.0} MB/s"),
        beside: theirs.map_or_else(String::new, |theirs| {
            let synced =
                synced.map_or_else(String::new, |rate| format!(", with sync {rate:.0} MB/s"));
            format!("openssl enc: {theirs:.0} MB/s{synced}")
        }),
        ratio: theirs.map(|theirs| ours / theirs),
        goal: if theirs.is_some() {
            Goal::AtLeast(0.5)
        } else {
            Goal::None
        },
    });
}

fn rate(took: Duration) -> f64 {
    SIZE as f64 / 1e6 / took.as_secs_f64()
}

/// Noise that begins as a photograph does.
fn write_file(path: &Path) -> anyhow::Result<()> {
    let mut content = vec![0xff, 0xd8, 0xff, 0xe0, 0, 16];
    content.extend_from_slice(b"JFIF\0");
    let mut random = Random::new(1);
    while content.len() < SIZE {
        content.extend_from_slice(&random.below(u32::MAX).to_le_bytes());
    }
    content.truncate(SIZE);
    std::fs::write(path, content).with_context(|| format!("can't write {}", path.display()))
}

/// What comes before the file and after it.
fn form(path: &str, token: &str) -> (Vec<u8>, Vec<u8>) {
    let label = json!({ "category": "clinical", "kind": "photograph", "title": "Figures", "document_date": "2026-01-15" });
    let head = format!(
        "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"document\"\r\ncontent-type: application/json\r\n\r\n{label}\r\n\
         --{BOUNDARY}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"photograph.jpg\"\r\ncontent-type: image/jpeg\r\n\r\n"
    );
    let tail = format!("\r\n--{BOUNDARY}--\r\n");
    let length = head.len() + SIZE + tail.len();
    let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
    let mut request = client::post_head(path, token, &content_type, length);
    request.extend_from_slice(head.as_bytes());
    (request, tail.into_bytes())
}

async fn upload(
    client: &mut Client,
    (head, tail): &(Vec<u8>, Vec<u8>),
    file: &Path,
) -> anyhow::Result<String> {
    let answer = client.send_file(head, file, tail).await?;
    let said = String::from_utf8_lossy(answer.body);
    ensure!(answer.status == 201, "{}: {said}", answer.status);
    let document: Value = serde_json::from_slice(answer.body)?;
    Ok(document["id"]
        .as_str()
        .context("a document has an id")?
        .to_owned())
}

async fn download(client: &mut Client, id: &str, token: &str, folder: &Path) -> anyhow::Result<()> {
    let request = client::get(&format!("/api/v1/documents/{id}/content"), token);
    let size = client
        .fetch_file(&request, &folder.join("downloaded"))
        .await?;
    ensure!(size == SIZE, "{size} bytes came back");
    Ok(())
}

/// Seals the file, opens it again, and seals it to the disk; `None` where there is no such program.
fn openssl(file: &Path, folder: &Path) -> anyhow::Result<Option<(Duration, Duration, Duration)>> {
    let (sealed, opened) = (folder.join("sealed"), folder.join("opened"));
    let run = |direction: &str,
               from: &Path,
               to: &PathBuf,
               sync: bool|
     -> anyhow::Result<Option<Duration>> {
        let _ = std::fs::remove_file(to);
        let began = Instant::now();
        let done = Command::new("openssl")
            .args(["enc", "-aes-256-ctr", direction])
            .args(KEY)
            .arg("-in")
            .arg(from)
            .arg("-out")
            .arg(to)
            .output();
        let Ok(done) = done else { return Ok(None) };
        ensure!(
            done.status.success(),
            "openssl: {}",
            String::from_utf8_lossy(&done.stderr)
        );
        if sync {
            std::fs::File::open(to)?.sync_all()?;
        }
        Ok(Some(began.elapsed()))
    };
    let Some(with_sync) = run("-e", file, &sealed, true)? else {
        return Ok(None);
    };
    let sealing = run("-e", file, &sealed, false)?;
    let opening = run("-d", &sealed, &opened, false)?;
    Ok(sealing.zip(opening).map(|(enc, dec)| (enc, dec, with_sync)))
}
