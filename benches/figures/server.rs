//! The server under test: a child process, configured by its environment as in production.

use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};

use super::client::{self, Client};
use super::database::{Database, MASTER_KEY};

/// The longest a server may take to start.
const LONGEST_START: Duration = Duration::from_mins(2);
/// So high that they are counted but never refuse.
const RATES: [(&str, &str); 4] = [
    ("CHARTWELL_RATE_ADDRESS", "10000000"),
    ("CHARTWELL_RATE_USER", "10000000"),
    ("CHARTWELL_RATE_TENANT", "100000000"),
    ("CHARTWELL_RATE_LOGIN", "1000000"),
];

/// A running server. Dropped, it is killed; better is [`stop`](Self::stop).
pub struct Server {
    child: Child,
    pub address: SocketAddr,
}

impl Server {
    /// `chartwell serve`, as it is shipped.
    pub async fn start(database: &Database, folder: &Path) -> anyhow::Result<Self> {
        let mut command = chartwell();
        command.arg("serve");
        Self::serve(command, database, folder).await
    }

    /// The same server with its access log switched off, which no configuration can do: this very program is it.
    pub async fn start_without_log(database: &Database, folder: &Path) -> anyhow::Result<Self> {
        let mut command = clean(Command::new(std::env::current_exe()?));
        command.arg("--serve-without-log");
        Self::serve(command, database, folder).await
    }

    async fn serve(
        mut command: Command,
        database: &Database,
        folder: &Path,
    ) -> anyhow::Result<Self> {
        let address = free_address()?;
        command
            .env("CHARTWELL_DATABASE_URL", &database.runtime_url)
            .env("CHARTWELL_MASTER_KEY", MASTER_KEY)
            .env("CHARTWELL_LISTEN", address.to_string())
            .env("CHARTWELL_PARTITIONS_AHEAD", "1")
            .env("CHARTWELL_FILES_DIR", folder.join("files"))
            .envs(RATES);
        Self::run(command, address, folder).await
    }

    /// Starts the program and waits until it answers.
    pub async fn run(
        mut command: Command,
        address: SocketAddr,
        folder: &Path,
    ) -> anyhow::Result<Self> {
        let log = folder.join(format!("server-{}.log", address.port()));
        let out = File::create(&log)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out)
            .spawn()?;
        let mut server = Self { child, address };
        let until = Instant::now() + LONGEST_START;
        while server.answers().await.is_err() {
            if server.child.try_wait()?.is_some() || Instant::now() > until {
                let said = std::fs::read_to_string(&log).unwrap_or_default();
                bail!("the server does not serve:\n{said}");
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(server)
    }

    async fn answers(&self) -> anyhow::Result<()> {
        let mut client = Client::connect(self.address).await?;
        let answer = client.exchange(&client::get("/readyz", "")).await?;
        ensure!(answer.status == 200, "not ready");
        Ok(())
    }

    /// The most memory it ever held, in MiB, where the system tells.
    pub fn peak_memory(&self) -> Option<f64> {
        self.memory("VmHWM:")
    }

    /// The memory it holds now, in MiB, from where its peak is told from now on; `None` where the system can't.
    pub fn forget_peak(&self) -> Option<f64> {
        std::fs::write(format!("/proc/{}/clear_refs", self.child.id()), "5").ok()?;
        self.memory("VmRSS:")
    }

    fn memory(&self, which: &str) -> Option<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix(which))?;
        line.trim()
            .strip_suffix(" kB")?
            .parse()
            .ok()
            .map(|kib: f64| kib / 1024.0)
    }

    /// Asks it to stop, and waits until it has.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        let pid = self.child.id().to_string();
        ensure!(
            Command::new("kill")
                .args(["-INT", &pid])
                .status()?
                .success(),
            "the server could not be told to stop"
        );
        let until = Instant::now() + Duration::from_secs(40);
        loop {
            if let Some(status) = self.child.try_wait()? {
                ensure!(status.success(), "the server ended with {status}");
                return Ok(());
            }
            ensure!(Instant::now() < until, "the server does not stop");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The project's program, with an environment that is the bench's choice.
pub fn chartwell() -> Command {
    clean(Command::new(env!("CARGO_BIN_EXE_chartwell")))
}

fn clean(mut command: Command) -> Command {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CHARTWELL_") || name == "DATABASE_URL" {
            command.env_remove(name);
        }
    }
    command
}

/// Free a moment ago.
pub fn free_address() -> anyhow::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?
        .local_addr()
        .context("no port is free")
}
