//! `CareTeam` → care team members.
//!
//! A membership opens the chart, so only a practitioner who has an account here gets one, and only while the team is active. Which
//! memberships a team has opened is remembered with it: those, and no others, end when it says so.

use std::collections::HashSet;

use clinical::care_teams::{self, CareTeamRole, NewCareTeamMember};
use kernel::ids::PatientId;
use kernel::{Code, Result};
use uuid::Uuid;

use super::super::batch::Batch;
use super::super::dates;
use super::super::elements::{list, text, wording};
use super::super::resource::Resource;
use super::super::store_entries as store;
use super::{Entered, Whose, refusal};

/// The first member that was found or made, and the memberships that were opened; or why none can be.
type Joined = std::result::Result<(Option<Uuid>, Vec<Uuid>), Entered>;

impl Batch<'_> {
    pub(super) async fn care_team(&mut self, resource: &Resource, whose: Whose) -> Result<Entered> {
        let Some(wanted) = self.wanted_members(resource).await? else {
            return Ok(Entered::Left("is a team that is not active"));
        };
        let wanted_count = wanted.len();
        let (first, opened) = match self.join(whose.patient, wanted).await? {
            Ok(done) => done,
            Err(why) => return Ok(why),
        };
        self.joined = Some(opened);
        let some = list(&resource.value, "/participant").len() > wanted_count;
        let lacks = some.then(|| "/participant: not all of them have an account here".to_owned());
        Ok(match first {
            Some(id) => Entered::whole("care_team", id).lacking(lacks),
            None => Entered::refused("names no active provider who has an account here"),
        })
    }

    /// Whom the team wants in the chart, each once; `None` while it is not active.
    pub(super) async fn wanted_members(
        &mut self,
        resource: &Resource,
    ) -> Result<Option<Vec<NewCareTeamMember>>> {
        let value = &resource.value;
        let zone = self.importer.zone;
        let time = |place: &str| text(value, place).and_then(|said| dates::instant(said, zone));
        let until = time("/period/end");
        if text(value, "/status").is_some_and(|status| status != "active")
            || until.is_some_and(|until| until <= self.now)
        {
            return Ok(None);
        }
        let mut wanted: Vec<NewCareTeamMember> = Vec::new();
        let mut accounts = HashSet::new();
        for participant in list(value, "/participant") {
            let Some(provider) = self.active_provider(resource, participant) else {
                continue;
            };
            let Some(user_id) = store::account_of(&mut self.tx, provider).await? else {
                continue;
            };
            if !accounts.insert(user_id) {
                continue;
            }
            let role = list(participant, "/role")
                .iter()
                .find_map(wording)
                .unwrap_or_default()
                .to_lowercase();
            wanted.push(NewCareTeamMember {
                user_id,
                role: if role.contains("primary care") {
                    CareTeamRole::PrimaryCare
                } else {
                    CareTeamRole::Other
                },
                valid_from: time("/period/start").filter(|from| *from <= self.now),
                valid_until: until,
            });
        }
        Ok(Some(wanted))
    }

    /// Opens memberships for those who have none without an end.
    pub(super) async fn join(
        &mut self,
        patient: PatientId,
        wanted: Vec<NewCareTeamMember>,
    ) -> Result<Joined> {
        let (mut first, mut opened) = (None, Vec::new());
        for new in wanted {
            if let Some(member) = store::member(&mut self.tx, patient, new.user_id).await? {
                first.get_or_insert(member);
                continue;
            }
            match care_teams::join(&mut self.tx, patient, &new, self.now).await {
                Ok(id) => {
                    let id = id.into();
                    first.get_or_insert(id);
                    opened.push(id);
                }
                Err(error) if error.code() == Code::AlreadyMember => return Err(error),
                Err(error) => return Ok(Err(refusal(error)?)),
            }
        }
        Ok(Ok((first, opened)))
    }
}
