//! Files in fixed columns, or with the code first and the text behind it.

use super::{Line, day};

/// CMS's order file (number, code, whether it may be billed, short and long title in columns 1, 7, 15, 17 and 78), or its
/// file of codes (code, blanks, title).
pub(super) fn icd10(text: &str) -> Vec<Line> {
    let is_order = text.lines().next().is_some_and(|line| {
        line.len() > 16
            && line.as_bytes()[..5].iter().all(u8::is_ascii_digit)
            && line.as_bytes()[5] == b' '
    });
    if !is_order {
        return code_and_text(text);
    }
    numbered(text)
        .filter_map(|(number, line)| {
            let code = line.get(6..14)?.trim();
            let short = line
                .get(16..)
                .map(|rest| rest.get(..60).unwrap_or(rest))?
                .trim();
            let long = line
                .get(77..)
                .map(str::trim)
                .filter(|long| !long.is_empty());
            let mut made = Line::new(number, code, long.unwrap_or(short));
            made.concept.assignable = line.get(14..15)? == "1";
            Some(made)
        })
        .collect()
}

/// A code, then blanks or a tab, then what it means. Lines that begin otherwise are a preamble.
pub(super) fn code_and_text(text: &str) -> Vec<Line> {
    numbered(text)
        .filter_map(|(number, line)| {
            let (code, display) = line.trim().split_once([' ', '\t'])?;
            let is_code = code.bytes().any(|b| b.is_ascii_digit())
                && code
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-');
            is_code.then(|| Line::new(number, code, display.trim()))
        })
        .collect()
}

/// Whether the record identifier of CMS's file stands where it should.
pub(super) fn is_hcpcs(text: &str) -> bool {
    text.lines().next().is_some_and(|line| {
        line.len() > 200
            && line.as_bytes()[5..10].iter().all(u8::is_ascii_digit)
            && line.as_bytes()[10].is_ascii_digit()
    })
}

/// CMS's file: code (column 1), sequence (6), record identifier (11: 3 begins a procedure, 4 goes on, 7 and 8 are
/// modifiers), long text (12 to 91), short text (92 to 119), added (269), ended (285).
pub(super) fn hcpcs(text: &str) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for (number, line) in numbered(text) {
        let part =
            |from: usize, until: usize| line.get(from..until.min(line.len())).map_or("", str::trim);
        match part(10, 11) {
            "3" => {
                let mut made = Line::new(number, part(0, 5), part(11, 91));
                made.concept.also = Some(part(91, 119).to_owned()).filter(|also| !also.is_empty());
                made.concept.valid_from = day(part(268, 276));
                // The last day of use; ours is the first day after it.
                made.concept.valid_until = day(part(284, 292)).and_then(|last| last.succ_opt());
                lines.push(made);
            }
            "4" => {
                if let Some(begun) = lines
                    .last_mut()
                    .filter(|last| last.concept.code == part(0, 5))
                {
                    begun.concept.display.push(' ');
                    begun.concept.display.push_str(part(11, 91));
                }
            }
            _ => {}
        }
    }
    lines
}

fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .map(|(place, line)| (place + 1, line))
        .filter(|(_, line)| !line.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_file_tells_headings_from_codes() {
        let line = |number: u32, code: &str, flag: u8, short: &str, long: &str| {
            format!("{number:05} {code:<7} {flag} {short:<60} {long}\n")
        };
        let text = line(1, "A00", 0, "Cholera", "Cholera")
            + &line(
                2,
                "A000",
                1,
                "Cholera due to Vibrio cholerae 01, biovar cholerae",
                "Cholera due to Vibrio cholerae 01, biovar cholerae (long)",
            );
        let lines = icd10(&text);
        assert_eq!(lines.len(), 2);
        assert_eq!(
            (lines[0].concept.code.as_str(), lines[0].concept.assignable),
            ("A00", false)
        );
        assert_eq!(
            (lines[1].concept.code.as_str(), lines[1].concept.assignable),
            ("A000", true)
        );
        assert!(lines[1].concept.display.ends_with("(long)"));
    }

    #[test]
    fn a_code_file_and_a_preamble_are_told_apart() {
        let lines =
            code_and_text("CPT codes and descriptions\n\n99213\tOffice visit\nA000    Cholera\n");
        let codes: Vec<_> = lines
            .iter()
            .map(|line| (line.number, line.concept.code.as_str()))
            .collect();
        assert_eq!(codes, [(3, "99213"), (4, "A000")]);
    }

    #[test]
    fn long_texts_of_hcpcs_are_joined_and_modifiers_left_out() {
        let record = |code: &str, id: char, long: &str, short: &str, added: &str, ended: &str| {
            let mut line = format!("{code:<5}00100{id}{long:<80}{short:<28}");
            line = format!("{line:<268}{added:<8}{:<8}{ended:<8}{:<28}\n", "", "");
            line
        };
        let text = record(
            "G0008",
            '3',
            "Administration of influenza",
            "Admin influenza virus vac",
            "20020101",
            "",
        ) + &record("G0008", '4', "virus vaccine", "", "", "")
            + &record("LT", '7', "Left side", "", "", "")
            + &record("G9999", '3', "Something old", "Old", "20020101", "20251231");
        assert!(is_hcpcs(&text));
        let lines = hcpcs(&text);
        assert_eq!(lines.len(), 2);
        assert_eq!(
            lines[0].concept.display,
            "Administration of influenza virus vaccine"
        );
        assert_eq!(lines[0].concept.valid_from, day("2002-01-01"));
        assert_eq!(lines[1].concept.valid_until, day("2026-01-01"));
    }
}
