//! Refusals are recorded too, before the caller learns of them: in the access log when a chart was asked for, and as a
//! security event when a role reached for what it may not do.

use kernel::ids::PatientId;
use kernel::{Code, Error, Kind, Result};

use super::RequestInfo;
use crate::access::{Ctx, Effect, Permission};
use crate::app::App;
use crate::audit::{Action, SecurityEvent, SecurityKind, Subject, patient_of, security};
use crate::db::SystemTx;

/// Records a refusal of a known caller. Says nothing of requests that never reached an operation.
pub(super) async fn record(
    app: &App,
    info: &std::sync::Arc<RequestInfo>,
    error: &Error,
) -> Result<()> {
    let (Some(caller), Some(permission)) = (info.caller.get(), info.permission()) else {
        return Ok(());
    };
    if permission.touches_phi() && is_told(info, error.kind()) {
        let ctx = Ctx::new(app.clone(), caller.clone(), info.clone(), None);
        let mut subject = info.concerned();
        let was_reached = info.has_begun() || error.kind() != Kind::Invalid;
        if let (None, Some(thing), true) = (subject.patient, subject.resource, was_reached) {
            // A note's path names no patient; his own log shall show who reached for it all the same.
            let mut tx = SystemTx::begin(&app.db, caller.tenant).await?;
            subject.patient = patient_of(&mut tx, thing).await?;
        }
        let subjects = with_those_asked_about(subject, info.asked_about());
        let mut records = ctx.refusing(permission, action(permission), &subjects);
        if let Some(survivor) = survivor_in(error) {
            records.extend(ctx.showing(Action::Read, [("patient", survivor)]));
        }
        app.access_log.write(records).await?;
    }
    // Not every 403 is about a role: a wrong present password is one too.
    if error.code() == Code::Forbidden {
        let event = SecurityEvent::new(SecurityKind::PermissionRefused, false)
            .by(Some(caller.user), Some(caller.session))
            .because(permission.as_str());
        security::record(&app.db, caller.tenant, &event, Some(info), app.clock.now()).await?;
    }
    Ok(())
}

/// What the work or the path names, and the patients whom the body or the parameters name.
fn with_those_asked_about(subject: Subject, mut asked: Vec<Subject>) -> Vec<Subject> {
    asked.retain(|one| one.patient != subject.patient);
    if asked.is_empty() || subject != Subject::default() {
        asked.insert(0, subject);
    }
    asked
}

/// The registration that a problem sends the caller on to: its id is shown, and whose it was before.
fn survivor_in(error: &Error) -> Option<Subject> {
    let (_, id) = error
        .extension()
        .filter(|_| error.code() == Code::PatientMerged)?;
    let patient: PatientId = id.as_str()?.parse().ok()?;
    Some(Subject {
        patient: Some(patient),
        resource: Some(patient.0),
    })
}

/// Whether the refusal tells of a chart, or of somebody reaching for one. Of a request that can't be read it does not; but once
/// the work has looked, any refusal may: that a range lies outside of a document tells its size.
fn is_told(info: &RequestInfo, kind: Kind) -> bool {
    match kind {
        Kind::Forbidden | Kind::NotFound | Kind::Conflict | Kind::Stale | Kind::Invalid => true,
        Kind::Internal | Kind::Unavailable => false,
        _ => info.has_begun(),
    }
}

/// What the caller was about to do.
fn action(permission: Permission) -> Action {
    match permission.as_str().rsplit('.').next().unwrap_or_default() {
        "search" => Action::Search,
        "create" | "schedule" => Action::Create,
        "retire" => Action::Delete,
        _ if permission.effect() == Effect::Writes => Action::Update,
        _ => Action::Read,
    }
}
