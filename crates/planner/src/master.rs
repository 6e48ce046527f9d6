//! Which shift has which schedule: nobody twice, and no more of a kind of room, or of a patient, than there is. A linear programme
//! chooses among the schedules that are known, its prices tell which others would be worth their time (column generation), and
//! a dive decides shift after shift until nothing is halved.
//!
//! What shifts share is told to the programme only where they would take too much of it.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Instant;

use crate::rng::Rng;
use crate::schedules::{Given, Offer, Schedules};
use crate::simplex::{Saved, Simplex};
use crate::week::Week;

/// Rows for what is shared, at most.
const MOST_SHARED: usize = 250;
/// Schedules a shift gets at once; in a dive, and how often there before the next is decided.
const AT_ONCE: usize = 5;
const DIVING: usize = 3;
const ROUNDS: usize = 2;
/// Shifts decided at once; after the first, only where the programme is nearly sure.
const DECIDED: usize = 4;
const SURE: f64 = 0.75;
/// Less is rounding.
const BIT: f64 = 1e-3;
const NOWHERE: usize = usize::MAX;

/// A run of a desk's time, and who could be there.
pub struct Shift {
    pub desk: usize,
    pub day: usize,
    pub from: usize,
    pub to: usize,
    pub offers: Vec<Offer>,
}

/// Somebody begins to hold a desk's time.
pub struct Place {
    pub request: usize,
    pub desk: usize,
    pub day: usize,
    pub from: usize,
}

struct Schedule {
    shift: usize,
    given: Vec<Given>,
    saves: i64,
}

/// One of a kind of rooms or devices, or a patient, at a tick of a day.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Shared {
    day: usize,
    tick: usize,
    what: What,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Group(usize),
    Patient(usize),
}

pub struct Master<'a, 'm> {
    week: &'a Week<'m>,
    shifts: Vec<Shift>,
    /// Columns of the programme.
    schedules: Vec<Schedule>,
    programme: Simplex,
    /// The programme's row of each request and each shift.
    row: Vec<usize>,
    shift_row: Vec<usize>,
    shared: BTreeMap<Shared, usize>,
    known: HashSet<(usize, Vec<(usize, usize)>)>,
    search: Schedules,
    /// What a dive has decided.
    decided: Vec<usize>,
    closed: Vec<bool>,
    placed: Vec<bool>,
}

impl<'a, 'm> Master<'a, 'm> {
    pub fn new(
        week: &'a Week<'m>,
        shifts: Vec<Shift>,
        (pivots, until): (u64, Option<Instant>),
    ) -> Self {
        let requests = week.placed.len();
        let offers = shifts.iter().flat_map(|it| &it.offers);
        let wanted: BTreeSet<usize> = offers.map(|it| it.request).collect();
        let rows = wanted.len() + shifts.len() + MOST_SHARED;
        let mut programme = Simplex::new(rows, pivots, until);
        let mut row = vec![NOWHERE; requests];
        for request in wanted {
            row[request] = programme.add_row(1.0, &[]);
        }
        Self {
            week,
            schedules: Vec::new(),
            row,
            shift_row: shifts.iter().map(|_| programme.add_row(1.0, &[])).collect(),
            programme,
            shared: BTreeMap::new(),
            known: HashSet::new(),
            search: Schedules::default(),
            decided: Vec::new(),
            closed: vec![false; shifts.len()],
            placed: vec![false; requests],
            shifts,
        }
    }

    /// Makes a schedule known; false if it was.
    pub fn add(&mut self, shift: usize, given: Vec<Given>) -> bool {
        let mut name: Vec<(usize, usize)> = given.iter().map(|it| (it.request, it.at)).collect();
        name.sort_unstable();
        if !self.known.insert((shift, name)) {
            return false;
        }
        let mut rows: Vec<usize> = given.iter().map(|it| self.row[it.request]).collect();
        rows.push(self.shift_row[shift]);
        let on_that_day = self.shared_on(self.shifts[shift].day);
        let shared = on_that_day.filter(|it| given.iter().any(|one| self.takes(shift, one, it.0)));
        rows.extend(shared.map(|it| it.1));
        let saves = given.iter().map(|it| it.saves).sum();
        self.programme.add_column(as_float(saves), rows);
        self.schedules.push(Schedule {
            shift,
            given,
            saves,
        });
        true
    }

    fn shared_on(&self, day: usize) -> impl Iterator<Item = (&Shared, usize)> {
        let (tick, what) = (0, What::Group(0));
        let first = Shared { day, tick, what };
        let last = Shared {
            day: day + 1,
            ..first
        };
        self.shared.range(first..last).map(|it| (it.0, *it.1))
    }

    /// Whether somebody in a shift takes what is shared.
    fn takes(&self, shift: usize, given: &Given, shared: &Shared) -> bool {
        let at = &self.shifts[shift];
        let from = at.from + given.at;
        let to = from + given.length;
        if at.day != shared.day || shared.tick < from || to <= shared.tick {
            return false;
        }
        let wanted = &self.week.model.requests[given.request];
        match shared.what {
            What::Group(group) => self.groups(shift, given.request).contains(&group),
            What::Patient(patient) => {
                let start = from + wanted.before;
                let visit = start..start + wanted.visit;
                wanted.patient == Some(patient) && visit.contains(&shared.tick)
            }
        }
    }

    fn groups(&self, shift: usize, request: usize) -> &[usize] {
        let options = &self.week.model.requests[request].options;
        let option = options
            .iter()
            .find(|it| it.desks == [self.shifts[shift].desk]);
        option.map_or(&[], |it| &it.groups)
    }

    /// Schedules that are worth more than their time at the programme's prices, or at those given for requests; how many.
    pub fn price(&mut self, at_once: usize, prices: Option<&[f64]>) -> usize {
        let mut added = 0;
        let mut search = std::mem::take(&mut self.search);
        for shift in 0..self.shifts.len() {
            if self.closed[shift] {
                continue;
            }
            if self.is_spent() {
                break;
            }
            let shared: Vec<(&Shared, f64)> = self
                .shared_on(self.shifts[shift].day)
                .map(|it| (it.0, self.programme.price(it.1)))
                .filter(|it| it.1 > BIT)
                .collect();
            let worth = |offer: &Offer, at: usize| {
                let price = match prices {
                    Some(prices) => prices[offer.request],
                    None => self.programme.price(self.row[offer.request]),
                };
                let worth = as_float(offer.saves) - price;
                if worth <= 0.0 || self.placed[offer.request] {
                    return 0.0;
                }
                let given = given(offer, at);
                let taken = shared.iter().filter(|it| self.takes(shift, &given, it.0));
                worth - taken.map(|it| it.1).sum::<f64>()
            };
            let floor = match prices {
                Some(_) => 0.0,
                None => self.programme.price(self.shift_row[shift]),
            };
            let it = &self.shifts[shift];
            let found = search.best((it.to - it.from, &it.offers), floor, at_once, worth);
            for one in found {
                added += usize::from(self.add(shift, one.given));
            }
        }
        self.search = search;
        added
    }

    /// Rows for what the programme's choice takes too much of; how many.
    fn share(&mut self) -> usize {
        let mut load: BTreeMap<Shared, f64> = BTreeMap::new();
        let decided = self.decided.iter().map(|it| (*it, 1.0));
        for (schedule, amount) in self.programme.amounts().chain(decided) {
            let schedule = &self.schedules[schedule];
            let Shift { day, from, .. } = self.shifts[schedule.shift];
            for given in schedule.given.iter().filter(|_| amount > BIT) {
                let mut add = |from: usize, to: usize, what: What| {
                    for tick in from..to {
                        *load.entry(Shared { day, tick, what }).or_default() += amount;
                    }
                };
                let from = from + given.at;
                for group in self.groups(schedule.shift, given.request) {
                    add(from, from + given.length, What::Group(*group));
                }
                let wanted = &self.week.model.requests[given.request];
                if let Some(patient) = wanted.patient {
                    let start = from + wanted.before;
                    add(start, start + wanted.visit, What::Patient(patient));
                }
            }
        }
        let mut added = 0;
        for (shared, load) in load {
            let free = match shared.what {
                What::Group(group) => self.week.group_left(group, shared.day, shared.tick),
                What::Patient(_) => 1.0,
            };
            let too_much = load > free + BIT && !self.shared.contains_key(&shared);
            if too_much && !self.programme.is_full() {
                self.limit(shared, free);
                added += 1;
            }
        }
        added
    }

    fn limit(&mut self, shared: Shared, free: f64) {
        let takes = |it: &usize| {
            let schedule = &self.schedules[*it];
            let mut given = schedule.given.iter();
            given.any(|one| self.takes(schedule.shift, one, &shared))
        };
        let sharing: Vec<usize> = (0..self.schedules.len()).filter(takes).collect();
        let taken = self.decided.iter().filter(|it| takes(it)).count();
        let row = self.programme.add_row(free, &sharing);
        for _ in 0..taken {
            self.programme.take(row);
        }
        self.shared.insert(shared, row);
    }

    /// The programme's best among what is known, what is shared kept; false where effort ends before.
    fn choose(&mut self) -> bool {
        loop {
            if !self.programme.solve() {
                return false;
            }
            if self.share() == 0 {
                return true;
            }
        }
    }

    /// Makes schedules known until no other would be worth its time: nothing saves more than the programme then. False where
    /// effort ends before.
    pub fn relax(&mut self) -> bool {
        loop {
            if !self.choose() {
                return false;
            }
            if self.price(AT_ONCE, None) == 0 {
                return true;
            }
        }
    }

    /// What the programme saves at most, in whole units.
    pub fn whole_value(&self) -> i64 {
        from_float((self.programme.value() + BIT).floor())
    }

    pub fn is_spent(&self) -> bool {
        self.programme.pivots == 0 || self.programme.until.is_some_and(|it| Instant::now() >= it)
    }

    pub fn save(&self) -> Saved {
        self.programme.save()
    }

    /// Decides shift after shift from a basis that was saved; the schedules chosen, if they save more than what is known.
    pub fn dive(
        &mut self,
        from: &Saved,
        known: i64,
        mut chance: Option<&mut Rng>,
    ) -> Option<(i64, Vec<usize>)> {
        let least = as_float(known + 1) - BIT;
        self.programme.restore(from, least);
        self.decided.clear();
        self.closed.fill(false);
        self.placed.fill(false);
        let mut sum = 0;
        loop {
            for _ in 0..ROUNDS {
                if !self.choose() {
                    return None;
                }
                if self.price(DIVING, None) == 0 {
                    break;
                }
            }
            if !self.choose() || as_float(sum) + self.programme.value() < least {
                return None;
            }
            let open = |it: &(usize, f64)| it.1 > BIT && !self.closed[self.schedules[it.0].shift];
            let mut open: Vec<(usize, f64)> = self.programme.amounts().filter(open).collect();
            open.sort_unstable_by_key(|it| it.0);
            if open.iter().all(|it| it.1 > 1.0 - BIT) {
                self.decided.extend(open.iter().map(|it| it.0));
                let decided = self.decided.iter();
                sum = decided.map(|it| self.schedules[*it].saves).sum();
                return (sum > known).then(|| (sum, self.decided.clone()));
            }
            // What is whole may change yet.
            open.retain(|it| it.1 <= 1.0 - BIT);
            if let Some(rng) = &mut chance {
                for it in &mut open {
                    it.1 *=
                        1.0 - 0.3 * as_float(i64::try_from(rng.below(1000)).unwrap_or(0)) / 1000.0;
                }
            }
            open.sort_by(|one, other| other.1.total_cmp(&one.1));
            let before = self.decided.len();
            for (schedule, amount) in open {
                let count = self.decided.len() - before;
                if count > 0 && (amount < SURE || count == DECIDED) {
                    break;
                }
                if self.decide(schedule) {
                    sum += self.schedules[schedule].saves;
                }
            }
            if self.decided.len() == before {
                return None;
            }
        }
    }

    /// False where something it takes is taken.
    fn decide(&mut self, schedule: usize) -> bool {
        let rows = self.programme.rows_of(schedule).to_vec();
        if !rows.iter().all(|it| self.programme.has_room(*it)) {
            return false;
        }
        for row in rows {
            self.programme.take(row);
        }
        self.decided.push(schedule);
        let Schedule { shift, given, .. } = &self.schedules[schedule];
        self.closed[*shift] = true;
        for given in given {
            self.placed[given.request] = true;
        }
        true
    }

    pub fn places(&self, schedule: usize) -> impl Iterator<Item = Place> {
        let Schedule { shift, given, .. } = &self.schedules[schedule];
        let at = &self.shifts[*shift];
        given.iter().map(|it| Place {
            request: it.request,
            desk: at.desk,
            day: at.day,
            from: at.from + it.at,
        })
    }
}

fn given(offer: &Offer, at: usize) -> Given {
    Given {
        request: offer.request,
        at,
        length: offer.length,
        saves: offer.saves,
    }
}

#[expect(clippy::cast_precision_loss, reason = "costs stay far below 2^52")]
pub fn as_float(cost: i64) -> f64 {
    cost as f64
}

#[expect(clippy::cast_possible_truncation, reason = "costs stay far below 2^52")]
fn from_float(cost: f64) -> i64 {
    cost as i64
}
