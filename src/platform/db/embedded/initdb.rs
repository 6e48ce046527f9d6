//! Makes a cluster's data, once.
//!
//! `initdb` works beside the final place and the result is moved there: a start cut short leaves no half-made cluster
//! behind. The superuser's password is random and lies in a file that only the account may read.

use std::{
    fs::{self, File, OpenOptions},
    io::Write as _,
    os::unix::fs::OpenOptionsExt,
    path::Path,
    process::{Command, Output},
};

use super::{
    SUPERUSER,
    account::hand_over,
    error::{ClusterError, Doing},
    layout::{Layout, remove_file},
    locate::PgPrograms,
};

/// `C.UTF-8` sorts by code point and knows letters beyond ASCII. Where the system lacks it, `C` sorts the same.
const LOCALES: [&str; 2] = ["C.UTF-8", "C"];

pub(super) fn create(
    programs: &PgPrograms,
    layout: &Layout,
    durable: bool,
) -> Result<(), ClusterError> {
    let unfinished = layout.dir.join("data.new");
    write_secret(layout)?;
    let mut output = String::new();
    for locale in LOCALES {
        remove_dir(&unfinished)?;
        let ran = command(programs, layout, &unfinished, locale, durable)
            .output()
            .doing("run", &programs.bin().join("initdb"))?;
        if ran.status.success() {
            let data = layout.data();
            fs::rename(&unfinished, &data).doing("move into place", &data)?;
            return File::open(&layout.dir)
                .and_then(|dir| dir.sync_all())
                .doing("write", &layout.dir);
        }
        output = said(&ran);
        if !output.contains("locale") {
            break;
        }
    }
    remove_dir(&unfinished)?;
    Err(ClusterError::Initdb {
        dir: layout.dir.clone(),
        output,
    })
}

fn command(
    programs: &PgPrograms,
    layout: &Layout,
    target: &Path,
    locale: &str,
    durable: bool,
) -> Command {
    let mut command = programs.program("initdb", layout.account);
    command.arg("-D").arg(target).args(["-U", SUPERUSER]);
    command.arg("--pwfile").arg(layout.secret());
    command.args([
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--no-instructions",
    ]);
    command.arg(format!("--locale={locale}"));
    // The server's messages are read by `cluster.rs`.
    command.arg("--lc-messages=C");
    command.arg(if durable {
        "--data-checksums"
    } else {
        "--no-sync"
    });
    command
}

fn said(ran: &Output) -> String {
    let text = [&ran.stdout, &ran.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    text.concat().trim().to_owned()
}

pub(super) fn remove_dir(dir: &Path) -> Result<(), ClusterError> {
    if dir.exists() {
        fs::remove_dir_all(dir).doing("remove", dir)?;
    }
    Ok(())
}

fn write_secret(layout: &Layout) -> Result<(), ClusterError> {
    let path = layout.secret();
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes)
        .map_err(std::io::Error::other)
        .doing("find randomness for", &path)?;
    // Made anew, so that the mode below is the file's mode.
    remove_file(&path).doing("remove", &path)?;
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .and_then(|mut file| {
            writeln!(file, "{}", hex::encode(bytes))?;
            file.sync_all()
        })
        .and_then(|()| hand_over(&path, layout.account))
        .doing("write", &path)
}
