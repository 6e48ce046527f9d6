//! Words out of HTML and XML (C-CDA, FHIR). Reads on over whatever is malformed: a text for searching need not be perfect.
//!
//! Entities other than the five of XML, numbers, and the space are left as they stand, so none can grow.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// Elements whose words are not shown to anybody.
const UNSEEN: [&str; 4] = ["script", "style", "template", "noscript"];
/// Elements that do not end a word.
const WITHIN_LINE: [&str; 12] = [
    "a", "b", "i", "u", "em", "strong", "span", "sub", "sup", "small", "mark", "font",
];

pub(super) fn html(text: &str) -> String {
    read(text, true)
}

/// Also the names of codes, which stand in attributes in a C-CDA.
pub(super) fn xml(text: &str) -> String {
    read(text, false)
}

fn read(text: &str, html: bool) -> String {
    let mut reader = Reader::from_str(text);
    let config = reader.config_mut();
    config.check_end_names = false;
    config.allow_unmatched_ends = true;
    let mut words = String::new();
    let mut unseen = 0_usize;
    loop {
        let before = reader.buffer_position();
        match reader.read_event() {
            Ok(Event::Eof) => break,
            Ok(Event::Start(tag)) => {
                let name = lower(tag.local_name().as_ref());
                if html && UNSEEN.contains(&name.as_str()) {
                    unseen += 1;
                }
                open(&mut words, &tag, &name, html);
            }
            Ok(Event::Empty(tag)) => {
                let name = lower(tag.local_name().as_ref());
                open(&mut words, &tag, &name, html);
            }
            Ok(Event::End(tag)) => {
                let name = lower(tag.local_name().as_ref());
                if html && UNSEEN.contains(&name.as_str()) {
                    unseen = unseen.saturating_sub(1);
                }
                part(&mut words, &name, html);
            }
            Ok(Event::Text(text)) if unseen == 0 => words.push_str(&text),
            Ok(Event::CData(text)) if unseen == 0 => words.push_str(&text),
            Ok(Event::GeneralRef(name)) if unseen == 0 => {
                let known = name
                    .resolve_char_ref()
                    .ok()
                    .flatten()
                    .or_else(|| entity(&name));
                if let Some(known) = known {
                    words.push(known);
                } else {
                    words.push('&');
                    words.push_str(&name);
                    words.push(';');
                }
            }
            Ok(_) => {}
            // Malformed here: on behind it, but never without moving.
            Err(_) if reader.buffer_position() > before => {}
            Err(_) => break,
        }
    }
    words
}

fn lower(name: &str) -> String {
    name.to_ascii_lowercase()
}

fn open(words: &mut String, tag: &BytesStart<'_>, name: &str, html: bool) {
    part(words, name, html);
    if html {
        return;
    }
    for attribute in tag.attributes().with_checks(false).flatten() {
        if attribute.key.local_name().as_ref() == "displayName" {
            words.push_str(&attribute.value);
            words.push(' ');
        }
    }
}

/// Words end where an element begins or ends, unless it only dresses them.
fn part(words: &mut String, name: &str, html: bool) {
    if !(html && WITHIN_LINE.contains(&name)) {
        words.push(' ');
    }
}

fn entity(name: &str) -> Option<char> {
    match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some(' '),
        _ => None,
    }
}
