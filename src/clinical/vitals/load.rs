//! Loading a growth reference into a tenant: an operator's work, not a caller's.

use kernel::ids::TenantId;
use kernel::{Error, Result};
use platform::App;
use platform::db::SystemTx;

use super::growth::Lms;
use super::growth_file::{self, GrowthFile};
use super::store_growth;
use crate::patients::Sex;

/// Puts the lines of a file in the place of those the tenant has of the same source, measure and sex. Returns how many.
///
/// # Errors
/// `validation_failed`, whose one field says what is wrong with the file, and in which line.
pub async fn load_growth(app: &App, tenant: TenantId, text: &str, file: GrowthFile) -> Result<u64> {
    let lines = growth_file::parse(text, file)
        .map_err(|wrong| Error::field("", "not_a_growth_reference", wrong))?;
    let mut tx = SystemTx::begin(&app.db, tenant).await?;
    let mut loaded = 0;
    for sex in [Sex::Female, Sex::Male] {
        let own: Vec<Lms> = lines
            .iter()
            .filter(|(of, _)| *of == sex)
            .map(|(_, line)| *line)
            .collect();
        if !own.is_empty() {
            loaded +=
                store_growth::replace(&mut tx, (file.source, file.measure, sex), &own).await?;
        }
    }
    tx.commit().await?;
    Ok(loaded)
}
