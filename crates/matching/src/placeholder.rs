//! Values that stand for "not known": whoever agrees in one agrees in nothing.

/// A name somebody typed because the form wanted one.
pub fn is_name(name: &str) -> bool {
    matches!(
        name,
        "unknown"
            | "unk"
            | "none"
            | "na"
            | "test"
            | "patient"
            | "doe"
            | "baby"
            | "babyboy"
            | "babygirl"
            | "baby boy"
            | "baby girl"
            | "boy"
            | "girl"
            | "infant"
            | "newborn"
            | "twin"
            | "male"
            | "female"
            | "anonymous"
            | "xxx"
    )
}

/// A telephone number that cannot be somebody's: too short, one digit over and over, or counted up.
pub fn is_phone(digits: &str) -> bool {
    digits.len() < 7
        || one_digit(digits)
        || one_digit(&digits[digits.len() - 7..])
        || digits.ends_with("1234567")
}

/// A birth date that was invented. `digits` are eight, year first.
pub fn is_birth_date(digits: &str) -> bool {
    matches!(digits, "19000101" | "18000101" | "00010101" | "99991231") || digits.len() != 8
}

fn one_digit(text: &str) -> bool {
    let mut letters = text.chars();
    letters
        .next()
        .is_none_or(|first| letters.all(|other| other == first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_for_nothing_is_known() {
        for phone in ["0000000000", "5559999999", "3121234567", "911"] {
            assert!(is_phone(phone), "{phone}");
        }
        assert!(!is_phone("3125550142"));
        assert!(is_name("baby boy") && !is_name("babette"));
        assert!(is_birth_date("19000101") && !is_birth_date("19800311"));
    }
}
