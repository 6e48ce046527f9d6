//! Scheduling: availability, appointments, waiting lists, plans, forecasts.

mod appointments;
mod catalogue;
mod desk;
mod killed;
mod schedule;
mod series;

mod forecasts;
mod no_shows;
mod plans;
