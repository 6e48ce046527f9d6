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
mod flow_clinic;
mod forecasts;
mod jobs;
mod killed;
mod no_shows;
mod plans;
mod reminders;
mod schedule;
mod series;
mod waitlist;
mod working_time;
