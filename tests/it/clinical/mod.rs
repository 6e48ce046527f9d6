mod care_teams;
mod documents;
mod encounters;
mod patients;
mod registration;
