//! What is done with services.

use identity::facilities::PlaceStatus;
use kernel::clock::Instant;
use kernel::ids::ServiceId;
use kernel::{Code, Error, FieldError, OnConstraint, Page, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::db::TenantTx;
use platform::http::{Answer, IfMatch, MergePatch, Paging};

use super::model::{ListServices, NewService, Service};
use super::store;
use crate::assets::AssetKind;
use crate::waitlist::{self, Opened};

pub(super) async fn list(ctx: &Ctx, query: ListServices) -> Result<Answer<Page<Service>>> {
    let narrowed_by = (query.appointment_type, query.self_booking, query.status);
    let paging = Paging::new(ctx, &narrowed_by, query.limit, query.cursor.clone())?;
    let mut tx = ctx.begin(Permission::SchedulingCatalogue).await?;
    let rows = store::page(&mut tx, &query, paging.after()?, paging.fetch()).await?;
    let page = paging.page(rows, |row| (row.data.name.clone(), row.id))?;
    tx.finish(Disclosure::plain(page)).await
}

pub(super) async fn read(ctx: &Ctx, id: ServiceId) -> Result<Answer<Service>> {
    let mut tx = ctx.begin(Permission::SchedulingCatalogue).await?;
    let service = get(&mut tx, id).await?.ok_or_else(Error::not_found)?;
    let version = service.version;
    tx.finish(Disclosure::plain(service).version(version)).await
}

pub(super) async fn add(ctx: &Ctx, new: NewService) -> Result<Answer<Service>> {
    let mut tx = ctx.begin(Permission::SchedulingManage).await?;
    require_skills(&mut tx, &new).await?;
    let mut service = add_service(&mut tx, new, ctx.now()).await?;
    service.warnings = unknown_kinds(&mut tx, None, &service.data).await?;
    let location = format!("/api/v1/scheduling/services/{}", service.id);
    tx.commit(Disclosure::plain(service).created_at(location).version(1))
        .await
}

pub(super) async fn change(
    ctx: &Ctx,
    id: ServiceId,
    if_match: IfMatch,
    patch: &MergePatch,
) -> Result<Answer<Service>> {
    let mut tx = ctx.begin(Permission::SchedulingManage).await?;
    let present = store::lock(&mut tx, id)
        .await?
        .ok_or_else(Error::not_found)?;
    if_match.require(present.version)?;
    let data: NewService = patch.apply(&present.data)?;
    if data.skills != present.data.skills {
        require_skills(&mut tx, &data).await?;
    }
    let unknown = unknown_kinds(&mut tx, Some(&present.data), &data).await?;
    if !unknown.is_empty() {
        return Err(Error::invalid(unknown));
    }
    let data = data.normalised();
    let now = ctx.now();
    store::update(&mut tx, id, &data, now)
        .await
        .on_constraint("scheduling_services_code_key", code_taken)?;
    if data.status == PlaceStatus::Active && present.data.status != PlaceStatus::Active {
        let opened = Opened::from_now(None, now).of(id);
        waitlist::time_opened(&mut tx, &opened, now).await?;
    }
    let version = present.version + 1;
    let service = Service {
        data,
        version,
        updated_at: now,
        ..present
    };
    tx.commit(Disclosure::plain(service).version(version)).await
}

/// Adds a service whose rules hold. Fails with `slug_taken` if the code is in use.
pub async fn add_service(tx: &mut TenantTx, new: NewService, now: Instant) -> Result<Service> {
    let data = new.normalised();
    let id = store::insert(tx, &data, now)
        .await
        .on_constraint("scheduling_services_code_key", code_taken)?;
    Ok(Service {
        id,
        data,
        version: 1,
        created_at: now,
        updated_at: now,
        warnings: Vec::new(),
    })
}

/// The service, offered or not.
pub async fn get(tx: &mut TenantTx, id: ServiceId) -> Result<Option<Service>> {
    store::find(tx, id).await
}

/// Those that are offered, by name; at most 500.
pub async fn all_active(tx: &mut TenantTx) -> Result<Vec<Service>> {
    store::all_active(tx).await
}

/// The service, if it is there and offered.
pub async fn get_active(tx: &mut TenantTx, id: ServiceId) -> Result<Option<Service>> {
    let service = store::find(tx, id).await?;
    Ok(service.filter(|service| service.data.status == PlaceStatus::Active))
}

/// That a body's service is there and offered. `pointer` is the field that names it.
pub async fn require_active(tx: &mut TenantTx, id: ServiceId, pointer: &str) -> Result<Service> {
    get_active(tx, id).await?.ok_or_else(|| {
        Error::field(
            pointer,
            "no_such_service",
            "must name a service that is offered",
        )
    })
}

/// A skill nobody has is a typing mistake: the service could never be booked.
async fn require_skills(tx: &mut TenantTx, new: &NewService) -> Result<()> {
    let held = store::held_of(tx, &new.clone().normalised().skills).await?;
    let unknown = new
        .skills
        .iter()
        .enumerate()
        .filter(|(_, skill)| !held.contains(&kernel::text::name_key(skill)))
        .map(|(place, _)| {
            FieldError::new(
                format!("/skills/{place}"),
                "unknown_skill",
                "must be a specialty of a provider of the organisation",
            )
        });
    let unknown: Vec<FieldError> = unknown.collect();
    if unknown.is_empty() {
        Ok(())
    } else {
        Err(Error::invalid(unknown))
    }
}

/// So is a kind of room or device nobody has, in a service that is changed to need it. A new service may come before its rooms, and
/// is told.
async fn unknown_kinds(
    tx: &mut TenantTx,
    present: Option<&NewService>,
    data: &NewService,
) -> Result<Vec<FieldError>> {
    let mut unknown = Vec::new();
    let mut none = |pointer: String| {
        let rule = "must be the kind of a room or device of the organisation";
        unknown.push(FieldError::new(pointer, "unknown_kind", rule));
    };
    if present.is_none_or(|present| data.room_kind != present.room_kind) {
        let room = data.room_kind.as_slice();
        if store::kinds_of(tx, AssetKind::Room, room).await?.is_empty() && !room.is_empty() {
            none("/room_kind".to_owned());
        }
    }
    let found = store::kinds_of(tx, AssetKind::Equipment, &data.equipment_kinds).await?;
    for (place, kind) in data.equipment_kinds.iter().enumerate() {
        let had = present.is_some_and(|present| present.equipment_kinds.contains(kind));
        if !had && !found.contains(kind) {
            none(format!("/equipment_kinds/{place}"));
        }
    }
    Ok(unknown)
}

fn code_taken() -> Error {
    Error::new(Code::SlugTaken)
}
