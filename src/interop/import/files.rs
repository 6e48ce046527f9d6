//! The files named, the files in the folders named, and their text. What ends in `.gz` is unpacked on the way.
//!
//! Trap: a small file may unpack to a huge one. A document and a line have a longest length, beyond which they are refused; and what
//! unpacks to more than records ever do is given up as soon as that is seen.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use kernel::{Code, Error, Result};

/// Bytes of a document, unpacked.
const LONGEST_DOCUMENT: u64 = 256 << 20;
/// Bytes of a line, unpacked: the longest document that is taken, in base64, and room for what is said of it.
const LONGEST_LINE: u64 = 160 << 20;
/// What a packed file may unpack to for each of its bytes: records come to some ten or twenty, zeros to a thousand.
const MOST_UNPACKED: u64 = 100;
/// How much may be unpacked before that is asked.
const UNASKED: u64 = 16 << 20;

/// Every file to read, each once, in the order of their paths.
///
/// # Errors
/// `invalid_parameter` when a path named does not exist or a folder can't be listed.
pub(super) fn collect(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut found = BTreeSet::new();
    for path in paths {
        let seen = fs::metadata(path).map_err(|cause| unreadable(path, &cause))?;
        if seen.is_dir() {
            walk(path, &mut found)?;
        } else {
            found.insert(path.clone());
        }
    }
    Ok(found.into_iter().collect())
}

fn walk(folder: &Path, found: &mut BTreeSet<PathBuf>) -> Result<()> {
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(|cause| unreadable(&folder, &cause))? {
            let entry = entry.map_err(|cause| unreadable(&folder, &cause))?;
            let path = entry.path();
            let kind = entry
                .file_type()
                .map_err(|cause| unreadable(&path, &cause))?;
            // A link to a folder is not followed: it may lead back here.
            if kind.is_dir() {
                folders.push(path);
            } else if (is_lines(&path) || has_extension(&path, "json")) && path.is_file() {
                found.insert(path);
            }
        }
    }
    Ok(())
}

fn unreadable(path: &Path, cause: &io::Error) -> Error {
    Error::new(Code::InvalidParameter).detail(format!(
        "can't read {}: {}",
        path.display(),
        cause.kind()
    ))
}

/// Whether the file holds one resource a line.
pub(super) fn is_lines(path: &Path) -> bool {
    has_extension(path, "ndjson") || has_extension(path, "jsonl")
}

/// Of a packed file, the extension of what is in it.
fn has_extension(path: &Path, wanted: &str) -> bool {
    let inner = path.with_extension("");
    let named = if is_packed(path) { &inner } else { path };
    named
        .extension()
        .is_some_and(|found| found.eq_ignore_ascii_case(wanted))
}

fn is_packed(path: &Path) -> bool {
    path.extension()
        .is_some_and(|found| found.eq_ignore_ascii_case("gz"))
}

/// The content of a file from a byte on; of a packed one, of what is in it.
fn open(path: &Path, from: u64) -> io::Result<Box<dyn Read>> {
    let mut file = File::open(path)?;
    if !is_packed(path) {
        file.seek(SeekFrom::Start(from))?;
        return Ok(Box::new(file));
    }
    let packed = file.metadata()?.len();
    let mut unpacked = Unpacked {
        from: MultiGzDecoder::new(BufReader::with_capacity(1 << 18, file)),
        left: UNASKED.max(packed.saturating_mul(MOST_UNPACKED)),
    };
    io::copy(&mut unpacked.by_ref().take(from), &mut io::sink())?;
    Ok(Box::new(unpacked))
}

/// What comes out of a packed file, as long as there is not too much of it.
struct Unpacked<R> {
    from: R,
    left: u64,
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(buffer)?;
        self.left = self
            .left
            .checked_sub(read as u64)
            .ok_or(io::ErrorKind::FileTooLarge)?;
        Ok(read)
    }
}

/// Why a file can't be read on.
pub(super) fn unreadable_because(cause: &io::Error) -> String {
    match cause.kind() {
        io::ErrorKind::FileTooLarge => {
            "unpacks to more than records do, and is given up".to_owned()
        }
        io::ErrorKind::UnexpectedEof => "ends in the middle: it was cut off".to_owned(),
        kind => format!("can't be read: {kind}"),
    }
}

/// The text of a file that is one document.
pub(super) fn text(path: &Path) -> Result<String, String> {
    let mut bytes = Vec::new();
    open(path, 0)
        .and_then(|content| content.take(LONGEST_DOCUMENT + 1).read_to_end(&mut bytes))
        .map_err(|cause| unreadable_because(&cause))?;
    if bytes.len() as u64 > LONGEST_DOCUMENT {
        return Err("is longer than 256 MiB: bring it as NDJSON, or as several bundles".to_owned());
    }
    let text = String::from_utf8(bytes).map_err(|_| "is not UTF-8".to_owned())?;
    Ok(text
        .strip_prefix('\u{feff}')
        .map(str::to_owned)
        .unwrap_or(text))
}

/// Where a part of an NDJSON file begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Position {
    pub offset: u64,
    /// Lines before it.
    pub lines: u32,
}

/// Why a walk over lines ended before the file did.
#[derive(Debug)]
pub(super) struct Broken {
    /// After the last line that could be read.
    pub at: Position,
    pub cause: io::Error,
}

/// Walks over the lines from a position on, until told to stop. Each comes with its number, from 1; blank ones are
/// passed over; one that is not UTF-8, or too long, comes as an error. Returns the position after the last line.
pub(super) fn lines(
    path: &Path,
    from: Position,
    mut each: impl FnMut(u32, Result<&str, &'static str>, Position) -> bool,
) -> Result<Position, Broken> {
    let mut position = from;
    let broken = |at: Position| move |cause| Broken { at, cause };
    let content = open(path, from.offset).map_err(broken(position))?;
    let mut reader = BufReader::with_capacity(1 << 18, content);
    let mut line = Vec::new();
    loop {
        line.clear();
        let mut read = reader
            .by_ref()
            .take(LONGEST_LINE)
            .read_until(b'\n', &mut line)
            .map_err(broken(position))? as u64;
        if read == 0 {
            return Ok(position);
        }
        let too_long = read == LONGEST_LINE && line.last() != Some(&b'\n');
        if too_long {
            line = Vec::new();
            read += reader.skip_until(b'\n').map_err(broken(position))? as u64;
        }
        position = Position {
            offset: position.offset + read,
            lines: position.lines + 1,
        };
        let bytes = if position.lines == 1 {
            line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line)
        } else {
            &line
        };
        let text = match std::str::from_utf8(bytes) {
            _ if too_long => Err("is longer than 160 MiB"),
            Ok(text) => Ok(text.trim()),
            Err(_) => Err("is not UTF-8"),
        };
        if text != Ok("") && !each(position.lines, text, position) {
            return Ok(position);
        }
        // What one long line took is not kept for the short ones after it.
        line.shrink_to(1 << 20);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder =
            std::env::temp_dir().join(format!("chartwell-import-{name}-{}", std::process::id()));
        fs::create_dir_all(folder.join("deep/er")).expect("a temporary folder");
        folder
    }

    #[test]
    fn folders_are_searched_and_a_file_named_twice_is_read_once() {
        let root = folder("walk");
        for name in [
            "b.json",
            "deep/a.ndjson",
            "deep/er/C.JSON",
            "deep/notes.txt",
        ] {
            fs::write(root.join(name), "{}").expect("a file");
        }
        let found = collect(&[root.clone(), root.join("b.json")]).expect("files");
        let names: Vec<_> = found
            .iter()
            .map(|path| path.strip_prefix(&root).expect("below the root").to_owned())
            .collect();
        assert_eq!(
            names,
            ["b.json", "deep/a.ndjson", "deep/er/C.JSON"].map(PathBuf::from)
        );
        assert!(collect(&[root.join("absent")]).is_err());
        fs::remove_dir_all(root).expect("removed");
    }

    #[test]
    fn packed_files_read_as_what_is_in_them() {
        use std::io::Write as _;
        let root = folder("packed");
        let pack = |name: &str, content: &[u8]| {
            let path = root.join(name);
            let file = File::create(&path).expect("a file");
            let mut packed = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
            packed.write_all(content).expect("written");
            packed.finish().expect("packed");
            path
        };
        let document = pack("deep/d.json.gz", br#"{"a":1}"#);
        let lined = pack("l.ndjson.gz", b"one\ntwo\nthree");
        assert_eq!(
            collect(std::slice::from_ref(&root)).expect("files").len(),
            2
        );
        assert!(is_lines(&lined) && !is_lines(&document));
        assert_eq!(text(&document).as_deref(), Ok(r#"{"a":1}"#));
        let mut after_two = Position::default();
        lines(&lined, Position::default(), |number, _, after| {
            after_two = after;
            number < 2
        })
        .expect("readable");
        let mut rest = Vec::new();
        lines(&lined, after_two, |number, text, _| {
            rest.push((number, text.map(str::to_owned)));
            true
        })
        .expect("readable");
        assert_eq!(rest, [(3, Ok("three".to_owned()))]);
        let broken = root.join("broken.json.gz");
        fs::write(&broken, b"not packed").expect("a file");
        assert!(text(&broken).is_err());
        let whole = fs::read(&lined).expect("packed");
        let cut = root.join("cut.ndjson.gz");
        fs::write(&cut, &whole[..whole.len() - 9]).expect("a file");
        let mut seen = 0;
        let ended = lines(&cut, Position::default(), |_, _, _| {
            seen += 1;
            true
        });
        let ended = ended.expect_err("it was cut off");
        assert_eq!(ended.at.lines, seen);
        assert!(unreadable_because(&ended.cause).contains("cut off"));
        let bomb = pack("bomb.json.gz", &vec![b' '; 64 << 20]);
        assert!(fs::metadata(&bomb).expect("a file").len() < 1 << 20);
        let refused = text(&bomb).expect_err("it unpacks to too much");
        assert!(refused.contains("given up"), "{refused}");
        fs::remove_dir_all(root).expect("removed");
    }

    #[test]
    fn of_what_unpacks_for_ever_no_more_is_held_than_is_let_through() {
        let mut unpacked = Unpacked {
            from: io::repeat(b'{'),
            left: 1 << 20,
        };
        let mut held = Vec::new();
        let ended = unpacked.read_to_end(&mut held).expect_err("it never ends");
        assert_eq!(ended.kind(), io::ErrorKind::FileTooLarge);
        assert!(held.len() <= 1 << 20, "{}", held.len());
        assert!(held.capacity() <= 4 << 20, "{}", held.capacity());
    }

    #[test]
    fn lines_are_counted_through_blanks_and_bad_bytes_and_reading_resumes_at_a_position() {
        let root = folder("lines");
        let path = root.join("x.ndjson");
        fs::write(&path, b"\xef\xbb\xbfone\n\r\n\xff\xfe\ntwo").expect("a file");
        let mut seen = Vec::new();
        let mut second = Position::default();
        lines(&path, Position::default(), |number, text, after| {
            if number == 3 {
                second = after;
            }
            seen.push((number, text.map(str::to_owned).ok()));
            true
        })
        .expect("readable");
        assert_eq!(
            seen,
            [
                (1, Some("one".to_owned())),
                (3, None),
                (4, Some("two".to_owned()))
            ]
        );
        let mut rest = Vec::new();
        lines(&path, second, |number, text, _| {
            rest.push((number, text.map(str::to_owned)));
            true
        })
        .expect("readable");
        assert_eq!(rest, [(4, Ok("two".to_owned()))]);
        fs::remove_dir_all(root).expect("removed");
    }
}
