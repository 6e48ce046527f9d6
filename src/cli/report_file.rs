//! The file that an import's report goes to.
//!
//! It is written beside its place and takes it at the end, so that what lies there is whole and of the run that said so. A report of
//! an earlier run steps aside when this one begins: an import that breaks off leaves no file that could be taken for its own.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

/// Where a report is to go.
pub(super) struct ReportFile {
    place: PathBuf,
    /// `None` where the place is no file, such as a terminal: then there is nothing to step aside.
    draft: Option<PathBuf>,
    has_begun: bool,
}

impl ReportFile {
    /// Looks whether the report can be written, before the work whose list it is: afterwards it would be lost. Touches nothing
    /// that an earlier run left.
    pub fn at(place: &Path) -> anyhow::Result<Self> {
        let refused = || format!("can't write {}; nothing was imported", place.display());
        // Where `/dev/stdout` leads to a file, what is printed goes there, too.
        let is_device = place.starts_with("/dev");
        // Of a link, what it leads to.
        let place = fs::canonicalize(place).unwrap_or_else(|_| place.to_owned());
        let is_special = match fs::metadata(&place) {
            _ if is_device => true,
            Ok(found) if found.is_dir() => bail!("{}: it is a folder", refused()),
            Ok(found) => !found.is_file(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(error).with_context(refused),
        };
        if is_special {
            return Ok(Self {
                place,
                draft: None,
                has_begun: false,
            });
        }
        let draft = beside(&place, ".unfinished");
        File::create(&draft).with_context(refused)?;
        Ok(Self {
            place,
            draft: Some(draft),
            has_begun: false,
        })
    }

    /// The import begins: an earlier report steps aside.
    pub fn begin(&mut self) -> anyhow::Result<()> {
        if self.draft.is_some() && self.place.exists() {
            fs::rename(&self.place, self.earlier())
                .with_context(|| format!("can't move {} aside", self.place.display()))?;
        }
        self.has_begun = true;
        Ok(())
    }

    /// Writes the report and puts it in its place; the earlier one goes.
    pub fn finish(mut self, write: impl FnOnce(&Path) -> io::Result<()>) -> anyhow::Result<()> {
        let failed = || format!("can't write {}", self.place.display());
        let Some(draft) = &self.draft else {
            return write(&self.place).with_context(failed);
        };
        write(draft).with_context(failed)?;
        fs::rename(draft, &self.place).with_context(failed)?;
        let _ = fs::remove_file(self.earlier());
        self.draft = None;
        Ok(())
    }

    fn earlier(&self) -> PathBuf {
        beside(&self.place, ".earlier-run")
    }
}

impl Drop for ReportFile {
    fn drop(&mut self) {
        let Some(draft) = &self.draft else {
            return;
        };
        let _ = fs::remove_file(draft);
        if self.has_begun {
            aside!(
                "there is no report: {} was not written",
                self.place.display()
            );
            if self.earlier().exists() {
                aside!("that of an earlier run is {}", self.earlier().display());
            }
        }
    }
}

fn beside(place: &Path, ending: &str) -> PathBuf {
    let mut name = place.file_name().map_or_else(OsString::new, OsString::from);
    name.push(ending);
    place.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder of its own, with the report of an earlier run.
    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Self {
            let path =
                std::env::temp_dir().join(format!("chartwell-report-{}", kernel::ids::mint()));
            fs::create_dir(&path).expect("a folder");
            fs::write(path.join("report.jsonl"), "earlier").expect("written");
            Self(path)
        }

        fn report(&self) -> PathBuf {
            self.0.join("report.jsonl")
        }

        /// Every file in it, with what it says.
        fn holds(&self) -> Vec<(String, String)> {
            let mut found: Vec<_> = fs::read_dir(&self.0)
                .expect("a folder")
                .map(|file| {
                    let file = file.expect("a file");
                    let text = fs::read_to_string(file.path()).expect("text");
                    (file.file_name().to_string_lossy().into_owned(), text)
                })
                .collect();
            found.sort();
            found
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn file(name: &str, text: &str) -> (String, String) {
        (name.to_owned(), text.to_owned())
    }

    #[test]
    fn an_import_that_ends_puts_its_report_in_the_place_of_the_earlier_one() {
        let folder = Folder::new();
        let mut report = ReportFile::at(&folder.report()).expect("it can be written");
        report.begin().expect("it begins");
        report
            .finish(|draft| fs::write(draft, "this run's"))
            .expect("it is written");
        assert_eq!(folder.holds(), [file("report.jsonl", "this run's")]);
    }

    #[test]
    fn an_import_that_breaks_off_leaves_no_file_that_could_be_taken_for_its_report() {
        let folder = Folder::new();
        let mut report = ReportFile::at(&folder.report()).expect("it can be written");
        report.begin().expect("it begins");
        drop(report);
        assert_eq!(
            folder.holds(),
            [file("report.jsonl.earlier-run", "earlier")]
        );
        // Nor does one whose report can't be written to its end.
        let mut report = ReportFile::at(&folder.report()).expect("it can be written");
        report.begin().expect("it begins");
        let half = |draft: &Path| {
            fs::write(draft, "half of it")?;
            Err(io::Error::other("the disk is full"))
        };
        assert!(report.finish(half).is_err());
        assert_eq!(
            folder.holds(),
            [file("report.jsonl.earlier-run", "earlier")]
        );
    }

    #[test]
    fn an_import_that_never_begins_leaves_the_earlier_report_where_it_is() {
        let folder = Folder::new();
        drop(ReportFile::at(&folder.report()).expect("it can be written"));
        assert_eq!(folder.holds(), [file("report.jsonl", "earlier")]);
        assert!(ReportFile::at(&folder.0).is_err(), "a folder");
        assert!(ReportFile::at(&folder.0.join("nowhere/report")).is_err());
    }

    #[test]
    fn what_is_no_file_is_written_to_and_stays() {
        let mut report = ReportFile::at(Path::new("/dev/null")).expect("it can be written");
        report.begin().expect("it begins");
        report
            .finish(|place| fs::write(place, "gone"))
            .expect("it is written");
        assert!(!fs::metadata("/dev/null").expect("it is there").is_file());
    }
}
