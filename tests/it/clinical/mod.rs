mod care_teams;
mod encounters;
mod notes;
mod notes_search;
mod notes_signatures;
mod notes_work;
mod patients;
mod registration;
