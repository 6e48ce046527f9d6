//! Who comes late where several want the same.

use kernel::{Code, Error};

/// Two who hold several providers at once, or give up the place the other one wants, may wait for each other: the database
/// lets one of them go on, and to the other one the time is taken.
pub(crate) fn slot_taken(cause: sqlx::Error) -> Error {
    let code = cause
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    if code.as_deref() == Some("40P01") {
        Error::new(Code::SlotTaken).because(cause)
    } else {
        cause.into()
    }
}
