//! The postal codes of those who license clinicians: states, the District of Columbia, territories and freely associated
//! states (USPS Publication 28, appendix B). The military's AA, AE and AP are addresses, not licensing authorities.

const CODES: [&str; 59] = [
    "AK", "AL", "AR", "AS", "AZ", "CA", "CO", "CT", "DC", "DE", "FL", "FM", "GA", "GU", "HI", "IA",
    "ID", "IL", "IN", "KS", "KY", "LA", "MA", "MD", "ME", "MH", "MI", "MN", "MO", "MP", "MS", "MT",
    "NC", "ND", "NE", "NH", "NJ", "NM", "NV", "NY", "OH", "OK", "OR", "PA", "PR", "PW", "RI", "SC",
    "SD", "TN", "TX", "UT", "VA", "VI", "VT", "WA", "WI", "WV", "WY",
];

/// Whether the text is the code of a licensing state, in capitals.
pub fn is_licensing_state(code: &str) -> bool {
    CODES.binary_search(&code).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_and_territories_license_and_nobody_else_does() {
        assert!(CODES.is_sorted(), "the search halves a sorted list");
        for code in CODES {
            assert!(is_licensing_state(code), "{code}");
        }
        for code in ["AE", "XX", "ma", "M", "MASS", ""] {
            assert!(!is_licensing_state(code), "{code}");
        }
    }
}
