//! Where messages to people go.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use platform::messages::{FileMessenger, Messenger};

use super::reader::Reader;

/// The messages of a server.
#[derive(Clone, Debug)]
pub struct MessagesConfig {
    folder: PathBuf,
    from: String,
}

impl MessagesConfig {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            folder: reader.folder("CHARTWELL_MESSAGES_DIR"),
            from: reader.mail_address("CHARTWELL_MESSAGES_FROM"),
        }
    }

    /// In this folder, whatever was said.
    pub fn keep_in(&mut self, folder: PathBuf) {
        self.folder = folder;
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The way messages go.
    pub fn open(&self) -> Arc<dyn Messenger> {
        Arc::new(FileMessenger::new(self.folder.clone(), self.from.clone()))
    }
}
