//! Temporary.
#![allow(clippy::all, clippy::pedantic, clippy::unwrap_used, clippy::disallowed_methods)]
use std::sync::Arc;
use std::path::PathBuf;
use platform::{App, app::Parts, Settings};
use platform::access::{Authenticator, Principal, Changed};
use platform::audit::AccessWriter;
use platform::crypto::*;
use platform::db::*;
use platform::http::Limits;
use kernel::ids::TenantId;
struct Nobody;
impl Authenticator for Nobody {
    fn remembered(&self, _: &str) -> Option<Arc<Principal>> { None }
    fn authenticate<'a>(&'a self, _: &'a str) -> futures_util::future::BoxFuture<'a, kernel::Result<Arc<Principal>>> { unreachable!() }
    fn forget(&self, _: TenantId, _: Changed) {}
}
#[tokio::main]
async fn main() {
    let url = std::env::var("IMP_URL").unwrap();
    let slug = std::env::var("IMP_TENANT").unwrap();
    let source = std::env::var("IMP_SOURCE").ok();
    let report_file = std::env::var("IMP_REPORT").ok();
    let paths: Vec<PathBuf> = std::env::args().skip(1).map(PathBuf::from).collect();
    let db = Db::new(&DbOptions::from_url(&url).unwrap());
    let clock = kernel::Clock::system();
    let wrapper: Arc<dyn KeyWrapper> = Arc::new(LocalMasterKeys::from_base64("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", None).unwrap());
    let mut conn = db.shared().acquire().await.unwrap();
    let keys = SigningKeys::load_or_create(&mut conn, &*wrapper, clock.now()).await.unwrap();
    drop(conn);
    let app = App::new(Parts { db: db.clone(), clock: clock.clone(), access_log: AccessWriter::start(db.clone()), keys: Keyring::new(keys),
        tenant_keys: TenantKeys::new(wrapper), authenticator: Arc::new(Nobody), limits: Limits::new(Default::default()), settings: Settings::default() });
    // tenant by slug, id from hash of the slug
    let mut b = [0u8; 16]; for (i, c) in slug.bytes().enumerate() { b[i % 16] ^= c.wrapping_add(i as u8); }
    let tenant = TenantId(uuid::Uuid::from_bytes(b));
    let mut tx = SystemTx::begin(&db, tenant).await.unwrap();
    let found: Option<(uuid::Uuid,)> = sqlx::query_as("select tenant_id from app.tenants where tenant_id = $1").bind(tenant.0).fetch_optional(tx.conn()).await.unwrap();
    if found.is_none() {
        sqlx::query("insert into app.tenants (tenant_id, slug, name, created_at, updated_at) values ($1, $2, $2, now(), now())").bind(tenant.0).bind(&slug).execute(tx.conn()).await.unwrap();
        app.tenant_keys.create(&mut tx, clock.now()).await.unwrap();
        tx.commit().await.unwrap();
    } else { drop(tx); }
    match interop::import::fhir(&app, tenant, &paths, interop::import::Options { progress: true, source }).await {
        Ok(report) => { println!("{report}"); if let Some(f) = report_file { report.write_failures(std::path::Path::new(&f)).unwrap(); } }
        Err(e) => { eprintln!("ERR {e} cause {:?}", e.cause_for_log()); std::process::exit(1) }
    }
}
