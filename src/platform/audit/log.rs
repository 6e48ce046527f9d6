//! The logs that are sealed, and a record of either as sealing and verifying look at it.

use kernel::clock::Instant;
use kernel::ids::TenantId;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::merkle::{self, Hash};
use crate::crypto::SigningKeys;

/// A log that is sealed. Each tenant has a chain of seals for each.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    sqlx::Type,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Log {
    /// `app.phi_access_log`: who opened whose chart.
    #[default]
    Access,
    /// `app.audit_log`: every change of every row.
    History,
}

impl Log {
    pub const ALL: [Self; 2] = [Self::Access, Self::History];

    /// First bytes of what is signed, so that no other kind of message, and no seal of the other log, can pass for a seal.
    pub(super) const fn domain(self) -> &'static [u8] {
        match self {
            Self::Access => b"chartwell access seal v1\n",
            Self::History => b"chartwell history seal v1\n",
        }
    }

    /// Its name where one is signed.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::History => "history",
        }
    }

    /// Its name in a sentence.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Access => "access log",
            Self::History => "change history",
        }
    }
}

/// Where a record lies in its log: its transaction, and among those of one its id.
pub(super) type Place = (i64, Uuid);

/// The records from a place on, and before another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub from: Place,
    pub until: Place,
}

impl Span {
    /// All records of a range of transactions.
    pub const fn of((from, until): (i64, i64)) -> Self {
        Self {
            from: before(from),
            until: before(until),
        }
    }
}

/// The place before all records of a transaction.
pub(super) const fn before(xid: i64) -> Place {
    (xid, Uuid::nil())
}

/// A record as it stands in its log.
pub(super) struct Row {
    pub tenant: TenantId,
    pub id: Uuid,
    pub at: Instant,
    /// The transaction that wrote it.
    pub xid: i64,
    /// The hash of all its content.
    pub fingerprint: Hash,
    /// Of an access record: the authentication code the server wrote with it. A change is written by the database, which
    /// has no key.
    pub mac: Option<Vec<u8>>,
}

impl Row {
    /// The leaf: content, transaction, and a code without which nobody can guess the content from the leaf.
    pub fn leaf(&self, keys: &SigningKeys) -> Hash {
        let salt = match &self.mac {
            Some(mac) => mac.clone(),
            None => keys.leaf_salt(&self.fingerprint).to_vec(),
        };
        merkle::leaf(&[&self.fingerprint, &salt, &self.xid.to_be_bytes()])
    }

    /// Whether the server wrote it, as far as the record itself can tell.
    pub fn is_authentic(&self, keys: &SigningKeys) -> bool {
        self.mac
            .as_ref()
            .is_none_or(|mac| keys.verify_record_mac(&self.fingerprint, mac))
    }
}

/// A row of `app.audit_log`.
pub(super) struct Change {
    pub tenant_id: Uuid,
    pub at: Instant,
    pub id: Uuid,
    pub table_name: String,
    pub row_id: Uuid,
    pub patient_id: Option<Uuid>,
    pub action: String,
    pub user_id: Option<Uuid>,
    pub role: String,
    pub request_id: Option<Uuid>,
    pub version: Option<i64>,
    /// As the database writes JSON: read and written again, a number might be another.
    pub before: Option<String>,
    pub after: String,
    pub xid: i64,
}

impl Change {
    /// Of every column but `xid`, each with its length, an absent one apart from every present one, so that no two changes
    /// read the same.
    fn fingerprint(&self) -> Hash {
        let mut hash = Sha256::new_with_prefix(b"chartwell.change.v1\0");
        let mut add = |value: Option<&[u8]>| match value {
            None => hash.update(u64::MAX.to_be_bytes()),
            Some(bytes) => {
                hash.update((bytes.len() as u64).to_be_bytes());
                hash.update(bytes);
            }
        };
        add(Some(self.tenant_id.as_bytes()));
        add(Some(&self.at.timestamp_micros().to_be_bytes()));
        add(Some(self.id.as_bytes()));
        add(Some(self.table_name.as_bytes()));
        add(Some(self.row_id.as_bytes()));
        for id in [&self.patient_id, &self.user_id, &self.request_id] {
            add(id.as_ref().map(|id| id.as_bytes().as_slice()));
        }
        add(Some(self.action.as_bytes()));
        add(Some(self.role.as_bytes()));
        add(self
            .version
            .map(i64::to_be_bytes)
            .as_ref()
            .map(<[u8; 8]>::as_slice));
        add(self.before.as_deref().map(str::as_bytes));
        add(Some(self.after.as_bytes()));
        hash.finalize().into()
    }
}

impl From<Change> for Row {
    fn from(change: Change) -> Self {
        Self {
            tenant: TenantId(change.tenant_id),
            id: change.id,
            at: change.at,
            xid: change.xid,
            fingerprint: change.fingerprint(),
            mac: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change() -> Change {
        Change {
            tenant_id: Uuid::from_u128(1),
            at: Instant::from_timestamp_micros(1_767_225_600_123_456).unwrap_or_default(),
            id: Uuid::from_u128(2),
            table_name: "patients".to_owned(),
            row_id: Uuid::from_u128(3),
            patient_id: Some(Uuid::from_u128(3)),
            action: "update".to_owned(),
            user_id: None,
            role: "system".to_owned(),
            request_id: None,
            version: Some(2),
            before: Some(r#"{"sex": "male"}"#.to_owned()),
            after: r#"{"sex": "female"}"#.to_owned(),
            xid: 10,
        }
    }

    #[test]
    fn every_column_counts_and_an_absent_one_is_not_an_empty_one() {
        let other = Some(Uuid::from_u128(9));
        let changes: [&dyn Fn(&mut Change); 15] = [
            &|change| change.tenant_id = Uuid::nil(),
            &|change| change.at += chrono::TimeDelta::microseconds(1),
            &|change| change.id = Uuid::nil(),
            &|change| change.table_name = "patient".to_owned(),
            &|change| change.row_id = Uuid::nil(),
            &|change| change.patient_id = None,
            &|change| change.action = "insert".to_owned(),
            &|change| change.user_id = other,
            &|change| change.role = "admin".to_owned(),
            &|change| change.request_id = other,
            &|change| change.version = None,
            &|change| change.before = None,
            &|change| change.before = Some(String::new()),
            &|change| change.after.push(' '),
            &|change| {
                change.user_id = change.patient_id;
                change.patient_id = None;
            },
        ];
        let mut seen = vec![change().fingerprint()];
        for (place, alter) in changes.iter().enumerate() {
            let mut altered = change();
            alter(&mut altered);
            let fingerprint = altered.fingerprint();
            assert!(!seen.contains(&fingerprint), "change {place}");
            seen.push(fingerprint);
        }
        // Kept in seals: a release that computes another one finds every change altered.
        assert_eq!(
            hex::encode(seen[0]),
            "f3e71da5c8eb4788c08bb174af613e52e133c874348a364ebacea170c75044ef"
        );
    }
}
