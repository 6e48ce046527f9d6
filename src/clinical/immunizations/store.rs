//! SQL of immunizations.

use chrono::NaiveDate;
use kernel::clock::Instant;
use kernel::ids::{EncounterId, ImmunizationId, PatientId, ProviderId, UserId};
use kernel::{Error, PartialDate, Result};
use platform::db::TenantTx;
use serde::Deserialize;
use serde_json::value::RawValue;
use sqlx::types::Json;

use super::dose::DoseQuantity;
use super::model::{
    DoseSource, DoseStatus, Immunization, InjectionSite, NewImmunization, NotGivenReason, Route,
    VaccineInformation,
};
use crate::entries::Remembered;

/// Which rows of a patient.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Filter<'a> {
    pub id: Option<ImmunizationId>,
    pub cvx: Option<&'a str>,
    pub status: Option<DoseStatus>,
    pub include_errors: bool,
}

#[derive(Deserialize)]
struct Row {
    id: ImmunizationId,
    patient_id: PatientId,
    cvx: String,
    name: String,
    status: DoseStatus,
    occurred_on: PartialDate,
    given_at: Option<Instant>,
    source: DoseSource,
    manufacturer: Option<String>,
    lot_number: Option<String>,
    expires_on: Option<NaiveDate>,
    site: Option<InjectionSite>,
    route: Option<Route>,
    dose_quantity: Option<DoseQuantity>,
    dose_unit: Option<String>,
    dose_number: Option<i32>,
    is_subpotent: bool,
    vis: Json<Vec<VaccineInformation>>,
    provider_id: Option<ProviderId>,
    performer_name: Option<String>,
    not_given_reason: Option<NotGivenReason>,
    note: Option<String>,
    encounter_id: Option<EncounterId>,
    error_reason: Option<String>,
    version: i64,
    created_by: Option<UserId>,
    created_at: Instant,
    updated_at: Instant,
}

impl From<Row> for Immunization {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            patient_id: row.patient_id,
            data: NewImmunization {
                cvx: row.cvx,
                name: Some(row.name),
                status: row.status,
                occurred_on: row.occurred_on,
                given_at: row.given_at,
                source: row.source,
                manufacturer: row.manufacturer,
                lot_number: row.lot_number,
                expires_on: row.expires_on,
                site: row.site,
                route: row.route,
                dose_quantity: row.dose_quantity,
                dose_unit: row.dose_unit,
                dose_number: row.dose_number,
                is_subpotent: row.is_subpotent,
                vis: row.vis.0,
                provider_id: row.provider_id,
                performer_name: row.performer_name,
                not_given_reason: row.not_given_reason,
                note: row.note,
                encounter_id: row.encounter_id,
            },
            error_reason: row.error_reason,
            version: row.version,
            recorded_by: row.created_by,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl Remembered for Immunization {
    const TABLE: &'static str = "immunizations";
    const RESOURCE: &'static str = "immunization";

    fn of_image(image: &RawValue) -> serde_json::Result<Self> {
        serde_json::from_str::<Row>(image.get()).map(Into::into)
    }

    fn version(&self) -> i64 {
        self.version
    }
}

/// Where a row stands in the list.
pub(super) type Place = (PartialDate, ImmunizationId);

/// Latest dose first.
pub(super) async fn page(
    tx: &mut TenantTx,
    patient: PatientId,
    filter: Filter<'_>,
    after: Option<Place>,
    limit: i64,
) -> Result<Vec<Immunization>> {
    let tenant = tx.tenant();
    let (on, id) = after.unzip();
    let rows = sqlx::query_as!(
        Row,
        r#"select id as "id: _", patient_id as "patient_id: _", cvx, name, status as "status: _", occurred_on as "occurred_on: _",
                  given_at, source as "source: _", manufacturer, lot_number, expires_on, site as "site: _", route as "route: _",
                  dose_quantity::text as "dose_quantity: _", dose_unit, dose_number, is_subpotent, vis as "vis: _", provider_id as "provider_id: _",
                  performer_name, not_given_reason as "not_given_reason: _", note, encounter_id as "encounter_id: _", error_reason,
                  version, created_by as "created_by: _", created_at, updated_at
             from app.immunizations
            where tenant_id = $1 and patient_id = $2
              and ($3::uuid is null or id = $3)
              and ($4::text is null or cvx = $4)
              and ($5::text is null or status = $5)
              and ($6 or status <> 'entered_in_error')
              and ($7::text is null or (occurred_on, id) < ($7, $8))
            order by occurred_on desc, id desc
            limit $9"#,
        tenant as _,
        patient as _,
        filter.id as _,
        filter.cvx,
        filter.status as _,
        filter.include_errors,
        on.as_ref() as _,
        id as _,
        limit
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

pub(super) async fn get(
    tx: &mut TenantTx,
    patient: PatientId,
    id: ImmunizationId,
) -> Result<Immunization> {
    let filter = Filter {
        id: Some(id),
        include_errors: true,
        ..Filter::default()
    };
    page(tx, patient, filter, None, 1)
        .await?
        .pop()
        .ok_or_else(Error::not_found)
}

/// Fetches the dose to be changed; others who want to change it wait.
pub(super) async fn lock(
    tx: &mut TenantTx,
    patient: PatientId,
    id: ImmunizationId,
) -> Result<Immunization> {
    let tenant = tx.tenant();
    sqlx::query_scalar!(
        "select version from app.immunizations where tenant_id = $1 and patient_id = $2 and id = $3 for no key update",
        tenant as _,
        patient as _,
        id as _
    )
    .fetch_optional(tx.conn())
    .await?
    .ok_or_else(Error::not_found)?;
    get(tx, patient, id).await
}

pub(super) async fn insert(
    tx: &mut TenantTx,
    patient: PatientId,
    id: ImmunizationId,
    data: &NewImmunization,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "insert into app.immunizations (tenant_id, id, patient_id, cvx, name, status, occurred_on, given_at, source, manufacturer,
                lot_number, expires_on, site, route, dose_quantity, dose_unit, dose_number, vis, provider_id, performer_name,
                not_given_reason, note, encounter_id, is_subpotent, created_by, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15::text::numeric, $16, $17, $18, $19, $20, $21, $22, $23,
                $25, app.user_id(), $24, $24)",
        tenant as _,
        id as _,
        patient as _,
        data.cvx,
        data.name,
        data.status as _,
        &data.occurred_on as _,
        data.given_at,
        data.source as _,
        data.manufacturer,
        data.lot_number,
        data.expires_on,
        data.site as _,
        data.route as _,
        data.dose_quantity as _,
        data.dose_unit,
        data.dose_number,
        Json(&data.vis) as _,
        data.provider_id as _,
        data.performer_name,
        data.not_given_reason as _,
        data.note,
        data.encounter_id as _,
        now,
        data.is_subpotent,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Writes over the dose that was locked before. `mistake`: why it should never have been entered.
pub(super) async fn update(
    tx: &mut TenantTx,
    id: ImmunizationId,
    data: &NewImmunization,
    mistake: Option<&str>,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update app.immunizations
            set cvx = $3, name = $4, status = $5, occurred_on = $6, given_at = $7, source = $8, manufacturer = $9, lot_number = $10,
                expires_on = $11, site = $12, route = $13, dose_quantity = $14::text::numeric, dose_unit = $15, dose_number = $16,
                vis = $17, provider_id = $18, performer_name = $19, not_given_reason = $20, note = $21, encounter_id = $22,
                error_reason = $23, is_subpotent = $25, version = version + 1, updated_at = $24
          where tenant_id = $1 and id = $2",
        tenant as _,
        id as _,
        data.cvx,
        data.name,
        data.status as _,
        &data.occurred_on as _,
        data.given_at,
        data.source as _,
        data.manufacturer,
        data.lot_number,
        data.expires_on,
        data.site as _,
        data.route as _,
        data.dose_quantity as _,
        data.dose_unit,
        data.dose_number,
        Json(&data.vis) as _,
        data.provider_id as _,
        data.performer_name,
        data.not_given_reason as _,
        data.note,
        data.encounter_id as _,
        mistake,
        now,
        data.is_subpotent,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// What "today" means for the tenant: an IANA zone.
pub(super) async fn tenant_zone(tx: &mut TenantTx) -> Result<String> {
    let tenant = tx.tenant();
    let zone = sqlx::query_scalar!(
        "select time_zone from app.tenants where tenant_id = $1",
        tenant as _
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(zone)
}
