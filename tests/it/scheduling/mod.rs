//! Scheduling: availability, appointments, waiting lists, plans, forecasts.

mod appointments;
mod board;
mod calendar;
mod booking_limits;
mod availability;
mod catalogue;
mod desk;
mod flow_clinic;
mod jobs;
mod killed;
mod reminders;
mod schedule;
mod series;
mod waitlist;
mod availability;
mod catalogue;
mod clinic;
mod working_time;
