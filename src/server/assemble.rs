//! From a configuration to a server. Everything that could be wrong is found here, before the first request.

use std::sync::{Arc, LazyLock};

use anyhow::{Context as _, bail};
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Router, middleware};
use identity::Identity;
use kernel::Clock;
use platform::App;
use platform::app::Parts;
use platform::audit::AccessWriter;
use platform::crypto::{KeyWrapper, Keyring, LocalMasterKeys, SigningKeys, TenantKeys};
use platform::db::{Db, isolation, migrate};
use platform::events::Events;
use platform::http::{Limits, Needed, cross_origin, envelope, method_not_allowed, not_found};
use secrecy::ExposeSecret;
use utoipa_swagger_ui::{Config as SwaggerConfig, SwaggerUi};

use crate::Chartwell;
use crate::config::Config;

/// Connects, checks the role, the isolation and the keys, and builds the server.
pub async fn assemble(config: &Config, clock: Clock) -> anyhow::Result<Chartwell> {
    assemble_with(config, clock, AccessWriter::start).await
}

/// As [`assemble`], with an access log of the caller's making. For the bench that measures what the log costs.
#[doc(hidden)]
pub async fn assemble_with(
    config: &Config,
    clock: Clock,
    access_log: impl FnOnce(Db) -> AccessWriter,
) -> anyhow::Result<Chartwell> {
    let db = Db::new(&config.database);
    let wrapper = master_keys(config)?;
    let keys = {
        let mut connection = connect(config).await?;
        if let Some(reason) = isolation::role_bypasses(&mut connection)
            .await
            .map_err(told)?
        {
            bail!(
                "the database role {reason}; connect as chartwell_runtime, which row-level security binds"
            );
        }
        if let Some(behind) = migrate::behind(&mut connection).await.map_err(told)? {
            bail!("{behind}");
        }
        let violations = isolation::violations(&mut connection).await.map_err(told)?;
        if !violations.is_empty() {
            bail!(
                "the database does not isolate tenants:\n  {}",
                violations.join("\n  ")
            );
        }
        SigningKeys::load_or_create(&mut connection, &*wrapper, clock.now())
            .await
            .map_err(told)?
    };
    let keys = Keyring::new(keys);
    let tenant_keys = TenantKeys::new(wrapper.clone());
    let identity = Identity::new(db.clone(), clock.clone(), keys.clone(), wrapper);
    let app = App::new(Parts {
        access_log: access_log(db.clone()),
        events: Events::new(db.clone()),
        db,
        clock,
        keys,
        tenant_keys,
        authenticator: identity.clone(),
        limits: Limits::new(config.rates),
        files: config.files.open().map_err(told).context(
            "the store of documents can't be opened (CHARTWELL_FILES_DIR, or the bucket)",
        )?,
        messenger: config.messages.open(),
        settings: config.http.settings.clone(),
    });
    check_tenant_keys(&app).await?;
    let router = router(app.clone(), identity.clone());
    Ok(Chartwell {
        app,
        identity,
        router,
    })
}

/// What every server of a process has in common, made once: a test makes hundreds of servers.
#[derive(Clone)]
struct Served {
    routes: Router<App>,
    needed: Needed,
    /// As it goes over the wire: read, it would take twenty times the memory.
    document: Bytes,
}

static SERVED: LazyLock<Served> = LazyLock::new(|| {
    let (routes, document) = crate::areas().split_for_parts();
    let document = crate::finished(document);
    Served {
        routes,
        needed: Needed::from_document(&document),
        document: document.to_string().into(),
    }
});

/// All routes, inside the envelope.
pub fn router(app: App, identity: Arc<Identity>) -> Router {
    let Served {
        routes,
        needed,
        document,
    } = SERVED.clone();
    let other_pages = cross_origin(&app.settings.origins);
    let served = routes
        .method_not_allowed_fallback(method_not_allowed)
        .layer(Extension(identity))
        .layer(Extension(needed))
        .layer(DefaultBodyLimit::max(1 << 20))
        .layer(middleware::from_fn_with_state(app.clone(), envelope))
        .merge(
            explorer(document)
                .layer(middleware::map_response(as_problem))
                .layer(middleware::from_fn_with_state(app.clone(), envelope)),
        )
        .fallback_service(
            Router::new()
                .fallback(not_found)
                .layer(middleware::from_fn_with_state(app.clone(), envelope))
                .with_state(app.clone()),
        )
        .with_state(app);
    match other_pages {
        Some(layer) => served.layer(layer),
        None => served,
    }
}

/// What the explorer does not have is a problem like any other.
async fn as_problem(response: Response) -> Response {
    match response.status() {
        StatusCode::NOT_FOUND => not_found().await.into_response(),
        StatusCode::METHOD_NOT_ALLOWED => {
            let mut problem = method_not_allowed().await.into_response();
            if let Some(allow) = response.headers().get(header::ALLOW) {
                problem.headers_mut().insert(header::ALLOW, allow.clone());
            }
            problem
        }
        _ => response,
    }
}

/// The document and the explorer.
fn explorer(document: Bytes) -> Router<App> {
    let ui = SwaggerUi::new("/docs").config(
        SwaggerConfig::from("/api/openapi.json")
            .persist_authorization(true)
            .try_it_out_enabled(true),
    );
    Router::new()
        .route(
            "/api/openapi.json",
            axum::routing::get(move || async move {
                ([(header::CONTENT_TYPE, "application/json")], document)
            }),
        )
        .merge(ui)
}

fn master_keys(config: &Config) -> anyhow::Result<Arc<dyn KeyWrapper>> {
    let previous = config
        .keys
        .master_previous
        .as_ref()
        .map(ExposeSecret::expose_secret);
    Ok(Arc::new(LocalMasterKeys::from_base64(
        config.keys.master.expose_secret(),
        previous,
    )?))
}

/// A tenant whose data key does not unwrap is found now, not when somebody opens a chart.
async fn check_tenant_keys(app: &App) -> anyhow::Result<()> {
    for tenant in identity::tenants::all(&app.db).await.map_err(told)? {
        let mut tx = platform::db::SystemTx::begin(&app.db, tenant)
            .await
            .map_err(told)?;
        app.tenant_keys
            .check(&mut tx)
            .await
            .map_err(told)
            .with_context(|| format!("data key of tenant {tenant}"))?;
    }
    Ok(())
}

/// A connection outside the pools, to fail at start with the reason and not with a timeout. The reason names what the operator
/// set, or the folder he has.
pub(crate) async fn connect(config: &Config) -> anyhow::Result<sqlx::PgConnection> {
    use sqlx::ConnectOptions as _;
    let connected = config.database.connect.connect().await;
    connected.map_err(|error| told(error.into()).context(config.database_from.clone()))
}

/// An error of the house for the operator: its cause, else the fields that break a rule, else its sentence.
#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
pub(crate) fn told(error: kernel::Error) -> anyhow::Error {
    if let Some(cause) = error.cause_in_words() {
        return anyhow::anyhow!("{cause}");
    }
    let fields: Vec<String> = error
        .fields()
        .iter()
        .map(|field| {
            let name = field.pointer.trim_start_matches(['/', '?']);
            format!("{name} {}", field.message).trim_start().to_owned()
        })
        .collect();
    if fields.is_empty() {
        anyhow::anyhow!("{}", error.explanation())
    } else {
        anyhow::anyhow!("{}", fields.join("; "))
    }
}
