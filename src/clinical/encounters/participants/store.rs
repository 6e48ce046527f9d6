//! SQL of the participants.

use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{EncounterId, ParticipantId};
use platform::db::TenantTx;
use serde_json::value::RawValue;

use super::super::model::EncounterRecord;
use super::model::{NewParticipant, Participant};
use crate::entries::Remembered;

impl Remembered for Participant {
    const TABLE: &'static str = "encounter_participants";
    const RESOURCE: &'static str = "encounter";

    fn of_image(image: &RawValue) -> serde_json::Result<Self> {
        serde_json::from_str(image.get())
    }

    fn version(&self) -> i64 {
        self.version
    }
}

pub(super) async fn of_encounter(
    tx: &mut TenantTx,
    encounter: EncounterId,
) -> Result<Vec<Participant>> {
    let tenant = tx.tenant();
    let participants = sqlx::query_as!(
        Participant,
        r#"select m.id as "id: _", m.patient_id as "patient_id: _", m.encounter_id as "encounter_id: _",
                  m.provider_id as "provider_id: _", m.user_id as "user_id: _", m.role as "role: _",
                  coalesce(p.given_name || ' ' || p.family_name || coalesce(', ' || p.credential, ''),
                           u.given_name || ' ' || u.family_name) as name,
                  m.version, m.created_at
             from app.encounter_participants m
             left join app.providers p on p.tenant_id = $1 and p.id = m.provider_id
             left join app.users u on u.tenant_id = $1 and u.id = m.user_id
            where m.tenant_id = $1 and m.encounter_id = $2
            order by m.created_at, m.id"#,
        tenant as _,
        encounter as _,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(participants)
}

pub(super) async fn get(tx: &mut TenantTx, id: ParticipantId) -> Result<Participant> {
    let tenant = tx.tenant();
    let participant = sqlx::query_as!(
        Participant,
        r#"select m.id as "id: _", m.patient_id as "patient_id: _", m.encounter_id as "encounter_id: _",
                  m.provider_id as "provider_id: _", m.user_id as "user_id: _", m.role as "role: _",
                  coalesce(p.given_name || ' ' || p.family_name || coalesce(', ' || p.credential, ''),
                           u.given_name || ' ' || u.family_name) as name,
                  m.version, m.created_at
             from app.encounter_participants m
             left join app.providers p on p.tenant_id = $1 and p.id = m.provider_id
             left join app.users u on u.tenant_id = $1 and u.id = m.user_id
            where m.tenant_id = $1 and m.id = $2"#,
        tenant as _,
        id as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(participant)
}

/// Whether the same person takes part in the same role.
pub(super) async fn exists(
    tx: &mut TenantTx,
    encounter: EncounterId,
    new: &NewParticipant,
) -> Result<bool> {
    let tenant = tx.tenant();
    let found = sqlx::query_scalar!(
        r#"select exists (select from app.encounter_participants
                           where tenant_id = $1 and encounter_id = $2 and (provider_id = $3 or user_id = $4) and role = $5)
                  as "found!""#,
        tenant as _,
        encounter as _,
        new.provider_id as _,
        new.user_id as _,
        new.role as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(found)
}

pub(super) async fn insert(
    tx: &mut TenantTx,
    id: ParticipantId,
    encounter: &EncounterRecord,
    new: &NewParticipant,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "insert into app.encounter_participants (tenant_id, id, patient_id, encounter_id, provider_id, user_id, role, created_at,
                updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $8)",
        tenant as _,
        id as _,
        encounter.patient_id as _,
        encounter.id as _,
        new.provider_id as _,
        new.user_id as _,
        new.role as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
