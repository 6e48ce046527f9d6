//! Free time: what is worked, less what is closed, less what is taken. Computed when it is asked for, never stored.
//!
//! The arithmetic is pure (`calendar`, `limits`, `starts`, `search`, `placement`); `load` reads all it needs in a handful of statements,
//! however many providers there are. Everything is reckoned at one facility, by its wall clock:
//!   * a provider works by his rules there, not on holidays, and in extra time; never in time off; for emergencies also while he
//!     is on call. Other staff who are named work the same way, but are never on call; of whom nothing was said, he does not work;
//!   * a room or device is open by its own rules, else by the facility's opening hours, else always. Where a service needs a
//!     provider, holidays are his matter; where it needs none, they close the room. For emergencies everything is open;
//!   * who or what is reserved, held or overbooked is taken from preparation to clean-up.
//!
//! Invariants: a slot that is shown can be booked unless somebody was faster; nothing here decides occupancy, the constraints
//! of `app.reservations` do. No health information passes through here.
//!
//! Traps: a start is aligned to the wall, not to the hour in UTC. What a provider's limits allow depends on the whole of his
//! week, so more is read than the window where there are any; and on what others book for him at the same moment, so who checks
//! a placement of his holds him until the transaction ends.

mod calendar;
mod checking;
mod limits;
mod load;
mod model;
mod placement;
mod routes;
mod search;
mod service;
mod starts;
mod store;

pub(crate) use calendar::{Calendar, hours};
pub use checking::{check, check_start};
pub(crate) use checking::{check_hours, check_named, closed};
pub(crate) use load::{Situation, calendar as load_calendar};
pub use model::{FreeTimes, Slot};
pub(crate) use placement::CLOSED;
pub use placement::{Chosen, Obstacle, OwnTime, Promised, Wanted};
pub use routes::router;
pub(crate) use search::third_next;
pub use service::{Ask, choose, next_free};
pub(crate) use service::{bookable, hold_in_tx, is_emergency, parameter, require_needed, zone_of};
