//! Why a row was found, and how well a name fits.
//!
//! Names are compared by Jaro–Winkler in the form of their keys, the way round they were said and the other; a name that
//! sounds the same is never worse than one that looks vaguely alike.

use serde::Serialize;
use strsim::jaro_winkler;
use utoipa::ToSchema;

use super::keys;
use super::model::{NameUse, PatientName};

/// Why a row was found. A filter that was given and is not here had nothing to choose from, such as a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Match {
    FamilyExact,
    FamilyPrefix,
    GivenExact,
    GivenPrefix,
    NameExact,
    NameSimilar,
    NameSoundsAlike,
    /// It was a former or preferred name.
    OtherName,
    /// It is a name of a registration that was merged into this one, and stands in none of the names here.
    MergedRegistration,
    BirthDate,
    Mrn,
    Phone,
    Email,
    Ssn,
}

/// From here on, a name is called similar.
const SIMILAR: u32 = 800;
/// What a name that sounds the same counts at least.
const SOUNDS_ALIKE: u32 = 850;

/// How well the best of the names fits one as it is said, 0 to 1000, and why.
pub(super) fn fit(wanted: &str, names: &[PatientName]) -> (u32, Vec<Match>) {
    let best = names
        .iter()
        .map(|name| (fit_one(wanted, name), name))
        .max_by_key(|((score, _), name)| {
            // Of two that fit equally the legal one.
            (*score, name.r#use == NameUse::Legal)
        });
    let Some(((score, mut reasons), name)) = best else {
        return (0, Vec::new());
    };
    if name.r#use != NameUse::Legal && !reasons.is_empty() {
        reasons.push(Match::OtherName);
    }
    (score, reasons)
}

fn fit_one(wanted: &str, name: &PatientName) -> (u32, Vec<Match>) {
    let (whole, sorted) = (keys::whole(name), keys::sort_key(name));
    let short = short(name);
    let mut forms = vec![whole.as_str(), sorted.as_str(), short.as_str()];
    if !wanted.contains(' ') {
        forms.extend(sorted.split(' '));
    }
    let alike = forms
        .iter()
        .map(|form| per_mille(jaro_winkler(wanted, form)))
        .max()
        .unwrap_or_default();
    if alike == 1000 {
        return (1000, vec![Match::NameExact]);
    }
    let mut reasons = Vec::new();
    if alike >= SIMILAR {
        reasons.push(Match::NameSimilar);
    }
    if !keys::sounds_like(wanted).is_disjoint(&keys::sounds_of(name)) {
        reasons.push(Match::NameSoundsAlike);
        return (alike.max(SOUNDS_ALIKE), reasons);
    }
    (alike, reasons)
}

/// First given name and family name: how most people are asked for.
fn short(name: &PatientName) -> String {
    keys::whole(&PatientName {
        given: name.given.iter().take(1).cloned().collect(),
        ..name.clone()
    })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 0 and 1000"
)]
fn per_mille(likeness: f64) -> u32 {
    (likeness * 1000.0).round() as u32
}

/// Why the beginning of a family name was found.
pub(super) fn family(beginning: &str, names: &[PatientName]) -> Vec<Match> {
    let word = |name: &PatientName| {
        let family = kernel::text::name_key(&name.family);
        family == beginning || family.split(' ').any(|word| word == beginning)
    };
    by_name(
        names,
        |name| {
            keys::family(name)
                .iter()
                .any(|key| key.starts_with(beginning))
        },
        word,
    )
    .map(|(exact, other)| reasons(exact, other, Match::FamilyExact, Match::FamilyPrefix))
    .unwrap_or_default()
}

/// Why the beginning of a given name was found.
pub(super) fn given(beginning: &str, names: &[PatientName]) -> Vec<Match> {
    let exact = |name: &PatientName| keys::given(name).iter().any(|key| key == beginning);
    by_name(
        names,
        |name| {
            keys::given(name)
                .iter()
                .any(|key| key.starts_with(beginning))
        },
        exact,
    )
    .map(|(exact, other)| reasons(exact, other, Match::GivenExact, Match::GivenPrefix))
    .unwrap_or_default()
}

/// Whether it is exact, and whether only another than the legal name fits.
fn by_name(
    names: &[PatientName],
    fits: impl Fn(&PatientName) -> bool,
    is_exact: impl Fn(&PatientName) -> bool,
) -> Option<(bool, bool)> {
    let fitting: Vec<&PatientName> = names.iter().filter(|name| fits(name)).collect();
    let legal = fitting.iter().find(|name| name.r#use == NameUse::Legal);
    let best = legal.or(fitting.first())?;
    Some((is_exact(best), legal.is_none()))
}

fn reasons(exact: bool, other: bool, if_exact: Match, if_not: Match) -> Vec<Match> {
    let mut reasons = vec![if exact { if_exact } else { if_not }];
    if other {
        reasons.push(Match::OtherName);
    }
    reasons
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn names() -> Vec<PatientName> {
        serde_json::from_value(json!([
            { "use": "legal", "family": "Smith-Jones", "given": ["Katherine", "Ann"] },
            { "use": "former", "family": "Brown", "given": ["Katherine"] }
        ]))
        .expect("names")
    }

    #[test]
    fn a_name_fits_by_its_look_or_its_sound() {
        assert_eq!(
            fit("katherine ann smith jones", &names()),
            (1000, vec![Match::NameExact])
        );
        assert_eq!(fit("smith jones katherine ann", &names()).0, 1000);
        assert_eq!(fit("jones", &names()).0, 1000);
        assert_eq!(
            fit("katherine brown", &names()),
            (1000, vec![Match::NameExact, Match::OtherName])
        );
        let (score, reasons) = fit("catherine smyth", &names());
        assert!(
            score >= SOUNDS_ALIKE && reasons.contains(&Match::NameSoundsAlike),
            "{score} {reasons:?}"
        );
        assert!(
            fit("katherine smith", &names())
                .1
                .contains(&Match::NameSimilar)
        );
        assert!(fit("xavier quill", &names()).0 < SIMILAR);
    }

    #[test]
    fn a_prefix_says_which_name_it_found() {
        assert_eq!(family("smi", &names()), [Match::FamilyPrefix]);
        assert_eq!(family("jones", &names()), [Match::FamilyExact]);
        assert_eq!(family("smith jones ka", &names()), [Match::FamilyPrefix]);
        assert_eq!(
            family("bro", &names()),
            [Match::FamilyPrefix, Match::OtherName]
        );
        assert_eq!(given("kath", &names()), [Match::GivenPrefix]);
        assert_eq!(given("ann", &names()), [Match::GivenExact]);
    }
}
