//! Finding concepts by the beginnings of words, in any order, or by the beginning of a code. Pure.
//!
//! An index of one version: its words sorted, so that a beginning is a range of them, and for each word the concepts that
//! have it. Each beginning of a query is a set of concepts, a bit each, and what they have in common is looked at once: two
//! single letters, which most concepts have, cost little more than two long words.
//!
//! Trap: bytes are compared, which orders UTF-8 as its characters.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use chrono::NaiveDate;
use kernel::text::name_key;

/// A concept as it stands in a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub code: String,
    pub display: String,
    /// Further words to find it by.
    pub also: Option<String>,
    /// False for a heading.
    pub assignable: bool,
    pub valid_from: Option<NaiveDate>,
    /// Exclusive.
    pub valid_until: Option<NaiveDate>,
}

impl Listed {
    /// Whether its own dates, where it has any, allow it.
    pub fn is_valid(&self, on: NaiveDate) -> bool {
        self.valid_from.is_none_or(|from| from <= on)
            && self.valid_until.is_none_or(|until| on < until)
    }
}

/// All concepts of a version, ready to be searched.
#[derive(Debug)]
pub struct Index {
    /// By code.
    concepts: Vec<Listed>,
    /// Codes as they are typed, in the same order: lower case, letters and digits only.
    codes: Vec<Box<str>>,
    /// The codes again, sorted as typed; with the place of the concept.
    by_code: Vec<u32>,
    words: Vec<Box<str>>,
    /// `postings[starts[w]..starts[w + 1]]`: the concepts that have the word `w`.
    starts: Vec<u32>,
    postings: Vec<u32>,
    /// The words of each concept, as places in `words`, in the order of its display; those of `also` behind them.
    texts: Vec<Box<[u32]>>,
    /// How many of its words are the display's.
    lengths: Vec<u16>,
}

/// What is asked for: the range of words each beginning matches, and the word it is, if it is a whole one.
struct Wanted {
    ranges: Vec<(u32, u32, Option<u32>)>,
}

/// Some of the concepts, by place.
struct Set(Vec<u64>);

impl Set {
    /// None of so many.
    fn of(concepts: usize) -> Self {
        Self(vec![0; concepts.div_ceil(64)])
    }

    fn add(&mut self, at: usize) {
        self.0[at / 64] |= 1 << (at % 64);
    }

    fn has(&self, at: usize) -> bool {
        self.0[at / 64] & 1 << (at % 64) != 0
    }

    /// Leaves what the other has too.
    fn keep(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine &= theirs;
        }
    }

    /// In order.
    fn places(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().enumerate().flat_map(|(block, bits)| {
            let mut left = *bits;
            std::iter::from_fn(move || {
                (left != 0).then(|| {
                    let place = block * 64 + left.trailing_zeros() as usize;
                    left &= left - 1;
                    place
                })
            })
        })
    }
}

impl Index {
    /// Concepts of a version, each code once.
    pub fn new(mut concepts: Vec<Listed>) -> Self {
        concepts.sort_unstable_by(|a, b| a.code.cmp(&b.code));
        let keyed: Vec<(String, String)> = concepts
            .iter()
            .map(|concept| {
                let also = concept.also.as_deref().map(words_key).unwrap_or_default();
                (words_key(&concept.display), also)
            })
            .collect();
        let mut words: Vec<&str> = keyed
            .iter()
            .flat_map(|(shown, also)| shown.split(' ').chain(also.split(' ')))
            .filter(|word| !word.is_empty())
            .collect();
        words.sort_unstable();
        words.dedup();
        let place = |word: &str| narrow(words.partition_point(|other| *other < word));
        let mut lists: Vec<Vec<u32>> = vec![Vec::new(); words.len()];
        let mut texts = Vec::with_capacity(concepts.len());
        let mut lengths = Vec::with_capacity(concepts.len());
        for (at, (shown, also)) in keyed.iter().enumerate() {
            let of = |text: &str| -> Vec<u32> {
                text.split(' ')
                    .filter(|word| !word.is_empty())
                    .map(place)
                    .collect()
            };
            let mut text = of(shown);
            lengths.push(u16::try_from(text.len()).unwrap_or(u16::MAX));
            text.extend(of(also));
            for word in &text {
                let list = &mut lists[*word as usize];
                if list.last() != Some(&narrow(at)) {
                    list.push(narrow(at));
                }
            }
            texts.push(text.into_boxed_slice());
        }
        let mut starts = vec![0];
        let mut postings = Vec::with_capacity(lists.iter().map(Vec::len).sum());
        for list in &lists {
            postings.extend_from_slice(list);
            starts.push(narrow(postings.len()));
        }
        let codes: Vec<Box<str>> = concepts.iter().map(|c| code_key(&c.code).into()).collect();
        let mut by_code: Vec<u32> = (0..narrow(concepts.len())).collect();
        by_code.sort_unstable_by_key(|at| &codes[*at as usize]);
        Self {
            words: words.into_iter().map(Box::from).collect(),
            concepts,
            codes,
            by_code,
            starts,
            postings,
            texts,
            lengths,
        }
    }

    pub fn len(&self) -> usize {
        self.concepts.len()
    }

    pub fn is_empty(&self) -> bool {
        self.concepts.is_empty()
    }

    /// The best `limit` concepts valid `on` the day for what has been typed so far: those whose code begins so, in their
    /// order, then those that have all the words, whole ones and short displays first.
    pub fn search(&self, typed: &str, on: NaiveDate, limit: usize) -> Vec<&Listed> {
        let code = code_key(typed);
        let by_code = || {
            self.with_code(&code)
                .filter(|at| self.concepts[*at].is_valid(on))
                .take(limit)
        };
        // A word without a digit is a word first: "flu" is not the beginning of a code.
        let mut found: Vec<usize> = Vec::new();
        if code.bytes().any(|c| c.is_ascii_digit()) {
            found.extend(by_code());
        }
        for at in self.with_words(typed, on, limit) {
            if found.len() < limit && !found.contains(&at) {
                found.push(at);
            }
        }
        if found.is_empty() {
            found.extend(by_code());
        }
        found.into_iter().map(|at| &self.concepts[at]).collect()
    }

    fn with_code<'a>(&'a self, beginning: &'a str) -> impl Iterator<Item = usize> + 'a {
        let from = self
            .by_code
            .partition_point(|at| &*self.codes[*at as usize] < beginning);
        self.by_code[from..]
            .iter()
            .map(|at| *at as usize)
            .take_while(move |at| self.codes[*at].starts_with(beginning))
            .filter(move |_| !beginning.is_empty())
    }

    fn with_words(&self, typed: &str, on: NaiveDate, limit: usize) -> Vec<usize> {
        let Some(wanted) = self.wanted(typed) else {
            return Vec::new();
        };
        let wholes: Vec<Set> = wanted
            .ranges
            .iter()
            .filter_map(|(_, _, whole)| whole.map(|whole| self.having(whole, whole + 1)))
            .collect();
        let mut best: BinaryHeap<(Reverse<usize>, u16, usize)> =
            BinaryHeap::with_capacity(limit + 1);
        for at in self.with_all(&wanted).places() {
            // Nearly all are turned away here once the page is full, before their words are looked at.
            let full = best.len() == limit;
            let worst = best.peek().copied().filter(|_| full);
            let hopeless =
                |whole| worst.is_some_and(|worst| worst <= (Reverse(whole), self.lengths[at], at));
            let most = wholes.iter().filter(|set| set.has(at)).count();
            if hopeless(most) {
                continue;
            }
            let whole = self.agreement(&wanted, at);
            if hopeless(whole) || !self.concepts[at].is_valid(on) {
                continue;
            }
            best.push((Reverse(whole), self.lengths[at], at));
            if best.len() > limit {
                best.pop();
            }
        }
        best.into_sorted_vec()
            .into_iter()
            .map(|(_, _, at)| at)
            .collect()
    }

    /// The concepts that have every beginning.
    fn with_all(&self, wanted: &Wanted) -> Set {
        let mut sets = wanted
            .ranges
            .iter()
            .map(|(from, until, _)| self.having(*from, *until));
        let Some(mut all) = sets.next() else {
            return Set::of(0);
        };
        for set in sets {
            all.keep(&set);
        }
        all
    }

    /// The concepts that have any of these words.
    fn having(&self, from: u32, until: u32) -> Set {
        let mut set = Set::of(self.concepts.len());
        let lists = self.starts[from as usize] as usize..self.starts[until as usize] as usize;
        for at in &self.postings[lists] {
            set.add(*at as usize);
        }
        set
    }

    /// How many of the words wanted the concept has whole, in its display.
    fn agreement(&self, wanted: &Wanted, at: usize) -> usize {
        let shown = &self.texts[at][..usize::from(self.lengths[at])];
        wanted
            .ranges
            .iter()
            .filter(|(_, _, whole)| whole.is_some_and(|whole| shown.contains(&whole)))
            .count()
    }

    /// `None` if some beginning is no word's.
    fn wanted(&self, typed: &str) -> Option<Wanted> {
        let key = words_key(typed);
        let mut ranges = Vec::new();
        for beginning in key.split(' ').filter(|word| !word.is_empty()).take(12) {
            let from = self.words.partition_point(|word| &**word < beginning);
            let length = self.words[from..].partition_point(|word| word.starts_with(beginning));
            if length == 0 {
                return None;
            }
            let whole = (&*self.words[from] == beginning).then_some(narrow(from));
            let range = (narrow(from), narrow(from + length), whole);
            if !ranges.contains(&range) {
                ranges.push(range);
            }
        }
        Some(Wanted { ranges })
    }

    /// The concept of a code.
    pub fn get(&self, code: &str) -> Option<&Listed> {
        let at = self
            .concepts
            .binary_search_by(|concept| concept.code.as_str().cmp(code));
        at.ok().map(|at| &self.concepts[at])
    }

    /// Up to `limit` codes valid `on` the day that differ least from one that is not: the fewest letters changed, left out,
    /// put in or swapped, then the same length, then the longest common beginning.
    pub fn nearest(&self, code: &str, on: NaiveDate, limit: usize) -> Vec<&Listed> {
        const NEIGHBOURS: usize = 1000;
        let typed = code_key(code);
        if typed.is_empty() || typed.len() > 32 {
            return Vec::new();
        }
        let place = self
            .by_code
            .partition_point(|at| *self.codes[*at as usize] < *typed);
        let around = place.saturating_sub(NEIGHBOURS)..(place + NEIGHBOURS).min(self.by_code.len());
        let mut near: Vec<(usize, usize, Reverse<usize>, usize)> = self.by_code[around]
            .iter()
            .map(|at| *at as usize)
            .filter(|at| self.concepts[*at].is_valid(on))
            .map(|at| {
                let other = &*self.codes[at];
                let common = typed
                    .bytes()
                    .zip(other.bytes())
                    .take_while(|(a, b)| a == b)
                    .count();
                let apart = strsim::osa_distance(&typed, other);
                (
                    apart,
                    typed.len().abs_diff(other.len()),
                    Reverse(common),
                    at,
                )
            })
            .collect();
        near.sort_unstable();
        near.truncate(limit);
        near.into_iter()
            .map(|(_, _, _, at)| &self.concepts[at])
            .collect()
    }
}

/// Places fit: no code system has four thousand million words.
fn narrow(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

/// Words in lower case without accents, single spaces between: letters and digits only.
fn words_key(text: &str) -> String {
    // An apostrophe joins (`name_key` drops it), anything else parts.
    let joins = |c: char| c.is_alphanumeric() || c == '\'' || c == '’';
    let parted: String = text
        .chars()
        .map(|c| if joins(c) { c } else { ' ' })
        .collect();
    name_key(&parted)
}

fn code_key(code: &str) -> String {
    code.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index() -> Index {
        let listed = |(code, display): (&str, &str)| Listed {
            code: code.to_owned(),
            display: display.to_owned(),
            also: (code == "I10").then(|| "high blood pressure".to_owned()),
            assignable: true,
            valid_from: None,
            valid_until: (code == "E11.0").then(|| day("2020-10-01")),
        };
        Index::new(
            [
                ("E11", "Type 2 diabetes mellitus"),
                ("E11.0", "Type 2 diabetes mellitus with hyperosmolarity"),
                ("E11.9", "Type 2 diabetes mellitus without complications"),
                ("E10.9", "Type 1 diabetes mellitus without complications"),
                ("I10", "Essential (primary) hypertension"),
                ("H81.0", "Ménière's disease"),
                ("Z79.4", "Long term (current) use of insulin"),
            ]
            .into_iter()
            .map(listed)
            .collect(),
        )
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    fn found(typed: &str) -> Vec<String> {
        let index = index();
        let found = index.search(typed, day("2026-01-05"), 10);
        found.into_iter().map(|one| one.code.clone()).collect()
    }

    #[test]
    fn beginnings_of_words_find_in_any_order() {
        assert_eq!(found("typ 2 diab"), ["E11", "E11.9"]);
        assert_eq!(found("diab 2"), ["E11", "E11.9"]);
        assert_eq!(found("MENIERE"), ["H81.0"]);
        assert_eq!(found("blood"), ["I10"]);
        assert!(found("typ 3 diab").is_empty());
        assert!(found("  ").is_empty());
    }

    #[test]
    fn the_beginning_of_a_code_finds_with_or_without_its_point() {
        assert_eq!(found("e11"), ["E11", "E11.9"]);
        assert_eq!(found("E119"), ["E11.9"]);
        assert_eq!(found("z79."), ["Z79.4"]);
    }

    #[test]
    fn whole_words_and_short_displays_come_first() {
        assert_eq!(found("type")[0], "E11");
        assert_eq!(found("diabetes mellitus complications 1"), ["E10.9"]);
    }

    #[test]
    fn single_letters_find_what_has_all_of_them() {
        assert_eq!(found("d m"), ["H81.0", "E11", "E10.9", "E11.9"]);
        assert_eq!(found("t t"), found("t"));
    }

    #[test]
    fn a_code_out_of_its_dates_is_found_only_within_them() {
        let index = index();
        assert!(
            index
                .get("E11.0")
                .is_some_and(|one| !one.is_valid(day("2020-10-01")))
        );
        assert_eq!(index.search("hyperosm", day("2020-09-30"), 5).len(), 1);
        assert!(index.search("hyperosm", day("2020-10-01"), 5).is_empty());
    }

    #[test]
    fn the_nearest_codes_differ_least() {
        let index = index();
        let near = |code| -> Vec<&str> {
            index
                .nearest(code, day("2026-01-05"), 3)
                .into_iter()
                .map(|one| one.code.as_str())
                .collect()
        };
        assert_eq!(near("E11.8")[0], "E11.9");
        assert_eq!(near("I01")[0], "I10");
        assert!(near("").is_empty());
    }
}
