//! What a database error means to a caller.
//!
//! Kept with [`Error`] because only its crate may give it a conversion. Nothing of the database's own text goes further
//! than the class of the failure: a message may quote a value, and a value may be somebody's health.

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
