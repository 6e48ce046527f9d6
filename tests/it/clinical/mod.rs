mod care_teams;
mod encounters;
mod patients;
mod plans;
mod registration;
mod terminology;
