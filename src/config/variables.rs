//! Every variable, its default, and one sentence: `.env.example` is this table, and a test compares the two.

/// A variable of the environment.
#[derive(Clone, Copy, Debug)]
pub struct Variable {
    pub name: &'static str,
    /// `None`: unset means off, or the variable is required where the sentence says so.
    pub default: Option<&'static str>,
    pub sentence: &'static str,
}

const fn variable(
    name: &'static str,
    default: Option<&'static str>,
    sentence: &'static str,
) -> Variable {
    Variable {
        name,
        default,
        sentence,
    }
}

pub const VARIABLES: &[Variable] = &[
    variable(
        "CHARTWELL_DATABASE_URL",
        None,
        "The database as the runtime role, postgres://chartwell_runtime:…@host/chartwell. Required by serve, worker and every command on data.",
    ),
    variable(
        "CHARTWELL_DATABASE_URL_FILE",
        None,
        "A file that holds that URL.",
    ),
    variable(
        "CHARTWELL_ADMIN_DATABASE_URL",
        None,
        "The database as an administrator. Required by migrate, and by nothing else: the server must not have it.",
    ),
    variable(
        "CHARTWELL_ADMIN_DATABASE_URL_FILE",
        None,
        "A file that holds that URL.",
    ),
    variable(
        "CHARTWELL_RUNTIME_PASSWORD",
        None,
        "The password migrate gives the runtime role. Unset: it keeps the one it has.",
    ),
    variable(
        "CHARTWELL_RUNTIME_PASSWORD_FILE",
        None,
        "A file that holds that password.",
    ),
    variable(
        "CHARTWELL_MASTER_KEY",
        None,
        "32 random bytes in base64 (openssl rand -base64 32): wraps every other key. This or the file is required. Losing it loses what it sealed.",
    ),
    variable(
        "CHARTWELL_MASTER_KEY_FILE",
        None,
        "A file that holds the master key, for secret stores that mount files; others must not be able to read it.",
    ),
    variable(
        "CHARTWELL_MASTER_KEY_PREVIOUS",
        None,
        "The master key before the present one, until chartwell keys rotate has wrapped everything anew.",
    ),
    variable(
        "CHARTWELL_MASTER_KEY_PREVIOUS_FILE",
        None,
        "A file that holds that key.",
    ),
    variable(
        "CHARTWELL_LISTEN",
        Some("127.0.0.1:8080"),
        "Where the server listens. TLS ends at the proxy in front of it.",
    ),
    variable(
        "CHARTWELL_PUBLIC_URL",
        Some("http://127.0.0.1:8080"),
        "Where people reach the server; links in messages begin with it.",
    ),
    variable(
        "CHARTWELL_CORS_ORIGINS",
        None,
        "Origins whose pages may call the API from a browser, separated by commas (https://portal.example.org). Unset: none but the server's own.",
    ),
    variable(
        "CHARTWELL_TRUST_FORWARDED_FOR",
        Some("false"),
        "Whether X-Forwarded-For names the client: true only behind a proxy that sets it.",
    ),
    variable(
        "CHARTWELL_REQUEST_SECONDS",
        Some("15"),
        "The longest a request may take before it answers 503.",
    ),
    variable(
        "CHARTWELL_DB_POOL_SIZE",
        Some("16"),
        "Connections for requests.",
    ),
    variable(
        "CHARTWELL_DB_ACQUIRE_SECONDS",
        Some("3"),
        "The longest a request waits for a connection.",
    ),
    variable(
        "CHARTWELL_DB_STATEMENT_SECONDS",
        Some("15"),
        "The longest a statement may run.",
    ),
    variable(
        "CHARTWELL_RATE_ADDRESS",
        Some("12000"),
        "Requests a minute from one address.",
    ),
    variable(
        "CHARTWELL_RATE_USER",
        Some("3000"),
        "Requests a minute by one user.",
    ),
    variable(
        "CHARTWELL_RATE_TENANT",
        Some("120000"),
        "Requests a minute by one tenant.",
    ),
    variable(
        "CHARTWELL_RATE_LOGIN",
        Some("30"),
        "Attempts to log in a minute from one address, a third of them under one name; and accounts that may fail there within an hour.",
    ),
    variable(
        "CHARTWELL_PARTITIONS_AHEAD",
        Some("6"),
        "Months of partitions kept ready.",
    ),
    variable(
        "CHARTWELL_FILES_DIR",
        Some("/var/lib/chartwell/files"),
        "The folder that keeps the content of documents, sealed. Back it up with the database: neither is of use alone.",
    ),
    variable(
        "CHARTWELL_FILES_S3_BUCKET",
        None,
        "Keep the content of documents in this bucket of an S3-compatible store instead of a folder.",
    ),
    variable(
        "CHARTWELL_FILES_S3_REGION",
        Some("us-east-1"),
        "The bucket's region.",
    ),
    variable(
        "CHARTWELL_FILES_S3_ENDPOINT",
        None,
        "The store's URL, where it is not Amazon's.",
    ),
    variable(
        "CHARTWELL_FILES_S3_ACCESS_KEY",
        None,
        "The access key. Unset: the machine's role.",
    ),
    variable(
        "CHARTWELL_FILES_S3_SECRET_KEY",
        None,
        "The secret of the access key.",
    ),
    variable(
        "CHARTWELL_FILES_S3_SECRET_KEY_FILE",
        None,
        "A file that holds that secret.",
    ),
    variable(
        "CHARTWELL_FILES_SCANNER",
        None,
        "Where clamd listens, tcp:host:port or unix:/path; its StreamMaxLength must be as large as the largest file. Unset: content is marked as not scanned.",
    ),
    variable(
        "CHARTWELL_FILES_REQUIRE_SCAN",
        Some("false"),
        "Whether content stays in quarantine unless a scanner has found it clean, also while there is none.",
    ),
    variable(
        "CHARTWELL_FILES_MAX_MEGABYTES",
        Some("100"),
        "The largest file.",
    ),
    variable(
        "CHARTWELL_FILES_DAILY_MEGABYTES",
        Some("10000"),
        "What an account of the organisation may upload in a day (UTC).",
    ),
    variable(
        "CHARTWELL_FILES_DAILY_PATIENT_MEGABYTES",
        Some("300"),
        "What a patient's account may upload in a day (UTC).",
    ),
    variable(
        "CHARTWELL_FILES_UPLOAD_SECONDS",
        Some("900"),
        "The longest the upload of a file, or of a part of one, may take.",
    ),
    variable(
        "CHARTWELL_MESSAGES_DIR",
        Some("/var/lib/chartwell/messages"),
        "The folder into which e-mails and text messages to patients are written, for a relay to pick up.",
    ),
    variable(
        "CHARTWELL_MESSAGES_FROM",
        Some("no-reply@localhost"),
        "The sender of e-mails.",
    ),
    variable(
        "CHARTWELL_SEAL_FILE",
        None,
        "A file outside the database to which each seal of the access log is appended; audit verify compares with it.",
    ),
    variable(
        "CHARTWELL_LOG",
        Some("info"),
        "What is logged: error, warn, info, debug, or a filter such as platform=debug.",
    ),
    variable("CHARTWELL_LOG_FORMAT", Some("json"), "json or text."),
    variable(
        "CHARTWELL_PG_BIN",
        None,
        "Where PostgreSQL's programs are, for dev and the tests; else they are looked for.",
    ),
    variable(
        "CHARTWELL_CACHE_DIR",
        None,
        "Where dev and the tests keep PostgreSQL's programs if they had to fetch them.",
    ),
];

/// The text of `.env.example`.
pub fn example_file() -> String {
    use std::fmt::Write as _;
    let mut text = String::from(
        "# Every variable Chartwell reads, with its default. Copy to .env and fill in; an unknown CHARTWELL_ variable is refused.\n# `chartwell dev` has keys, limits and a database of its own: it reads CHARTWELL_LOG, CHARTWELL_PG_BIN and CHARTWELL_CACHE_DIR only.\n",
    );
    for Variable {
        name,
        default,
        sentence,
    } in VARIABLES
    {
        let _ = match default {
            Some(default) => write!(text, "\n# {sentence}\n{name}={default}\n"),
            None => write!(text, "\n# {sentence}\n# {name}=\n"),
        };
    }
    text
}
