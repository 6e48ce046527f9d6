mod care_teams;
mod encounters;
mod patients;
mod registration;
