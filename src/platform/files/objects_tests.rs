use futures_util::TryStreamExt;
use kernel::ids::mint;

use super::*;

fn pattern(size: usize) -> Vec<u8> {
    (0..size)
        .map(|at| u8::try_from(at % 251).expect("small"))
        .collect()
}

/// Alters the stored bytes of an object.
async fn tamper(objects: &Objects, name: ObjectName, change: impl FnOnce(&mut Vec<u8>)) {
    let stored = objects.0.get(&name.path()).await.expect("it is there");
    let mut bytes = stored.bytes().await.expect("it can be read").to_vec();
    change(&mut bytes);
    objects
        .0
        .put(&name.path(), bytes.into())
        .await
        .expect("it can be written");
}

async fn write(objects: &Objects, plain: &[u8]) -> Content {
    let name = ObjectName {
        tenant: TenantId::new(),
        id: mint(),
    };
    let key = ObjectKey::new();
    let pieces: Vec<Result<Bytes>> = plain
        .chunks(10_007)
        .map(|piece| Ok(Bytes::copy_from_slice(piece)))
        .collect();
    let written = objects
        .write(name, &key, stream::iter(pieces).boxed())
        .await
        .expect("it can be written");
    assert_eq!(written.size, plain.len() as u64);
    Content {
        name,
        key,
        size: written.size,
        sha256: written.sha256,
    }
}

fn again(content: &Content) -> Content {
    Content {
        name: content.name,
        key: ObjectKey::from_bytes(&content.key.to_bytes()).expect("a key"),
        size: content.size,
        sha256: content.sha256,
    }
}

async fn all(pieces: Pieces<'_>) -> Result<Vec<u8>> {
    pieces
        .try_fold(Vec::new(), |mut all, piece| async move {
            all.extend_from_slice(&piece);
            Ok(all)
        })
        .await
}

#[tokio::test]
async fn what_is_written_is_read_whole_and_in_any_part() {
    let folder = std::env::temp_dir().join(format!("chartwell-objects-{}", mint()));
    for objects in [
        Objects::in_memory(),
        Objects::in_folder(&folder).expect("a folder"),
    ] {
        for size in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 40 * CHUNK + 17, 6 << 20] {
            let plain = pattern(size);
            let content = write(&objects, &plain).await;
            assert_eq!(
                all(objects.read(again(&content))).await.expect("readable"),
                plain
            );
            for (from, until) in [
                (0, 1),
                (size / 2, size),
                (size.saturating_sub(1), size),
                (CHUNK - 1, CHUNK + 1),
            ] {
                if from < until && until <= size {
                    let part = objects.read_range(again(&content), from as u64..until as u64);
                    assert_eq!(
                        all(part).await.expect("readable"),
                        plain[from..until],
                        "{from}..{until} of {size}"
                    );
                }
            }
            objects.remove(content.name).await.expect("removed");
            objects.remove(content.name).await.expect("removed already");
            assert!(!objects.exists(content.name).await.expect("asked"));
        }
    }
    let _ = std::fs::remove_dir_all(folder);
}

#[tokio::test]
async fn nothing_in_the_store_can_be_read_or_altered_unseen() {
    let objects = Objects::in_memory();
    let plain = b"Kanarienvogel ".repeat(20_000);
    let content = write(&objects, &plain).await;
    tamper(&objects, content.name, |stored| {
        assert!(!stored.windows(14).any(|some| some == b"Kanarienvogel "));
        // Whole chunks cut off at the end.
        stored.truncate(2 * STORED);
    })
    .await;
    assert!(all(objects.read(again(&content))).await.is_err());

    let content = write(&objects, &plain).await;
    tamper(&objects, content.name, |stored| {
        let (one, two) = stored.split_at_mut(STORED);
        one.swap_with_slice(&mut two[..STORED]);
    })
    .await;
    assert!(
        all(objects.read(again(&content))).await.is_err(),
        "swapped chunks"
    );

    let content = write(&objects, &plain).await;
    let another = Content {
        sha256: [7; 32],
        ..again(&content)
    };
    assert!(all(objects.read(another)).await.is_err(), "another hash");
    let another = Content {
        key: ObjectKey::new(),
        ..again(&content)
    };
    assert!(all(objects.read(another)).await.is_err(), "another key");
}

#[tokio::test]
async fn content_that_breaks_off_leaves_no_object() {
    let objects = Objects::in_memory();
    let name = ObjectName {
        tenant: TenantId::new(),
        id: mint(),
    };
    let pieces = vec![
        Ok(Bytes::from(pattern(100_000))),
        Err(Error::new(Code::Unavailable)),
    ];
    let broken = objects
        .write(name, &ObjectKey::new(), stream::iter(pieces).boxed())
        .await;
    assert!(broken.is_err());
    assert!(!objects.exists(name).await.expect("asked"));
}
