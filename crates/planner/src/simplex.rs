//! A linear programme of packing: the most worth from columns that share rows, of which each holds so much at most. Revised
//! simplex with the whole inverse of the basis at hand; columns and rows are added, and limits taken from, while it goes on.
//!
//! No library does instead: in pure Rust, `microlp` 0.6 tells no prices and adds no columns to what it has solved; `highs` wants
//! cmake, a C++ compiler and libclang.
//!
//! Every row has an idle column: what is left of it. Trap: rows hold a hair more than they are asked to, each another one, so that
//! hardly a pivot changes nothing.

use std::time::Instant;

/// What is smaller is rounding.
const TINY: f64 = 1e-9;
const HAIR: f64 = 1e-5;
/// As much more is a column worth than it is said to be, at most: each another bit, so that no two are worth the same.
const GRACE: f64 = 1e-3;
/// Pivots are no smaller.
const PIVOT: f64 = 1e-6;
/// So often the inverse is made anew, before rounding adds up.
const ANEW: u64 = 400;
/// Columns that are asked before the best of them enters.
const BLOCK: usize = 1024;
/// Pivots between two looks at the clock.
const ROUND: u64 = 32;
const NOWHERE: usize = usize::MAX;
/// The idle column of row `n` is `IDLE + n`.
const IDLE: usize = 1 << 40;

struct Column {
    worth: f64,
    rows: Vec<usize>,
    /// Its place in the basis.
    place: usize,
    /// No choice with it is worth enough.
    barred: bool,
}

#[derive(Default)]
struct Row {
    limit: f64,
    hair: f64,
    /// What was taken from it.
    taken: f64,
    /// What one more of it is worth.
    price: f64,
    /// The place of its idle column in the basis.
    idle: usize,
}

/// A basis to come back to.
pub struct Saved {
    since: u64,
    basis: Vec<usize>,
    inverse: Vec<f64>,
    prices: Vec<f64>,
    value: f64,
}

pub struct Simplex {
    columns: Vec<Column>,
    rows: Vec<Row>,
    most_rows: usize,
    basis: Vec<usize>,
    /// `[row * most_rows + place]`
    inverse: Vec<f64>,
    /// How much there is of each column of the basis.
    amount: Vec<f64>,
    entering: Vec<f64>,
    leaving: Vec<f64>,
    /// Columns that may enter: every row they share holds one of them yet.
    open: Vec<usize>,
    next: usize,
    /// Pivots that are left, and when to stop.
    since: u64,
    pub pivots: u64,
    pub until: Option<Instant>,
}

impl Simplex {
    pub fn new(most_rows: usize, pivots: u64, until: Option<Instant>) -> Self {
        Self {
            columns: Vec::new(),
            rows: Vec::new(),
            most_rows,
            basis: Vec::new(),
            inverse: vec![0.0; most_rows * most_rows],
            amount: Vec::new(),
            entering: vec![0.0; most_rows],
            leaving: vec![0.0; most_rows],
            open: Vec::new(),
            next: 0,
            since: 0,
            pivots,
            until,
        }
    }

    pub fn is_full(&self) -> bool {
        self.rows.len() == self.most_rows
    }

    /// A row that holds so much at most, and the columns that share it already.
    pub fn add_row(&mut self, limit: f64, sharing: &[usize]) -> usize {
        let row = self.rows.len();
        for column in sharing {
            self.columns[*column].rows.push(row);
        }
        self.rows.push(Row {
            limit,
            hair: HAIR * (1.0 + spread(row)),
            ..Row::default()
        });
        self.basis.push(IDLE + row);
        self.amount.push(0.0);
        self.found(row);
        row
    }

    /// Takes the idle column of the last row into the basis.
    fn found(&mut self, row: usize) {
        let stride = self.most_rows;
        self.rows[row].idle = row;
        let sharing: Vec<usize> = (0..row)
            .filter(|place| {
                let column = self.columns.get(self.basis[*place]);
                column.is_some_and(|it| it.rows.contains(&row))
            })
            .collect();
        for other in self.inverse.chunks_exact_mut(stride).take(row) {
            other[row] = -sharing.iter().map(|place| other[*place]).sum::<f64>();
        }
        self.inverse[row * stride..][..row].fill(0.0);
        self.inverse[row * stride + row] = 1.0;
    }

    pub fn add_column(&mut self, worth: f64, rows: Vec<usize>) {
        self.columns.push(Column {
            worth: worth + GRACE * spread(self.columns.len()),
            rows,
            place: NOWHERE,
            barred: false,
        });
    }

    pub fn rows_of(&self, column: usize) -> &[usize] {
        &self.columns[column].rows
    }

    /// What a row holds has become one less.
    pub fn take(&mut self, row: usize) {
        self.rows[row].taken += 1.0;
    }

    /// What is left of a row.
    pub fn left(&self, row: usize) -> f64 {
        self.rows[row].limit - self.rows[row].taken
    }

    /// Whether a row holds one more of a column.
    pub fn has_room(&self, row: usize) -> bool {
        self.left(row) > 0.5
    }

    /// What one more of a row is worth: more than anything where there is none left.
    pub fn price(&self, row: usize) -> f64 {
        if self.has_room(row) {
            self.rows[row].price
        } else {
            f64::INFINITY
        }
    }

    /// The columns there is something of, and how much.
    pub fn amounts(&self) -> impl Iterator<Item = (usize, f64)> + '_ {
        let all = self.basis.iter().zip(&self.amount);
        all.map(|(column, amount)| (*column, *amount))
            .filter(|it| it.0 < IDLE)
    }

    /// No choice is worth more, by the prices there are.
    pub fn value(&self) -> f64 {
        let rows = self.rows.iter();
        rows.map(|it| it.price * (it.limit - it.taken)).sum()
    }

    pub fn save(&self) -> Saved {
        Saved {
            basis: self.basis.clone(),
            inverse: self.inverse.clone(),
            prices: self.rows.iter().map(|it| it.price).collect(),
            value: self.value(),
            since: self.since,
        }
    }

    /// The basis as it was, and nothing taken; rows and columns since stay. By the prices there were, columns are left aside
    /// with which no choice is worth `least`.
    pub fn restore(&mut self, saved: &Saved, least: f64) {
        for column in &mut self.columns {
            let prices = column.rows.iter().filter_map(|it| saved.prices.get(*it));
            let gain = column.worth - prices.sum::<f64>();
            column.barred = saved.value + gain < least;
            column.place = NOWHERE;
        }
        for (at, row) in self.rows.iter_mut().enumerate() {
            row.idle = NOWHERE;
            row.taken = 0.0;
            self.basis[at] = IDLE + at;
        }
        self.since = saved.since;
        self.inverse.clone_from(&saved.inverse);
        self.basis[..saved.basis.len()].clone_from_slice(&saved.basis);
        for place in 0..saved.basis.len() {
            *self.place(self.basis[place]) = place;
        }
        for row in saved.basis.len()..self.rows.len() {
            self.found(row);
        }
    }

    fn place(&mut self, column: usize) -> &mut usize {
        if column < IDLE {
            &mut self.columns[column].place
        } else {
            &mut self.rows[column - IDLE].idle
        }
    }

    fn is_spent(&self) -> bool {
        let late = |until: Instant| self.pivots.is_multiple_of(ROUND) && Instant::now() >= until;
        self.pivots == 0 || self.until.is_some_and(late)
    }

    /// The most worth there is, after columns, rows or limits have changed; false where effort ends before.
    pub fn solve(&mut self) -> bool {
        self.list_open();
        self.settle();
        self.repair() && self.improve()
    }

    /// Which columns still fit by themselves.
    fn list_open(&mut self) {
        let mut open = std::mem::take(&mut self.open);
        let fits = |it: &usize| {
            let mut rows = self.columns[*it].rows.iter();
            !self.columns[*it].barred && rows.all(|row| self.has_room(*row))
        };
        open.clear();
        open.extend((0..self.columns.len()).filter(fits));
        self.open = open;
    }

    /// Amounts and prices anew, from the inverse.
    fn settle(&mut self) {
        if self.since > ANEW {
            self.invert();
        }
        let worth = |column: &usize| self.columns.get(*column).map_or(0.0, |it| it.worth);
        let worths: Vec<f64> = self.basis.iter().map(worth).collect();
        self.amount.fill(0.0);
        let inverse = self.inverse.chunks_exact(self.most_rows);
        for (row, inverse) in self.rows.iter_mut().zip(inverse) {
            let limit = row.limit + row.hair - row.taken;
            for (part, amount) in inverse.iter().zip(&mut self.amount) {
                *amount += limit * part;
            }
            row.price = product(inverse, &worths);
        }
    }

    /// The inverse of the same basis anew.
    fn invert(&mut self) {
        let rows = self.rows.len();
        let wanted: Vec<usize> = self.basis.iter().copied().filter(|it| *it < IDLE).collect();
        let stays: Vec<bool> = self.rows.iter().map(|it| it.idle != NOWHERE).collect();
        for column in &wanted {
            self.columns[*column].place = NOWHERE;
        }
        self.inverse.fill(0.0);
        for row in 0..rows {
            self.inverse[row * self.most_rows + row] = 1.0;
            self.basis[row] = IDLE + row;
            self.rows[row].idle = row;
        }
        for column in wanted {
            self.enter(column);
            let leaves = |it: &usize| self.basis[*it] >= IDLE && !stays[*it];
            let size = |it: &usize| self.entering[*it].abs();
            let place = (0..rows)
                .filter(leaves)
                .max_by(|one, other| size(one).total_cmp(&size(other)));
            if let Some(place) = place.filter(|it| size(it) > PIVOT) {
                self.exchange(place, column);
            }
        }
        self.since = 0;
    }

    /// What one of a column is worth beyond the price of its rows.
    fn gain(&self, column: usize) -> f64 {
        match self.columns.get(column) {
            Some(it) => {
                let rows = it.rows.iter();
                it.worth - rows.map(|row| self.rows[*row].price).sum::<f64>()
            }
            None => -self.rows[column - IDLE].price,
        }
    }

    /// Columns enter as long as one gains.
    fn improve(&mut self) -> bool {
        let all = self.rows.len() + self.open.len();
        let mut asked = 0;
        while asked < all {
            let mut best = (1e-7, NOWHERE);
            for _ in 0..BLOCK.min(all - asked) {
                self.next = (self.next + 1) % all;
                asked += 1;
                let (column, place) = match self.next.checked_sub(self.rows.len()) {
                    Some(at) => (self.open[at], self.columns[self.open[at]].place),
                    None => (IDLE + self.next, self.rows[self.next].idle),
                };
                if place == NOWHERE {
                    let gain = self.gain(column);
                    if gain > best.0 {
                        best = (gain, column);
                    }
                }
            }
            if best.1 == NOWHERE {
                continue;
            }
            if self.is_spent() {
                return false;
            }
            self.enter(best.1);
            let Some(place) = self.leaves() else {
                return false;
            };
            self.pivot(place, best.1, best.0);
            asked = 0;
        }
        true
    }

    /// Who leaves for the column that enters: whoever comes to nothing first.
    fn leaves(&self) -> Option<usize> {
        let mut first = (f64::MAX, 0.0, None);
        for (place, (part, amount)) in self.entering.iter().zip(&self.amount).enumerate() {
            if *part > PIVOT {
                let ratio = amount / part;
                if ratio < first.0 || (ratio <= first.0 && *part > first.1) {
                    first = (ratio, *part, Some(place));
                }
            }
        }
        first.2
    }

    /// Columns leave as long as there is less than nothing of one.
    fn repair(&mut self) -> bool {
        loop {
            let amounts = self.amount.iter().enumerate();
            let least = amounts.min_by(|one, other| one.1.total_cmp(other.1));
            let Some((place, _)) = least.filter(|it| *it.1 < -TINY) else {
                return true;
            };
            if self.is_spent() {
                return false;
            }
            let inverse = self.inverse.chunks_exact(self.most_rows);
            for (part, inverse) in self.leaving.iter_mut().zip(inverse).take(self.rows.len()) {
                *part = inverse[place];
            }
            let Some(column) = self.enters() else {
                return false;
            };
            self.enter(column);
            let gain = self.gain(column);
            self.pivot(place, column, gain);
        }
    }

    /// Who enters for the column that leaves: whoever loses least by it.
    fn enters(&self) -> Option<usize> {
        let mut first = (f64::MAX, 0.0, None);
        let mut offer = |column: usize, part: f64| {
            if part < -PIVOT {
                let ratio = self.gain(column).min(0.0) / part;
                if ratio < first.0 || (ratio <= first.0 && -part > first.1) {
                    first = (ratio, -part, Some(column));
                }
            }
        };
        for at in &self.open {
            let column = &self.columns[*at];
            if column.place == NOWHERE {
                let rows = column.rows.iter();
                offer(*at, rows.map(|row| self.leaving[*row]).sum());
            }
        }
        for (at, row) in self.rows.iter().enumerate() {
            if row.idle == NOWHERE {
                offer(IDLE + at, self.leaving[at]);
            }
        }
        first.2
    }

    /// What the basis gives up for one of a column.
    fn enter(&mut self, column: usize) {
        let rows = self.rows.len();
        let idle = [column.wrapping_sub(IDLE)];
        let shared = self.columns.get(column).map_or(&idle[..], |it| &it.rows);
        self.entering[..rows].fill(0.0);
        for row in shared {
            let inverse = &self.inverse[row * self.most_rows..][..rows];
            for (part, of) in self.entering.iter_mut().zip(inverse) {
                *part += of;
            }
        }
    }

    /// A column, as it enters, for the one at a place of the basis.
    fn pivot(&mut self, place: usize, column: usize, gain: f64) {
        let part = self.entering[place];
        let amount = self.amount[place] / part;
        for (have, part) in self.amount.iter_mut().zip(&self.entering) {
            *have -= amount * part;
        }
        self.amount[place] = amount;
        let inverse = self.inverse.chunks_exact(self.most_rows);
        for (row, inverse) in self.rows.iter_mut().zip(inverse) {
            row.price += gain * inverse[place] / part;
        }
        self.exchange(place, column);
        self.pivots -= 1;
        self.since += 1;
    }

    fn exchange(&mut self, place: usize, column: usize) {
        let rows = self.rows.len();
        let entering = &self.entering[..rows];
        let part = entering[place];
        for inverse in self.inverse.chunks_exact_mut(self.most_rows).take(rows) {
            let share = inverse[place] / part;
            if share.abs() < 1e-12 {
                inverse[place] = 0.0;
                continue;
            }
            for (of, part) in inverse.iter_mut().zip(entering) {
                *of -= share * part;
            }
            inverse[place] = share;
        }
        let left = std::mem::replace(&mut self.basis[place], column);
        *self.place(left) = NOWHERE;
        *self.place(column) = place;
    }
}

/// What two lists come to, four numbers at a time.
fn product(one: &[f64], other: &[f64]) -> f64 {
    let mut sums = [0.0; 4];
    for (one, other) in one.chunks(4).zip(other.chunks(4)) {
        for ((sum, one), other) in sums.iter_mut().zip(one).zip(other) {
            *sum += one * other;
        }
    }
    sums.iter().sum()
}

/// Of nothing to one, no two the same.
fn spread(number: usize) -> f64 {
    let mixed = (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    f64::from(u32::try_from(mixed).unwrap_or(0)) / f64::from(1_u32 << 24)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A plan and prices that are worth the same: then neither can be bettered.
    fn proven(programme: &Simplex) -> Result<(), TestCaseError> {
        let mut taken = vec![0.0; programme.rows.len()];
        for (column, amount) in programme.amounts() {
            prop_assert!(amount > -1e-6);
            for row in programme.rows_of(column) {
                taken[*row] += amount;
            }
        }
        let mut value = 0.0;
        for (row, taken) in taken.into_iter().enumerate() {
            prop_assert!(taken <= programme.left(row) + 1e-4);
            let price = programme.rows[row].price;
            prop_assert!(price > -1e-6);
            value += price * programme.left(row);
        }
        for column in &programme.open {
            prop_assert!(programme.gain(*column) < 1e-6);
        }
        let made: f64 = programme
            .amounts()
            .map(|it| programme.columns[it.0].worth * it.1)
            .sum();
        prop_assert!((value - made).abs() < 0.1);
        Ok(())
    }

    fn columns(rows: usize, most: usize) -> impl Strategy<Value = Vec<(u8, Vec<usize>)>> {
        let sharing = prop::sample::subsequence((0..rows).collect::<Vec<_>>(), 1..=rows);
        prop::collection::vec((0..50_u8, sharing), 0..most)
    }

    proptest! {
        #[test]
        fn nothing_is_worth_more(
            first in columns(6, 20),
            then in columns(6, 20),
            shared in prop::collection::vec(any::<bool>(), 20),
            limit in 0..3_u8,
            taken in 0..6_usize,
        ) {
            let mut programme = Simplex::new(8, 10_000, None);
            for _ in 0..6 {
                programme.add_row(1.0, &[]);
            }
            let add = |programme: &mut Simplex, columns: &[(u8, Vec<usize>)]| {
                for (worth, rows) in columns {
                    programme.add_column(f64::from(*worth), rows.clone());
                }
            };
            add(&mut programme, &first);
            prop_assert!(programme.solve());
            proven(&programme)?;
            let saved = programme.save();
            add(&mut programme, &then);
            let sharing = (0..first.len()).filter(|it| shared[*it]).collect::<Vec<_>>();
            programme.add_row(f64::from(limit), &sharing);
            prop_assert!(programme.solve());
            proven(&programme)?;
            let value = programme.value();
            programme.take(taken);
            prop_assert!(programme.solve());
            proven(&programme)?;
            prop_assert!(programme.value() < value + 1e-3);
            programme.restore(&saved, 0.0);
            prop_assert!(programme.solve());
            proven(&programme)?;
            prop_assert!((programme.value() - value).abs() < 1e-3);
        }

        #[test]
        fn what_is_left_aside_is_in_no_choice_worth_so_much(
            all in columns(6, 9),
            least in 0..150_u8,
        ) {
            let mut programme = Simplex::new(6, 10_000, None);
            for _ in 0..6 {
                programme.add_row(1.0, &[]);
            }
            for (worth, rows) in &all {
                programme.add_column(f64::from(*worth), rows.clone());
            }
            prop_assert!(programme.solve());
            let saved = programme.save();
            programme.restore(&saved, f64::from(least));
            for choice in 0..1_usize << all.len() {
                let chosen = (0..all.len()).filter(|it| choice >> it & 1 == 1);
                let fits = (0..6).all(|row| chosen.clone().filter(|it| all[*it].1.contains(&row)).count() < 2);
                let worth: u32 = chosen.clone().map(|it| u32::from(all[it].0)).sum();
                if fits && worth > u32::from(least) {
                    prop_assert!(chosen.clone().all(|it| !programme.columns[it].barred));
                }
            }
        }
    }
}
