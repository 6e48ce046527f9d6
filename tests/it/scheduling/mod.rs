//! Scheduling: availability, appointments, waiting lists, plans, forecasts.

mod appointments;
mod catalogue;

// What flows around appointments.
mod board;
mod calendar;
mod desk;
mod flow_clinic;
mod jobs;
mod reminders;
mod waitlist;
mod desk;
mod killed;
mod schedule;
mod series;
