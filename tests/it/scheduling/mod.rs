//! Scheduling: availability, appointments, waiting lists, plans, forecasts.

mod appointments;
mod booking_limits;
mod availability;
mod catalogue;
mod desk;
mod killed;
mod schedule;
mod series;
