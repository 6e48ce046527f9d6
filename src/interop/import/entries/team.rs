//! `CareTeam` → care team members.
//!
//! A membership opens the chart, so only a practitioner who has an account here gets one, and only while the team is active.

use clinical::care_teams::{self, CareTeamRole, NewCareTeamMember};
use kernel::{Code, Result};
use uuid::Uuid;

use super::super::batch::Batch;
use super::super::dates;
use super::super::elements::{list, text, wording};
use super::super::resource::Resource;
use super::super::store_entries as store;
use super::{Entered, Whose, refusal};

impl Batch<'_> {
    pub(super) async fn care_team(&mut self, resource: &Resource, whose: Whose) -> Result<Entered> {
        let value = &resource.value;
        if text(value, "/status").is_some_and(|status| status != "active") {
            return Ok(Entered::Left("is a team that is not active"));
        }
        let zone = self.importer.zone;
        let time = |place: &str| text(value, place).and_then(|said| dates::instant(said, zone));
        let until = time("/period/end");
        if until.is_some_and(|until| until <= self.now) {
            return Ok(Entered::Left("is a team that is not active"));
        }
        let mut joined: Option<Uuid> = None;
        for participant in list(value, "/participant") {
            let Some(provider) = self.active_provider(resource, participant) else {
                continue;
            };
            let Some(user_id) = store::account_of(&mut self.tx, provider).await? else {
                continue;
            };
            if let Some(member) = store::member(&mut self.tx, whose.patient, user_id).await? {
                joined.get_or_insert(member);
                continue;
            }
            let role = list(participant, "/role")
                .iter()
                .find_map(wording)
                .unwrap_or_default()
                .to_lowercase();
            let new = NewCareTeamMember {
                user_id,
                role: if role.contains("primary care") {
                    CareTeamRole::PrimaryCare
                } else {
                    CareTeamRole::Other
                },
                valid_from: time("/period/start").filter(|from| *from <= self.now),
                valid_until: until,
            };
            match care_teams::join(&mut self.tx, whose.patient, &new, self.now).await {
                Ok(id) => {
                    joined.get_or_insert(id.into());
                }
                Err(error) if error.code() == Code::AlreadyMember => return Err(error),
                Err(error) => return refusal(error),
            }
        }
        Ok(match joined {
            Some(id) => Entered::whole("care_team", id),
            None => Entered::refused("names no active provider who has an account here"),
        })
    }
}
