//! What of a person is compared.

/// A person as a comparison sees him. Every text is normalised: lower case, no marks, single spaces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    /// Legal and others: who married is still found by his former name.
    pub names: Vec<Name>,
    /// Eight digits, year first. Not a date: what was mistyped may be none.
    pub birth_date: Option<String>,
    /// A letter a sex; none where it is unknown.
    pub sex: Option<char>,
    /// Digits.
    pub phones: Vec<String>,
    pub emails: Vec<String>,
    pub addresses: Vec<Address>,
    /// Anything that two people do not share and that is equal or not, such as the blind index of a national number.
    pub national_id: Option<String>,
}

/// A name in its two parts. Of the given names the first counts; either part may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Name {
    pub family: String,
    pub given: String,
}

/// Where somebody lives or lived; any part may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Address {
    pub number: String,
    pub street: String,
    pub city: String,
    pub postal_code: String,
}

impl Name {
    pub(crate) fn first(&self) -> &str {
        self.given.split(' ').next().unwrap_or_default()
    }
}

impl Address {
    /// An address from the lines as they are written: the first word with a digit is the house number, and abbreviations
    /// are written out, so that `12 elm st` and `12 elm street` are one.
    pub fn from_line(line: &str, city: &str, postal_code: &str) -> Self {
        let mut number = String::new();
        let mut street: Vec<&str> = Vec::new();
        for word in line.split(' ').filter(|word| !word.is_empty()) {
            if number.is_empty() && word.starts_with(|c: char| c.is_ascii_digit()) {
                word.clone_into(&mut number);
            } else {
                street.push(written_out(word));
            }
        }
        Self {
            number,
            street: street.join(" "),
            city: city.to_owned(),
            postal_code: postal_code.chars().filter(|c| *c != ' ').collect(),
        }
    }
}

fn written_out(word: &str) -> &str {
    match word {
        "st" | "str" => "street",
        "ave" | "av" => "avenue",
        "rd" => "road",
        "dr" => "drive",
        "blvd" => "boulevard",
        "ln" => "lane",
        "ct" => "court",
        "pl" => "place",
        "pkwy" => "parkway",
        "hwy" => "highway",
        "cir" => "circle",
        "ter" => "terrace",
        "apt" => "apartment",
        "ste" => "suite",
        "n" => "north",
        "s" => "south",
        "e" => "east",
        "w" => "west",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_however_it_is_abbreviated() {
        let long = Address::from_line("12 elm street apartment 4", "springfield", "62701");
        assert_eq!(
            long,
            Address::from_line("12 elm st apt 4", "springfield", "62 701")
        );
        assert_eq!(
            (long.number.as_str(), long.street.as_str()),
            ("12", "elm street apartment 4")
        );
    }
}
