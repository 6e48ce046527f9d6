//! A child process for work that a hostile file may turn against us.
//!
//! It is given no environment and no open files but its pipes; limits on memory, processor time and the files it writes, set by
//! the shell that becomes it; a deadline, a cap on what it may say, and an end when we lose interest. What it does wrong is an
//! outcome, not an error.
//!
//! What it is not: another account. It runs as ours, so code that takes it over reads what our account may read (a key file,
//! the folder of sealed files), reaches the database's socket and the network, and may end us. It does not read our memory or
//! our environment: the server is not dumpable (`cli/privacy.rs`). Whoever wants more gives the server a key that lies in no
//! file it can read again, and a sandbox around both; `docs/SECURITY.md` says so.
//!
//! Trap: the limits are the shell's `ulimit`, which not every system has for memory. Where one can't be set the child does
//! without it, and the deadline and the cap still hold.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use futures_util::StreamExt;
use kernel::{Error, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

use super::Pieces;

/// Sets the limits, then becomes the program.
const SCRIPT: &str = "ulimit -v \"$1\" 2>/dev/null; ulimit -t \"$2\" 2>/dev/null; ulimit -c 0 2>/dev/null; ulimit -f 0 2>/dev/null; shift 2; exec \"$@\"";

/// A program, and what it may take.
#[derive(Clone, Debug)]
pub struct Isolated {
    pub program: PathBuf,
    pub arguments: Vec<String>,
    /// Address space, in bytes.
    pub memory: u64,
    /// Of the processor, in seconds.
    pub processor_seconds: u32,
    /// From start to end.
    pub deadline: Duration,
    /// Bytes of output; what comes after is not read.
    pub output: usize,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// What it wrote, and whether that was cut off.
    Output { bytes: Vec<u8>, cut: bool },
    /// It failed, was killed, or took too long.
    Failed,
}

impl Isolated {
    /// Runs it with the content as its input.
    ///
    /// # Errors
    /// If it can't be started, or the content can't be read; not for anything the child does.
    pub async fn run(&self, mut content: Pieces<'_>) -> Result<Outcome> {
        let mut child = Command::new("/bin/sh")
            .arg("-c")
            .arg(SCRIPT)
            .arg("sh")
            .arg((self.memory >> 10).to_string())
            .arg(self.processor_seconds.to_string())
            .arg(&self.program)
            .args(&self.arguments)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(Error::unavailable)?;
        let (Some(mut input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Error::internal("a child without pipes"));
        };
        let feed = async move {
            while let Some(piece) = content.next().await {
                // A child that has seen enough, or is dead, reads no more.
                if input.write_all(&piece?).await.is_err() {
                    break;
                }
            }
            drop(input);
            Ok::<_, Error>(())
        };
        let listen = async {
            let mut bytes = Vec::new();
            let read = output
                .take(self.output as u64 + 1)
                .read_to_end(&mut bytes)
                .await;
            read.map(|_| bytes).map_err(Error::unavailable)
        };
        let work = async {
            let ((), mut bytes) = tokio::try_join!(feed, listen)?;
            let cut = bytes.len() > self.output;
            if cut {
                bytes.truncate(self.output);
                return Ok(Outcome::Output { bytes, cut });
            }
            let status = child.wait().await.map_err(Error::unavailable)?;
            Ok(if status.success() {
                Outcome::Output { bytes, cut }
            } else {
                Outcome::Failed
            })
        };
        let outcome = tokio::time::timeout(self.deadline, work).await;
        // Whatever it is still doing, nobody waits for it.
        let _ = child.start_kill();
        let _ = child.wait().await;
        outcome.unwrap_or(Ok(Outcome::Failed))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures_util::stream;

    use super::*;

    fn sh(script: &str) -> Isolated {
        Isolated {
            program: "/bin/sh".into(),
            arguments: vec!["-c".to_owned(), script.to_owned()],
            memory: 512 << 20,
            processor_seconds: 2,
            deadline: Duration::from_secs(10),
            output: 1000,
        }
    }

    fn pieces(times: usize) -> Pieces<'static> {
        stream::iter((0..times).map(|_| Ok(Bytes::from_static(&[b'x'; 1000])))).boxed()
    }

    #[tokio::test]
    async fn a_child_reads_writes_and_knows_nothing_of_us() {
        let outcome = sh("wc -c; env | grep -v -E '^(PWD|SHLVL|_|OLDPWD)='; true")
            .run(pieces(1000))
            .await
            .expect("run");
        let Outcome::Output { bytes, cut } = outcome else {
            panic!("it failed")
        };
        assert_eq!(
            (String::from_utf8_lossy(&bytes).trim(), cut),
            ("1000000", false)
        );
    }

    #[tokio::test]
    async fn one_that_hangs_spins_swells_or_dies_is_ended_and_harms_nobody() {
        let hanging = Isolated {
            deadline: Duration::from_millis(200),
            ..sh("sleep 60")
        };
        assert_eq!(hanging.run(pieces(1)).await.expect("run"), Outcome::Failed);
        assert_eq!(
            sh("while :; do :; done").run(pieces(1)).await.expect("run"),
            Outcome::Failed
        );
        assert_eq!(
            sh("exit 3").run(pieces(5000)).await.expect("run"),
            Outcome::Failed
        );
        assert_eq!(
            sh("kill -SEGV $$").run(pieces(1)).await.expect("run"),
            Outcome::Failed
        );
        let talking = sh("while echo y; do :; done")
            .run(pieces(1))
            .await
            .expect("run");
        assert!(matches!(talking, Outcome::Output { bytes, cut: true } if bytes.len() == 1000));
    }
}
