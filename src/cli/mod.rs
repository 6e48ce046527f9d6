//! The commands: what an operator types.
//!
//! Commands on data work on the installation the environment names, or, where it names none, on the one `dev` keeps in
//! its data folder.

#[macro_use]
mod print;

mod audit;
mod banner;
mod dev;
mod doctor;
mod growth;
mod import;
mod installation;
mod jobs;
mod keys;
mod keys_of_tenants;
mod migrate;
mod notes;
mod partitions;
mod plan;
mod privacy;
mod report_file;
mod serve;
mod tenant;
mod terminology;
mod tools;
mod user;

use std::process::ExitCode;

use clap::Subcommand;

use crate::config::{Environment, Log};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start everything on this machine, with demo data: for trying and developing
    Dev(dev::Arguments),
    /// Serve, configured by the environment
    Serve,
    /// Do the periodic work (seals, partitions, tidying) without serving
    Worker,
    /// Bring the database up to date, as its administrator
    Migrate,
    /// Manage tenants
    #[command(subcommand)]
    Tenant(tenant::Tenant),
    /// Manage accounts
    #[command(subcommand)]
    User(user::User),
    /// Bring in records from elsewhere
    #[command(subcommand)]
    Import(import::Import),
    /// Load code systems
    #[command(subcommand)]
    Terminology(terminology::Terminology),
    /// Check the access log and the change history
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Check signed notes
    #[command(subcommand)]
    Notes(notes::Notes),
    /// Manage keys
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Manage the monthly partitions
    #[command(subcommand)]
    Partitions(partitions::Partitions),
    /// Look at the jobs that wait, and at those given up
    #[command(subcommand)]
    Jobs(jobs::Jobs),
    /// Load growth references for children
    #[command(subcommand)]
    Growth(growth::Growth),
    /// Print the best schedule found for a problem in a file
    Plan(plan::Arguments),
    /// Print the OpenAPI document
    Openapi,
    /// Run a program with DATABASE_URL naming a throw-away, migrated database
    #[command(hide = true)]
    WithDatabase(tools::WithDatabase),
    /// Print the text of a document read from standard input
    #[command(hide = true)]
    ExtractText {
        /// Its type, such as application/pdf
        content_type: String,
    },
    /// Print the text of .env.example
    #[command(hide = true)]
    ExampleEnvironment,
    /// Check database, role, isolation, partitions, keys, clock and disk
    Doctor(installation::Where),
}

/// Runs a command to its end. Fails also where what it said could not be written.
pub fn run(command: Command) -> anyhow::Result<ExitCode> {
    print::done(execute(command)?)
}

/// Why a command failed, on standard error.
pub fn complain(error: &anyhow::Error) {
    aside!("chartwell: {}", in_words(error));
}

/// An error and what lies behind it. What PostgreSQL says stands there once, without the line of its source that said it.
pub fn in_words(error: &anyhow::Error) -> String {
    let mut words = Vec::new();
    for cause in error.chain() {
        let said = cause.downcast_ref::<sqlx::Error>();
        if let Some(said) = said.and_then(sqlx::Error::as_database_error) {
            words.push(said.message().to_owned());
            break;
        }
        words.push(cause.to_string());
    }
    words.join(": ")
}

fn execute(command: Command) -> anyhow::Result<ExitCode> {
    if let Command::Notes(command) = command {
        return notes::run(command);
    }
    if matches!(command, Command::Openapi) {
        print::whole(&(serde_json::to_string_pretty(&*crate::document())? + "\n"));
        return Ok(ExitCode::SUCCESS);
    }
    if matches!(command, Command::ExampleEnvironment) {
        print::whole(&crate::config::example_file());
        return Ok(ExitCode::SUCCESS);
    }
    if let Command::ExtractText { content_type } = &command {
        // Nothing else of ours runs in this process: no log, no configuration, no second thread.
        return tools::extract_text(content_type);
    }
    if let Command::Plan(arguments) = &command {
        return plan::run(arguments);
    }
    start_log(&command);
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(async {
            match command {
                Command::Dev(arguments) => dev::run(arguments).await,
                Command::Serve => serve::serve().await,
                Command::Worker => serve::worker().await,
                Command::Migrate => migrate::run().await,
                Command::Tenant(command) => tenant::run(command).await,
                Command::User(command) => user::run(command).await,
                Command::Import(command) => import::run(command).await,
                Command::Terminology(command) => terminology::run(command).await,
                Command::Audit(command) => audit::run(command).await,
                Command::Keys(command) => keys::run(command).await,
                Command::Partitions(command) => partitions::run(command).await,
                Command::Jobs(command) => jobs::run(command).await,
                Command::Growth(command) => growth::run(command).await,
                Command::WithDatabase(command) => tools::with_database(command).await,
                Command::Openapi
                | Command::ExampleEnvironment
                | Command::Notes(_)
                | Command::Plan(_)
                | Command::ExtractText { .. } => Ok(ExitCode::SUCCESS),
                Command::Doctor(place) => doctor::run(place).await,
            }
        })
}

/// JSON lines for a machine that collects them; text for somebody who sits in front of `dev`.
fn start_log(command: &Command) {
    use std::io::IsTerminal as _;
    use tracing_subscriber::EnvFilter;
    let log = Log::from_environment(&Environment::of_process());
    let serves = matches!(command, Command::Serve | Command::Worker);
    let filter = if serves || std::env::var_os("CHARTWELL_LOG").is_some() {
        log.filter
    } else {
        "warn".to_owned()
    };
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    if log.json && serves {
        builder.json().flatten_event(true).init();
    } else {
        builder.init();
    }
    // The usual hook prints what the panic says, and that may be a piece of somebody's name.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, "panic");
    }));
}
