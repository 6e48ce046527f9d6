//! The Social Security number between the body that brings it and the row that keeps it sealed.

use std::str;

use futures_util::FutureExt as _;
use kernel::ids::{PatientId, TenantId};
use kernel::{Error, Result};
use platform::crypto::reseal::{BlindIndex, Look, SealedColumn};
use platform::crypto::{FieldRef, TenantCipher};
use platform::db::TenantTx;
use uuid::Uuid;

use super::model::{NewPatient, PatientIdentifier, Ssn};
use super::store_sealing as store;

/// A registration as it is kept: its identifiers as they may be shown, and the number beside them.
#[derive(Debug)]
pub(super) struct Sealed {
    pub data: NewPatient,
    pub ssn: Option<String>,
    /// What he is found by. Two while a new data key takes over.
    pub ssn_indexes: Vec<String>,
    /// What somebody else with the number may be found by, the form in use first.
    pub ssn_forms: Vec<String>,
}

/// Seals what is to be sealed. `present` is what the row holds now: a number that has not changed keeps its ciphertext.
///
/// # Errors
/// A field error where an SSN is named by last four digits that are not the known number's.
pub(super) fn seal(
    cipher: &TenantCipher,
    (tenant, id): (TenantId, PatientId),
    data: &NewPatient,
    present: Option<&str>,
) -> Result<Sealed> {
    let place = place(tenant, id.0);
    let known = present
        .map(|sealed| open(cipher, &place, sealed))
        .transpose()?;
    let ssn = match PatientIdentifier::ssn(&data.identifiers) {
        None => None,
        Some((number, given)) => Some(wanted(given, known.as_ref()).ok_or_else(|| {
            let pointer = format!("/identifiers/{number}/value");
            Error::field(
                pointer,
                "missing_field",
                "must be given; only a known number may be left as last4",
            )
        })?),
    };
    let sealed = match (&ssn, present) {
        (Some(ssn), Some(present)) if Some(ssn) == known.as_ref() => Some(present.to_owned()),
        (Some(ssn), _) => Some(cipher.seal(&place, ssn.digits().as_bytes())),
        (None, _) => None,
    };
    let mut data = data.clone();
    for identifier in &mut data.identifiers {
        *identifier = identifier.shown();
    }
    Ok(Sealed {
        data,
        ssn: sealed,
        ssn_indexes: ssn
            .as_ref()
            .map(|ssn| cipher.blind_indexes(KIND, ssn.digits()))
            .unwrap_or_default(),
        ssn_forms: ssn.map(|ssn| forms(cipher, &ssn)).unwrap_or_default(),
    })
}

fn place(tenant: TenantId, row: Uuid) -> FieldRef {
    FieldRef {
        tenant,
        table: "patients",
        column: "ssn_sealed",
        row,
    }
}

/// The numbers, to be sealed anew after a new data key.
pub const SEALED_SSNS: SealedColumn = store::SEALED;
/// The index they are found by, to be moved to it.
pub const SSN_INDEX: BlindIndex = BlindIndex {
    table: "patient_keys",
    reindex: |tx, cipher, behind, look| reindex(tx, cipher, behind, look).boxed(),
};

/// The kind of the index.
const KIND: &str = "ssn";

async fn reindex(
    tx: &mut TenantTx,
    cipher: &TenantCipher,
    (after, limit): (Uuid, i64),
    look: Look,
) -> Result<(Option<Uuid>, u64)> {
    let tenant = tx.tenant();
    let rows = store::ssns(tx, after, limit).await?;
    let (mut older, mut new) = (Vec::new(), Vec::new());
    for row in &rows {
        // A number that does not open is told of where it is sealed anew; it keeps the index it has.
        let Ok(ssn) = open(cipher, &place(tenant, row.id), &row.sealed) else {
            continue;
        };
        let current = cipher.current_index(KIND, ssn.digits());
        for form in forms(cipher, &ssn) {
            if form != current {
                older.push(form);
                new.push(current.clone());
            }
        }
    }
    let added = store::add_keys(tx, &older, &new).await?;
    if look == Look::Last {
        store::drop_keys(tx, &older).await?;
    }
    Ok((rows.last().map(|last| last.id), added))
}

/// Every key by which a number may be found, the one in use first.
pub(super) fn forms(cipher: &TenantCipher, ssn: &Ssn) -> Vec<String> {
    cipher.possible_indexes(KIND, ssn.digits())
}

fn wanted(given: &PatientIdentifier, known: Option<&Ssn>) -> Option<Ssn> {
    match &given.value {
        Some(value) => Ssn::read(value),
        None => known
            .filter(|known| given.last4.as_deref() == Some(known.last4()))
            .cloned(),
    }
}

fn open(cipher: &TenantCipher, place: &FieldRef, sealed: &str) -> Result<Ssn> {
    let plain = cipher.open(place, sealed)?;
    let digits = str::from_utf8(&plain).ok().and_then(Ssn::read);
    digits.ok_or_else(|| Error::internal("a sealed SSN is not one"))
}

#[cfg(test)]
mod tests {
    use kernel::ids::mint;
    use platform::crypto::DataKey;
    use serde_json::{Value, json};

    use super::*;

    fn cipher() -> TenantCipher {
        TenantCipher::new(&[DataKey {
            id: mint(),
            secret: [7; 32].into(),
            retired: false,
        }])
        .expect("a cipher")
    }

    fn patient(identifiers: &Value) -> NewPatient {
        serde_json::from_value(json!({
            "names": [{ "use": "legal", "family": "Okafor" }], "birth_date": "1980-01-01", "sex": "female",
            "identifiers": identifiers
        }))
        .expect("a patient")
    }

    #[test]
    fn a_number_is_sealed_and_only_its_last_four_stay() {
        let (cipher, place) = (cipher(), (TenantId::new(), PatientId::new()));
        let new = patient(
            &json!([{ "type": "passport", "value": "X1" }, { "type": "ssn", "value": "219-09-9999" }]),
        );
        let sealed = seal(&cipher, place, &new, None).expect("sealed");
        assert_eq!(
            serde_json::to_value(&sealed.data.identifiers).expect("JSON"),
            json!([{ "type": "passport", "value": "X1" }, { "type": "ssn", "last4": "9999" }])
        );
        assert!(sealed.ssn.is_some_and(|text| text.starts_with("v1.")));
        assert_eq!(
            sealed
                .ssn_indexes
                .iter()
                .map(String::len)
                .collect::<Vec<_>>(),
            [32]
        );
    }

    #[test]
    fn what_was_shown_may_be_sent_back_and_changes_nothing() {
        let (cipher, place) = (cipher(), (TenantId::new(), PatientId::new()));
        let first = seal(
            &cipher,
            place,
            &patient(&json!([{ "type": "ssn", "value": "219-09-9999" }])),
            None,
        )
        .expect("sealed");
        for identifiers in [
            json!([{ "type": "ssn", "last4": "9999" }]),
            json!([{ "type": "ssn", "value": "219099999" }]),
        ] {
            let again =
                seal(&cipher, place, &patient(&identifiers), first.ssn.as_deref()).expect("sealed");
            assert_eq!(
                (again.ssn, again.ssn_indexes, again.data),
                (
                    first.ssn.clone(),
                    first.ssn_indexes.clone(),
                    first.data.clone()
                )
            );
        }
        let gone =
            seal(&cipher, place, &patient(&json!([])), first.ssn.as_deref()).expect("sealed");
        assert_eq!((gone.ssn, gone.ssn_indexes), (None, Vec::new()));
    }

    #[test]
    fn last_four_alone_name_no_new_number() {
        let (cipher, place) = (cipher(), (TenantId::new(), PatientId::new()));
        let shown = patient(&json!([{ "type": "ssn", "last4": "1234" }]));
        assert!(seal(&cipher, place, &shown, None).is_err());
        let first = seal(
            &cipher,
            place,
            &patient(&json!([{ "type": "ssn", "value": "219-09-9999" }])),
            None,
        )
        .expect("sealed");
        let error = seal(&cipher, place, &shown, first.ssn.as_deref()).expect_err("another number");
        assert_eq!(error.fields()[0].pointer, "/identifiers/0/value");
    }
}
