//! An e-mail as RFC 5322 and MIME have it: ASCII headers, a text body in base64, lines that end in CR LF.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::format::{DelayedFormat, StrftimeItems};

use super::Message;

/// Bytes of an encoded word's text, so that the word stays below 75 characters (RFC 2047).
const WORD: usize = 42;

/// The whole message. `from` is an address of ours.
pub(super) fn render(message: &Message, from: &str) -> String {
    let domain = from
        .rsplit_once('@')
        .map_or("localhost", |(_, domain)| domain.trim_end_matches('>'));
    let date: DelayedFormat<StrftimeItems<'_>> = message.at.format("%a, %d %b %Y %H:%M:%S +0000");
    let mut lines = vec![
        format!("From: {from}"),
        format!("To: {}", message.to),
        format!(
            "Subject: {}",
            unstructured(message.subject.as_deref().unwrap_or_default())
        ),
        format!("Date: {date}"),
        format!("Message-ID: <{}@{domain}>", message.id),
        "Auto-Submitted: auto-generated".to_owned(),
        "MIME-Version: 1.0".to_owned(),
        "Content-Type: text/plain; charset=utf-8".to_owned(),
        "Content-Transfer-Encoding: base64".to_owned(),
        String::new(),
    ];
    let body = message.body.replace("\r\n", "\n").replace('\n', "\r\n");
    let encoded = STANDARD.encode(body);
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        let (line, more) = rest.split_at(rest.len().min(76));
        lines.push(line.to_owned());
        rest = more;
    }
    lines.push(String::new());
    lines.join("\r\n")
}

/// The text of a header: as it is, or in encoded words. Nothing in it can end the line.
fn unstructured(text: &str) -> String {
    let text: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if text.is_ascii() && text.len() <= 60 && !text.contains("=?") {
        return text;
    }
    let mut words = Vec::new();
    let mut word = String::new();
    for c in text.chars() {
        if word.len() + c.len_utf8() > WORD {
            words.push(std::mem::take(&mut word));
        }
        word.push(c);
    }
    words.push(word);
    words
        .iter()
        .map(|word| format!("=?utf-8?B?{}?=", STANDARD.encode(word)))
        .collect::<Vec<_>>()
        .join("\r\n ")
}

#[cfg(test)]
mod tests {
    use super::super::Channel;
    use super::*;
    use uuid::Uuid;

    fn message(subject: &str, body: &str) -> Message {
        Message {
            id: Uuid::nil(),
            channel: Channel::Email,
            to: "ada@example.com".to_owned(),
            subject: Some(subject.to_owned()),
            body: body.to_owned(),
            at: "2026-03-08T06:59:59Z".parse().expect("an instant"),
        }
    }

    #[test]
    fn a_mail_has_its_headers_and_a_body_that_decodes() {
        let text = render(
            &message("Your appointment", "Hello Ada,\nsee you."),
            "clinic@example.org",
        );
        let (head, body) = text.split_once("\r\n\r\n").expect("a blank line");
        assert!(head.contains("\r\nDate: Sun, 08 Mar 2026 06:59:59 +0000\r\n"));
        assert!(
            head.contains("\r\nMessage-ID: <00000000-0000-0000-0000-000000000000@example.org>")
        );
        let body = STANDARD.decode(body.replace("\r\n", "")).expect("base64");
        assert_eq!(body, b"Hello Ada,\r\nsee you.");
    }

    #[test]
    fn a_subject_can_not_break_out_of_its_line() {
        let text = render(&message("Hi\r\nBcc: all@example.com", "x"), "a@b.c");
        assert!(text.contains("Subject: Hi  Bcc: all@example.com\r\n"));
        assert!(!text.contains("\nBcc"));
    }

    #[test]
    fn other_scripts_become_encoded_words() {
        let subject = "Ihr Termin über die Erinnerung an das Gespräch im Krankenhaus 李小龙";
        let header = unstructured(subject);
        assert!(
            header.is_ascii() && header.split("\r\n ").all(|word| word.len() <= 75),
            "{header}"
        );
        let decoded: Vec<u8> = header
            .split("\r\n ")
            .flat_map(|word| {
                let inner = word
                    .strip_prefix("=?utf-8?B?")
                    .and_then(|word| word.strip_suffix("?="));
                STANDARD.decode(inner.expect("a word")).expect("base64")
            })
            .collect();
        assert_eq!(String::from_utf8(decoded).expect("text"), subject);
    }
}
