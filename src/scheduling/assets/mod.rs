//! Rooms and devices that can be booked.
//!
//! A service asks for a kind (`asset_kind`), never for one room: which one it is is chosen when it is booked. An asset stays
//! what it is where it is; one that is gone becomes `inactive`, because what was booked in it goes on referring to it.
//!
//! Trap: making an asset inactive leaves the appointments that are booked in it; they have to be moved.

mod model;
mod routes;
mod service;
mod store;

pub use model::{Asset, AssetKind, NewAsset};
pub(crate) use model::{check_kind, is_kind};
pub use routes::router;
pub use service::{add_asset, get_active, require_active};
