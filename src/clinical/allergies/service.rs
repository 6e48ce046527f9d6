//! Recording allergies.

use kernel::clock::Instant;
use kernel::ids::{AllergyId, PatientId};
use kernel::{Code, Error, OnConstraint, Page, Result, text};
use platform::access::{Ctx, Disclosure, Permission};
use platform::audit::Action;
use platform::db::{CallerTx, TenantTx};
use platform::http::{Answer, IfMatch, MergePatch, Paging};
use serde_json::json;

use super::model::{
    Allergy, AllergyVerification, ListAllergies, NewAllergy, Substance, SubstanceKind,
};
use super::store::{self, Filter};
use super::{drug_classes, statements};
use crate::entries::{
    self, Amended, Mistake, Then, amended_page, disclose_one, list_amended_as_of, show_amended,
};
use crate::patients::{self, Patient};
use crate::terminology::System;

const RESOURCE: &str = "allergy";

pub(super) async fn list(
    ctx: &Ctx,
    patient: PatientId,
    query: ListAllergies,
) -> Result<Answer<Page<Amended<Allergy>>>> {
    if let Some(at) = query.as_of {
        let then = Then::page(patient, at, query.limit, query.cursor);
        let filters = (query.status, query.include_errors);
        let id = |row: &Allergy| row.id.0;
        return list_amended_as_of(ctx, then, &filters, id, |row| {
            (query.include_errors || row.error_reason.is_none())
                && query.status.is_none_or(|status| status == row.data.status)
        })
        .await;
    }
    let filters = (patient, query.status, query.include_errors);
    let paging = Paging::new(ctx, &filters, query.limit, query.cursor)?;
    let mut tx = ctx.begin(Permission::AllergyRead).await?;
    patients::require(&mut tx, patient).await?;
    let filter = Filter {
        status: query.status,
        include_errors: query.include_errors,
        ..Filter::default()
    };
    let rows = store::page(&mut tx, patient, filter, paging.after()?, paging.fetch()).await?;
    let page = paging.page(rows, |row| (row.created_at, row.id))?;
    let page = amended_page(&mut tx, patient, page, |row| row.id.0).await?;
    tx.finish(Disclosure::of(
        RESOURCE,
        Action::Read,
        patient,
        patient,
        page,
    ))
    .await
}

pub(super) async fn read(
    ctx: &Ctx,
    patient: PatientId,
    id: AllergyId,
) -> Result<Answer<Amended<Allergy>>> {
    let mut tx = ctx.begin(Permission::AllergyRead).await?;
    patients::require(&mut tx, patient).await?;
    let allergy = store::get(&mut tx, patient, id).await?;
    show_amended(tx, patient, id, allergy).await
}

pub(super) async fn record(
    ctx: &Ctx,
    patient: PatientId,
    new: NewAllergy,
) -> Result<Answer<Allergy>> {
    let mut tx = ctx.begin(Permission::AllergyWrite).await?;
    patients::hold(&mut tx, patient).await?;
    let person = entries::require_person(&mut tx, patient).await?;
    let id = add_in_tx(&mut tx, &person, new, ctx.now()).await?;
    let allergy = store::get(&mut tx, patient, id).await?;
    let place = format!("/api/v1/patients/{patient}/allergies/{id}");
    tx.commit(disclose_one(Action::Create, patient, id, allergy).created_at(place))
        .await
}

/// Records an allergy of a patient who is held ([`patients::hold`]).
///
/// # Errors
/// Field errors of codes, dates and the encounter; `allergy_already_active`, `allergy_contradicts_statement`.
pub async fn add_in_tx(
    tx: &mut TenantTx,
    person: &Patient,
    new: NewAllergy,
    now: Instant,
) -> Result<AllergyId> {
    let (ready, key) = prepare(tx, person, None, new, now).await?;
    let id = AllergyId::new();
    store::insert(tx, person.id, id, &ready, &key, now)
        .await
        .on_constraint("allergies_active_key", already_active)?;
    Ok(id)
}

/// As [`add_in_tx`], of an entry that has changed where it came from. Whether it may be changed is the caller's to know.
///
/// # Errors
/// As [`add_in_tx`]; `entered_in_error`, `not_found`.
pub async fn revise_in_tx(
    tx: &mut TenantTx,
    person: &Patient,
    id: AllergyId,
    new: NewAllergy,
    now: Instant,
) -> Result<()> {
    let present = changeable(tx, person.id, id).await?;
    let (ready, key) = prepare(tx, person, Some(&present), new, now).await?;
    if ready == present.data {
        return Ok(());
    }
    store::update(tx, id, &ready, &key, None, now)
        .await
        .on_constraint("allergies_active_key", already_active)
}

/// Adds to an allergy what another source says of the same: what is worse counts, and nothing that was said is lost. False: what is
/// new did not all fit.
///
/// # Errors
/// As [`revise_in_tx`].
pub async fn worsen_in_tx(
    tx: &mut TenantTx,
    person: &Patient,
    id: AllergyId,
    other: &NewAllergy,
    now: Instant,
) -> Result<bool> {
    let present = changeable(tx, person.id, id).await?;
    let (both, fits) = present.data.and(other);
    revise_in_tx(tx, person, id, both, now).await?;
    Ok(fits)
}

pub(super) async fn amend(
    ctx: &Ctx,
    patient: PatientId,
    id: AllergyId,
    if_match: IfMatch,
    patch: &MergePatch,
) -> Result<Answer<Allergy>> {
    let mut tx = ctx.begin(Permission::AllergyWrite).await?;
    patients::hold(&mut tx, patient).await?;
    let person = entries::require_person(&mut tx, patient).await?;
    let present = changeable(&mut tx, patient, id).await?;
    if_match.require(present.version)?;
    let mut wanted: NewAllergy = patch.apply(&present.data)?;
    // Another code and the text of the old one: the text is the new code's.
    let (old, new) = (&present.data.substance, &wanted.substance);
    if (old.kind, &old.code) != (new.kind, &new.code) && new.code.is_some() && old.text == new.text
    {
        wanted.substance.text = None;
    }
    let (ready, key) = prepare(&mut tx, &person, Some(&present), wanted, ctx.now()).await?;
    write(tx, patient, id, (&ready, &key), None, ctx.now()).await
}

pub(super) async fn take_back(
    ctx: &Ctx,
    patient: PatientId,
    id: AllergyId,
    mistake: Mistake,
) -> Result<Answer<Allergy>> {
    let mut tx = ctx.begin(Permission::AllergyWrite).await?;
    patients::hold(&mut tx, patient).await?;
    let present = changeable(&mut tx, patient, id).await?;
    let ready = NewAllergy {
        verification: AllergyVerification::EnteredInError,
        ..present.data
    };
    let key = key_of(&ready.substance);
    let reason = Some(mistake.reason.as_str());
    write(tx, patient, id, (&ready, &key), reason, ctx.now()).await
}

/// Marks an allergy as entered in error, for whoever is no caller, such as an import. One that is so already stays.
///
/// # Errors
/// `not_found`.
pub async fn take_back_in_tx(
    tx: &mut TenantTx,
    patient: PatientId,
    id: AllergyId,
    reason: &str,
    now: Instant,
) -> Result<()> {
    let mut ready = store::get(tx, patient, id).await?.data;
    if ready.verification == AllergyVerification::EnteredInError {
        return Ok(());
    }
    ready.verification = AllergyVerification::EnteredInError;
    let key = key_of(&ready.substance);
    store::update(tx, id, &ready, &key, Some(reason), now).await
}

/// The allergy to be changed, unless it was entered in error.
async fn changeable(tx: &mut TenantTx, patient: PatientId, id: AllergyId) -> Result<Allergy> {
    let present = store::get(tx, patient, id).await?;
    if present.data.verification == AllergyVerification::EnteredInError {
        return Err(Error::new(Code::EnteredInError));
    }
    Ok(present)
}

/// Checks what is said against codes, dates, the other allergies and the statements. Returns it with the substance named, and
/// the key by which the substance is compared.
async fn prepare(
    tx: &mut TenantTx,
    person: &Patient,
    present: Option<&Allergy>,
    mut wanted: NewAllergy,
    now: Instant,
) -> Result<(NewAllergy, String)> {
    entries::check_not_before_birth(person.data.birth_date, "/onset", wanted.onset.as_ref())?;
    let before = present.map(|present| &present.data);
    let encounter = before.and_then(|before| before.encounter_id);
    entries::check_encounter(tx, person.id, encounter, wanted.encounter_id).await?;
    if before.is_none_or(|before| before.substance != wanted.substance) {
        name_substance(tx, &mut wanted.substance, now).await?;
    }
    for (place, reaction) in wanted.reactions.iter_mut().enumerate() {
        let known = before.is_some_and(|before| before.reactions.contains(reaction));
        if let (Some(code), false) = (&mut reaction.snomed, known) {
            let pointer = format!("/reactions/{place}/snomed");
            let place = (pointer.as_str(), System::Snomed);
            *code = entries::code_part(tx, place, code, now.date_naive()).await?;
        }
    }
    let key = key_of(&wanted.substance);
    if wanted.is_live() {
        let (kind, except) = (wanted.substance.kind, present.map(|present| present.id));
        if let Some(other) = store::live_to(tx, person.id, kind, &key, except).await? {
            return Err(already_active().with("allergy_id", json!(other)));
        }
        statements::refuse_denied(tx, person.id, kind).await?;
    }
    Ok((wanted, key))
}

/// Checks the code of a substance, and names it.
async fn name_substance(tx: &mut TenantTx, substance: &mut Substance, now: Instant) -> Result<()> {
    let Some(said) = &substance.code else {
        return Ok(());
    };
    let pointer = "/substance/code";
    let system = match substance.kind {
        SubstanceKind::Drug => System::Rxnorm,
        SubstanceKind::DrugClass => {
            let label = drug_classes::require(pointer, said)?;
            substance.text.get_or_insert_with(|| label.to_owned());
            return Ok(());
        }
        SubstanceKind::Food | SubstanceKind::Environment => System::Snomed,
    };
    let (code, name) = entries::code_named(
        tx,
        (pointer, system),
        said,
        substance.text.take(),
        now.date_naive(),
    )
    .await?;
    if name.is_none() {
        let rule = "must be given: the loaded code sets have no name for the code";
        return Err(Error::field("/substance/text", "missing_field", rule));
    }
    (substance.code, substance.text) = (Some(code), name);
    Ok(())
}

/// How a substance is compared: by its code, or by its text without case, accents and punctuation.
fn key_of(substance: &Substance) -> String {
    match (&substance.code, &substance.text) {
        (Some(code), _) => code.clone(),
        (None, Some(said)) => match text::name_key(said) {
            key if key.is_empty() => said.clone(),
            key => format!("text:{key}"),
        },
        (None, None) => String::new(),
    }
}

fn already_active() -> Error {
    Error::new(Code::AllergyAlreadyActive)
}

async fn write(
    mut tx: CallerTx,
    patient: PatientId,
    id: AllergyId,
    (data, key): (&NewAllergy, &str),
    mistake: Option<&str>,
    now: Instant,
) -> Result<Answer<Allergy>> {
    store::update(&mut tx, id, data, key, mistake, now)
        .await
        .on_constraint("allergies_active_key", already_active)?;
    let allergy = store::get(&mut tx, patient, id).await?;
    tx.commit(disclose_one(Action::Update, patient, id, allergy))
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn substances_compare_by_code_or_by_what_they_are_called() {
        let substance = |code: Option<&str>, text: &str| Substance {
            kind: SubstanceKind::Food,
            code: code.map(str::to_owned),
            text: Some(text.to_owned()),
        };
        assert_eq!(
            key_of(&substance(None, "Peanut")),
            key_of(&substance(None, " PEANUT "))
        );
        assert_ne!(
            key_of(&substance(None, "Peanut")),
            key_of(&substance(None, "Cashew"))
        );
        assert_eq!(
            key_of(&substance(Some("91935009"), "Peanut")),
            key_of(&substance(Some("91935009"), "Erdnuss"))
        );
        assert_ne!(
            key_of(&substance(None, "!!")),
            key_of(&substance(None, "??"))
        );
    }
}
