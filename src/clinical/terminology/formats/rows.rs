//! Rows of separated values: quoted cells may hold separators, line ends and doubled quotes (RFC 4180).

/// The rows with the line each begins on, from 1. Blank lines are none.
pub(super) fn rows(text: &str, separator: char) -> impl Iterator<Item = (usize, Vec<String>)> + '_ {
    let mut rest = text.chars().peekable();
    let mut line = 1;
    std::iter::from_fn(move || {
        loop {
            rest.peek()?;
            let began = line;
            let mut cells = vec![String::new()];
            let mut quoted = false;
            while let Some(c) = rest.next() {
                line += usize::from(c == '\n');
                let cell = cells.last_mut()?;
                match c {
                    '"' if quoted && rest.peek() == Some(&'"') => {
                        rest.next();
                        cell.push('"');
                    }
                    '"' if quoted => quoted = false,
                    '"' if cell.is_empty() => quoted = true,
                    '\n' if !quoted => break,
                    '\r' if !quoted => {}
                    c if c == separator && !quoted => cells.push(String::new()),
                    c => cell.push(c),
                }
            }
            if cells.iter().any(|cell| !cell.trim().is_empty()) {
                return Some((began, cells));
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_cells_hold_separators_line_ends_and_quotes() {
        let text = "a,\"b, \"\"c\"\"\nd\",e\r\n\n,\nf,5\" pipe,\n";
        let all: Vec<_> = rows(text, ',').collect();
        assert_eq!(
            all,
            [
                (1, vec!["a".into(), "b, \"c\"\nd".into(), "e".into()]),
                (5, vec!["f".into(), "5\" pipe".into(), String::new()])
            ]
        );
    }
}
