//! Scheduling: availability, appointments, waiting lists, plans, forecasts.

mod catalogue;
