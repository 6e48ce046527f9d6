//! Bad weather: the database goes away, clients dawdle, say nothing, or hang up in the middle.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::time::{Duration, Instant};

use axum::Router;
use chartwell::Chartwell;
use chartwell::config::{Config, Environment};
use chartwell::server::{self, Patience, Shutdown};
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use kernel::Clock;
use platform::Settings;
use platform::access::Role;
use platform::crypto::LocalMasterKeys;
use platform::db::embedded::{Cluster, ClusterOptions, LocateOptions, PgPrograms};
use platform::db::migrate::{self, RuntimeLogin};
use serde_json::{Value, json};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, Executor, PgConnection, Row};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::support::{Caller, PASSWORD, TestTenant, admin_connection};

/// The longest a request may take in these tests.
const DEADLINE: Duration = Duration::from_secs(2);

/// How long the database is away.
const AWAY: Duration = Duration::from_secs(10);

/// Deleted with what is in it.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn start(folder: &Path) -> Cluster {
    let options = ClusterOptions::durable(folder)
        .with("fsync", "off")
        .with("shared_buffers", "32MB");
    tokio::task::spawn_blocking(move || {
        let programs = PgPrograms::locate(&LocateOptions::any(true)).expect("programs");
        Cluster::start(&programs, &options).expect("the cluster starts")
    })
    .await
    .expect("no panic")
}

async fn stop(cluster: Cluster) {
    tokio::task::spawn_blocking(move || cluster.stop())
        .await
        .expect("no panic")
        .expect("the cluster stops");
}

async fn serve_from(cluster: &Cluster) -> Chartwell {
    let mut connection = PgConnection::connect(&cluster.url("postgres"))
        .await
        .expect("the administrator can connect");
    connection
        .execute("create database weather")
        .await
        .expect("a database");
    let url = cluster.url("weather");
    migrate::run(&url, RuntimeLogin::Set(PASSWORD))
        .await
        .expect("the migrations run");
    let mut config = Config::from_environment(&Environment::from_pairs([
        (
            "CHARTWELL_DATABASE_URL".to_owned(),
            "postgres://chartwell_runtime@localhost/weather".to_owned(),
        ),
        (
            "CHARTWELL_MASTER_KEY".to_owned(),
            LocalMasterKeys::generate().to_string(),
        ),
    ]))
    .expect("a configuration");
    config.database.connect = PgConnectOptions::from_str(&url)
        .expect("our own URL")
        .username("chartwell_runtime")
        .password(PASSWORD);
    config.database.acquire_timeout = Duration::from_secs(1);
    config.rates.login = 10_000;
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    config.files.keep_in(folder.join("weather-files"));
    config.messages.keep_in(folder.join("weather-messages"));
    config.http.settings.request_deadline = DEADLINE;
    server::assemble(&config, Clock::system())
        .await
        .expect("the server is put together")
}

/// A tenant with its first admin, through the door everybody takes.
async fn first_admin(chartwell: &Chartwell) -> Caller {
    let made = identity::tenants::create(
        &chartwell.app,
        "weather",
        "A Clinic",
        "America/New_York",
        "first@admin.test",
    );
    let (_, link) = made.await.expect("a tenant can be made");
    let (_, token) = link.split_once("#token=").expect("a token in the link");
    let nobody = Caller::of(chartwell.router.clone());
    nobody
        .post(
            "/api/v1/auth/set-password",
            json!({ "token": token, "new_password": PASSWORD }),
        )
        .await
        .expect(204);
    let answer = nobody.post("/api/v1/auth/login", credentials()).await;
    nobody.with_token(
        answer.expect(200)["access_token"]
            .as_str()
            .map(str::to_owned),
    )
}

fn credentials() -> Value {
    json!({ "tenant": "weather", "email": "first@admin.test", "password": PASSWORD })
}

fn person(family: &str) -> Value {
    json!({ "names": [{ "use": "legal", "family": family, "given": ["Ada"] }], "birth_date": "1980-02-29", "sex": "female" })
}

#[tokio::test]
async fn while_the_database_is_away_requests_get_503_in_time_and_its_return_needs_nobody() {
    let name = format!("weather-{}", std::process::id());
    let folder = Folder(Path::new(env!("CARGO_TARGET_TMPDIR")).join(name));
    let cluster = start(&folder.0).await;
    let chartwell = serve_from(&cluster).await;
    let admin = first_admin(&chartwell).await;
    let made = admin.post("/api/v1/patients", person("Okafor")).await;
    let path = format!(
        "/api/v1/patients/{}",
        made.expect(201)["id"].as_str().expect("an id")
    );
    admin.get(&path).await.expect(200);
    admin.get("/readyz").await.expect(200);

    stop(cluster).await;
    let away = Instant::now();
    while away.elapsed() < AWAY {
        let asked = Instant::now();
        let (read, search, write, login, ready) = tokio::join!(
            admin.get(&path),
            admin.get("/api/v1/patients?family=oka"),
            admin.post("/api/v1/patients", person("Adams")),
            admin.post("/api/v1/auth/login", credentials()),
            admin.get("/readyz"),
        );
        let took = asked.elapsed();
        assert!(took < DEADLINE + Duration::from_secs(1), "{took:?}");
        assert_eq!(ready.status, 503, "{}", ready.text);
        for reply in [read, search, write, login] {
            assert_eq!(reply.status, 503, "{}", reply.text);
            assert_eq!(reply.headers["content-type"], "application/problem+json");
            assert!(reply.headers.contains_key("retry-after"));
            for secret in ["Okafor", "select", "app.", "socket", "postgres"] {
                assert!(!reply.text.contains(secret), "{}", reply.text);
            }
        }
        admin.get("/livez").await.expect(200);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }

    let cluster = start(&folder.0).await;
    let back = Instant::now();
    while admin.get("/readyz").await.status != 200 || admin.get(&path).await.status != 200 {
        assert!(
            back.elapsed() < Duration::from_secs(4),
            "it is back, and not seen"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let people = async || {
        let page = admin.get("/api/v1/patients").await.expect(200);
        page["items"].as_array().expect("items").len()
    };
    assert_eq!(people().await, 1, "what was refused was not done");
    admin
        .post("/api/v1/patients", person("Adams"))
        .await
        .expect(201);
    assert_eq!(people().await, 2);
    // Where nobody asked meanwhile, the first who does is answered all the same.
    stop(cluster).await;
    let cluster = start(&folder.0).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    admin.get(&path).await.expect(200);
    assert_eq!(people().await, 2);
    admin
        .post("/api/v1/patients", person("Bello"))
        .await
        .expect(201);
    chartwell.app.db.close().await;
    stop(cluster).await;
}

#[tokio::test]
async fn what_the_database_refuses_is_told_once_and_without_its_source() {
    let refused = sqlx::query("select 1 / 0")
        .execute(&mut admin_connection().await)
        .await
        .expect_err("it can't be divided");
    let error = anyhow::Error::from(refused).context("the database can't write");
    let told = chartwell::cli::in_words(&error);
    assert_eq!(told, "the database can't write: division by zero");
}

/// A server on a port of its own; it ends with the sender.
async fn listening(
    router: Router,
    patience: Patience,
) -> (SocketAddr, tokio::sync::watch::Sender<bool>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (switch, shutdown) = Shutdown::new();
    tokio::spawn(server::listen_with(listener, router, shutdown, patience));
    (address, switch)
}

/// What comes back until the server closes, if it does within four seconds.
async fn until_closed(address: SocketAddr, sent: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.write_all(sent.as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    let closed = tokio::time::timeout(Duration::from_secs(4), read).await;
    assert!(
        closed.is_ok(),
        "still open: {}",
        String::from_utf8_lossy(&answer)
    );
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_client_that_dawdles_or_says_nothing_is_not_waited_for() {
    let clinic = TestTenant::new().await;
    let router = clinic
        .server_with_settings(Settings {
            request_deadline: Duration::from_millis(400),
            ..Settings::default()
        })
        .await;
    let patience = Patience {
        headers: Duration::from_millis(400),
        ..Patience::default()
    };
    let (address, _switch) = listening(router, patience).await;
    let slow_body = "POST /api/v1/auth/login HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
                     content-type: application/json\r\ncontent-length: 1000\r\n\r\n{\"tenant\":";
    let (idle, body, headers, nothing, complete) = tokio::join!(
        until_closed(address, "GET /livez HTTP/1.1\r\nhost: x\r\n\r\n"),
        until_closed(address, slow_body),
        until_closed(address, "GET /livez HTTP/1.1\r\nhost:"),
        until_closed(address, ""),
        until_closed(
            address,
            "GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
        ),
    );
    assert!(body.starts_with("HTTP/1.1 503"), "{body}");
    assert!(body.contains("deadline_exceeded"), "{body}");
    assert!(headers.starts_with("HTTP/1.1 408"), "{headers}");
    assert!(headers.contains("headers_timeout"), "{headers}");
    assert_eq!(nothing, "");
    // Whoever is served and says no more is let go without a word, or the word would pass for the answer to his next request.
    assert_eq!(idle.matches("HTTP/1.1").count(), 1, "{idle}");
    assert!(complete.starts_with("HTTP/1.1 200"), "{complete}");
}

/// Sends a byte at a time, and returns what came back until the server closed.
async fn trickled(address: SocketAddr, sent: &str) -> (Duration, String) {
    let begun = Instant::now();
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let (mut from, mut to) = stream.split();
    let mut answer = Vec::new();
    let trickle = async {
        for byte in sent.as_bytes() {
            if to.write_all(&[*byte]).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = trickle => {}
        _ = from.read_to_end(&mut answer) => {}
    }
    (
        begun.elapsed(),
        String::from_utf8_lossy(&answer).into_owned(),
    )
}

#[tokio::test]
async fn a_client_that_trickles_is_not_waited_for_however_often_it_sends() {
    let clinic = TestTenant::new().await;
    let settings = Settings {
        request_deadline: Duration::from_millis(800),
        ..Settings::default()
    };
    let router = clinic.server_with_settings(settings).await;
    let patience = Patience {
        headers: Duration::from_millis(800),
        ..Patience::default()
    };
    let (address, _switch) = listening(router, patience).await;
    let headers = format!(
        "GET /livez HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n",
        "y".repeat(2_000)
    );
    let body = "POST /api/v1/auth/login HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
                content-type: application/json\r\ncontent-length: 1000\r\n\r\n"
        .to_owned();
    // The headers of the second come at once: it is the body that trickles.
    let slow_body = async {
        let begun = Instant::now();
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        stream.write_all(body.as_bytes()).await.expect("sent");
        let (mut from, mut to) = stream.split();
        let mut answer = Vec::new();
        let trickle = async {
            while to.write_all(b" ").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = trickle => {}
            _ = from.read_to_end(&mut answer) => {}
        }
        (
            begun.elapsed(),
            String::from_utf8_lossy(&answer).into_owned(),
        )
    };
    let ((took, answer), (long, told)) = tokio::join!(trickled(address, &headers), slow_body);
    assert!(answer.contains("headers_timeout"), "{answer}");
    assert!(told.contains("deadline_exceeded"), "{told}");
    for took in [took, long] {
        assert!(took < Duration::from_secs(4), "{took:?}");
    }
}

#[tokio::test]
async fn what_is_no_request_gets_a_problem_document_too() {
    let clinic = TestTenant::new().await;
    let (address, _switch) = listening(clinic.router.clone(), Patience::default()).await;
    let many = "x-one: 1\r\n".repeat(80);
    let long = "y".repeat(900 << 10);
    let served = "GET /livez HTTP/1.1\r\nhost: x\r\n\r\n";
    let refused =
        "GET /livez HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n";
    for (sent, status, code) in [
        (refused.to_owned(), 400, "malformed_request"),
        (
            "what do you want?\r\n\r\n".to_owned(),
            400,
            "malformed_request",
        ),
        (
            "GET /livez HTTP/1.1\r\nho st: x\r\n\r\n".to_owned(),
            400,
            "malformed_request",
        ),
        (
            "GET /livez HTTP/1.1\r\naccept: */*\r\n\r\n".to_owned(),
            400,
            "malformed_request",
        ),
        (
            "GET /livez HTTP/1.1\r\nhost: x\r\nhost: y\r\n\r\n".to_owned(),
            400,
            "malformed_request",
        ),
        (
            format!("GET /livez HTTP/1.1\r\nhost: x\r\n{many}\r\n"),
            431,
            "headers_too_large",
        ),
        (
            format!("GET /livez HTTP/1.1\r\nhost: x\r\nx: {long}\r\n\r\n"),
            431,
            "headers_too_large",
        ),
        (
            format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "y".repeat(70_000)),
            414,
            "uri_too_long",
        ),
        // After answers on the same connection, and at once with the request before.
        (
            format!("{served}{served}{refused}"),
            400,
            "malformed_request",
        ),
    ] {
        let answer = until_closed(address, &sent).await;
        let begin = answer.rfind("HTTP/1.1 ").expect("an answer");
        let (before, answer) = answer.split_at(begin);
        assert_eq!(
            before.matches("HTTP/1.1 200 OK").count(),
            sent.matches(served).count()
        );
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        for header in [
            "content-type: application/problem+json".to_owned(),
            format!("content-length: {}", body.len()),
            "connection: close".to_owned(),
        ] {
            assert_eq!(head.matches(&header).count(), 1, "{header} in {head}");
        }
        let problem: Value = serde_json::from_str(body).expect("a document");
        assert_eq!(
            (&problem["status"], &problem["code"]),
            (&json!(status), &json!(code))
        );
        let id = problem["request_id"].as_str().expect("an id");
        assert!(head.contains(&format!("x-request-id: {id}")), "{head}");
    }
    // HTTP/1.0 has no hosts.
    let old = until_closed(address, "GET /livez HTTP/1.0\r\n\r\n").await;
    assert!(old.starts_with("HTTP/1.0 200"), "{old}");
}

/// What is served looks like what the wire would write itself, is long, and is streamed in pieces: it comes as it is.
#[tokio::test]
async fn an_answer_that_looks_like_a_refusal_comes_as_it_is() {
    const WORDS: &str =
        "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    const PIECES: usize = 2000;
    let router = Router::new().route(
        "/",
        axum::routing::get(|| async {
            let pieces = futures_util::stream::iter(0..PIECES).then(|number| async move {
                if number % 500 == 1 {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                Ok::<_, std::convert::Infallible>(WORDS)
            });
            axum::body::Body::from_stream(pieces)
        }),
    );
    let (address, _switch) = listening(router, Patience::default()).await;
    let twice =
        "GET / HTTP/1.1\r\nhost: x\r\n\r\nGET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let answer = until_closed(address, twice).await;
    assert_eq!(answer.matches(WORDS).count(), 2 * PIECES);
    assert!(!answer.contains("problem+json"));
}

#[tokio::test]
async fn a_client_that_never_takes_its_answer_loses_its_connection() {
    const ASKED: usize = 12;
    let clinic = TestTenant::new().await;
    let patience = Patience {
        reading: Duration::from_millis(300),
        ..Patience::default()
    };
    let (address, _switch) = listening(clinic.router.clone(), patience).await;
    let document = chartwell::document().to_string().len();
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4096).expect("set");
    let mut stream = socket.connect(address).await.expect("a connection");
    let request = "GET /api/openapi.json HTTP/1.1\r\nhost: x\r\n\r\n".repeat(ASKED);
    stream.write_all(request.as_bytes()).await.expect("sent");
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    let closed = tokio::time::timeout(Duration::from_secs(4), read).await;
    assert!(closed.is_ok(), "still open after {} bytes", answer.len());
    assert!(answer.len() < ASKED * document, "everything came");
}

/// Sends a request and hangs up within three milliseconds, whatever the server is doing then.
async fn hang_up(address: SocketAddr, caller: &Caller, path: &str, after: Duration) {
    let token = caller.token.as_deref().expect("a token");
    let request =
        format!("GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n");
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.write_all(request.as_bytes()).await.expect("sent");
    tokio::time::sleep(after).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_hang_up_leave_no_connection_in_a_strangers_transaction() {
    const HANG_UPS: u64 = 400;
    const WRITES: usize = 20;
    let ours = TestTenant::new().await;
    let theirs = TestTenant::new().await;
    // Both tenants at one server, so that they share its connections.
    let (address, _switch) = listening(ours.router.clone(), Patience::default()).await;
    let mut people = Vec::new();
    for clinic in [&ours, &theirs] {
        let admin = clinic.user(Role::Admin).await.on(ours.router.clone());
        let patient = clinic.patient(&admin).await;
        people.push((admin, patient));
    }
    let attacks = async {
        for round in 0..HANG_UPS / 20 {
            join_all((0..20).map(|one| {
                let (admin, patient) = &people[usize::from(one % 2 == 1)];
                let after = Duration::from_micros((round * 20 + one) * 7919 % 3000);
                async move {
                    let path = if one % 3 == 0 {
                        "/api/v1/patients".to_owned()
                    } else {
                        format!("/api/v1/patients/{patient}")
                    };
                    hang_up(address, admin, &path, after).await;
                }
            }))
            .await;
        }
    };
    let writes = join_all(
        people
            .iter()
            .enumerate()
            .map(|(tenant, (admin, _))| async move {
                for number in 0..WRITES {
                    admin
                        .post(
                            "/api/v1/patients?allow_duplicate=true",
                            person(&format!("Tenant{tenant}Number{number}")),
                        )
                        .await
                        .expect(201);
                }
            }),
    );
    tokio::join!(attacks, writes);

    for (tenant, (admin, _)) in people.iter().enumerate() {
        let page = admin.get("/api/v1/patients?limit=200").await.expect(200);
        let items = page["items"].as_array().expect("items");
        assert_eq!(items.len(), WRITES + 1, "{page}");
        let (other, own) = (format!("Tenant{}N", 1 - tenant), format!("Tenant{tenant}N"));
        assert!(!page.to_string().contains(&other), "{page}");
        assert!(page.to_string().matches(&own).count() >= WRITES, "{page}");
        let (_, strange) = &people[1 - tenant];
        admin
            .get(format!("/api/v1/patients/{strange}"))
            .await
            .expect_problem(404, "not_found");
    }
    assert_eq!(poisoned(&ours).await, 0);
}

/// Connections of the server that are inside a transaction, or remember a tenant, while nobody uses them.
#[expect(
    clippy::disallowed_methods,
    reason = "every connection of the pool is looked at, at once"
)]
async fn poisoned(clinic: &TestTenant) -> usize {
    let pool = clinic.app.db.shared();
    let all = (0..pool.options().get_max_connections()).map(|_| pool.acquire());
    let mut found = 0;
    for connection in join_all(all).await {
        let mut connection = connection.expect("every connection comes back to the pool");
        // As one simple message: then both times are the same unless a transaction was open already.
        let row = sqlx::raw_sql(
            "select now() = statement_timestamp() and coalesce(current_setting('app.context', true), '') = '' as clean",
        )
        .fetch_one(&mut *connection)
        .await
        .expect("the connection works");
        let clean: bool = row.get("clean");
        found += usize::from(!clean);
    }
    found
}
