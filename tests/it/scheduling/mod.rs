//! Scheduling: availability, appointments, waiting lists, plans, forecasts.

mod availability;
mod catalogue;
mod clinic;
mod working_time;
