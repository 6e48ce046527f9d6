mod care_teams;
mod encounters;
mod facility_scope;
mod patients;
mod plans;
mod registration;
mod terminology;

mod allergies;
mod diagnoses;
mod immunizations;
mod problems;
mod procedures;
mod vitals;
mod vitals_batch;
mod vitals_scores;
