//! Scheduling: availability, appointments, waiting lists, plans, forecasts.

mod catalogue;

// What flows around appointments.
mod board;
mod calendar;
mod flow_clinic;
mod jobs;
mod reminders;
mod waitlist;
