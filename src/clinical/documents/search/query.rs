//! What somebody typed, as the search function wants it.

use kernel::{Code, Error, FieldError, Result};

/// Phrases for `websearch_to_tsquery`, and beginnings of words, which it does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub phrases: String,
    pub prefixes: Vec<String>,
}

/// Reads what was typed: words, "phrases", -excluded, begin*. Something must be wanted, not only unwanted.
pub(super) fn read(typed: &str) -> Result<Wanted> {
    let refuse = |code, rule| {
        Err(Error::new(Code::InvalidParameter).with_fields(vec![FieldError::new("?q", code, rule)]))
    };
    if typed.chars().count() > 300 {
        return refuse("too_long", "must have at most 300 characters");
    }
    let (mut phrases, mut prefixes, mut wanted) = (Vec::new(), Vec::new(), false);
    for (place, piece) in typed.split('"').enumerate() {
        if place % 2 == 1 {
            let excluded = phrases.last().is_some_and(|before: &String| before == "-");
            wanted |= !excluded && has_word(piece);
            phrases.push(format!("\"{piece}\""));
            continue;
        }
        for word in piece.split_whitespace() {
            let beginning: String = word
                .trim_end_matches('*')
                .chars()
                .filter(|c| c.is_alphanumeric())
                .collect();
            if word.ends_with('*') && !word.starts_with('-') && !beginning.is_empty() {
                prefixes.push(beginning.to_lowercase());
                wanted = true;
            } else {
                wanted |= !word.starts_with('-') && has_word(word);
                phrases.push(word.to_owned());
            }
        }
    }
    if !wanted {
        return refuse("nothing_wanted", "must have a word to look for");
    }
    if prefixes.len() > 8 {
        return refuse("too_many", "must have at most eight beginnings of words");
    }
    // A minus before a quotation mark belongs to it.
    let phrases = phrases.join(" ").replace("- \"", "-\"");
    Ok(Wanted { phrases, prefixes })
}

fn has_word(text: &str) -> bool {
    text.chars().any(char::is_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_phrases_exclusions_and_beginnings_are_told_apart() {
        let wanted = read("chest \"left lung\" -fever pneu* -\"no sign\"").expect("it can be read");
        assert_eq!(wanted.phrases, "chest \"left lung\" -fever -\"no sign\"");
        assert_eq!(wanted.prefixes, ["pneu"]);
        assert_eq!(
            read("It's: a|b & (c)").expect("it can be read").prefixes,
            Vec::<String>::new()
        );
    }

    #[test]
    fn nothing_but_exclusions_is_nothing() {
        for typed in ["", "  ", "-fever", "*", "\"\"", "-\"left lung\"", "& | !"] {
            assert!(read(typed).is_err(), "{typed}");
        }
        assert!(read(&"x".repeat(301)).is_err());
    }
}
