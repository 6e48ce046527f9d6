//! Scheduling: availability, appointments, waiting lists, plans, forecasts.

mod availability;
mod catalogue;
