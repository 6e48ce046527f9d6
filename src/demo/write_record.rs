//! Writing what stands in the charts, by the features' own functions.

use std::collections::BTreeMap;

use clinical::diagnoses;
use clinical::documents::{self, Origin, Stored};
use clinical::encounters::{EncounterClass, EncounterStatus};
use clinical::notes::{self, Author};
use clinical::patients::Patient;
use clinical::vitals::{self, SetOf, Source, VitalRecord};
use clinical::{allergies, immunizations, patients, problems, social_history};
use kernel::{Error, Result};
use platform::access::Role;

use super::people::DEMO_PATIENT;
use super::random::Random;
use super::record::{self, Paper};
use super::roster::DEMO_PROVIDER;
use super::visits::Visit;
use super::write::Writer;

/// Readings written in one statement.
const BATCH: usize = 1_000;
/// Visits that have a note: of most people the last, of those the demo accounts look at a few.
const NOTES: usize = 1;
const NOTES_SEEN: usize = 4;

impl Writer<'_> {
    pub(super) async fn record(&mut self, papers: &[(Paper, Stored)]) -> Result<()> {
        let mut people = Vec::with_capacity(self.patients.len());
        for id in self.patients.clone() {
            let person = patients::find(self.tx, id).await?;
            people.push(person.ok_or_else(|| Error::internal("a patient of the demo is gone"))?);
        }
        for (place, person) in people.iter().enumerate() {
            self.known(place, person).await?;
        }
        self.tx.speak_for(None).await?;
        self.measured(&people).await?;
        self.written().await?;
        for (paper, stored) in papers {
            let origin = Origin {
                imported: false,
                released_at: paper.released.then_some(self.now),
            };
            let with = (&self.app.files, &self.app.tenant_keys);
            let patient = self.patients[paper.patient];
            documents::file_in_tx(
                self.tx,
                with,
                patient,
                &paper.label,
                origin,
                stored,
                self.now,
            )
            .await?;
        }
        Ok(())
    }

    fn random(&self, what: &str, number: usize) -> Random {
        let name = format!("{} {what}", self.plan.organisation.slug);
        Random::stream(1, &name, number as u64)
    }

    /// What a person's own doctor knows of him.
    async fn known(&mut self, place: usize, person: &Patient) -> Result<()> {
        let own_doctor = self.users[self.plan.people[place].primary];
        self.tx.speak_for(Some(own_doctor)).await?;
        let mut random = self.random("record", place);
        let known = record::known(&self.plan.people[place], place, self.plan.wall, &mut random)?;
        for problem in known.problems {
            problems::add_in_tx(self.tx, person, problem, self.now).await?;
        }
        for allergy in known.allergies {
            allergies::add_in_tx(self.tx, person, allergy, self.now).await?;
        }
        if let Some(statement) = known.statement {
            allergies::state_in_tx(self.tx, person.id, &statement, (self.now, self.now)).await?;
        }
        for dose in known.doses {
            immunizations::add_in_tx(self.tx, person, dose, self.now).await?;
        }
        for asked in known.social {
            let on = asked.effective_at.date_naive();
            social_history::add_in_tx(self.tx, person.id, (asked, None), on, self.now).await?;
        }
        Ok(())
    }

    /// What was measured at the visits that have begun.
    async fn measured(&mut self, people: &[Patient]) -> Result<()> {
        let mut rows: Vec<VitalRecord> = Vec::new();
        for (number, visit) in self.plan.visits.iter().enumerate() {
            let (Some(begun), true) = (visit.begun, visit.class != EncounterClass::Telemedicine)
            else {
                continue;
            };
            let mut random = self.random("vitals", number);
            let person = &self.plan.people[visit.patient];
            let set = SetOf {
                patient_id: self.patients[visit.patient],
                encounter_id: Some(self.encounters[number].id),
                measured_at: begun,
                source: Source::Manual,
                recorded_by: visit.nurse.map(|nurse| self.users[nurse]),
                recorded_at: begun,
            };
            let id = set.id();
            for reading in record::measured(person, visit, &mut random)? {
                let birth = people[visit.patient].data.birth_date;
                let mut row = set.row_of_history(reading, birth)?;
                row.set_id = id;
                rows.push(row);
            }
        }
        for rows in rows.chunks(BATCH) {
            vitals::record_in_tx(self.tx, rows).await?;
        }
        Ok(())
    }

    /// Diagnoses and notes of the latest visits, newest first; of the demo provider's last one the note is not signed yet.
    async fn written(&mut self) -> Result<()> {
        let mut had: BTreeMap<usize, usize> = BTreeMap::new();
        let mut drafted = false;
        let visits: Vec<(usize, &Visit)> = self.plan.visits.iter().enumerate().collect();
        for (number, visit) in visits.into_iter().rev() {
            if visit.status != EncounterStatus::Completed {
                continue;
            }
            let seen = visit.provider == DEMO_PROVIDER || visit.patient == DEMO_PATIENT;
            let count = had.entry(visit.patient).or_default();
            if *count >= if seen { NOTES_SEEN } else { NOTES } {
                continue;
            }
            *count += 1;
            let encounter = self.encounters[number].clone();
            let by = self.users[visit.provider];
            self.tx.speak_for(Some(by)).await?;
            for diagnosis in record::coded(visit)? {
                diagnoses::add_in_tx(self.tx, &encounter, diagnosis, self.now).await?;
            }
            self.tx.speak_for(None).await?;
            let draft = visit.provider == DEMO_PROVIDER && !drafted;
            drafted |= draft;
            let mut random = self.random("notes", number);
            let note = record::written(visit, encounter.id, &mut random)?;
            let author = Author {
                user: self.users[visit.provider],
                role: Role::Provider,
                signed_at: visit.ended.filter(|_| !draft),
            };
            let keys = &self.app.tenant_keys;
            let patient = encounter.patient_id;
            notes::record_in_tx(self.tx, keys, patient, &note, author, self.now).await?;
        }
        Ok(())
    }
}
