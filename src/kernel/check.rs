//! Rules for what comes in.
//!
//! A type that arrives from outside implements [`Validate`] and names, for each rule it breaks, the field as a JSON
//! Pointer, the rule as a stable word and as a sentence. The value itself is never repeated.

use chrono::{NaiveDate, TimeDelta};

use crate::clock::Instant;
use crate::error::{Error, FieldError, Result};

/// Something whose rules can be checked.
pub trait Validate {
    fn check(&self, checks: &mut Checks);
}

impl Validate for () {
    fn check(&self, _: &mut Checks) {}
}

/// Collects broken rules; knows where in the body it stands and what time it is.
#[derive(Debug)]
pub struct Checks {
    now: Instant,
    /// The last day that is today.
    today: NaiveDate,
    path: String,
    broken: Vec<FieldError>,
}

impl Checks {
    /// Of whom it is not known where he is: today is what is today somewhere on earth (UTC+14).
    pub fn at(now: Instant) -> Self {
        Self::until(now, (now + TimeDelta::hours(14)).date_naive())
    }

    /// Of whoever has a today of his own.
    pub fn until(now: Instant, today: NaiveDate) -> Self {
        Self {
            now,
            today,
            path: String::new(),
            broken: Vec::new(),
        }
    }

    pub fn now(&self) -> Instant {
        self.now
    }

    /// The last day that is today: of an organisation at any of its places, of nobody known somewhere on earth. A date after it lies
    /// in the future.
    pub fn latest_today(&self) -> NaiveDate {
        self.today
    }

    /// Checks a part under its name.
    pub fn within(&mut self, field: &str, check: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        self.path.push('/');
        self.path.push_str(field);
        check(self);
        self.path.truncate(length);
    }

    /// Checks each element of a list, and that it has at most `most`.
    pub fn each<T>(
        &mut self,
        field: &str,
        items: &[T],
        most: usize,
        mut check: impl FnMut(&mut Self, &T),
    ) {
        self.within(field, |checks| {
            if items.len() > most {
                checks.fail_here("too_many", format!("must have at most {most} elements"));
            }
            for (place, item) in items.iter().enumerate().take(most) {
                checks.within(&place.to_string(), |checks| check(checks, item));
            }
        });
    }

    /// Says that the field breaks a rule.
    pub fn fail(
        &mut self,
        field: &str,
        code: &'static str,
        message: impl Into<std::borrow::Cow<'static, str>>,
    ) {
        self.broken.push(FieldError::new(
            format!("{}/{field}", self.path),
            code,
            message,
        ));
    }

    /// Says that the value itself breaks a rule.
    pub fn fail_here(
        &mut self,
        code: &'static str,
        message: impl Into<std::borrow::Cow<'static, str>>,
    ) {
        self.broken
            .push(FieldError::new(self.path.clone(), code, message));
    }

    pub fn require(&mut self, holds: bool, field: &str, code: &'static str, message: &'static str) {
        if !holds {
            self.fail(field, code, message);
        }
    }

    /// Text of `1..=most` characters that is not blank and has no control characters.
    pub fn text(&mut self, field: &str, text: &str, most: usize) {
        if is_blank(text) {
            self.fail(field, "blank", "must not be blank");
        } else if text.chars().count() > most {
            self.fail(
                field,
                "too_long",
                format!("must have at most {most} characters"),
            );
        } else if text
            .chars()
            .any(|c| c.is_control() && c != '\n' && c != '\t')
        {
            self.fail(
                field,
                "control_character",
                "must not contain control characters",
            );
        }
    }

    /// As [`text`](Self::text), where present.
    pub fn text_if(&mut self, field: &str, text: Option<&str>, most: usize) {
        if let Some(text) = text {
            self.text(field, text, most);
        }
    }

    /// A date that has been, between 1850 and today.
    pub fn past_date(&mut self, field: &str, date: NaiveDate) {
        if date > self.latest_today() {
            self.fail(field, "in_the_future", "must not lie in the future");
        } else if date < NaiveDate::from_ymd_opt(1850, 1, 1).unwrap_or_default() {
            self.fail(field, "too_early", "must not lie before 1850-01-01");
        }
    }

    /// An instant between the years 1850 and 2200.
    pub fn instant(&mut self, field: &str, at: Instant) {
        use chrono::Datelike as _;
        if !(1850..2200).contains(&at.year()) {
            self.fail(
                field,
                "out_of_range",
                "must lie between the years 1850 and 2200",
            );
        }
    }

    /// An e-mail address of the ordinary form.
    pub fn email(&mut self, field: &str, address: &str) {
        let plausible = address.len() <= 254
            && address.split_once('@').is_some_and(|(local, domain)| {
                !local.is_empty()
                    && local.len() <= 64
                    && domain.contains('.')
                    && domain.split('.').all(|label| !label.is_empty())
                    && domain
                        .chars()
                        .all(|c| c.is_alphanumeric() || c == '-' || c == '.')
            })
            && !address.chars().any(|c| c.is_whitespace() || c.is_control());
        self.require(
            plausible,
            field,
            "not_an_email",
            "must be an e-mail address",
        );
    }

    /// A telephone number: 7 to 15 digits with the usual punctuation.
    pub fn phone(&mut self, field: &str, number: &str) {
        let digits = number.chars().filter(char::is_ascii_digit).count();
        let plausible = (7..=15).contains(&digits)
            && number.len() <= 40
            && number
                .chars()
                .all(|c| c.is_ascii_digit() || " +-().x#/ext".contains(c));
        self.require(
            plausible,
            field,
            "not_a_phone",
            "must be a telephone number of 7 to 15 digits",
        );
    }

    /// The broken rules, as one error.
    pub fn finish(self) -> Result<()> {
        if self.broken.is_empty() {
            Ok(())
        } else {
            Err(Error::invalid(self.broken))
        }
    }
}

/// Whether there is nothing in a text that anybody could see: white space, marks without a letter to stand on, and characters that
/// only say how others are shown.
pub fn is_blank(text: &str) -> bool {
    text.chars().all(|c| {
        c.is_whitespace()
            || c.is_control()
            || matches!(c,
                '\u{ad}' | '\u{300}'..='\u{36f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}'
                | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}'
                | '\u{e0000}'..='\u{e0fff}')
    })
}

#[cfg(test)]
mod tests {
    use super::is_blank;

    #[test]
    fn what_nobody_can_see_is_blank() {
        for text in [
            "",
            " \n",
            "\u{202e}\u{200b}",
            "\u{fffe}",
            "\u{301}",
            "\u{feff} \u{ad}",
        ] {
            assert!(is_blank(text), "{text:?}");
        }
        for text in ["a", "é", "李", "-", "🙂", "\u{202e}a"] {
            assert!(!is_blank(text), "{text:?}");
        }
    }
}
