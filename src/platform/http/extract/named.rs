//! Whom a body or a query names, for the access log: whoever is refused, or shown nothing, has reached for somebody all the
//! same. A path says so by itself.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use kernel::ids::PatientId;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// What members and parameters that name a patient are called.
const NAMES: [&str; 2] = ["patient_id", "duplicate_id"];

/// The patients whom JSON names, at any depth.
pub(super) fn in_body(bytes: &[u8]) -> BTreeSet<PatientId> {
    let mut found = BTreeSet::new();
    let walk = Walk {
        found: &mut found,
        is_patient: false,
    };
    // It was read before.
    let _ = walk.deserialize(&mut serde_json::Deserializer::from_slice(bytes));
    found
}

/// The patients whom parameters name.
pub(super) fn in_parameters<'a>(
    pairs: impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)>,
) -> impl Iterator<Item = PatientId> {
    pairs
        .filter(|(name, _)| NAMES.contains(&name.as_ref()))
        .filter_map(|(_, value)| value.parse().ok())
}

struct Walk<'a> {
    found: &'a mut BTreeSet<PatientId>,
    is_patient: bool,
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<(), D::Error> {
        value.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        if self.is_patient {
            self.found.extend(text.parse::<PatientId>());
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        loop {
            let walk = Walk {
                found: &mut *self.found,
                is_patient: false,
            };
            if items.next_element_seed(walk)?.is_none() {
                return Ok(());
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(name) = members.next_key::<Cow<'_, str>>()? {
            members.next_value_seed(Walk {
                found: &mut *self.found,
                is_patient: NAMES.contains(&name.as_ref()),
            })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patient_is_found_wherever_a_body_names_one() {
        let [one, other, third] = [(); 3].map(|()| PatientId::new());
        let body = format!(
            r#"{{"note":"{third}","x":1.50,"patient_id":"{one}","changes":[{{"requests":[{{"a":null,"duplicate_id":"{other}"}}]}}]}}"#
        );
        assert_eq!(in_body(body.as_bytes()), BTreeSet::from([one, other]));
        for none in [
            "[]",
            "7",
            r#"{"patient_id":null}"#,
            r#"{"patient_id":["x"]}"#,
        ] {
            assert!(in_body(none.as_bytes()).is_empty(), "{none}");
        }
    }
}
