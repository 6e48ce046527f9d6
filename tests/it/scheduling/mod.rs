//! Scheduling: availability, appointments, waiting lists, plans, forecasts.

mod appointments;
mod availability;
mod board;
mod booking_limits;
mod calendar;
mod catalogue;
mod clinic;
mod contended;
mod desk;
mod extra_reminders;
pub(crate) mod flow_clinic;
mod forecasts;
mod jobs;
mod killed;
mod killed_server;
mod no_shows;
mod plans;
mod reminders;
mod schedule;
mod series;
mod waiting;
mod waitlist;
mod waitlist_free_time;
mod waitlist_links;
mod working_time;
