//! Keeping templates, and filling them from a chart.

use chrono_tz::Tz;
use kernel::ids::{EncounterId, NoteTemplateId, PatientId};
use kernel::text::name_key;
use kernel::{Code, Error, OnConstraint, Page, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::audit::Action;
use platform::db::{CallerTx, TenantTx};
use platform::http::{Answer, IfMatch, MergePatch, Paging};

use super::model::{
    FillTemplate, FilledTemplate, ListTemplates, NewTemplate, NoteTemplate, TemplateStatus,
};
use super::placeholders::{self, Values};
use super::{from_chart, store};
use crate::encounters::{self, Encounter};
use crate::notes::content::NoteContent;
use crate::notes::model::NewNote;
use crate::patients::{self, Patient, PatientName};

pub(super) async fn add(ctx: &Ctx, new: NewTemplate) -> Result<Answer<NoteTemplate>> {
    let mut tx = ctx.begin(Permission::NoteTemplateManage).await?;
    let id = store::insert(&mut tx, &new, &name_key(&new.name), ctx.now())
        .await
        .on_constraint("note_templates_name_key", taken)?;
    let made = store::get(&mut tx, id).await?;
    let version = made.version;
    tx.commit(
        Disclosure::plain(made)
            .created_at(format!("/api/v1/note-templates/{id}"))
            .version(version),
    )
    .await
}

fn taken() -> Error {
    Error::new(Code::AlreadyExists).detail("A template of this type has this name.")
}

pub(super) async fn get(ctx: &Ctx, id: NoteTemplateId) -> Result<Answer<NoteTemplate>> {
    let mut tx = ctx.begin(Permission::NoteTemplateRead).await?;
    let found = store::get(&mut tx, id).await?;
    let version = found.version;
    tx.finish(Disclosure::plain(found).version(version)).await
}

pub(super) async fn list(ctx: &Ctx, query: ListTemplates) -> Result<Answer<Page<NoteTemplate>>> {
    let status = query.status.unwrap_or(TemplateStatus::Active);
    let filters = (query.r#type, &query.specialty, status);
    let paging = Paging::new(ctx, &filters, query.limit, query.cursor.clone())?;
    let after = paging.after()?;
    let mut tx = ctx.begin(Permission::NoteTemplateRead).await?;
    let rows = store::page(&mut tx, &query, status, after, paging.fetch()).await?;
    let page = paging.page(rows, |row| (name_key(&row.data.name), row.id))?;
    tx.finish(Disclosure::plain(page)).await
}

pub(super) async fn change(
    ctx: &Ctx,
    id: NoteTemplateId,
    if_match: IfMatch,
    patch: &MergePatch,
) -> Result<Answer<NoteTemplate>> {
    let mut tx = ctx.begin(Permission::NoteTemplateManage).await?;
    let present = store::lock(&mut tx, id).await?;
    if_match.require(present.version)?;
    let wanted: NewTemplate = patch.apply(&present.data)?;
    store::update(
        &mut tx,
        id,
        &wanted,
        &name_key(&wanted.name),
        present.status,
        ctx.now(),
    )
    .await
    .on_constraint("note_templates_name_key", taken)?;
    commit(tx, id).await
}

pub(super) async fn retire(ctx: &Ctx, id: NoteTemplateId) -> Result<Answer<NoteTemplate>> {
    let mut tx = ctx.begin(Permission::NoteTemplateManage).await?;
    let present = store::lock(&mut tx, id).await?;
    if present.status == TemplateStatus::Retired {
        return Err(Error::new(Code::IllegalTransition));
    }
    let key = name_key(&present.data.name);
    let retired = TemplateStatus::Retired;
    store::update(&mut tx, id, &present.data, &key, retired, ctx.now()).await?;
    commit(tx, id).await
}

async fn commit(mut tx: CallerTx, id: NoteTemplateId) -> Result<Answer<NoteTemplate>> {
    let found = store::get(&mut tx, id).await?;
    let version = found.version;
    tx.commit(Disclosure::plain(found).version(version)).await
}

/// What a new note begins with. Its encounter, if it names one, was checked before.
pub(in crate::notes) async fn fill_for(
    ctx: &Ctx,
    tx: &mut TenantTx,
    patient: PatientId,
    id: NoteTemplateId,
    new: &NewNote,
) -> Result<NoteContent> {
    let template = store::find(tx, id).await?.filter(|template| {
        template.status == TemplateStatus::Active && template.data.r#type == new.r#type
    });
    let template = template.ok_or_else(|| {
        let rule = "must name an active template of the note's type";
        Error::field("/template_id", "no_such_template", rule)
    })?;
    fill(ctx, tx, patient, new.encounter_id, template.data.content).await
}

pub(super) async fn preview(
    ctx: &Ctx,
    patient: PatientId,
    id: NoteTemplateId,
    query: &FillTemplate,
) -> Result<Answer<FilledTemplate>> {
    let mut tx = ctx.begin(Permission::NoteRead).await?;
    patients::require(&mut tx, patient).await?;
    let template = store::get(&mut tx, id).await?;
    let (note_type, content) = (template.data.r#type, template.data.content);
    let filled = FilledTemplate {
        template_id: id,
        r#type: note_type,
        content: fill(ctx, &mut tx, patient, query.encounter_id, content).await?,
    };
    tx.finish(Disclosure::of(
        "patient",
        Action::Read,
        patient,
        patient,
        filled,
    ))
    .await
}

async fn fill(
    ctx: &Ctx,
    tx: &mut TenantTx,
    patient: PatientId,
    encounter: Option<EncounterId>,
    mut content: NoteContent,
) -> Result<NoteContent> {
    let found = patients::find(tx, patient)
        .await?
        .ok_or_else(Error::not_found)?;
    let (mut values, zone) = values(ctx, tx, (patient, &found), encounter).await?;
    let texts: Vec<String> = content
        .sections_mut()
        .into_iter()
        .flatten()
        .map(|text| text.clone())
        .collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let now = (ctx.now(), zone);
    from_chart::add(tx, (patient, &found), &texts, now, &mut values).await?;
    for text in content.sections_mut().into_iter().flatten() {
        *text = placeholders::fill(text, &values);
    }
    Ok(content)
}

/// What the chart says, and the clinic's zone. A placeholder it says nothing about is left out.
async fn values(
    ctx: &Ctx,
    tx: &mut TenantTx,
    (patient, found): (PatientId, &Patient),
    encounter: Option<EncounterId>,
) -> Result<(Values, Tz)> {
    let encounter = match encounter {
        Some(id) => Some(
            encounters::find_in_tx(tx, Some(patient), id)
                .await?
                .ok_or_else(Error::not_found)?,
        ),
        None => None,
    };
    let about = store::writer(tx, ctx.user()).await?;
    let zone = encounters::zone(&about.time_zone).unwrap_or(Tz::UTC);
    let local = ctx.now().with_timezone(&zone);
    let mut values = Values::from([
        (
            "patient.age",
            patients::age_in_words(
                found.data.birth_date,
                found.data.deceased_on.unwrap_or(local.date_naive()),
            ),
        ),
        ("patient.birth_date", found.data.birth_date.to_string()),
        ("patient.sex", word(&found.data.sex)),
        ("patient.mrn", found.mrn.clone()),
        ("date", local.format("%Y-%m-%d").to_string()),
        ("time", local.format("%H:%M").to_string()),
        ("author.name", about.name),
    ]);
    if let Some(name) = PatientName::legal(&found.data.names) {
        values.insert("patient.name", name.spoken());
        values.insert("patient.family_name", name.family.clone());
        if !name.given.is_empty() {
            values.insert("patient.given_name", name.given.join(" "));
        }
    }
    if let Some(encounter) = encounter {
        add_encounter(&mut values, encounter);
    }
    Ok((values, zone))
}

fn add_encounter(values: &mut Values, encounter: Encounter) {
    values.insert("encounter.class", word(&encounter.record.class));
    if let Some(date) = encounter.record.starts_on {
        values.insert("encounter.date", date.to_string());
    } else if let Some((date, _)) = encounter.scheduled_local.split_once('T') {
        values.insert("encounter.date", date.to_owned());
    }
    if let Some(provider) = encounter.attending_provider {
        values.insert("encounter.provider", provider);
    }
    let coded = encounter.record.reason_codes.0.into_iter().next();
    let reason = encounter
        .record
        .chief_complaint
        .or_else(|| coded.and_then(|reason| reason.display));
    if let Some(reason) = reason {
        values.insert("encounter.reason", reason);
    }
}

/// A word of a closed set as it is read: `office visit`.
fn word(value: &impl serde::Serialize) -> String {
    let text = serde_json::to_value(value).unwrap_or_default();
    text.as_str().unwrap_or_default().replace('_', " ")
}
