//! The National Provider Identifier and the Luhn check it shares with our record numbers.
//!
//! An NPI is ten digits, the first 1 or 2, the last a Luhn check digit computed with the prefix `80840` (45 CFR 162.406).

/// Whether the text is an NPI with a right check digit.
pub fn is_valid(npi: &str) -> bool {
    npi.len() == 10
        && npi.bytes().all(|b| b.is_ascii_digit())
        && matches!(npi.as_bytes()[0], b'1' | b'2')
        && luhn_digit(&format!("80840{}", &npi[..9])) == Some(npi.as_bytes()[9] - b'0')
}

/// Completes nine digits to an NPI. `None` unless they are nine digits.
pub fn complete(nine: &str) -> Option<String> {
    (nine.len() == 9)
        .then(|| luhn_digit(&format!("80840{nine}")).map(|digit| format!("{nine}{digit}")))?
}

/// The Luhn check digit of a string of digits. `None` if another character is in it.
pub fn luhn_digit(digits: &str) -> Option<u8> {
    let mut sum = 0u32;
    for (place, byte) in digits.bytes().rev().enumerate() {
        if !byte.is_ascii_digit() {
            return None;
        }
        let digit = u32::from(byte - b'0');
        sum += match (place % 2, digit * 2) {
            (0, doubled) if doubled > 9 => doubled - 9,
            (0, doubled) => doubled,
            _ => digit,
        };
    }
    u8::try_from((10 - sum % 10) % 10).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_standard_is_valid_and_its_neighbours_are_not() {
        assert!(is_valid("1234567893"));
        assert!(!is_valid("1234567890"));
        assert!(!is_valid("2134567893"));
        assert!(!is_valid("3234567893"));
        assert!(!is_valid("123456789"));
        assert!(!is_valid("12345678é"));
        assert_eq!(complete("123456789").as_deref(), Some("1234567893"));
    }
}
