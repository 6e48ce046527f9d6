//! The demo's own randomness: the same seed gives the same people, on every machine and in every release.
//!
//! xoshiro256** (Blackman and Vigna, 2018), its state filled by SplitMix64. Not for secrets.
//!
//! Trap: every draw shifts what follows it. So each tenant, person and visit draws from a stream of its own
//! ([`Random::stream`]): a new field of a patient leaves his neighbour as he was.

/// A stream of pseudo-random numbers.
#[derive(Clone, Debug)]
pub struct Random {
    state: [u64; 4],
}

impl Random {
    pub fn new(seed: u64) -> Self {
        let mut seed = seed;
        Self {
            state: [(); 4].map(|()| split_mix(&mut seed)),
        }
    }

    /// The stream of that name and number under a seed, independent of all others.
    pub fn stream(seed: u64, name: &str, number: u64) -> Self {
        let mut mixed = seed ^ 0x6a09_e667_f3bc_c909;
        for byte in name.bytes() {
            mixed = split_mix(&mut mixed) ^ u64::from(byte);
        }
        mixed = split_mix(&mut mixed) ^ number;
        Self::new(split_mix(&mut mixed))
    }

    fn next(&mut self) -> u64 {
        let [a, b, c, d] = &mut self.state;
        let result = b.wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let shifted = *b << 17;
        *c ^= *a;
        *d ^= *b;
        *b ^= *c;
        *a ^= *d;
        *c ^= shifted;
        *d = d.rotate_left(45);
        result
    }

    /// A number of `0..bound`; 0 where the bound is 0.
    pub fn below(&mut self, bound: u32) -> u32 {
        let product = (self.next() >> 32) * u64::from(bound);
        u32::try_from(product >> 32).unwrap_or_default()
    }

    /// A number of `from..=to`.
    pub fn between(&mut self, from: i64, to: i64) -> i64 {
        let width = u32::try_from(to - from + 1).unwrap_or(1);
        from + i64::from(self.below(width))
    }

    /// True in that many of a hundred cases.
    pub fn chance(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }

    /// A place in a list of that length; 0 for an empty one.
    pub fn index(&mut self, length: usize) -> usize {
        self.below(u32::try_from(length).unwrap_or(u32::MAX)) as usize
    }

    /// One of a list that is not empty.
    pub fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.index(items.len())]
    }

    /// One of a list that is not empty, each as likely as its weight says.
    pub fn weighted<T: Copy>(&mut self, items: &[(u32, T)]) -> T {
        let total = items.iter().map(|(weight, _)| weight).sum();
        let mut left = self.below(total);
        for (weight, item) in items {
            if left < *weight {
                return *item;
            }
            left -= weight;
        }
        items[items.len() - 1].1
    }

    /// Puts a list into an order of no meaning.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.index(last + 1));
        }
    }

    /// That many decimal digits.
    pub fn digits(&mut self, length: usize) -> String {
        (0..length)
            .map(|_| char::from(b'0' + u8::try_from(self.below(10)).unwrap_or_default()))
            .collect()
    }
}

fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn split_mix_gives_the_numbers_its_authors_published() {
        let mut state = 1_234_567;
        let numbers = [(); 3].map(|()| split_mix(&mut state));
        assert_eq!(
            numbers,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423
            ]
        );
    }

    #[test]
    fn the_generator_gives_the_numbers_of_its_reference_implementation() {
        let mut random = Random {
            state: [1, 2, 3, 4],
        };
        let numbers = [(); 4].map(|()| random.next());
        assert_eq!(
            numbers,
            [11_520, 0, 1_509_978_240, 1_215_971_899_390_074_240]
        );
    }

    #[test]
    fn streams_repeat_and_differ_by_seed_name_and_number() {
        let first = |seed, name, number| Random::stream(seed, name, number).next();
        assert_eq!(first(1, "patient", 7), first(1, "patient", 7));
        let others = [
            first(2, "patient", 7),
            first(1, "visit", 7),
            first(1, "patient", 8),
        ];
        assert!(others.iter().all(|other| *other != first(1, "patient", 7)));
    }

    #[test]
    fn draws_stay_within_their_bounds_and_reach_them() {
        let mut random = Random::new(3);
        let draws: Vec<i64> = (0..2000).map(|_| random.between(-2, 2)).collect();
        assert_eq!(
            (draws.iter().min(), draws.iter().max()),
            (Some(&-2), Some(&2))
        );
        let heavy = (0..1000)
            .filter(|_| random.weighted(&[(1, false), (9, true)]))
            .count();
        assert!((850..950).contains(&heavy), "{heavy}");
        assert_eq!((random.below(0), random.digits(9).len()), (0, 9));
    }
}
