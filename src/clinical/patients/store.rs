//! The row of a patient.
//!
//! Opening a registration is the busiest read of the house; it goes through [`Glance`]. [`Row`] is decoded from the table and from an
//! image of the row in the history alike, so its members have the names of the columns.

use chrono::NaiveDate;
use kernel::clock::Instant;
use kernel::ids::{FacilityId, PatientId, ProviderId, UserId};
use kernel::{Code, Error, Result};
use platform::db::{Glance, Questions, TenantTx};
use serde::Deserialize;
use sqlx::PgConnection;
use sqlx::types::Json;

use super::keys;
use super::model::{
    BloodType, EmergencyContact, Ethnicity, GenderIdentity, HealthGoal, MaritalStatus, NewPatient,
    Patient, PatientAddress, PatientIdentifier, PatientName, Race, RiskFactor, Sex, Telecom,
};
use super::sealing::Sealed;
use super::status::PatientStatus;

#[derive(Deserialize)]
pub(super) struct Row {
    /// Which of the questions it answers.
    #[serde(skip)]
    place: i32,
    id: PatientId,
    mrn: String,
    status: PatientStatus,
    status_reason: Option<String>,
    replaced_by: Option<PatientId>,
    names: Json<Vec<PatientName>>,
    birth_date: NaiveDate,
    sex: Sex,
    gender_identity: Option<GenderIdentity>,
    language: Option<String>,
    race: Json<Vec<Race>>,
    ethnicity: Option<Json<Ethnicity>>,
    marital_status: Option<MaritalStatus>,
    deceased_on: Option<NaiveDate>,
    blood_type: Option<BloodType>,
    telecoms: Json<Vec<Telecom>>,
    addresses: Json<Vec<PatientAddress>>,
    contacts: Json<Vec<EmergencyContact>>,
    identifiers: Json<Vec<PatientIdentifier>>,
    health_goals: Json<Vec<HealthGoal>>,
    risk_factors: Json<Vec<RiskFactor>>,
    primary_provider_id: Option<ProviderId>,
    facility_id: Option<FacilityId>,
    portal_user_id: Option<UserId>,
    is_vip: bool,
    is_confidential: bool,
    version: i64,
    created_at: Instant,
    updated_at: Instant,
}

impl From<Row> for Patient {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            mrn: row.mrn,
            status: row.status,
            status_reason: row.status_reason,
            replaced_by: row.replaced_by,
            data: NewPatient {
                names: row.names.0,
                birth_date: row.birth_date,
                sex: row.sex,
                gender_identity: row.gender_identity,
                language: row.language,
                race: row.race.0,
                ethnicity: row.ethnicity.map(|Json(ethnicity)| ethnicity),
                marital_status: row.marital_status,
                deceased_on: row.deceased_on,
                blood_type: row.blood_type,
                telecoms: row.telecoms.0,
                addresses: row.addresses.0,
                contacts: row.contacts.0,
                identifiers: row.identifiers.0,
                health_goals: row.health_goals.0,
                risk_factors: row.risk_factors.0,
                primary_provider_id: row.primary_provider_id,
                facility_id: row.facility_id,
                portal_user_id: row.portal_user_id,
                is_vip: row.is_vip,
                is_confidential: row.is_confidential,
            },
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            affected_appointments: None,
        }
    }
}

/// A query for [`Row`]s: the place among the questions, the columns, and where they come from.
macro_rules! rows {
    ($place:tt, $from:tt, $($argument:expr),+) => {
        sqlx::query_as!(
            Row,
            "select " + $place + r#" as "place!", id as "id!: _", mrn as "mrn!", status as "status!: _", status_reason,
                  replaced_by as "replaced_by: _", names as "names!: _", birth_date as "birth_date!", sex as "sex!: _",
                  gender_identity as "gender_identity: _", language, race as "race!: _", ethnicity as "ethnicity: _",
                  marital_status as "marital_status: _", deceased_on, blood_type as "blood_type: _",
                  telecoms as "telecoms!: _", addresses as "addresses!: _", contacts as "contacts!: _",
                  identifiers as "identifiers!: _", health_goals as "health_goals!: _", risk_factors as "risk_factors!: _",
                  primary_provider_id as "primary_provider_id: _", facility_id as "facility_id: _",
                  portal_user_id as "portal_user_id: _", is_vip as "is_vip!", is_confidential as "is_confidential!",
                  version as "version!", created_at as "created_at!", updated_at as "updated_at!""# + $from,
            $($argument),+
        )
    };
}

pub(super) async fn find(tx: &mut TenantTx, id: PatientId) -> Result<Option<Patient>> {
    let tenant = tx.tenant();
    let row = rows!(
        "1",
        " from app.patients where tenant_id = $1 and id = $2 and deleted_at is null",
        tenant as _,
        id as _
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(Into::into))
}

impl Glance for Row {
    async fn look(
        connection: &mut PgConnection,
        questions: &Questions,
    ) -> Result<Vec<(i32, Self)>, sqlx::Error> {
        let rows = rows!(
            "place",
            " from app.patients_at_a_glance($1, $2, $3)",
            &questions.contexts,
            &questions.tenants,
            &questions.ids
        )
        .fetch_all(connection)
        .await?;
        Ok(rows.into_iter().map(|row| (row.place, row)).collect())
    }
}

/// Holds the row until the transaction ends. Returns its sealed SSN, if it has one.
///
/// # Errors
/// `not_found`; `patient_merged`, naming who replaces him: nothing is written into a merged registration.
pub(super) async fn lock(tx: &mut TenantTx, id: PatientId) -> Result<Option<String>> {
    let tenant = tx.tenant();
    let row = sqlx::query!(
        // Rows that come to refer to the patient need not wait.
        r#"select ssn_sealed, replaced_by as "replaced_by: PatientId" from app.patients
            where tenant_id = $1 and id = $2 and deleted_at is null for no key update"#,
        tenant as _,
        id as _
    )
    .fetch_optional(tx.conn())
    .await?
    .ok_or_else(Error::not_found)?;
    match row.replaced_by {
        Some(survivor) => Err(merged_into(survivor)),
        None => Ok(row.ssn_sealed),
    }
}

/// What a write into a merged registration gets, and who asks for a record under it.
pub(super) fn merged_into(survivor: PatientId) -> Error {
    Error::new(Code::PatientMerged).with("replaced_by", serde_json::json!(survivor))
}

/// The status of a patient who has not been retired, and who replaces him.
pub(super) async fn status(
    tx: &mut TenantTx,
    id: PatientId,
) -> Result<Option<(PatientStatus, Option<PatientId>)>> {
    let tenant = tx.tenant();
    let row = sqlx::query!(
        r#"select status as "status: PatientStatus", replaced_by as "replaced_by: PatientId" from app.patients
            where tenant_id = $1 and id = $2 and deleted_at is null"#,
        tenant as _,
        id as _
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| (row.status, row.replaced_by)))
}

/// Inserts a patient. Returns whether the number was free: a generated one may have come with an import before.
pub(super) async fn insert(
    tx: &mut TenantTx,
    id: PatientId,
    mrn: &str,
    status: PatientStatus,
    sealed: &Sealed,
    now: Instant,
) -> Result<bool> {
    let tenant = tx.tenant();
    let data = &sealed.data;
    let done = sqlx::query!(
        r#"insert into app.patients (tenant_id, id, mrn, status, names, sort_key, birth_date, sex, gender_identity, language, race,
                  ethnicity, marital_status, deceased_on, blood_type, telecoms, addresses, contacts, identifiers, ssn_sealed, ssn_revision,
                  health_goals, risk_factors, primary_provider_id, facility_id, portal_user_id, is_vip, is_confidential,
                  created_by, created_at, updated_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
                  ($20::text is not null)::integer, $21, $22, $23, $24, $25, $26, $27, app.user_id(), $28, $28)
           on conflict do nothing"#,
        tenant as _,
        id as _,
        mrn,
        status as _,
        Json(&data.names) as _,
        sort_key(data),
        data.birth_date,
        data.sex as _,
        data.gender_identity as _,
        data.language,
        Json(&data.race) as _,
        data.ethnicity.as_ref().map(Json) as _,
        data.marital_status as _,
        data.deceased_on,
        data.blood_type as _,
        Json(&data.telecoms) as _,
        Json(&data.addresses) as _,
        Json(&data.contacts) as _,
        Json(&data.identifiers) as _,
        sealed.ssn,
        Json(&data.health_goals) as _,
        Json(&data.risk_factors) as _,
        data.primary_provider_id as _,
        data.facility_id as _,
        data.portal_user_id as _,
        data.is_vip,
        data.is_confidential,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Writes a registration over the one that was locked before.
pub(super) async fn update(
    tx: &mut TenantTx,
    id: PatientId,
    status: PatientStatus,
    sealed: &Sealed,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    let data = &sealed.data;
    sqlx::query!(
        r#"update app.patients
              set status = $3, names = $4, sort_key = $5, birth_date = $6, sex = $7, gender_identity = $8, language = $9, race = $10,
                  ethnicity = $11, marital_status = $12, deceased_on = $13, blood_type = $14, telecoms = $15, addresses = $16,
                  contacts = $17, identifiers = $18, ssn_sealed = $19,
                  ssn_revision = ssn_revision + (ssn_sealed is distinct from $19)::integer, health_goals = $20, risk_factors = $21,
                  primary_provider_id = $22, facility_id = $23, portal_user_id = $24, is_vip = $25, is_confidential = $26,
                  version = version + 1, updated_at = $27
            where tenant_id = $1 and id = $2"#,
        tenant as _,
        id as _,
        status as _,
        Json(&data.names) as _,
        sort_key(data),
        data.birth_date,
        data.sex as _,
        data.gender_identity as _,
        data.language,
        Json(&data.race) as _,
        data.ethnicity.as_ref().map(Json) as _,
        data.marital_status as _,
        data.deceased_on,
        data.blood_type as _,
        Json(&data.telecoms) as _,
        Json(&data.addresses) as _,
        Json(&data.contacts) as _,
        Json(&data.identifiers) as _,
        sealed.ssn,
        Json(&data.health_goals) as _,
        Json(&data.risk_factors) as _,
        data.primary_provider_id as _,
        data.facility_id as _,
        data.portal_user_id as _,
        data.is_vip,
        data.is_confidential,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn set_status(
    tx: &mut TenantTx,
    id: PatientId,
    status: PatientStatus,
    reason: Option<&str>,
    deceased_on: Option<NaiveDate>,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        r#"update app.patients
              set status = $3, status_reason = $4, deceased_on = $5, version = version + 1, updated_at = $6
            where tenant_id = $1 and id = $2"#,
        tenant as _,
        id as _,
        status as _,
        reason,
        deceased_on,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// How many appointments of a patient stand that are still to come. Nothing cancels them: they are listed as affected.
pub(super) async fn still_to_come(tx: &mut TenantTx, id: PatientId, now: Instant) -> Result<i64> {
    let tenant = tx.tenant();
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from app.appointments
            where tenant_id = $1 and patient_id = $2 and status in ('scheduled', 'confirmed') and starts_at >= $3"#,
        tenant as _,
        id as _,
        now
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(count)
}

/// Takes a registration out of everybody's sight. The row stays, its account is free for another.
pub(super) async fn retire(tx: &mut TenantTx, id: PatientId, now: Instant) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        r#"update app.patients set deleted_at = $3, portal_user_id = null, version = version + 1, updated_at = $3
            where tenant_id = $1 and id = $2"#,
        tenant as _,
        id as _,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

fn sort_key(data: &NewPatient) -> String {
    PatientName::legal(&data.names)
        .map(keys::sort_key)
        .unwrap_or_default()
}
