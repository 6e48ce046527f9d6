//! Adding and listing participants.

use kernel::ids::{EncounterId, ParticipantId, PatientId};
use kernel::{Code, Error, Page, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::audit::Action;
use platform::db::TenantTx;
use platform::http::Answer;

use super::super::{store as register, store_places};
use super::model::{NewParticipant, Participant};
use super::store;
use crate::encounters::Encounter;
use crate::entries::{image_as_of, states_as_of};
use crate::patients::AsOf;

pub(super) async fn list(
    ctx: &Ctx,
    patient: PatientId,
    id: EncounterId,
) -> Result<Answer<Page<Participant>>> {
    let mut tx = ctx.begin(Permission::EncounterRead).await?;
    if !register::is_registered(&mut tx, patient, id).await? {
        return Err(Error::not_found());
    }
    let participants = store::of_encounter(&mut tx, id).await?;
    tx.finish(Disclosure::of(
        "encounter",
        Action::Read,
        patient,
        id,
        Page::last(participants),
    ))
    .await
}

/// As they were on record then.
pub(super) async fn list_as_of(
    ctx: &Ctx,
    patient: PatientId,
    id: EncounterId,
    then: AsOf,
) -> Result<Answer<Page<Participant>>> {
    let (mut tx, _) = image_as_of::<Encounter>(ctx, patient, id.0, then).await?;
    let mut participants: Vec<Participant> =
        states_as_of(&mut tx, patient, then.instant(ctx)).await?;
    participants.retain(|participant| participant.encounter_id == id);
    participants.reverse();
    let page = Page::last(participants);
    tx.finish(Disclosure::of("encounter", Action::Read, patient, id, page))
        .await
}

/// To an encounter that is planned or in progress: afterwards nobody joins.
pub(super) async fn add(
    ctx: &Ctx,
    patient: PatientId,
    id: EncounterId,
    new: NewParticipant,
) -> Result<Answer<Participant>> {
    let mut tx = ctx.begin(Permission::EncounterConduct).await?;
    let encounter = register::lock(&mut tx, patient, id).await?.record;
    if encounter.status.is_end() {
        return Err(Error::new(Code::EncounterClosed));
    }
    require_person(&mut tx, &new).await?;
    if store::exists(&mut tx, id, &new).await? {
        return Err(Error::new(Code::AlreadyExists));
    }
    let participant = ParticipantId::new();
    store::insert(&mut tx, participant, &encounter, &new, ctx.now()).await?;
    let added = store::get(&mut tx, participant).await?;
    let location = format!("/api/v1/patients/{patient}/encounters/{id}/participants");
    let version = added.version;
    tx.commit(
        Disclosure::of("encounter", Action::Update, patient, id, added)
            .created_at(location)
            .version(version),
    )
    .await
}

async fn require_person(tx: &mut TenantTx, new: &NewParticipant) -> Result<()> {
    if let Some(provider) = new.provider_id
        && store_places::provider_is_active(tx, provider).await? != Some(true)
    {
        return Err(Error::field(
            "/provider_id",
            "no_such_provider",
            "must name an active provider",
        ));
    }
    if let Some(user) = new.user_id
        && !store_places::is_staff(tx, user).await?
    {
        return Err(Error::field(
            "/user_id",
            "no_such_user",
            "must name an active nurse or member of the staff",
        ));
    }
    Ok(())
}
