//! What the lists of this area have in common.

use kernel::text::name_key;
use kernel::{Checks, Code, Error, FieldError, Result};
use serde::Deserialize;
use utoipa::IntoParams;

/// A list without filters.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// At most so many rows, 50 unless given.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// A filter in the form in which it is compared. One that has no letter or digit would match everything, so it is refused.
pub(crate) fn filter_key(name: &'static str, text: Option<&str>) -> Result<Option<String>> {
    let Some(text) = text else { return Ok(None) };
    let key = name_key(text);
    if key.is_empty() {
        return Err(bad_parameter(name, "blank", "must have a letter or digit"));
    }
    Ok(Some(key))
}

/// A query parameter that breaks a rule.
pub(super) fn bad_parameter(name: &'static str, code: &'static str, rule: &'static str) -> Error {
    Error::new(Code::InvalidParameter).with_fields(vec![FieldError::new(
        format!("?{name}"),
        code,
        rule,
    )])
}

/// Checks a list of short texts: at most 20, of at most `most` characters each.
pub(super) fn check_words(checks: &mut Checks, field: &'static str, words: &[String], most: usize) {
    checks.require(
        words.len() <= 20,
        field,
        "too_many",
        "must have at most 20 elements",
    );
    checks.within(field, |checks| {
        for (place, word) in words.iter().enumerate().take(20) {
            checks.text(&place.to_string(), word, most);
        }
    });
}
