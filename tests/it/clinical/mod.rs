mod care_teams;
mod encounters;
mod patients;
mod registration;

mod allergies;
mod diagnoses;
mod immunizations;
mod problems;
mod procedures;
