//! Pools. A tenant's pool is asked for by the tenant: there is one today, and the question is asked from day one.
//!
//! Traps: a connection that landed on a standby is dropped, not used; one that rested may have died meanwhile; a connection's role is part of what it is, so the
//! access writer and the sealer have pools of their own.

use std::str::FromStr;
use std::time::Duration;

use kernel::ids::TenantId;
use kernel::{Error, Result};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};
use uuid::Uuid;

use super::glance::{self, Glance, Glances};
use super::partition::KnownMonths;
use super::turns::Turns;
use super::tx::Context;

/// Connections beside those of the tenants' transactions, for what belongs to no tenant.
const BESIDE: u32 = 2;

/// Whoever rested so long is asked whether it is still there: a database restarts no faster. Busy ones are spared the question.
const RESTED: Duration = Duration::from_millis(500);

/// How to reach the database as the runtime role.
#[derive(Clone, Debug)]
pub struct DbOptions {
    pub connect: PgConnectOptions,
    pub max_connections: u32,
    /// How long a request waits for a connection before it answers 503.
    pub acquire_timeout: Duration,
    /// The longest a statement may run.
    pub statement_timeout: Duration,
}

impl DbOptions {
    pub fn from_url(url: &str) -> Result<Self> {
        let connect = PgConnectOptions::from_str(url)
            .map_err(|_| Error::internal("the database URL can't be read"))?;
        Ok(Self {
            connect,
            max_connections: 16,
            acquire_timeout: Duration::from_secs(3),
            statement_timeout: Duration::from_secs(15),
        })
    }
}

/// The database as the server sees it.
#[derive(Clone, Debug)]
pub struct Db {
    requests: PgPool,
    turns: Turns,
    glances: Glances,
    access_writer: PgPool,
    sealer: PgPool,
    notices: PgPool,
    months: KnownMonths,
}

impl Db {
    /// Makes the pools; connects to nothing yet.
    pub fn new(options: &DbOptions) -> Self {
        let name = options
            .connect
            .get_application_name()
            .unwrap_or("chartwell");
        let connect = options
            .connect
            .clone()
            .application_name(name)
            .disable_statement_logging()
            .options([
                (
                    "statement_timeout",
                    options.statement_timeout.as_millis().to_string(),
                ),
                ("idle_in_transaction_session_timeout", "60000".to_owned()),
                ("timezone", "UTC".to_owned()),
                // Whatever the cluster says: what was answered for is durable, and short statements wait for no compiler.
                ("synchronous_commit", "on".to_owned()),
                ("jit", "off".to_owned()),
            ]);
        let read_only = connect
            .clone()
            .options([("default_transaction_read_only", "on")]);
        let glances = pool(
            options,
            read_only,
            glance::AT_ONCE,
            Some("chartwell_glance"),
        );
        Self {
            glances: Glances::new(glances),
            requests: pool(
                options,
                connect.clone(),
                options.max_connections + BESIDE,
                None,
            ),
            turns: Turns::new(options.max_connections, options.acquire_timeout),
            access_writer: pool(options, connect.clone(), 2, Some("chartwell_audit_writer")),
            sealer: pool(options, connect.clone(), 2, Some("chartwell_sealer")),
            notices: pool(options, connect, 4, None),
            months: KnownMonths::default(),
        }
    }

    /// The pool that holds a tenant's rows.
    pub fn of(&self, _tenant: TenantId) -> &PgPool {
        &self.requests
    }

    /// The line in front of a tenant's pool.
    pub(super) fn turns(&self, _tenant: TenantId) -> &Turns {
        &self.turns
    }

    /// The row with this id, if the caller of the context may see it: asked together with whoever asks now.
    pub(crate) async fn glance<G: Glance>(&self, context: &Context, id: Uuid) -> Result<Option<G>> {
        self.glances.ask(context, id).await
    }

    /// For what belongs to no tenant: keys of the installation, months, health checks.
    pub fn shared(&self) -> &PgPool {
        &self.requests
    }

    /// For the two that listen to NOTIFY. Their connections stay taken, so they are not among those that serve requests; as
    /// many more are for when these hang.
    pub fn notices(&self) -> &PgPool {
        &self.notices
    }

    /// The months known to be there.
    pub(super) fn months(&self) -> &KnownMonths {
        &self.months
    }

    pub(crate) fn access_writer(&self) -> &PgPool {
        &self.access_writer
    }

    pub(crate) fn sealer(&self) -> &PgPool {
        &self.sealer
    }

    /// Connections open and idle, for the metrics.
    pub fn usage(&self) -> (u32, usize) {
        (self.requests.size(), self.requests.num_idle())
    }

    pub async fn close(&self) {
        futures_util::future::join5(
            self.requests.close(),
            self.glances.close(),
            self.access_writer.close(),
            self.sealer.close(),
            self.notices.close(),
        )
        .await;
    }
}

fn pool(
    options: &DbOptions,
    connect: PgConnectOptions,
    size: u32,
    role: Option<&'static str>,
) -> PgPool {
    PgPoolOptions::new()
        .max_connections(size)
        .acquire_timeout(options.acquire_timeout)
        .test_before_acquire(false)
        .before_acquire(|connection, met| {
            Box::pin(async move {
                // Its other end may be gone since: then it is closed, and the caller gets another.
                if met.idle_for >= RESTED {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .max_lifetime(Duration::from_mins(30))
        .after_connect(move |connection, _| {
            Box::pin(async move {
                require_writable(connection).await?;
                if let Some(role) = role {
                    // A constant of this file, not text from anywhere.
                    connection
                        .execute(AssertSqlSafe(format!("set role {role}")))
                        .await?;
                }
                Ok(())
            })
        })
        .connect_lazy_with(connect)
}

/// After a failover the old primary may come back as a standby under the same name.
async fn require_writable(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let standby = sqlx::query_scalar::<_, bool>("select pg_is_in_recovery()")
        .fetch_one(&mut *connection)
        .await?;
    if standby {
        return Err(sqlx::Error::Io(std::io::Error::other(
            "the database is a standby",
        )));
    }
    debug_assert!(!connection.is_in_transaction());
    Ok(())
}
