//! `DocumentReference` and the notes of `DiagnosticReport` → documents.
//!
//! What was signed elsewhere is not signed here: it becomes a document whose source is `import`, without an attestation, and its
//! description says whose it was. The content is stored before the transaction that files it ([`super::super::papers`]). Every
//! attachment is a document of its own, and so is the conclusion of a report, unless an attachment says it too.
//!
//! The same bytes of the same patient are one document, whichever resources bring them, as long as these agree on the day, the
//! kind (LOINC) and the encounter: two visits may well end with the same words.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono_tz::Tz;
use clinical::documents::{Category, DocumentKind, NewDocument};
use serde_json::{Value, json};

use super::super::dates;
use super::super::elements::{at_most, codings, list, text, tidy, wording};
use super::super::reference::Name;
use super::super::resource::Resource;
use super::{Entered, Whose, code_of, codes, words};

/// What comes as a document.
pub(in super::super) const TYPES: [&str; 2] = ["DiagnosticReport", "DocumentReference"];

/// A content that is in the resource itself.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct Attachment {
    pub filename: String,
    pub content_type: String,
    pub bytes: Vec<u8>,
}

/// Whether the resource may become a document.
pub(in super::super) fn is_paper(resource: &Resource) -> bool {
    TYPES.contains(&resource.name.resource_type.as_str())
}

/// Why the resource becomes none, if that can be told without its content. `is_filed`: it has become one before.
pub(in super::super) fn refusal(resource: &Resource, is_filed: bool) -> Option<Entered> {
    let value = &resource.value;
    if text(value, "/docStatus") == Some("entered-in-error")
        || text(value, "/status") == Some("entered-in-error")
    {
        return Some(Entered::Left("was entered in error at its source"));
    }
    if is_superseded(value) && !is_filed {
        return Some(Entered::Left("was superseded at its source"));
    }
    if let Some(unknown) = codes::modified(value) {
        return Some(unknown);
    }
    if datas(value).next().is_some() || conclusion(value).is_some() {
        return None;
    }
    if attachments(value).any(|one| elsewhere(resource, one).is_some()) {
        return None;
    }
    if attachments(value).next().is_some() {
        return Some(Entered::refused("its content is not in the file"));
    }
    Some(Entered::Left("brings no document"))
}

fn attachments(value: &Value) -> impl Iterator<Item = &Value> {
    let of_reference = list(value, "/content")
        .iter()
        .filter_map(|content| content.pointer("/attachment"));
    of_reference.chain(list(value, "/presentedForm"))
}

/// The attachments with a content, and that content.
fn datas(value: &Value) -> impl Iterator<Item = (&Value, &str)> {
    attachments(value).filter_map(|attachment| Some((attachment, text(attachment, "/data")?)))
}

/// The `Binary` that has the content of an attachment, where that is said to have it.
fn elsewhere(resource: &Resource, attachment: &Value) -> Option<Name> {
    if text(attachment, "/data").is_some() {
        return None;
    }
    let reference = json!({ "reference": text(attachment, "/url")? });
    resource
        .scope
        .resolve(&reference, "Binary", &resource.value)
}

/// Which `Binary` has the contents that are not in the resource itself.
pub(in super::super) fn contents_elsewhere(resource: &Resource) -> Vec<Name> {
    attachments(&resource.value)
        .filter_map(|one| elsewhere(resource, one))
        .collect()
}

/// The resource with a content put where it names it.
pub(in super::super) fn with_content(
    resource: &Resource,
    name: &Name,
    (data, content_type): &(String, Option<String>),
) -> Resource {
    let mut whole = resource.clone();
    let lists = ["/content", "/presentedForm"];
    let places: Vec<String> = lists
        .iter()
        .flat_map(|list| {
            let count = self::list(&resource.value, list).len();
            (0..count).map(move |at| format!("{list}/{at}"))
        })
        .flat_map(|place| [format!("{place}/attachment"), place])
        .collect();
    for place in places {
        let Some(attachment) = whole.value.pointer_mut(&place) else {
            continue;
        };
        if elsewhere(resource, attachment).as_ref() != Some(name) {
            continue;
        }
        let Some(members) = attachment.as_object_mut() else {
            continue;
        };
        members.insert("data".to_owned(), Value::String(data.clone()));
        if let (None, Some(kind)) = (members.get("contentType"), content_type) {
            members.insert("contentType".to_owned(), Value::String(kind.clone()));
        }
    }
    whole
}

/// What a report concludes in words.
fn conclusion(value: &Value) -> Option<&str> {
    text(value, "/conclusion")
}

/// The contents, decoded, and why others could not be; or why there is none.
pub(in super::super) fn contents(
    value: &Value,
) -> Result<(Vec<Attachment>, Option<String>), Entered> {
    let (mut found, mut lacks) = (Vec::new(), None);
    for (attachment, data) in datas(value) {
        match content(attachment, data) {
            // The same words twice in one resource are one document.
            Ok(content) if found.contains(&content) => {}
            Ok(content) => found.push(content),
            Err(why) => lacks = lacks.or(Some(why)),
        }
    }
    if attachments(value).count() > datas(value).count() {
        lacks = lacks.or(Some("the content of an attachment is not in the file"));
    }
    if let Some(said) = conclusion(value)
        && !found.iter().any(|content| says(content, said))
    {
        found.push(Attachment {
            filename: "conclusion.txt".to_owned(),
            content_type: "text/plain".to_owned(),
            bytes: said.as_bytes().to_vec(),
        });
    }
    match (found.is_empty(), lacks) {
        (true, Some(why)) => Err(Entered::refused(why)),
        (true, None) => Err(Entered::Left("brings no document")),
        (false, lacks) => Ok((found, lacks.map(str::to_owned))),
    }
}

/// Whether a content says these words, as far as it can be read as text.
fn says(content: &Attachment, said: &str) -> bool {
    let whole = tidy(&String::from_utf8_lossy(&content.bytes));
    whole.contains(&tidy(said))
}

fn content(attachment: &Value, data: &str) -> Result<Attachment, &'static str> {
    let packed: Vec<u8> = data
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    let bytes = STANDARD
        .decode(packed)
        .map_err(|_| "the data of its attachment is not base64")?;
    if bytes.is_empty() {
        return Err("brings an empty document");
    }
    let content_type = text(attachment, "/contentType").unwrap_or("text/plain");
    let content_type = content_type.split(';').next().unwrap_or_default().trim();
    let extension = match content_type {
        "application/pdf" => "pdf",
        "text/html" => "html",
        "text/xml" | "application/xml" => "xml",
        "image/jpeg" => "jpg",
        "image/png" => "png",
        _ => "txt",
    };
    let title = text(attachment, "/title").and_then(|title| words(title, 150));
    Ok(Attachment {
        filename: title.unwrap_or_else(|| format!("document.{extension}")),
        content_type: content_type.to_owned(),
        bytes,
    })
}

/// What the document is.
pub(in super::super) fn label(
    value: &Value,
    whose: Whose,
    zone: Tz,
) -> Result<NewDocument, Entered> {
    let concept = value
        .pointer("/type")
        .or_else(|| value.pointer("/code"))
        .unwrap_or(&Value::Null);
    let loinc = codings(concept)
        .find(|coding| coding.system == Some("http://loinc.org"))
        .map(|coding| coding.code.to_owned());
    let day = [
        "/date",
        "/effectiveDateTime",
        "/effectivePeriod/start",
        "/issued",
        "/context/period/start",
    ]
    .iter()
    .find_map(|place| dates::day_on(text(value, place)?, zone))
    .ok_or(Entered::refused("does not say of what day it is"))?;
    let authors: Vec<String> = list(value, "/author")
        .iter()
        .chain(list(value, "/performer"))
        .filter_map(|author| words(text(author, "/display")?, 100))
        .collect();
    let mut about = vec!["Imported; not signed here.".to_owned()];
    if !authors.is_empty() {
        about.push(format!("Author at its source: {}.", authors.join(", ")));
    }
    about.extend(
        text(value, "/docStatus")
            .or_else(|| text(value, "/status"))
            .map(|status| format!("Status at its source: {status}.")),
    );
    about.extend(text(value, "/description").and_then(|said| words(said, 1000)));
    Ok(NewDocument {
        category: Category::Clinical,
        kind: kind(value, loinc.as_deref()),
        title: words(
            &format!(
                "{}{}",
                standing(value),
                wording(concept).unwrap_or("Document")
            ),
            200,
        )
        .unwrap_or_else(|| "Document".to_owned()),
        description: words(&about.join(" "), 2000),
        document_date: day,
        loinc_code: loinc,
        encounter_id: whose.encounter,
        appointment_id: None,
    })
}

const REPLACED: &str = "Replaced: ";

/// What must be read before its title.
fn standing(value: &Value) -> &'static str {
    if is_superseded(value) {
        REPLACED
    } else if is_final(value) {
        ""
    } else {
        "Not final: "
    }
}

fn is_superseded(value: &Value) -> bool {
    text(value, "/status") == Some("superseded")
}

/// The same, of what another letter has replaced.
pub(in super::super) fn replaced(mut label: NewDocument) -> NewDocument {
    if !label.title.starts_with(REPLACED) {
        label.title = at_most(&format!("{REPLACED}{}", label.title), 200);
    }
    label
}

/// Whether its source stands by it as it is. A letter has its own state beside the state of the reference to it.
fn is_final(value: &Value) -> bool {
    !matches!(
        text(value, "/docStatus").or_else(|| text(value, "/status")),
        Some("preliminary" | "registered" | "partial")
    )
}

fn kind(value: &Value, loinc: Option<&str>) -> DocumentKind {
    match loinc {
        Some("18842-5") => DocumentKind::DischargeSummary,
        Some("11488-4") => DocumentKind::ConsultationReport,
        Some("11502-2") => DocumentKind::LabReport,
        Some("18748-4") => DocumentKind::ImagingReport,
        Some("11526-1") => DocumentKind::PathologyReport,
        Some("11504-8") => DocumentKind::OperativeReport,
        Some("34133-9") => DocumentKind::ContinuityOfCare,
        Some("57133-1") => DocumentKind::ReferralLetter,
        _ => match code_of(value, "/category/0") {
            Some("LAB") => DocumentKind::LabReport,
            Some("RAD" | "CT" | "NMR") => DocumentKind::ImagingReport,
            Some("PAT" | "SP") => DocumentKind::PathologyReport,
            _ => DocumentKind::Other,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::samples;
    use super::*;
    use kernel::ids::PatientId;

    fn note(more: &Value) -> Value {
        let mut value = json!({ "resourceType": "DocumentReference", "id": "d1", "status": "current", "date": "2020-05-06T10:00:00Z",
            "type": { "coding": [{ "system": "http://loinc.org", "code": "18842-5", "display": "Discharge summary" }] },
            "author": [{ "display": "Dr. Who" }],
            "content": [{ "attachment": { "contentType": "text/plain; charset=utf-8", "data": "SGVsbG8s\nIHdvcmxk" } }] });
        if let (Some(value), Some(more)) = (value.as_object_mut(), more.as_object()) {
            value.extend(more.clone());
        }
        value
    }

    #[test]
    fn a_note_becomes_a_document_that_says_it_is_not_signed_here() {
        let value = note(&json!({}));
        assert!(refusal(&samples::resource(&value), false).is_none());
        let (found, lacks) = contents(&value).expect("a content");
        assert_eq!((found.len(), lacks), (1, None));
        let found = &found[0];
        assert_eq!(found.bytes, b"Hello, world");
        assert_eq!(found.content_type, "text/plain");
        let whose = Whose {
            patient: PatientId::new(),
            encounter: None,
        };
        let label = label(&value, whose, Tz::UTC).expect("a label");
        assert_eq!(label.kind, DocumentKind::DischargeSummary);
        assert_eq!(label.title, "Discharge summary");
        let about = label.description.expect("a description");
        assert!(about.contains("not signed here") && about.contains("Dr. Who"));
        let draft = note(&json!({ "docStatus": "preliminary" }));
        let draft = super::label(&draft, whose, Tz::UTC).expect("a label");
        assert_eq!(draft.title, "Not final: Discharge summary");
    }

    #[test]
    fn a_content_that_lies_beside_is_put_where_it_is_named() {
        let value = note(
            &json!({ "content": [{ "attachment": { "contentType": "text/plain", "url": "Binary/b1" } }] }),
        );
        let letter = samples::resource(&value);
        assert!(refusal(&letter, false).is_none());
        let named = contents_elsewhere(&letter);
        assert_eq!(named, [Name::new("Binary", "b1")]);
        let content = ("SGVsbG8=".to_owned(), Some("text/html".to_owned()));
        let whole = with_content(&letter, &named[0], &content);
        let (found, lacks) = contents(&whole.value).expect("a content");
        assert_eq!((found[0].bytes.as_slice(), lacks), (&b"Hello"[..], None));
        assert_eq!(found[0].content_type, "text/plain");
    }

    #[test]
    fn a_conclusion_is_filed_beside_an_attachment_that_does_not_say_it() {
        let concluded = |said: &str| note(&json!({ "conclusion": said }));
        let (found, lacks) = contents(&concluded("No fracture.")).expect("contents");
        assert_eq!((found.len(), lacks), (2, None));
        assert_eq!(found[1].bytes, b"No fracture.");
        let (found, _) = contents(&concluded("Hello,  world")).expect("a content");
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn what_brings_no_content_says_so() {
        for (more, listed) in [
            (
                json!({ "content": [{ "attachment": { "url": "https://x/y.pdf" } }] }),
                true,
            ),
            (json!({ "content": [] }), false),
            (json!({ "status": "entered-in-error" }), false),
        ] {
            let found = refusal(&samples::resource(&note(&more)), false).expect("a reason");
            assert_eq!(matches!(found, Entered::Refused(_)), listed, "{more}");
        }
    }
}
