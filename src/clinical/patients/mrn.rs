//! Medical record numbers: the tenant's prefix, a serial number filled up with zeros, a Luhn check digit.
//!
//! The tenant chooses how many digits there are, the check digit among them. A serial too long for them makes the number
//! longer, never shorter than it must be: numbers stay unique when the millionth patient comes.

use kernel::npi::luhn_digit;

/// The form of a tenant's numbers.
#[derive(Clone, Debug)]
pub(super) struct MrnForm {
    pub prefix: String,
    pub digits: i16,
}

impl MrnForm {
    /// The number of the serial, such as `RV-00000018` for the first of prefix `RV-` and eight digits.
    pub(super) fn number(&self, serial: i64) -> String {
        let width = usize::try_from(self.digits - 1).unwrap_or_default();
        let serial = format!("{serial:0width$}");
        let check = luhn_digit(&serial).unwrap_or_default();
        format!("{}{serial}{check}", self.prefix)
    }
}

/// The form in which record numbers are compared: capitals, without spaces.
pub(super) fn key(mrn: &str) -> String {
    mrn.chars()
        .filter(|c| !c.is_whitespace())
        .flat_map(char::to_uppercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(prefix: &str, digits: i16, serial: i64) -> String {
        MrnForm {
            prefix: prefix.to_owned(),
            digits,
        }
        .number(serial)
    }

    #[test]
    fn numbers_have_a_prefix_a_width_and_a_check_digit() {
        assert_eq!(number("", 8, 1), "00000018");
        assert_eq!(number("RV-", 8, 1), "RV-00000018");
        assert_eq!(number("", 5, 7992), "79921");
        assert_eq!(number("", 12, 7_992_739_871), "079927398713");
    }

    #[test]
    fn a_serial_too_long_for_the_width_makes_a_longer_number() {
        assert_eq!(number("", 5, 9_999).len(), 5);
        assert_eq!(number("", 5, 10_000).len(), 6);
    }

    #[test]
    fn two_neighbours_swapped_are_no_number_of_ours() {
        for serial in 1..2_000 {
            let number = number("", 8, serial);
            let digits: Vec<u8> = number.bytes().collect();
            for place in 0..digits.len() - 1 {
                let mut swapped = digits.clone();
                swapped.swap(place, place + 1);
                // Luhn's one blind spot is 09 and 90.
                let blind = matches!(
                    (digits[place], digits[place + 1]),
                    (b'0', b'9') | (b'9', b'0')
                );
                if swapped == digits || blind {
                    continue;
                }
                let swapped = String::from_utf8(swapped).expect("digits");
                let (body, check) = swapped.split_at(swapped.len() - 1);
                assert_ne!(
                    luhn_digit(body).map(|digit| digit.to_string()).as_deref(),
                    Some(check),
                    "{number}"
                );
            }
        }
    }

    #[test]
    fn numbers_compare_without_case_and_spaces() {
        assert_eq!(key(" rv-0000 0018 "), "RV-00000018");
    }
}
