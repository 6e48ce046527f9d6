mod care_teams;
mod encounters;
mod patients;
mod registration;
mod vitals;
mod vitals_batch;
mod vitals_scores;
