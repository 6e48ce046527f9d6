mod forged;
mod lockout;
mod sessions;
mod staff;
mod tenants;
mod users;
