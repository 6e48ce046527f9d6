//! The text of a message: a template with its words filled in.
//!
//! There are six words and no more, so that a message can't say more of a patient than his first name, when and where.

use super::model::ReminderPurpose;

/// What the words stand for.
#[derive(Clone, Debug, Default)]
pub(super) struct Words {
    pub first_name: String,
    /// `2026-03-08`: read alike in every language.
    pub date: String,
    /// `09:30`, on the wall clock of the place.
    pub time: String,
    pub place: String,
    pub link: String,
    pub deadline: String,
}

impl Words {
    fn get(&self, word: &str) -> Option<&str> {
        Some(match word {
            "first_name" => &self.first_name,
            "date" => &self.date,
            "time" => &self.time,
            "place" => &self.place,
            "link" => &self.link,
            "deadline" => &self.deadline,
            _ => return None,
        })
    }
}

/// Whether every placeholder is one of a message with this purpose, and closed.
pub(super) fn is_template(text: &str, purpose: ReminderPurpose) -> bool {
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("{{") {
        let Some((word, after)) = after.split_once("}}") else {
            return false;
        };
        let of_purpose = match word {
            "deadline" => purpose == ReminderPurpose::Offer,
            "first_name" | "date" | "time" | "place" | "link" => true,
            _ => false,
        };
        if !of_purpose {
            return false;
        }
        rest = after;
    }
    !rest.contains("}}")
}

/// Fills the words in. What a word stands for is not looked into again.
pub(super) fn fill(template: &str, words: &Words) -> String {
    let mut text = String::with_capacity(template.len() + 100);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((word, after)) = after.split_once("}}") else {
            break;
        };
        text.push_str(before);
        text.push_str(words.get(word).unwrap_or_default());
        rest = after;
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_filled_in_once() {
        let words = Words {
            first_name: "{{link}}".to_owned(),
            time: "09:30".to_owned(),
            ..Words::default()
        };
        assert_eq!(
            fill("Hi {{first_name}}, at {{time}}.", &words),
            "Hi {{link}}, at 09:30."
        );
        assert_eq!(fill("plain { }", &words), "plain { }");
    }

    #[test]
    fn no_other_word_is_taken() {
        let reminder = ReminderPurpose::Reminder;
        assert!(is_template("{{first_name}} {{link}}", reminder));
        for wrong in [
            "{{diagnosis}}",
            "{{first_name",
            "}}",
            "{{}}",
            "{{ date }}",
            "{{deadline}}",
        ] {
            assert!(!is_template(wrong, reminder), "{wrong}");
        }
        assert!(is_template("{{deadline}}", ReminderPurpose::Offer));
        assert!(is_template("{{link}}", ReminderPurpose::Offer));
    }
}
