//! One run of a provider's time by itself: the schedules that are worth most once prices are paid.
//!
//! Depth first and from the left; what is ahead is worth no more than if everybody could come again.

use crate::fill::SPAN;

/// Those who are looked at: a bit each.
const MOST: u32 = 128;
/// States of one look at most.
const STATES: usize = 20_000;
/// States remembered: a power of two.
const MEMORY: usize = 4096;
const MIX: u128 = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;

/// Somebody could begin to hold time at these ticks of a shift (bits), which saves so much.
#[derive(Clone, Copy, Debug)]
pub struct Offer {
    pub request: usize,
    pub length: usize,
    pub begins: u64,
    pub saves: i64,
}

/// Somebody holds time from a tick of a shift on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Given {
    pub request: usize,
    pub at: usize,
    pub length: usize,
    pub saves: i64,
}

#[derive(Clone, Copy)]
struct Entry {
    worth: f64,
    one: u32,
    given: Given,
}

pub struct Found {
    pub worth: f64,
    pub given: Vec<Given>,
    ones: u128,
}

#[derive(Default)]
pub struct Schedules {
    /// Who may begin, by tick.
    entries: Vec<Vec<Entry>>,
    ahead: Vec<f64>,
    path: Vec<Given>,
    span: usize,
    most: usize,
    states: usize,
    floor: f64,
    found: Vec<Found>,
    /// States that were reached, in which look, and what they were worth.
    known: Vec<(u128, usize, u32, f64)>,
    look: u32,
}

impl Schedules {
    /// The `most` sets of people worth most, above `floor`, the best first; `worth` says what an offer is worth at a tick.
    pub fn best(
        &mut self,
        (span, offers): (usize, &[Offer]),
        floor: f64,
        most: usize,
        worth: impl Fn(&Offer, usize) -> f64,
    ) -> Vec<Found> {
        (self.span, self.most, self.states) = (span, most, STATES);
        self.floor = floor + 1e-6;
        self.known.resize(MEMORY, (0, 0, 0, 0.0));
        self.look += 1;
        self.list(offers, worth);
        self.look_ahead();
        if self.ahead[0] > self.floor {
            self.extend(0, 0, 0.0);
        }
        std::mem::take(&mut self.found)
    }

    fn list(&mut self, offers: &[Offer], worth: impl Fn(&Offer, usize) -> f64) {
        self.entries.resize_with(SPAN, Vec::new);
        self.entries.iter_mut().for_each(Vec::clear);
        let (mut ones, mut last) = (0_u32, None);
        for offer in offers {
            let mut begins = offer.begins;
            while begins != 0 {
                let at = begins.trailing_zeros() as usize;
                begins &= begins - 1;
                let worth = worth(offer, at);
                if worth <= 0.0 {
                    continue;
                }
                if last != Some(offer.request) {
                    if ones == MOST {
                        return;
                    }
                    ones += 1;
                    last = Some(offer.request);
                }
                self.entries[at].push(Entry {
                    worth,
                    one: ones - 1,
                    given: Given {
                        request: offer.request,
                        at,
                        length: offer.length,
                        saves: offer.saves,
                    },
                });
            }
        }
    }

    fn look_ahead(&mut self) {
        self.ahead.clear();
        self.ahead.resize(self.span + 1, 0.0);
        for at in (0..self.span).rev() {
            let entries = self.entries[at].iter();
            let worth = entries.map(|it| it.worth + self.ahead[at + it.given.length]);
            self.ahead[at] = worth.fold(self.ahead[at + 1], f64::max);
        }
    }

    fn extend(&mut self, from: usize, ones: u128, worth: f64) {
        if worth > self.floor {
            self.keep(ones, worth);
        }
        if self.states == 0 || self.is_known(from, ones, worth) {
            return;
        }
        self.states -= 1;
        for at in from..self.span {
            if worth + self.ahead[at] <= self.floor {
                return;
            }
            for number in 0..self.entries[at].len() {
                let entry = self.entries[at][number];
                let then = at + entry.given.length;
                let hopeless = worth + entry.worth + self.ahead[then] <= self.floor;
                if hopeless || ones >> entry.one & 1 == 1 {
                    continue;
                }
                // Whoever could have begun a tick earlier as well, did.
                let earlier = |it: &Entry| it.one == entry.one && it.worth >= entry.worth;
                if at > from && self.entries[at - 1].iter().any(earlier) {
                    continue;
                }
                self.path.push(entry.given);
                self.extend(then, ones | 1 << entry.one, worth + entry.worth);
                self.path.pop();
            }
        }
    }

    /// Whether the same people have been given time until then, for as much or more.
    fn is_known(&mut self, from: usize, ones: u128, worth: f64) -> bool {
        let mixed = (ones ^ (from as u128) << 121).wrapping_mul(MIX);
        let place = usize::try_from(mixed >> 116).unwrap_or(0) % MEMORY;
        let known = &mut self.known[place];
        if (known.0, known.1, known.2) == (ones, from, self.look) && known.3 >= worth {
            return true;
        }
        *known = (ones, from, self.look, worth);
        false
    }

    /// One way for each set of people; when there are enough, only better ones count.
    fn keep(&mut self, ones: u128, worth: f64) {
        if let Some(same) = self.found.iter().position(|it| it.ones == ones) {
            if self.found[same].worth >= worth {
                return;
            }
            self.found.remove(same);
        }
        let place = self.found.partition_point(|it| it.worth >= worth);
        let given = self.path.clone();
        self.found.insert(place, Found { worth, given, ones });
        self.found.truncate(self.most);
        if let Some(last) = self.found.get(self.most - 1) {
            self.floor = self.floor.max(last.worth);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The most worth of all ways, by trying everything at every tick.
    fn most(span: usize, all: &[Offer], at: usize, used: u32) -> i64 {
        if at >= span {
            return 0;
        }
        let mut best = most(span, all, at + 1, used);
        for (one, offer) in all.iter().enumerate() {
            if used >> one & 1 == 0 && offer.begins >> at & 1 == 1 && at + offer.length <= span {
                let then = most(span, all, at + offer.length, used | 1 << one);
                best = best.max(offer.saves + then);
            }
        }
        best
    }

    proptest! {
        #[test]
        fn no_schedule_is_worth_more(
            span in 1..12_usize,
            all in prop::collection::vec((1..5_usize, any::<u64>(), 1..20_i64), 0..6),
        ) {
            let mut offers = Vec::new();
            for (request, (length, begins, saves)) in all.into_iter().enumerate() {
                if let Some(room) = span.checked_sub(length) {
                    let begins = begins & u64::MAX >> (63 - room);
                    offers.push(Offer { request, length, begins, saves });
                }
            }
            let mut schedules = Schedules::default();
            let worth = |offer: &Offer, _| f64::from(i32::try_from(offer.saves).unwrap_or(0));
            let found = schedules.best((span, &offers), 0.0, 3, worth);
            let best = found.first().map_or(0.0, |it| it.worth);
            let least = f64::from(i32::try_from(most(span, &offers, 0, 0)).unwrap_or(0));
            prop_assert!((best - least).abs() < 1e-6, "{best} for {least}");
            for one in &found {
                let mut free = 0;
                let mut sum = 0;
                for given in &one.given {
                    prop_assert!(free <= given.at);
                    prop_assert!(offers.iter().any(|it| it.request == given.request && it.begins >> given.at & 1 == 1));
                    free = given.at + given.length;
                    sum += given.saves;
                }
                prop_assert!(free <= span);
                prop_assert!((f64::from(i32::try_from(sum).unwrap_or(0)) - one.worth).abs() < 1e-6);
            }
        }
    }
}
