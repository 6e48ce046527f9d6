//! A folder of messages: `mail/<id>.eml`, and `sms.jsonl` with a line for each text message.
//!
//! A mail appears whole or not at all, and again under the same name. A text message may stand there twice after a crash; its
//! id tells. The folder is the server's alone: what is in it tells who has an appointment.

use std::path::{Path, PathBuf};

use futures_util::future::BoxFuture;
use kernel::{Error, Result};
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::Mutex;

use super::{Channel, Message, Messenger, mail};

/// Writes messages into a folder, which is made when the first one is sent.
#[derive(Debug)]
pub struct FileMessenger {
    folder: PathBuf,
    from: String,
    /// A line is written whole before the next.
    lines: Mutex<()>,
}

impl FileMessenger {
    /// `from` is the sender of e-mails.
    pub fn new(folder: PathBuf, from: String) -> Self {
        Self {
            folder,
            from,
            lines: Mutex::new(()),
        }
    }

    async fn write(&self, message: &Message) -> Result<()> {
        if !message.is_addressable() {
            return Err(Error::internal("an address that is none"));
        }
        let mail = self.folder.join("mail");
        private_folder(&self.folder).await?;
        match message.channel {
            Channel::Email => {
                private_folder(&mail).await?;
                let beside = mail.join(format!(".{}.part", message.id));
                let mut file = private_file(&beside, false).await?;
                file.write_all(mail::render(message, &self.from).as_bytes())
                    .await
                    .map_err(Error::unavailable)?;
                file.sync_all().await.map_err(Error::unavailable)?;
                tokio::fs::rename(&beside, mail.join(format!("{}.eml", message.id)))
                    .await
                    .map_err(Error::unavailable)
            }
            Channel::Sms => {
                let line = json!({ "id": message.id, "to": message.to, "text": message.body, "at": message.at });
                let _alone = self.lines.lock().await;
                let mut file = private_file(&self.folder.join("sms.jsonl"), true).await?;
                file.write_all(format!("{line}\n").as_bytes())
                    .await
                    .map_err(Error::unavailable)?;
                file.sync_all().await.map_err(Error::unavailable)
            }
        }
    }
}

impl Messenger for FileMessenger {
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.write(message))
    }
}

async fn private_folder(path: &Path) -> Result<()> {
    tokio::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .await
        .map_err(Error::unavailable)
}

async fn private_file(path: &Path, appends: bool) -> Result<tokio::fs::File> {
    tokio::fs::OpenOptions::new()
        .create(true)
        .write(true)
        .append(appends)
        .truncate(!appends)
        .mode(0o600)
        .open(path)
        .await
        .map_err(Error::unavailable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::ids::mint;

    fn message(channel: Channel, to: &str) -> Message {
        Message {
            id: mint(),
            channel,
            to: to.to_owned(),
            subject: (channel == Channel::Email).then(|| "Hello".to_owned()),
            body: "Text".to_owned(),
            at: "2026-03-08T06:59:59Z".parse().expect("an instant"),
        }
    }

    #[tokio::test]
    async fn messages_lie_in_the_folder_and_nowhere_else() {
        let folder = std::env::temp_dir().join(format!("chartwell-messages-{}", mint()));
        let messenger = FileMessenger::new(folder.clone(), "clinic@example.org".to_owned());
        let mail = message(Channel::Email, "ada@example.com");
        for _ in 0..2 {
            messenger.send(&mail).await.expect("sent");
        }
        let text = message(Channel::Sms, "+1 312 555 0142");
        messenger.send(&text).await.expect("sent");
        for hostile in ["a@b.c\r\nBcc: x@y.z", "<a@b.c>", "a b@c", "nobody"] {
            assert!(
                messenger
                    .send(&message(Channel::Email, hostile))
                    .await
                    .is_err(),
                "{hostile}"
            );
        }
        let mails: Vec<_> = std::fs::read_dir(folder.join("mail"))
            .expect("a folder")
            .flatten()
            .collect();
        assert_eq!(mails.len(), 1, "the same message once");
        let lines = std::fs::read_to_string(folder.join("sms.jsonl")).expect("lines");
        let line: serde_json::Value = serde_json::from_str(lines.trim()).expect("one line of JSON");
        assert_eq!(
            (&line["to"], &line["id"]),
            (&json!("+1 312 555 0142"), &json!(text.id))
        );
        std::fs::remove_dir_all(folder).expect("removed");
    }
}
