mod care_teams;
mod duplicates;
mod encounters;
mod merge;
mod patients;
mod registration;
