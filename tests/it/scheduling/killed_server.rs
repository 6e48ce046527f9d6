//! Servers that are killed with SIGKILL, a hundred times, while several connections book: what was answered is done and on
//! record, what was cut off is done once or not at all, and nothing is half-booked.
//!
//! Three servers share a database of their own, each killed at a random moment of its work and started again. A request that
//! was cut off is sent again with its `Idempotency-Key`, to whichever server is there, until somebody answers.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use chartwell::Chartwell;
use chartwell::config::{Config, Environment};
use chartwell::server;
use chrono::{DateTime, Days, NaiveTime, TimeDelta, Utc};
use futures_util::future::join_all;
use kernel::Clock;
use kernel::ids::mint;
use platform::crypto::LocalMasterKeys;
use serde_json::{Value, json};
use sqlx::PgConnection;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::killed::any;
use crate::support::{Caller, OwnDatabase, PASSWORD, id};

const KILLS: usize = 100;
const SERVERS: usize = 3;
/// Of each server, at once.
const CONNECTIONS: usize = 3;
/// Providers, each with a patient of his own and a calendar of his own.
const LANES: usize = 4;
const OFFERS: i64 = 8;
const OCCURRENCES: i64 = 3;

/// What somebody wants done, and the key he sends it with however often he has to.
struct Errand {
    path: String,
    body: Value,
    key: String,
    read: bool,
}

/// What was answered.
struct Done {
    path: String,
    request: String,
    body: Value,
}

/// The clinic the servers serve, and where a server for setting it up and looking at it afterwards runs: in this process.
struct Hospital {
    database: OwnDatabase,
    environment: Vec<(String, String)>,
    chartwell: Chartwell,
    tenant: kernel::ids::TenantId,
    admin: Caller,
}

impl Hospital {
    async fn open() -> Self {
        let database = OwnDatabase::copy().await;
        let environment = vec![
            ("CHARTWELL_DATABASE_URL".to_owned(), database.runtime_url()),
            (
                "CHARTWELL_MASTER_KEY".to_owned(),
                LocalMasterKeys::generate().to_string(),
            ),
            ("CHARTWELL_PARTITIONS_AHEAD".to_owned(), "1".to_owned()),
            ("CHARTWELL_DB_POOL_SIZE".to_owned(), "4".to_owned()),
            ("CHARTWELL_RATE_USER".to_owned(), "1000000".to_owned()),
            (
                "CHARTWELL_FILES_DIR".to_owned(),
                env!("CARGO_TARGET_TMPDIR").to_owned() + "/killed-files",
            ),
            (
                "CHARTWELL_MESSAGES_DIR".to_owned(),
                env!("CARGO_TARGET_TMPDIR").to_owned() + "/killed-messages",
            ),
        ];
        let config = Config::from_environment(&Environment::from_pairs(environment.clone()))
            .expect("a configuration");
        let chartwell = server::assemble(&config, Clock::system())
            .await
            .expect("a server");
        let made = identity::tenants::create(
            &chartwell.app,
            "killed",
            "A Clinic",
            "America/New_York",
            "first@admin.test",
        );
        let (tenant, link) = made.await.expect("a tenant can be made");
        let (_, token) = link.split_once("#token=").expect("a token in the link");
        let nobody = Caller::of(chartwell.router.clone());
        let password = json!({ "token": token, "new_password": PASSWORD });
        nobody
            .post("/api/v1/auth/set-password", password)
            .await
            .expect(204);
        let credentials =
            json!({ "tenant": "killed", "email": "first@admin.test", "password": PASSWORD });
        let token = nobody
            .post("/api/v1/auth/login", credentials)
            .await
            .expect(200);
        let admin = nobody.with_token(token["access_token"].as_str().map(str::to_owned));
        Self {
            database,
            environment,
            chartwell,
            tenant,
            admin,
        }
    }

    async fn made(&self, place: &str, body: Value) -> String {
        id(&self
            .admin
            .post(format!("/api/v1/{place}"), body)
            .await
            .expect(201))
    }

    async fn provider(&self, facility: &str) -> String {
        let who = json!({ "given_name": "Ada", "family_name": format!("Lane{}", mint().simple()) });
        let provider = self.made("providers", who).await;
        let hours = json!({ "facility_id": facility, "provider_id": provider, "rrule": "FREQ=DAILY",
            "local_from": "00:00", "local_until": "00:00", "valid_from": "2026-01-01" });
        self.made("scheduling/working-times", hours).await;
        provider
    }

    async fn patient(&self) -> String {
        let who = json!({ "names": [{ "use": "legal", "family": format!("Fam{}", mint().simple()), "given": ["Pat"] }],
            "birth_date": "1970-01-01", "sex": "female" });
        self.made("patients?allow_duplicate=true", who).await
    }

    /// Places that were given up, each offered to somebody who waits; the offers' ids.
    async fn offers(&self, facility: &str, service: &str) -> Vec<String> {
        let provider = self.provider(facility).await;
        let leaver = self.patient().await;
        let mut freed = Vec::new();
        for number in 0..OFFERS {
            let wish = json!({ "patient_id": leaver, "service_id": service, "facility_id": facility,
                "provider_id": provider, "starts_at": noon(20) + TimeDelta::minutes(30 * number) });
            freed.push(self.made("appointments", wish).await);
        }
        for _ in 0..OFFERS {
            let wish = json!({ "patient_id": self.patient().await, "service_id": service, "priority": "high", "reason": "Earlier, please" });
            self.made("waitlist", wish).await;
        }
        for appointment in freed {
            let why = json!({ "by": "patient", "reason": "Feels better" });
            let place = format!("/api/v1/appointments/{appointment}/cancel");
            self.admin.post(place, why).await.expect(200);
        }
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            platform::jobs::run_due(&self.chartwell.app, &chartwell::jobs(), self.tenant)
                .await
                .expect("the jobs can be reached");
            let open: Vec<String> = sqlx::query_scalar(
                "select id::text from app.waitlist_offers where status = 'open'",
            )
            .fetch_all(&mut self.database.connect().await)
            .await
            .expect("the offers");
            if i64::try_from(open.len()) == Ok(OFFERS) {
                return open;
            }
            assert!(Instant::now() < until, "only {open:?} were offered");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

fn noon(days: u64) -> DateTime<Utc> {
    let day = Clock::system().now().date_naive() + Days::new(days);
    day.and_time(NaiveTime::from_hms_opt(12, 0, 0).expect("noon"))
        .and_utc()
}

/// Bookings, holds, series and reads without end, and each offer once, well mixed.
struct Errands {
    facility: String,
    service: String,
    lanes: Vec<(String, String)>,
    /// Of the day bookings begin, and of the day series begin.
    noons: (DateTime<Utc>, DateTime<Utc>),
    next: AtomicUsize,
    again: Mutex<VecDeque<Errand>>,
    cut_off: AtomicUsize,
}

impl Errands {
    fn put_back(&self, errand: Errand) {
        self.again
            .lock()
            .expect("nobody panicked")
            .push_back(errand);
    }

    fn take_put_back(&self) -> Option<Errand> {
        self.again.lock().expect("nobody panicked").pop_front()
    }

    fn take(&self) -> Errand {
        self.take_put_back().unwrap_or_else(|| self.fresh())
    }

    /// Another place each time: nobody is refused for a reason of his own.
    fn fresh(&self) -> Errand {
        let number = self.next.fetch_add(1, Ordering::SeqCst);
        let (lane, turn) = (number % LANES, number / LANES);
        let (provider, patient) = &self.lanes[lane];
        let minutes = TimeDelta::minutes(30 * i64::try_from(turn).expect("few"));
        let mut wish = json!({ "patient_id": patient, "service_id": self.service, "facility_id": self.facility,
            "provider_id": provider, "starts_at": self.noons.0 + minutes });
        let (path, read) = match (lane + turn) % 4 {
            0 => ("appointments".to_owned(), false),
            1 => ("holds".to_owned(), false),
            2 => {
                let members = wish.as_object_mut().expect("an object");
                members.remove("starts_at");
                // At this minute of the week, in weeks that nothing else reaches.
                let local = (self.noons.1 + minutes)
                    .naive_utc()
                    .format("%Y-%m-%dT%H:%M:%S");
                wish["local_start"] = json!(local.to_string());
                wish["rule"] = json!(format!("FREQ=MONTHLY;COUNT={OCCURRENCES}"));
                ("appointment-series".to_owned(), false)
            }
            _ => (format!("patients/{patient}"), true),
        };
        Errand {
            path: format!("/api/v1/{path}"),
            body: wish,
            key: mint().to_string(),
            read,
        }
    }
}

/// Sends it over a connection of its own; `None` if the answer was cut off.
async fn send(address: SocketAddr, token: &str, errand: &Errand) -> Option<(u16, Done)> {
    let head = format!("host: x\r\nconnection: close\r\nauthorization: Bearer {token}\r\n");
    let request = if errand.read {
        format!("GET {} HTTP/1.1\r\n{head}\r\n", errand.path)
    } else {
        let body = errand.body.to_string();
        format!(
            "POST {} HTTP/1.1\r\n{head}idempotency-key: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            errand.path,
            errand.key,
            body.len()
        )
    };
    let mut stream = TcpStream::connect(address).await.ok()?;
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = Vec::new();
    // A server that is killed resets its connections; what came before that counts.
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let header = |name: &str| {
        let line = head
            .lines()
            .find(|line| line.to_ascii_lowercase().starts_with(name))?;
        line.split_once(": ").map(|(_, value)| value.to_owned())
    };
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let whole = header("content-length")?.parse() == Ok(body.len());
    let done = Done {
        path: errand.path.clone(),
        request: header("x-request-id")?,
        body: serde_json::from_str(body).unwrap_or_default(),
    };
    // Something of it was seen, and counts as shown; but only an answer that is whole is one.
    Some((if whole { status } else { 0 }, done))
}

fn start(environment: &[(String, String)], address: SocketAddr) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chartwell"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CHARTWELL_") {
            command.env_remove(name);
        }
    }
    command
        .arg("serve")
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .env("CHARTWELL_LISTEN", address.to_string())
        .env("CHARTWELL_LOG", "warn")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .expect("the program starts")
}

async fn ready(server: &mut Child, address: SocketAddr) {
    let until = Instant::now() + Duration::from_mins(1);
    while TcpStream::connect(address).await.is_err() {
        let ended = server.try_wait().expect("it can be asked");
        assert!(
            ended.is_none() && Instant::now() < until,
            "it does not serve: {ended:?}"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Sends errands until an answer is cut off; that one will be sent again.
async fn work(
    address: SocketAddr,
    token: &str,
    errands: &Errands,
    done: &Mutex<Vec<Done>>,
    answers: &AtomicUsize,
) {
    loop {
        let errand = errands.take();
        match send(address, token, &errand).await {
            Some((status @ (200 | 201), answer)) => {
                assert!(answer.body["id"].is_string(), "{status} {}", answer.body);
                done.lock().expect("nobody panicked").push(answer);
                answers.fetch_add(1, Ordering::SeqCst);
            }
            Some((0, seen)) => {
                done.lock().expect("nobody panicked").push(seen);
                errands.cut_off.fetch_add(1, Ordering::SeqCst);
                errands.put_back(errand);
                return;
            }
            // The one it was cut off from still holds the place: it waited for that as long as a request may.
            Some((503, _)) => errands.put_back(errand),
            Some((status, refused)) => panic!("{}: {status} {}", errand.path, refused.body),
            None => {
                errands.cut_off.fetch_add(1, Ordering::SeqCst);
                errands.put_back(errand);
                return;
            }
        }
    }
}

/// What is occupied by whatever does not stand, what stands without what it needs, series that are not whole.
async fn torn(connection: &mut PgConnection) -> (i64, i64, i64) {
    sqlx::query_as(
        "select (select count(*) from app.reservations r
                  where r.state <> 'released'
                    and not exists (select from app.appointments a where a.tenant_id = r.tenant_id and a.id = r.appointment_id and a.status = 'scheduled')
                    and not exists (select from app.appointment_holds h where h.tenant_id = r.tenant_id and h.id = r.hold_id and h.status = 'open')),
                (select count(*)
                   from (select a.id from app.appointments a where a.status = 'scheduled'
                         union all select h.id from app.appointment_holds h where h.status = 'open') s
                  where (select count(*) from app.reservations r
                          where (r.appointment_id = s.id or r.hold_id = s.id) and r.state <> 'released') <> 2),
                (select count(*) from app.appointment_series s
                  where (select count(*) from app.appointments a where a.tenant_id = s.tenant_id and a.series_id = s.id) <> $1)",
    )
    .bind(OCCURRENCES)
    .fetch_one(connection)
    .await
    .expect("the tables can be counted")
}

async fn count(connection: &mut PgConnection, statement: &'static str) -> i64 {
    sqlx::query_scalar(statement)
        .fetch_one(connection)
        .await
        .expect("a count")
}

/// Killed and started again, until all have been killed often enough.
async fn lives(
    hospital: &Hospital,
    errands: &Errands,
    done: &Mutex<Vec<Done>>,
    killed: &AtomicUsize,
) {
    let token = hospital.admin.token.as_deref().expect("a token");
    let mut connection = hospital.database.connect().await;
    while killed.fetch_add(1, Ordering::SeqCst) < KILLS {
        let address = TcpListener::bind("127.0.0.1:0")
            .await
            .and_then(|free| free.local_addr())
            .expect("a port");
        let mut server = start(&hospital.environment, address);
        ready(&mut server, address).await;
        // Counted in answers and not in time alone: on a busy machine the first takes long.
        let (answers, enough) = (AtomicUsize::new(0), usize::try_from(any(6)).expect("few"));
        let moment = async {
            let until = Instant::now() + Duration::from_secs(5);
            while answers.load(Ordering::SeqCst) < enough && Instant::now() < until {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            tokio::time::sleep(Duration::from_micros(any(40_000))).await;
            server.kill().expect("it can be killed");
            tokio::task::block_in_place(|| server.wait()).expect("it is gone");
        };
        let workers =
            join_all((0..CONNECTIONS).map(|_| work(address, token, errands, done, &answers)));
        tokio::join!(moment, workers);
        assert_eq!(torn(&mut connection).await, (0, 0, 0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_at_any_moment_leaves_nothing_half_booked_lost_or_unrecorded() {
    let hospital = Hospital::open().await;
    let facility = json!({ "code": "MAIN", "name": "Main", "time_zone": "America/New_York" });
    let facility = hospital.made("facilities", facility).await;
    let service = json!({ "code": "V", "name": "Visit", "appointment_type": "consultation", "duration_minutes": 30 });
    let service = hospital.made("scheduling/services", service).await;
    let mut lanes = Vec::new();
    for _ in 0..LANES {
        lanes.push((hospital.provider(&facility).await, hospital.patient().await));
    }
    let offers = hospital.offers(&facility, &service).await;
    let errands = Errands {
        facility,
        service,
        lanes,
        noons: (noon(2), noon(30)),
        next: AtomicUsize::new(0),
        again: Mutex::default(),
        cut_off: AtomicUsize::new(0),
    };
    for offer in offers {
        errands.put_back(Errand {
            path: format!("/api/v1/waitlist-offers/{offer}/accept"),
            body: json!({}),
            key: mint().to_string(),
            read: false,
        });
    }
    let (done, killed) = (Mutex::default(), AtomicUsize::new(0));
    join_all((0..SERVERS).map(|_| lives(&hospital, &errands, &done, &killed))).await;
    let cut_off = errands.cut_off.load(Ordering::SeqCst);
    assert!(cut_off >= KILLS, "only {cut_off} requests were cut off");
    // What was cut off last is asked of a server that stays.
    let token = hospital.admin.token.as_deref().expect("a token");
    let address = TcpListener::bind("127.0.0.1:0")
        .await
        .and_then(|free| free.local_addr())
        .expect("a port");
    let mut server = start(&hospital.environment, address);
    ready(&mut server, address).await;
    while let Some(errand) = errands.take_put_back() {
        match send(address, token, &errand).await {
            Some((200 | 201, answer)) => done.lock().expect("nobody panicked").push(answer),
            other => panic!(
                "{}: {:?}",
                errand.path,
                other.map(|(status, answer)| (status, answer.body))
            ),
        }
    }
    server.kill().expect("it can be killed");
    server.wait().expect("it is gone");
    check(&hospital, done.into_inner().expect("nobody panicked")).await;
    hospital.chartwell.app.db.close().await;
    hospital.database.drop().await;
}

/// What is there is what was answered, once each, and whatever was shown is on record.
async fn check(hospital: &Hospital, done: Vec<Done>) {
    let mut connection = hospital.database.connect().await;
    assert_eq!(torn(&mut connection).await, (0, 0, 0));
    let answered = |part: &str| {
        let of_this = |done: &&Done| done.path.contains(part) && done.body["id"].is_string();
        let mut ids: Vec<String> = done
            .iter()
            .filter(of_this)
            .map(|done| id(&done.body))
            .collect();
        ids.sort();
        ids.dedup();
        ids
    };
    for (part, there) in [
        ("/appointments", "select array_agg(id::text order by id::text) from app.appointments where status = 'scheduled' and series_id is null
            and id not in (select o.appointment_id from app.waitlist_offers o where o.appointment_id is not null)"),
        ("/holds", "select array_agg(id::text order by id::text) from app.appointment_holds where status = 'open'"),
        ("/appointment-series", "select array_agg(id::text order by id::text) from app.appointment_series"),
        ("/waitlist-offers", "select array_agg(id::text order by id::text) from app.waitlist_offers where status = 'accepted'"),
    ] {
        let there: Option<Vec<String>> = sqlx::query_scalar(there).fetch_one(&mut connection).await.expect("ids");
        let answered = answered(part);
        assert!(!answered.is_empty(), "{part}: nothing was answered");
        assert_eq!(answered, there.unwrap_or_default(), "{part}");
    }
    assert_eq!(
        i64::try_from(answered("/waitlist-offers").len()),
        Ok(OFFERS)
    );
    let standing = count(&mut connection, "select count(*) from app.waitlist_offers o join app.appointments a
        on a.tenant_id = o.tenant_id and a.id = o.appointment_id and a.patient_id = o.patient_id and a.status = 'scheduled'").await;
    assert_eq!(standing, OFFERS, "an accepted offer is an appointment");
    let requests: Vec<String> = done.iter().map(|done| done.request.clone()).collect();
    let unrecorded: Vec<String> = sqlx::query_scalar(
        "select r from unnest($1::text[]) r where not exists (select from app.phi_access_log l where l.request_id = r::uuid and l.outcome = 'success')",
    )
    .bind(&requests)
    .fetch_all(&mut connection)
    .await
    .expect("the log can be read");
    assert!(
        unrecorded.is_empty(),
        "of {} answers {unrecorded:?} are not on record",
        requests.len()
    );
}
