//! Configuration from the environment: every variable once, in [`VARIABLES`], read into one struct per section.
//!
//! All mistakes are reported at once, an unknown `CHARTWELL_*` variable is one of them (a misspelt setting must not become
//! a default), and no message repeats a value: values are where the secrets are.

mod files;
mod messages;
mod reader;
mod variables;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use platform::Settings;
use platform::db::DbOptions;
use platform::http::Rates;
use secrecy::SecretString;
use tracing_subscriber::EnvFilter;

use reader::Reader;

pub use files::FilesConfig;
pub use messages::MessagesConfig;
pub use reader::{Environment, Mistakes, read_private};
pub use variables::{VARIABLES, Variable, example_file};

/// What a server needs to know.
#[derive(Clone, Debug)]
pub struct Config {
    pub database: DbOptions,
    /// How whoever set the database up knows it: a variable's name, or a data folder. Never its URL.
    pub database_from: String,
    pub keys: Keys,
    pub http: Http,
    pub rates: Rates,
    pub operations: Operations,
    pub files: FilesConfig,
    pub messages: MessagesConfig,
}

/// The keys that are not in the database.
#[derive(Clone, Debug)]
pub struct Keys {
    pub master: SecretString,
    /// The one before, while `chartwell keys rotate` wraps everything anew.
    pub master_previous: Option<SecretString>,
}

#[derive(Clone, Debug)]
pub struct Http {
    pub listen: SocketAddr,
    pub settings: Settings,
}

#[derive(Clone, Debug)]
pub struct Operations {
    /// Where seals of the access log are handed to, outside the database.
    pub seal_file: Option<PathBuf>,
    pub partitions_ahead: u32,
}

/// How the server talks to its log.
#[derive(Clone, Debug)]
pub struct Log {
    pub filter: String,
    pub json: bool,
}

impl Config {
    /// Reads the environment, or says everything that is wrong with it.
    pub fn from_environment(environment: &Environment) -> Result<Self, Mistakes> {
        let mut reader = environment.reader();
        let mut database = reader.database_url("CHARTWELL_DATABASE_URL");
        let by_file = environment.get("CHARTWELL_DATABASE_URL_FILE");
        let database_from = match by_file {
            Some(_) => "CHARTWELL_DATABASE_URL_FILE",
            None => "CHARTWELL_DATABASE_URL",
        };
        let pool_size = reader.number("CHARTWELL_DB_POOL_SIZE", 1, 500);
        let acquire = reader.number("CHARTWELL_DB_ACQUIRE_SECONDS", 1, 60);
        let statement = reader.number("CHARTWELL_DB_STATEMENT_SECONDS", 1, 600);
        if let Some(database) = &mut database {
            database.max_connections = pool_size;
            database.acquire_timeout = Duration::from_secs(acquire.into());
            database.statement_timeout = Duration::from_secs(statement.into());
        }
        let master = reader.required_secret("CHARTWELL_MASTER_KEY");
        let master_previous = reader.secret("CHARTWELL_MASTER_KEY_PREVIOUS");
        reader.check_master_keys(master.as_ref(), master_previous.as_ref());
        Log::read(&mut reader);
        let settings = Settings {
            request_deadline: Duration::from_secs(
                reader.number("CHARTWELL_REQUEST_SECONDS", 1, 600).into(),
            ),
            trust_forwarded_for: reader.flag("CHARTWELL_TRUST_FORWARDED_FOR"),
            public_url: reader.url("CHARTWELL_PUBLIC_URL"),
            origins: reader.origins("CHARTWELL_CORS_ORIGINS"),
        };
        let listen = reader.address("CHARTWELL_LISTEN");
        let rates = Rates {
            address: reader.number("CHARTWELL_RATE_ADDRESS", 1, 10_000_000),
            user: reader.number("CHARTWELL_RATE_USER", 1, 10_000_000),
            tenant: reader.number("CHARTWELL_RATE_TENANT", 1, 100_000_000),
            login: reader.number("CHARTWELL_RATE_LOGIN", 1, 1_000_000),
        };
        let operations = Operations {
            seal_file: reader.optional_file("CHARTWELL_SEAL_FILE"),
            partitions_ahead: reader.number("CHARTWELL_PARTITIONS_AHEAD", 1, 120),
        };
        let files = FilesConfig::read(&mut reader);
        let messages = MessagesConfig::read(&mut reader);
        reader.finish()?;
        let (Some(database), Some(master), Some(listen)) = (database, master, listen) else {
            return Err(Mistakes::default());
        };
        let keys = Keys {
            master,
            master_previous,
        };
        Ok(Self {
            database,
            database_from: database_from.to_owned(),
            keys,
            http: Http { listen, settings },
            rates,
            operations,
            files,
            messages,
        })
    }
}

impl Log {
    /// The log's own settings. Wrong ones fall back to the defaults here, because the log has to be there to tell of them:
    /// [`Config::from_environment`] does.
    pub fn from_environment(environment: &Environment) -> Self {
        Self::read(&mut environment.reader())
    }

    fn read(reader: &mut Reader<'_>) -> Self {
        let mut filter = reader.text("CHARTWELL_LOG");
        if EnvFilter::try_new(&filter).is_err() {
            reader.mistake(
                "CHARTWELL_LOG",
                "must be a level or a filter such as platform=debug",
            );
            "info".clone_into(&mut filter);
        }
        let format = reader.text("CHARTWELL_LOG_FORMAT");
        if !["json", "text"].contains(&&*format) {
            reader.mistake("CHARTWELL_LOG_FORMAT", "must be json or text");
        }
        let json = format != "text";
        Self { filter, json }
    }
}
