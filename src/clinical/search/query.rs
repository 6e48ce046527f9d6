//! What people type, as `to_tsquery` wants it. Pure.
//!
//! Words are all wanted; `"words in order"` is a phrase, `-word` must not be there, `begin*` is the beginning of a word, `or`
//! stands between alternatives. Whatever else is typed is a word: no input is a syntax error.

/// One thing that is wanted, or not wanted.
#[derive(Debug, PartialEq, Eq)]
struct Term {
    words: String,
    excluded: bool,
    prefix: bool,
}

/// The query in the syntax of `to_tsquery`; `None` if no word is left.
pub(super) fn to_tsquery(typed: &str) -> Option<String> {
    let mut alternatives: Vec<Vec<Term>> = vec![Vec::new()];
    for token in tokens(typed) {
        match token {
            Token::Or => alternatives.push(Vec::new()),
            Token::Term(term) => {
                if let Some(last) = alternatives.last_mut() {
                    last.push(term);
                }
            }
        }
    }
    let rendered: Vec<String> = alternatives
        .iter()
        .filter(|terms| !terms.is_empty())
        .map(|terms| {
            let terms: Vec<String> = terms.iter().map(Term::render).collect();
            format!("({})", terms.join(" & "))
        })
        .collect();
    (!rendered.is_empty()).then(|| rendered.join(" | "))
}

impl Term {
    /// Quoted words in a row are a phrase; the quotes keep every operator out.
    fn render(&self) -> String {
        let not = if self.excluded { "!" } else { "" };
        let prefix = if self.prefix { ":*" } else { "" };
        format!("{not}('{}'{prefix})", self.words)
    }
}

enum Token {
    Or,
    Term(Term),
}

fn tokens(typed: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut rest = typed.trim_start();
    while !rest.is_empty() {
        let (excluded, body) = match rest.strip_prefix('-') {
            Some(body) => (true, body),
            None => (false, rest),
        };
        let (text, quoted, after) = if let Some(inner) = body.strip_prefix('"') {
            let (text, after) = inner.split_once('"').unwrap_or((inner, ""));
            (text, true, after)
        } else {
            let end = body.find([' ', '\t', '\n', '"']).unwrap_or(body.len());
            let (text, after) = body.split_at(end);
            (text, false, after)
        };
        rest = after.trim_start();
        if !quoted && !excluded && text.eq_ignore_ascii_case("or") {
            found.push(Token::Or);
            continue;
        }
        let prefix = !quoted && text.ends_with('*');
        let words = clean(text);
        if !words.is_empty() {
            found.push(Token::Term(Term {
                words,
                excluded,
                prefix,
            }));
        }
    }
    found
}

/// Letters, digits and what may stand inside a word; everything that means something to `to_tsquery` becomes a space.
fn clean(text: &str) -> String {
    let kept: String = text
        .chars()
        .map(|c| {
            if c.is_alphanumeric() || matches!(c, '.' | '/' | '-' | '_' | '%' | '+') {
                c
            } else {
                ' '
            }
        })
        .collect();
    kept.split_whitespace()
        .filter(|word| word.chars().any(char::is_alphanumeric))
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_phrases_exclusions_prefixes_and_alternatives() {
        for (typed, expected) in [
            ("chest pain", "(('chest') & ('pain'))"),
            ("\"chest pain\"", "(('chest pain'))"),
            ("pain -chest", "(('pain') & !('chest'))"),
            ("pain -\"left arm\"", "(('pain') & !('left arm'))"),
            ("hyperten*", "(('hyperten':*))"),
            ("mi or infarction", "(('mi')) | (('infarction'))"),
            ("\"open end", "(('open end'))"),
            ("bp 128/82", "(('bp') & ('128/82'))"),
        ] {
            assert_eq!(to_tsquery(typed).as_deref(), Some(expected), "{typed}");
        }
        for typed in ["", "  ", "or", "-", "***", "& | ! ( )", "\"\"", "'"] {
            assert_eq!(to_tsquery(typed), None, "{typed}");
        }
    }

    proptest! {
        #[test]
        fn nothing_typed_gets_out_of_its_quotes(typed in ".{0,60}") {
            if let Some(query) = to_tsquery(&typed) {
                prop_assert_eq!(query.matches('\'').count() % 2, 0);
                prop_assert!(!query.contains('\\'));
                let outside: String = query.split('\'').step_by(2).collect();
                prop_assert!(outside.chars().all(|c| "()&|! :*".contains(c)), "{}", query);
            }
        }
    }
}
