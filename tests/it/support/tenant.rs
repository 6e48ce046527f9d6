//! A tenant of one's own, its people, and a chart with one of everything in it.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use axum::Router;
use chartwell::server;
use identity::Identity;
use kernel::Clock;
use kernel::ids::{TenantId, mint};
use platform::access::Role;
use platform::app::Parts;
use platform::audit::AccessWriter;
use platform::crypto::{KeyWrapper, Keyring, LocalMasterKeys, SigningKeys, TenantKeys};
use platform::db::Db;
use platform::events::Events;
use platform::files::Files;
use platform::http::{Limits, Rates};
use platform::messages::Outbox;
use platform::{App, Settings};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use std::sync::Arc;

use super::booked::booked;
use super::record::record_one_of_each;
use super::{Caller, Wire, admin_connection, run_database};

/// Everybody's password.
pub const PASSWORD: &str = "correct horse battery staple";

/// The master key of the run: the cluster is thrown away with everything it wraps.
const MASTER_KEY: &str = "dGVzdHMgb25seTogMzIgYnl0ZXMsIG5vdCBhIHNlY3I=";

/// A server with a clock of its own, and a tenant in it.
pub struct TestTenant {
    pub app: App,
    pub identity: Arc<Identity>,
    pub router: Router,
    pub clock: Clock,
    pub id: TenantId,
    pub slug: String,
    /// Messages sent to people.
    pub outbox: Outbox,
}

impl TestTenant {
    pub async fn new() -> Self {
        Self::with_rates(Rates {
            login: 10_000,
            ..Rates::default()
        })
        .await
    }

    pub async fn with_rates(rates: Rates) -> Self {
        Self::with_files(rates, files()).await
    }

    /// With a file store, a scanner and limits of the caller's choice.
    pub async fn with_files(rates: Rates, files: Files) -> Self {
        let clock = Clock::default();
        let db = Db::new(&run_database().runtime);
        let access_log = AccessWriter::start(db.clone());
        let outbox = Outbox::default();
        let (app, identity) = server_of(
            clock.clone(),
            rates,
            db,
            access_log,
            Settings::default(),
            files,
            outbox.clone(),
        )
        .await;
        let router = server::router(app.clone(), identity.clone());
        let slug = format!("t{}", mint().simple());
        let (id, _) = identity::tenants::create(
            &app,
            &slug,
            "A Test Clinic",
            "America/New_York",
            "first@admin.test",
        )
        .await
        .expect("a tenant can be made");
        Self {
            app,
            identity,
            router,
            clock,
            id,
            slug,
            outbox,
        }
    }

    /// Another server over the same database, as a second machine would be.
    pub async fn second_server(&self) -> Router {
        let (app, identity) = server_parts(self.clock.clone(), Rates::default()).await;
        server::router(app, identity)
    }

    /// The same server, but its access log can't be written: the database does not let its writer in.
    pub async fn server_without_log(&self) -> Router {
        let mut refused = run_database().runtime.clone();
        refused.connect = refused.connect.password("not the password");
        let access_log = AccessWriter::start(Db::new(&refused));
        let db = Db::new(&run_database().runtime);
        let (app, identity) =
            server_with_log(self.clock.clone(), Rates::default(), db, access_log).await;
        server::router(app, identity)
    }

    /// The same server, whose statements pass a wire; its access log does not.
    pub async fn server_on_a_wire(&self) -> (Router, Wire) {
        let (wire, through) = Wire::to(&run_database().runtime);
        let access_log = AccessWriter::start(Db::new(&run_database().runtime));
        let (clock, rates) = (self.clock.clone(), Rates::default());
        let (app, identity) = server_with_log(clock, rates, Db::new(&through), access_log).await;
        (server::router(app, identity), wire)
    }

    /// The same server with other settings.
    pub async fn server_with_settings(&self, settings: Settings) -> Router {
        let db = Db::new(&run_database().runtime);
        let access_log = AccessWriter::start(db.clone());
        let rates = Rates {
            login: 10_000,
            ..Rates::default()
        };
        let (app, identity) = server_of(
            self.clock.clone(),
            rates,
            db,
            access_log,
            settings,
            files(),
            Outbox::default(),
        )
        .await;
        server::router(app, identity)
    }

    /// The same server, whose connections to the database bear a name, so that they can be cut.
    pub async fn server_named(&self, name: &str) -> Router {
        let mut named = run_database().runtime.clone();
        named.connect = named.connect.application_name(name);
        let db = Db::new(&named);
        let access_log = AccessWriter::start(Db::new(&run_database().runtime));
        let (app, identity) =
            server_with_log(self.clock.clone(), Rates::default(), db, access_log).await;
        server::router(app, identity)
    }

    /// A new account of the role, logged in.
    pub async fn user(&self, role: Role) -> Caller {
        let (id, email) = self.account(role).await;
        let token = self.log_in(&email).await;
        Caller {
            router: self.router.clone(),
            token: Some(token),
            user_id: id,
            email,
        }
    }

    /// A new account of the role.
    pub async fn account(&self, role: Role) -> (String, String) {
        let id = mint();
        let email = format!("{}.{}@clinic.test", role.as_str(), id.simple());
        sqlx::query(
            "insert into app.users (tenant_id, id, email, email_key, given_name, family_name, role, password_hash, password_set_at, created_at, updated_at)
             values ($1, $2, $3, $3, 'Test', initcap($4), $4, $5, now(), now(), now())",
        )
        .bind(self.id.0)
        .bind(id)
        .bind(&email)
        .bind(role.as_str())
        .bind(password_hash(&self.identity).await)
        .execute(&mut self.behind_the_curtain().await)
        .await
        .expect("an account can be made");
        (id.to_string(), email)
    }

    /// A connection that sees everything, with the context the history triggers want.
    pub async fn behind_the_curtain(&self) -> PgConnection {
        use sqlx::Executor as _;
        let mut connection = admin_connection().await;
        connection
            .execute(sqlx::AssertSqlSafe(format!(
                "set app.context = '{} system organization   '",
                self.id
            )))
            .await
            .expect("a context");
        connection
    }

    pub async fn log_in(&self, email: &str) -> String {
        self.tokens(email).await["access_token"]
            .as_str()
            .expect("a token")
            .to_owned()
    }

    /// The whole answer of a login.
    pub async fn tokens(&self, email: &str) -> Value {
        let body = json!({ "tenant": self.slug, "email": email, "password": PASSWORD });
        self.nobody()
            .post("/api/v1/auth/login", body)
            .await
            .expect(200)
    }

    pub fn nobody(&self) -> Caller {
        Caller::of(self.router.clone())
    }

    /// A patient nobody cares for yet; returns his id.
    pub async fn patient(&self, registrar: &Caller) -> String {
        let body = json!({
            "names": [{ "use": "legal", "family": format!("Fam{}", mint().simple()), "given": ["Pat"] }],
            "birth_date": "1970-01-01", "sex": "female"
        });
        let made = registrar
            .post("/api/v1/patients?allow_duplicate=true", body)
            .await
            .expect(201);
        made["id"].as_str().expect("an id").to_owned()
    }

    /// Ids that name nothing.
    pub fn absent_chart(&self) -> Chart {
        let nobody = self.nobody();
        Chart {
            patient: mint().to_string(),
            doctor: nobody.clone(),
            nurse: nobody.clone(),
            portal_user: nobody,
            ids: BTreeMap::new(),
        }
    }
}

async fn server_parts(clock: Clock, rates: Rates) -> (App, Arc<Identity>) {
    let db = Db::new(&run_database().runtime);
    let access_log = AccessWriter::start(db.clone());
    server_with_log(clock, rates, db, access_log).await
}

async fn server_with_log(
    clock: Clock,
    rates: Rates,
    db: Db,
    access_log: AccessWriter,
) -> (App, Arc<Identity>) {
    server_of(
        clock,
        rates,
        db,
        access_log,
        Settings::default(),
        files(),
        Outbox::default(),
    )
    .await
}

/// The master key of the run.
pub fn master() -> Arc<dyn KeyWrapper> {
    Arc::new(LocalMasterKeys::from_base64(MASTER_KEY, None).expect("32 bytes in base64"))
}

/// In memory, without a scanner; text is extracted by the program under test.
pub fn files() -> Files {
    let mut files = Files::in_memory();
    files.options.extractor = Some(env!("CARGO_BIN_EXE_chartwell").into());
    files
}

async fn server_of(
    clock: Clock,
    rates: Rates,
    db: Db,
    access_log: AccessWriter,
    settings: Settings,
    files: Files,
    outbox: Outbox,
) -> (App, Arc<Identity>) {
    let run = run_database();
    let wrapper = master();
    let mut connection = PgConnection::connect_with(&run.runtime.connect)
        .await
        .expect("the runtime role can connect");
    let keys = SigningKeys::load_or_create(&mut connection, &*wrapper, clock.now())
        .await
        .expect("keys");
    let keys = Keyring::new(keys);
    let identity = Identity::new(db.clone(), clock.clone(), keys.clone(), wrapper.clone());
    let app = App::new(Parts {
        access_log,
        events: Events::new(db.clone()),
        db,
        clock,
        keys,
        tenant_keys: TenantKeys::new(wrapper),
        authenticator: identity.clone(),
        limits: Limits::new(rates),
        files,
        messenger: Arc::new(outbox),
        settings,
    });
    (app, identity)
}

/// Hashed once a process: a login verifies it for real each time.
async fn password_hash(identity: &Identity) -> String {
    static HASH: OnceLock<String> = OnceLock::new();
    if let Some(hash) = HASH.get() {
        return hash.clone();
    }
    let hash = identity
        .passwords()
        .hash(PASSWORD.to_owned().into())
        .await
        .expect("a hash");
    HASH.get_or_init(|| hash).clone()
}

/// A room and a service that needs none, and the ids by which paths name them.
async fn bookable(admin: &Caller, facility: &str) -> Vec<(String, String)> {
    let room = json!({ "facility_id": facility, "kind": "room", "asset_kind": "exam", "code": "R1", "name": "Room 1" });
    let service = json!({ "code": "CHART", "name": "Chart", "appointment_type": "consultation", "duration_minutes": 30 });
    let mut ids = Vec::new();
    for (name, place, body) in [
        ("asset_id", "assets", room),
        ("service_id", "services", service),
    ] {
        let made = admin
            .post(format!("/api/v1/scheduling/{place}"), body)
            .await
            .expect(201);
        ids.push((name.to_owned(), super::id(&made)));
    }
    ids
}

/// A patient's chart with one of everything, and the ids by which paths name its parts.
pub struct Chart {
    pub patient: String,
    /// The account of the patient himself.
    pub portal_user: Caller,
    /// On the patient's team.
    pub doctor: Caller,
    /// On the patient's team.
    pub nurse: Caller,
    pub ids: BTreeMap<String, String>,
}

impl Chart {
    /// Makes one through the API.
    pub async fn open(clinic: &TestTenant) -> Self {
        let admin = clinic.user(Role::Admin).await;
        let doctor = clinic.user(Role::Provider).await;
        let portal_user = clinic.user(Role::Patient).await;
        let nurse = clinic.user(Role::Nurse).await;
        let mut ids = BTreeMap::new();
        let made =
            |reply: super::Reply| reply.expect(201)["id"].as_str().expect("an id").to_owned();
        let facility = made(
            admin
                .post("/api/v1/facilities", json!({ "code": "MAIN", "name": "Main", "kind": "hospital", "time_zone": "America/New_York" }))
                .await,
        );
        let department = made(
            admin
                .post(
                    format!("/api/v1/facilities/{facility}/departments"),
                    json!({ "code": "MED", "name": "Medicine" }),
                )
                .await,
        );
        let provider = made(
            admin
                .post("/api/v1/providers", json!({ "user_id": doctor.user_id, "given_name": "Ada", "family_name": "Lovelace", "npi": "1234567893" }))
                .await,
        );
        let license = made(
            admin
                .post(
                    format!("/api/v1/providers/{provider}/licenses"),
                    json!({ "state": "NY", "number": "1", "kind": "medical", "expires_on": "2031-01-01" }),
                )
                .await,
        );
        let certification = made(
            admin
                .post(
                    format!("/api/v1/providers/{provider}/certifications"),
                    json!({ "name": "ABIM", "issuer": "ABIM" }),
                )
                .await,
        );
        let member = made(
            admin
                .post(
                    "/api/v1/staff",
                    json!({ "user_id": nurse.user_id, "kind": "nurse" }),
                )
                .await,
        );
        let assignment = made(
            admin
                .post(
                    format!("/api/v1/users/{}/assignments", nurse.user_id),
                    json!({ "department_id": department }),
                )
                .await,
        );
        let patient = made(
            admin
                .post(
                    "/api/v1/patients?allow_duplicate=true",
                    json!({ "names": [{ "use": "legal", "family": "Chart", "given": ["Pat"] }], "birth_date": "1970-01-01", "sex": "female",
                            "portal_user_id": portal_user.user_id, "facility_id": facility }),
                )
                .await,
        );
        let team = made(
            admin
                .post(
                    format!("/api/v1/patients/{patient}/care-team"),
                    json!({ "user_id": doctor.user_id, "role": "primary_care" }),
                )
                .await,
        );
        let encounter = made(
            admin
                .post(
                    format!("/api/v1/patients/{patient}/encounters"),
                    json!({ "class": "inpatient", "scheduled_start": "2026-12-01T09:00:00-05:00", "facility_id": facility,
                            "attending_provider_id": provider }),
                )
                .await,
        );
        made(
            admin
                .post(
                    format!("/api/v1/patients/{patient}/care-team"),
                    json!({ "user_id": nurse.user_id, "role": "nurse" }),
                )
                .await,
        );
        ids.extend(bookable(&admin, &facility).await);
        ids.insert("facility_id".to_owned(), facility.clone());
        ids.insert("provider_id".to_owned(), provider.clone());
        ids.extend(booked(clinic, &admin, &patient, &ids).await);
        let entries = record_one_of_each(&doctor, &patient, &encounter).await;
        ids.extend(entries.into_iter().map(|(name, id)| (name.to_owned(), id)));
        let template = made(
            admin
                .post("/api/v1/note-templates", json!({ "name": "Chart", "type": "nursing", "content": { "body": "{{patient.name}}" } }))
                .await,
        );
        let note = made(
            doctor
                .post(
                    format!("/api/v1/patients/{patient}/notes"),
                    json!({ "type": "progress", "encounter_id": encounter, "content": { "body": "Doing well." } }),
                )
                .await,
        );
        doctor
            .post(
                format!("/api/v1/notes/{note}/sign"),
                json!({ "text_number": 1 }),
            )
            .await
            .expect(200);
        ids.extend(
            [("note_id", note), ("template_id", template)].map(|(name, id)| (name.to_owned(), id)),
        );
        let document = made(
            admin
                .file(
                    format!("/api/v1/patients/{patient}/documents"),
                    Some(&json!({ "category": "clinical", "kind": "other", "title": "Chart", "document_date": "2020-01-01" })),
                    ("chart.txt", "text/plain", b"chart"),
                )
                .await,
        );
        // So ill that a score calls somebody.
        let vitals = made(
            admin
                .post(
                    format!("/api/v1/patients/{patient}/vitals"),
                    json!({ "measured_at": clinic.clock.now() - chrono::TimeDelta::minutes(2), "readings": [
                        { "kind": "respiratory_rate", "value": 26 }, { "kind": "blood_pressure", "systolic": 96, "diastolic": 60 },
                        { "kind": "consciousness", "code": "voice" }] }),
                )
                .await,
        );
        let alerts = admin
            .get(format!("/api/v1/patients/{patient}/clinical-alerts"))
            .await
            .expect(200);
        let alert = alerts["items"][0]["id"]
            .as_str()
            .expect("an alert")
            .to_owned();
        ids.extend(
            [("vitals_id", vitals), ("alert_id", alert)].map(|(name, id)| (name.to_owned(), id)),
        );
        ids.extend(
            [
                ("document_id", document),
                ("number", "1".to_owned()),
                ("facility_id", facility),
                ("department_id", department),
                ("provider_id", provider.clone()),
                ("attending_provider_id", provider.clone()),
                ("primary_provider_id", provider),
                ("license_id", license),
                ("certification_id", certification),
                ("staff_id", member),
                ("assignment_id", assignment),
                ("user_id", doctor.user_id.clone()),
                ("patient_id", patient.clone()),
                ("member_id", team),
                ("encounter_id", encounter),
            ]
            .map(|(name, id)| (name.to_owned(), id)),
        );
        // The token of the portal user was issued before the chart was his.
        let portal_user = portal_user.with_token(Some(clinic.log_in(&portal_user.email).await));
        Self {
            patient,
            portal_user,
            doctor,
            nurse,
            ids,
        }
    }

    /// A second patient of the same clinic, with the same places and people.
    pub async fn open_another(clinic: &TestTenant, chart: &Chart) -> Self {
        let admin = clinic.user(Role::Admin).await;
        let patient = clinic.patient(&admin).await;
        let mut ids = chart.ids.clone();
        ids.insert("patient_id".to_owned(), patient.clone());
        Self {
            patient,
            portal_user: clinic.nobody(),
            doctor: chart.doctor.clone(),
            nurse: chart.nurse.clone(),
            ids,
        }
    }

    /// The path with this chart's ids where the template has names; an id it has none of names nothing.
    pub fn fill(&self, template: &str) -> String {
        template
            .split('/')
            .map(|segment| {
                match segment
                    .strip_prefix('{')
                    .and_then(|name| name.strip_suffix('}'))
                {
                    Some("patient_id") => self.patient.clone(),
                    Some(name) => self
                        .ids
                        .get(name)
                        .cloned()
                        .unwrap_or_else(|| mint().to_string()),
                    None => segment.to_owned(),
                }
            })
            .collect::<Vec<_>>()
            .join("/")
    }

    /// An example body with this chart's ids where it refers to something.
    pub fn localise(&self, mut example: Value) -> Value {
        if let Some(members) = example.as_object_mut() {
            for (name, value) in members.iter_mut() {
                if let Some(id) = self.ids.get(name) {
                    *value = json!(id);
                } else if name == "portal_user_id" {
                    *value = Value::Null;
                }
            }
            members.retain(|_, value| !value.is_null());
        }
        example
    }
}
