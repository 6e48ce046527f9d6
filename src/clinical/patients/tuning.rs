//! How a tenant matches: from which probability on, and with which weights.

use std::collections::HashMap;

use ::matching::Person;
use chrono::{DateTime, Utc};
use kernel::{Checks, Code, Error, Result, Validate};
use platform::access::{Ctx, Disclosure, Permission};
use platform::audit::Action;
use platform::compute::Compute;
use platform::http::{Answer, IfMatch, MergePatch};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::duplicates::meeting_keys;
use super::matching;
use super::store_pairs::{self as store, Settings};

/// People that are learned from at most, and at least.
const LEARNED_FROM: i64 = 20_000;
const TOO_FEW: usize = 500;
/// A key that more people share says nothing.
const LARGEST_BLOCK: usize = 200;

/// From which probability on, in thousandths.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "review_from": 900, "refuse_from": 950 }))]
pub struct MatchingThresholds {
    /// A pair comes to the work list of duplicates: 500 to 999.
    pub review_from: i32,
    /// A registration is refused as a possible duplicate: 500 to 999.
    pub refuse_from: i32,
}

impl Validate for MatchingThresholds {
    fn check(&self, checks: &mut Checks) {
        for (field, value) in [
            ("review_from", self.review_from),
            ("refuse_from", self.refuse_from),
        ] {
            checks.require(
                (500..=999).contains(&value),
                field,
                "out_of_range",
                "must lie between 500 and 999",
            );
        }
    }
}

/// How a tenant matches.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct MatchingSettings {
    #[serde(flatten)]
    pub data: MatchingThresholds,
    /// How many people the weights were learned from; none for those everybody begins with.
    pub learned_from: i32,
    pub learned_at: Option<DateTime<Utc>>,
    pub version: i64,
}

impl From<Settings> for MatchingSettings {
    fn from(settings: Settings) -> Self {
        Self {
            data: MatchingThresholds {
                review_from: settings.review_from,
                refuse_from: settings.refuse_from,
            },
            learned_from: settings.learned_from,
            learned_at: settings.learned_at,
            version: settings.version,
        }
    }
}

fn plain(settings: Settings, action: Action) -> Disclosure<MatchingSettings> {
    let version = settings.version;
    Disclosure::shown("patient", action, [], settings.into()).version(version)
}

pub(super) async fn get(ctx: &Ctx) -> Result<Answer<MatchingSettings>> {
    let mut tx = ctx.begin(Permission::PatientDuplicates).await?;
    let settings = store::settings(&mut tx).await?;
    tx.finish(plain(settings, Action::Read)).await
}

pub(super) async fn amend(
    ctx: &Ctx,
    if_match: IfMatch,
    patch: &MergePatch,
) -> Result<Answer<MatchingSettings>> {
    let mut tx = ctx.begin(Permission::PatientMerge).await?;
    let present = MatchingSettings::from(store::lock_settings(&mut tx, ctx.now()).await?);
    if_match.require(present.version)?;
    let wanted: MatchingThresholds = patch.apply(&present.data)?;
    store::set_thresholds(&mut tx, (wanted.review_from, wanted.refuse_from), ctx.now()).await?;
    let settings = store::settings(&mut tx).await?;
    tx.commit(plain(settings, Action::Update)).await
}

/// Learns the weights from the tenant's own people, knowing nothing of who is whom. Everybody is compared anew after.
pub(super) async fn learn(ctx: &Ctx) -> Result<Answer<MatchingSettings>> {
    let mut look = ctx.look(Permission::PatientMerge).await?;
    let rows = store::changed(&mut look, (None, None), LEARNED_FROM).await?;
    drop(look);
    if rows.len() < TOO_FEW {
        return Err(Error::new(Code::TooFewPatients));
    }
    let learned = move || {
        let mut number = Numbers::default();
        let people: Vec<Person> = rows
            .iter()
            .map(|row| matching::person(&row.compared.0, number.of(&row.ssn).as_ref()))
            .collect();
        let mut blocks: HashMap<_, Vec<usize>> = HashMap::new();
        for (number, row) in rows.iter().enumerate() {
            for key in meeting_keys(&row.compared.0, &row.ssn) {
                blocks.entry(key).or_default().push(number);
            }
        }
        let pairs = ::matching::pairs(blocks.values().filter(|block| block.len() <= LARGEST_BLOCK));
        ::matching::learn(&people, &pairs)
    };
    let learned = Compute::long().run(learned).await?;
    let mut tx = ctx.begin(Permission::PatientMerge).await?;
    store::lock_settings(&mut tx, ctx.now()).await?;
    let people = i32::try_from(learned.people).unwrap_or(i32::MAX);
    store::set_model(&mut tx, &learned.model, people, ctx.now()).await?;
    let settings = store::settings(&mut tx).await?;
    tx.commit(plain(settings, Action::Update)).await
}

/// While a new data key takes over, one person's number stands in two forms and another's, the same, in one of them.
#[derive(Default)]
struct Numbers(HashMap<String, String>);

impl Numbers {
    /// The form that stands for all of one number.
    fn of(&mut self, forms: &[String]) -> Option<String> {
        let met = forms.iter().find_map(|form| self.0.get(form)).cloned();
        let one = met.or_else(|| forms.first().cloned())?;
        for form in forms {
            self.0.insert(form.clone(), one.clone());
        }
        Some(one)
    }
}
