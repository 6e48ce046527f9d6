//! When one provider may begin: his free time, less what his limits forbid.

use kernel::ids::ProviderId;

use super::calendar::Calendar;
use super::limits::{Booked, Broken};
use super::search::{Busy, Wish};
use crate::ranges::{Ranges, Span};

pub(super) fn less(ranges: Ranges, taken: Option<&Ranges>) -> Ranges {
    match taken {
        Some(taken) => ranges.subtract(taken),
        None => ranges,
    }
}

/// The starts somebody has free and may take.
pub(super) fn starts_of(calendar: &Calendar, busy: &Busy, who: ProviderId, wish: &Wish) -> Ranges {
    let available = calendar.available(who.0, wish.emergency);
    let taken = busy.get(&who.0);
    let starts = less(available, taken)
        .erode(wish.before, wish.after)
        .intersect(&Ranges::one(wish.window));
    let Some(limits) = calendar.limits_of(who.0) else {
        return starts;
    };
    let mut counted = taken.cloned().unwrap_or_default();
    if let Some(over) = wish.booked_over.get(&who.0) {
        counted = counted.union(over);
    }
    let booked = Booked {
        zone: calendar.zone,
        busy: &counted,
        works: &calendar.works(who.0),
        before: wish.before,
        after: wish.after,
    };
    booked
        .forbidden(limits, wish.window)
        .iter()
        .fold(starts, |starts, (_, forbidden)| starts.subtract(forbidden))
}

/// The limit that one start would break for somebody. What he is booked for at that very time is not counted twice: he is there
/// once for all patients of a session, and for who is booked over another.
pub(super) fn broken_limit(
    calendar: &Calendar,
    busy: &Busy,
    who: ProviderId,
    start: i64,
    wish: &Wish,
) -> Option<Broken> {
    let limits = calendar.limits_of(who.0)?;
    let needed = Ranges::one(wish.needed(start));
    let others = busy.get(&who.0).map(|busy| busy.subtract(&needed));
    let booked = Booked {
        zone: calendar.zone,
        busy: &others.unwrap_or_default(),
        works: &calendar.works(who.0),
        before: wish.before,
        after: wish.after,
    };
    let moment = Span {
        from: start,
        until: start + 1,
    };
    let broken = booked.forbidden(limits, moment).into_iter();
    let mut broken = broken.filter(|(_, starts)| starts.contains(start));
    broken.next().map(|(broken, _)| broken)
}
