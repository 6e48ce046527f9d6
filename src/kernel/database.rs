//! What a database error means to a caller.
//!
//! Kept with [`Error`] because only its crate may give it a conversion. Nothing of the database's own text goes further
//! than the class of the failure: a message may quote a value, and a value may be somebody's health.

use std::io::ErrorKind;

use crate::error::{Code, Error};

impl From<sqlx::Error> for Error {
    fn from(cause: sqlx::Error) -> Self {
        let code = match &cause {
            sqlx::Error::RowNotFound => Code::NotFound,
            sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::BeginFailed => Code::Unavailable,
            sqlx::Error::Database(error) => match error.code().as_deref() {
                // unique, exclusion; unless a service says it better with `on_constraint`
                Some("23505" | "23P01") => Code::AlreadyExists,
                // foreign key, not null, check; text the encoding can't hold; a number or date out of range
                Some("23503" | "23502" | "22021" | "22P05" | "22003" | "22008") => {
                    Code::ValidationFailed
                }
                // raised by the trigger that closes a merged registration
                Some("23514") if error.constraint() == Some("patients_merged_check") => {
                    Code::PatientMerged
                }
                // a check, but a missing partition has the same state and no constraint
                Some("23514") if error.constraint().is_some() => Code::ValidationFailed,
                Some("23514") => Code::Unavailable,
                // connection, resources, operator intervention, deadlock, serialisation, read-only, statement timeout
                Some(state)
                    if state.starts_with("08")
                        || state.starts_with("53")
                        || state.starts_with("57")
                        || state.starts_with("58")
                        || matches!(state, "40001" | "40P01" | "25006" | "55P03") =>
                {
                    Code::Unavailable
                }
                _ => Code::Internal,
            },
            _ => Code::Internal,
        };
        Error::new(code).because(cause)
    }
}

impl Error {
    /// The constraint that a statement ran into.
    pub fn constraint(&self) -> Option<&str> {
        self.cause()?
            .downcast_ref::<sqlx::Error>()?
            .as_database_error()?
            .constraint()
    }

    /// What keeps us from the database, in words for who runs the program: no login, no such database, nobody there. Never the
    /// address or a name in it. Nothing for what happens to a statement.
    pub fn not_reached(&self) -> Option<String> {
        match self.cause()?.downcast_ref::<sqlx::Error>()? {
            sqlx::Error::Database(error) => {
                let code = error.code()?;
                let words = match &*code {
                    "28P01" | "28000" => {
                        "the database refuses the login: role or password is wrong"
                    }
                    "3D000" => "there is no such database",
                    "53300" => "the database has no connection free",
                    "57P03" => "the database is starting up or shutting down",
                    _ => return None,
                };
                Some(format!("{words} ({code})"))
            }
            sqlx::Error::Io(error) => Some(match error.kind() {
                ErrorKind::ConnectionRefused => {
                    "the database can't be reached: connection refused".to_owned()
                }
                ErrorKind::NotFound => {
                    "the database can't be reached: there is no such socket".to_owned()
                }
                kind => format!("the database can't be reached: {kind}"),
            }),
            sqlx::Error::Configuration(_) => Some("is not a URL of PostgreSQL".to_owned()),
            sqlx::Error::Tls(_) => Some("no TLS connection to the database".to_owned()),
            _ => None,
        }
    }

    /// The cause in words for who runs the program, where there are any that say more than its class. Never a value.
    pub fn cause_in_words(&self) -> Option<String> {
        if let Some(words) = self.not_reached() {
            return Some(words);
        }
        let code = match self.cause()?.downcast_ref::<sqlx::Error>() {
            Some(sqlx::Error::Database(error)) => error.code(),
            _ => None,
        };
        let words = match code.as_deref() {
            Some("42501") => "the role may not do this in the database (42501)",
            Some("57014") => "the database took too long and gave up (57014)",
            Some("53100") => "the disk of the database is full (53100)",
            _ => return self.cause_for_log(),
        };
        Some(words.to_owned())
    }

    /// What the log may say of the cause: classes and names, never values.
    pub fn cause_for_log(&self) -> Option<String> {
        let cause = self.cause()?;
        let Some(error) = cause.downcast_ref::<sqlx::Error>() else {
            return Some(cause.to_string());
        };
        Some(match error {
            sqlx::Error::Database(error) => format!(
                "database {} constraint={} table={}",
                error.code().unwrap_or_default(),
                error.constraint().unwrap_or("-"),
                error.table().unwrap_or("-"),
            ),
            sqlx::Error::Io(error) => format!("database connection: {:?}", error.kind()),
            sqlx::Error::PoolTimedOut => "no database connection in time".to_owned(),
            sqlx::Error::ColumnDecode { index, .. } => format!("column {index} does not decode"),
            _ => "database client error".to_owned(),
        })
    }
}

/// Says what a broken constraint means, where the work is done.
pub trait OnConstraint<T> {
    /// Replaces the error if it came from the constraint named, whatever suffix a distributed table adds to it.
    fn on_constraint(self, name: &str, error: impl FnOnce() -> Error) -> Result<T, Error>;
}

impl<T, E: Into<Error>> OnConstraint<T> for Result<T, E> {
    fn on_constraint(self, name: &str, error: impl FnOnce() -> Error) -> Result<T, Error> {
        self.map_err(Into::into).map_err(|found| {
            let same = found.constraint().is_some_and(|broken| {
                broken
                    .strip_prefix(name)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
            });
            if same { error() } else { found }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_runs_the_program_reads_words_and_no_address() {
        let refused = Error::from(sqlx::Error::Io(ErrorKind::ConnectionRefused.into()));
        let words = "the database can't be reached: connection refused";
        assert_eq!(refused.not_reached().as_deref(), Some(words));
        assert_eq!(refused.cause_in_words().as_deref(), Some(words));
        let secret = "postgres://chartwell:hush@host/chartwell";
        let misspelt = Error::from(sqlx::Error::Configuration(secret.into()));
        let told = misspelt.cause_in_words().unwrap_or_default();
        assert!(
            told.contains("not a URL") && !told.contains("hush"),
            "{told}"
        );
        // What happens to a statement is no matter of the way to the database.
        let waited = Error::from(sqlx::Error::PoolTimedOut);
        assert_eq!(waited.not_reached(), None);
        assert_eq!(waited.cause_in_words(), waited.cause_for_log());
    }
}
