//! Telephone numbers that belong to nobody: 555-0100 to 555-0199 of an area code.

use super::places::Organisation;
use super::random::Random;

/// Hands out numbers, each once before any comes again.
#[derive(Debug)]
pub struct Telephones {
    numbers: Vec<String>,
    handed_out: usize,
}

impl Telephones {
    pub fn new(organisation: &Organisation, seed: u64) -> Self {
        let mut numbers: Vec<String> = organisation
            .area_codes
            .iter()
            .flat_map(|area| (100..200).map(move |line| format!("+1 {area} 555 0{line}")))
            .collect();
        Random::stream(seed, organisation.slug, 0).shuffle(&mut numbers);
        Self {
            numbers,
            handed_out: 0,
        }
    }

    pub fn next(&mut self) -> String {
        let number = self.numbers[self.handed_out % self.numbers.len()].clone();
        self.handed_out += 1;
        number
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::places::LAKESIDE;
    use super::*;

    #[test]
    fn numbers_come_once_before_any_comes_again() {
        let mut phones = Telephones::new(&LAKESIDE, 1);
        let numbers: Vec<String> = (0..701).map(|_| phones.next()).collect();
        assert_eq!(numbers.iter().collect::<BTreeSet<_>>().len(), 700);
        assert_eq!(numbers[0], numbers[700]);
    }
}
