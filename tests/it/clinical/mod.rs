mod care_teams;
mod documents;
mod duplicates;
mod encounters;
mod encounters;
mod facility_scope;
mod merge;
mod notes;
mod notes_search;
mod notes_signatures;
mod notes_work;
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

mod as_of;
mod chart;
