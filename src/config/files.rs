//! Where the content of documents is kept, and who looks into it first.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use kernel::Result;
use platform::files::{Clamd, ClamdAddress, FileOptions, Files, Objects, S3, Scanner};

use super::reader::Reader;

/// The files of a server.
#[derive(Clone, Debug)]
pub struct FilesConfig {
    place: Place,
    scanner: Option<ClamdAddress>,
    options: FileOptions,
}

#[derive(Clone, Debug)]
enum Place {
    Folder(PathBuf),
    S3(S3),
}

impl FilesConfig {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let folder = reader.folder("CHARTWELL_FILES_DIR");
        let place = match reader.optional("CHARTWELL_FILES_S3_BUCKET") {
            Some(bucket) => Place::S3(S3 {
                bucket,
                region: reader.text("CHARTWELL_FILES_S3_REGION"),
                endpoint: reader.optional_url("CHARTWELL_FILES_S3_ENDPOINT"),
                access_key: reader.optional("CHARTWELL_FILES_S3_ACCESS_KEY"),
                secret_key: reader.secret("CHARTWELL_FILES_S3_SECRET_KEY"),
            }),
            None => Place::Folder(folder),
        };
        let megabytes = reader.number("CHARTWELL_FILES_MAX_MEGABYTES", 1, 2000);
        let daily = reader.number("CHARTWELL_FILES_DAILY_MEGABYTES", 1, 10_000_000);
        let of_patient = reader.number("CHARTWELL_FILES_DAILY_PATIENT_MEGABYTES", 1, 10_000_000);
        let seconds = reader.number("CHARTWELL_FILES_UPLOAD_SECONDS", 10, 86_400);
        Self {
            place,
            scanner: reader.parsed(
                "CHARTWELL_FILES_SCANNER",
                "must be tcp:host:port or unix:/path",
            ),
            options: FileOptions {
                largest: u64::from(megabytes) << 20,
                daily: u64::from(daily) << 20,
                daily_of_patient: u64::from(of_patient) << 20,
                upload_deadline: Duration::from_secs(seconds.into()),
                require_scan: reader.flag("CHARTWELL_FILES_REQUIRE_SCAN"),
                extractor: None,
            },
        }
    }

    /// In this folder, whatever was said.
    pub fn keep_in(&mut self, folder: PathBuf) {
        self.place = Place::Folder(folder);
    }

    /// The folder, where it is one.
    pub fn folder(&self) -> Option<&Path> {
        match &self.place {
            Place::Folder(folder) => Some(folder),
            Place::S3(_) => None,
        }
    }

    /// Opens the store; a folder is made if missing.
    pub fn open(&self) -> Result<Files> {
        let objects = match &self.place {
            Place::Folder(folder) => Objects::in_folder(folder)?,
            Place::S3(place) => Objects::in_s3(place)?,
        };
        let scanner = self
            .scanner
            .clone()
            .map(|address| Arc::new(Clamd(address)) as Arc<dyn Scanner>);
        Ok(Files::new(objects, scanner, self.options.clone()))
    }
}
