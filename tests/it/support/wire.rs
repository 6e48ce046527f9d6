//! A wire between a server and its database, on which the statements of transactions are counted, and one of a read in one
//! snapshot can be held up. What a server asks beside them (whose session it is, whether a connection is a standby's) passes uncounted.
//!
//! It reads the messages of PostgreSQL's protocol that the server sends: a simple query begins or ends a snapshot, an execution
//! is a statement in it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use platform::db::DbOptions;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixListener, UnixStream};
use tokio::sync::oneshot;

pub struct Wire {
    folder: PathBuf,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    passed: AtomicUsize,
    asked: AtomicUsize,
    hold: Mutex<Option<Hold>>,
}

struct Hold {
    /// Before the statement with this number.
    before: usize,
    reached: oneshot::Sender<()>,
    go: oneshot::Receiver<()>,
}

impl Wire {
    /// Returns the wire, and how a server connects through it.
    pub fn to(database: &DbOptions) -> (Self, DbOptions) {
        let folder = std::env::temp_dir().join(format!("wire-{}", kernel::ids::mint().simple()));
        std::fs::create_dir(&folder).expect("a folder for a socket");
        let target = database.connect.clone();
        let socket = folder.join(format!(".s.PGSQL.{}", target.get_port()));
        let listener = UnixListener::bind(socket).expect("a socket");
        let shared = Arc::<Shared>::default();
        let mut through = database.clone();
        through.connect = target.clone().socket(&folder).ssl_mode(PgSslMode::Disable);
        let wire = Self {
            folder,
            shared: Arc::clone(&shared),
        };
        tokio::spawn(async move {
            while let Ok((server, _)) = listener.accept().await {
                tokio::spawn(join(server, target.clone(), Arc::clone(&shared)));
            }
        });
        (wire, through)
    }

    /// Statements of snapshots since the last call.
    pub fn passed(&self) -> usize {
        self.shared.passed.swap(0, Ordering::SeqCst)
    }

    /// Statements of any transaction of a tenant's since the last call.
    pub fn asked(&self) -> usize {
        self.shared.asked.swap(0, Ordering::SeqCst)
    }

    /// Holds the statement with this number, counted from now, until the sender is used; the receiver says that it is held.
    pub fn hold(&self, number: usize) -> (oneshot::Receiver<()>, oneshot::Sender<()>) {
        let ((reached, held), (release, go)) = (oneshot::channel(), oneshot::channel());
        self.passed();
        *self.shared.hold.lock().expect("nobody panicked") = Some(Hold {
            before: number,
            reached,
            go,
        });
        (held, release)
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Shared {
    async fn statement(&self) {
        let number = self.passed.fetch_add(1, Ordering::SeqCst) + 1;
        let held = self
            .hold
            .lock()
            .expect("nobody panicked")
            .take_if(|hold| hold.before == number);
        if let Some(hold) = held {
            let _ = hold.reached.send(());
            let _ = hold.go.await;
        }
    }
}

async fn join(server: UnixStream, target: PgConnectOptions, shared: Arc<Shared>) {
    let (from_server, to_server) = server.into_split();
    let folder = match target.get_socket() {
        Some(folder) => Some(folder.as_path()),
        None => Some(Path::new(target.get_host())).filter(|host| host.is_absolute()),
    };
    if let Some(folder) = folder {
        let socket = folder.join(format!(".s.PGSQL.{}", target.get_port()));
        let Ok(database) = UnixStream::connect(socket).await else {
            return;
        };
        let (answers, asks) = database.into_split();
        tokio::spawn(answer(answers, to_server));
        let _ = ask(from_server, asks, &shared).await;
    } else {
        let place = (target.get_host(), target.get_port());
        let Ok(database) = TcpStream::connect(place).await else {
            return;
        };
        let (answers, asks) = database.into_split();
        tokio::spawn(answer(answers, to_server));
        let _ = ask(from_server, asks, &shared).await;
    }
}

async fn answer(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin) {
    let _ = tokio::io::copy(&mut from, &mut to).await;
}

/// A message: its kind, its length with the length's own four bytes, its content. The first has no kind.
async fn ask(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    shared: &Shared,
) -> std::io::Result<()> {
    let (mut first, mut in_snapshot, mut of_tenant) = (true, false, false);
    loop {
        let mut message = Vec::new();
        if !first {
            message.push(from.read_u8().await?);
        }
        let kind = message.first().copied();
        let length = from.read_u32().await?;
        message.extend_from_slice(&length.to_be_bytes());
        let head = message.len();
        message.resize(head + usize::try_from(length - 4).expect("a length"), 0);
        from.read_exact(&mut message[head..]).await?;
        if kind == Some(b'Q') {
            let text = String::from_utf8_lossy(&message[head..]);
            in_snapshot = text.contains("isolation level repeatable read");
            of_tenant = text.contains("app.context");
        } else if kind == Some(b'E') && of_tenant {
            shared.asked.fetch_add(1, Ordering::SeqCst);
        }
        if kind == Some(b'E') && in_snapshot {
            shared.statement().await;
        }
        to.write_all(&message).await?;
        first = false;
    }
}
