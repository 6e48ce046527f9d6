//! Of a tenant's cipher: what opens, what does not, and what must never change.

use kernel::ids;

use super::super::random;
use super::*;

fn key(retired: bool) -> DataKey {
    DataKey {
        id: ids::mint(),
        secret: Zeroizing::new(random::secret()),
        retired,
    }
}

fn copy(key: &DataKey, retired: bool) -> DataKey {
    DataKey {
        id: key.id,
        secret: key.secret.clone(),
        retired,
    }
}

fn place() -> FieldRef {
    FieldRef {
        tenant: TenantId::new(),
        table: "patient_identifiers",
        column: "value",
        row: ids::mint(),
    }
}

fn fault<T>(result: Result<T>) -> Option<String> {
    result
        .err()
        .and_then(|error| error.cause().map(ToString::to_string))
}

#[test]
fn a_value_opens_in_its_place_only() -> Result<()> {
    let cipher = TenantCipher::new(&[key(false)])?;
    let place = place();
    let sealed = cipher.seal(&place, b"999-12-3456");
    assert_eq!(cipher.open(&place, &sealed)?.as_slice(), b"999-12-3456");
    assert_ne!(
        sealed,
        cipher.seal(&place, b"999-12-3456"),
        "a nonce is never used twice"
    );
    for elsewhere in [
        FieldRef {
            tenant: TenantId::new(),
            ..place
        },
        FieldRef {
            table: "patients",
            ..place
        },
        FieldRef {
            column: "number",
            ..place
        },
        FieldRef {
            table: "patient_identifiersv",
            column: "alue",
            ..place
        },
        FieldRef {
            row: ids::mint(),
            ..place
        },
    ] {
        assert_eq!(
            fault(cipher.open(&elsewhere, &sealed)),
            Some(Fault::SealedDamaged.to_string())
        );
    }
    Ok(())
}

#[test]
fn no_byte_of_a_sealed_value_can_be_changed() -> Result<()> {
    let cipher = TenantCipher::new(&[key(false)])?;
    let place = place();
    let sealed = cipher.seal(&place, b"999-12-3456");
    let (head, body) = sealed.rsplit_once('.').expect("three parts");
    let body = URL_SAFE_NO_PAD.decode(body).expect("base64url");
    for at in 0..body.len() {
        let mut tampered = body.clone();
        tampered[at] ^= 1;
        assert!(
            cipher
                .open(
                    &place,
                    &format!("{head}.{}", URL_SAFE_NO_PAD.encode(tampered))
                )
                .is_err()
        );
    }
    for broken in [
        "",
        "v1",
        "v1..",
        "v2.x.y",
        &sealed.replacen("v1", "v2", 1),
        &format!("{sealed}.x"),
        head,
    ] {
        assert_eq!(
            fault(cipher.open(&place, broken)),
            Some(Fault::SealedForm.to_string()),
            "{broken}"
        );
    }
    Ok(())
}

#[test]
fn another_tenants_key_opens_nothing() -> Result<()> {
    let (mine, theirs) = (key(false), key(false));
    let place = place();
    let sealed = TenantCipher::new(&[copy(&mine, false)])?.seal(&place, b"x");
    let refused = TenantCipher::new(&[theirs])?.open(&place, &sealed);
    assert_eq!(
        fault(refused),
        Some(Fault::DataKeyUnknown(mine.id).to_string())
    );
    let same_id = DataKey {
        id: mine.id,
        secret: Zeroizing::new(random::secret()),
        retired: false,
    };
    assert_eq!(
        fault(TenantCipher::new(&[same_id])?.open(&place, &sealed)),
        Some(Fault::SealedDamaged.to_string())
    );
    Ok(())
}

#[test]
fn a_retired_key_opens_old_values_and_seals_no_new_ones() -> Result<()> {
    let (old, new) = (key(false), key(false));
    let place = place();
    let before = TenantCipher::new(&[copy(&old, false)])?;
    let after = TenantCipher::new(&[copy(&old, true), copy(&new, false)])?;
    let sealed = before.seal(&place, b"x");
    assert_eq!(after.open(&place, &sealed)?.as_slice(), b"x");
    assert!(after.seal(&place, b"x").contains(&new.id.to_string()));
    assert_eq!(
        before.blind_index("ssn", "999123456"),
        after.blind_index("ssn", "999123456")
    );
    assert_eq!(
        TenantCipher::new(&[copy(&old, true)]).err(),
        Some(Fault::DataKeyMissing)
    );
    assert_eq!(TenantCipher::new(&[]).err(), Some(Fault::DataKeyMissing));
    Ok(())
}

#[test]
fn a_blind_index_depends_on_key_kind_and_value_and_on_nothing_else() -> Result<()> {
    let fixed = |byte| DataKey {
        id: ids::mint(),
        secret: Zeroizing::new([byte; 32]),
        retired: false,
    };
    let (cipher, other) = (
        TenantCipher::new(&[fixed(1)])?,
        TenantCipher::new(&[fixed(2)])?,
    );
    let index = cipher.blind_index("ssn", "999123456");
    assert_eq!(
        index,
        TenantCipher::new(&[fixed(1)])?.blind_index("ssn", "999123456")
    );
    assert_eq!(index.len(), 32);
    assert_ne!(index, cipher.blind_index("ssn", "999123457"));
    assert_ne!(index, cipher.blind_index("mrn", "999123456"));
    assert_ne!(index, other.blind_index("ssn", "999123456"));
    assert_ne!(cipher.blind_index("a", "bc"), cipher.blind_index("ab", "c"));
    // Stored in rows: a release that computes another one no longer finds them.
    assert_eq!(index, "89daad574084e6b6136b7b0ff7e4df83");
    Ok(())
}

#[test]
fn indexes_move_to_another_key_when_they_are_told_to_and_values_are_sealed_anew() -> Result<()> {
    let (old, new) = (key(false), key(false));
    let place = place();
    let before = TenantCipher::new(&[copy(&old, false)])?;
    let sealed = before.seal(&place, b"999123456");
    let after = TenantCipher::new(&[copy(&old, true), copy(&new, false)])?;
    assert_eq!((after.current(), after.index_key()), (new.id, old.id));
    let again = after.reseal(&place, &sealed)?;
    assert!(again.starts_with(&after.mark()) && !sealed.starts_with(&after.mark()));
    assert_eq!(after.open(&place, &again)?.as_slice(), b"999123456");

    let index = before.blind_index("ssn", "999123456");
    // While the new key takes over, a row is written with both; either finds it, before and after.
    let both = after.blind_indexes("ssn", "999123456");
    assert_eq!(both, after.possible_indexes("ssn", "999123456"));
    assert_eq!(
        both,
        [index.clone(), after.current_index("ssn", "999123456")]
    );
    let moved = after.indexing_with(new.id);
    assert_eq!(moved.blind_indexes("ssn", "999123456"), both[1..]);
    assert_eq!(
        moved.possible_indexes("ssn", "999123456"),
        [both[1].clone(), index.clone()]
    );
    assert_ne!(moved.blind_index("ssn", "999123456"), index);
    assert_eq!(
        moved.former_indexes("ssn", "999123456"),
        std::slice::from_ref(&index)
    );
    // What is not kept moves without being known.
    let lasting = moved.lasting_index("ssn", "999123456");
    assert!(
        lasting.starts_with(&format!("{}.", new.id.simple())),
        "{lasting}"
    );
    assert!(!lasting.contains(&index) && before.lasting_index("ssn", "999123456") == index);
    assert_eq!(moved.lasting_again("ssn", &index), Some(lasting.clone()));
    assert_eq!(moved.lasting_again("ssn", &lasting), Some(lasting.clone()));
    let third = key(false);
    let last = TenantCipher::new(&[copy(&old, true), copy(&new, true), copy(&third, false)])?
        .indexing_with(third.id);
    assert_eq!(
        last.lasting_formers("ssn", "999123456"),
        [index.clone(), lasting.clone()]
    );
    assert!(before.lasting_formers("ssn", "999123456").is_empty());
    assert_eq!(moved.lasting_mark(), Some(format!("{}.", new.id.simple())));
    assert_eq!(before.lasting_mark(), None);
    for stored in [&index, &lasting] {
        assert_eq!(
            last.lasting_again("ssn", stored),
            Some(last.lasting_index("ssn", "999123456"))
        );
    }
    let strange = format!("{}.{index}", ids::mint().simple());
    for stored in ["", "digest", "zz", &strange] {
        assert_eq!(moved.lasting_again("ssn", stored), None, "{stored}");
    }
    // A key that is not there is not used.
    assert_eq!(moved.indexing_with(ids::mint()).index_key(), new.id);
    Ok(())
}

#[test]
fn debug_shows_no_keys() -> Result<()> {
    let key = DataKey {
        id: ids::mint(),
        secret: Zeroizing::new([0xab; 32]),
        retired: false,
    };
    let shown = format!("{key:?} {:?}", TenantCipher::new(&[copy(&key, false)])?);
    assert!(!shown.contains("171") && !shown.contains("ab, ab"));
    Ok(())
}
