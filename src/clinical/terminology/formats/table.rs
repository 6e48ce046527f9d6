//! Tables with a heading: LOINC's CSV, the sheets of CMS saved as CSV, and our own plain form.

use kernel::Result;

use super::rows::rows;
use super::{Line, day, unreadable};

/// Names of columns, as headings write them, without case, blanks and punctuation. The first that is there counts.
const CODE: &[&str] = &[
    "code",
    "loincnum",
    "hcpc",
    "hcpcs",
    "hcpcscode",
    "cptcode",
    "cpt",
    "cvxcode",
    "cvx",
    "rxcui",
    "poscode",
    "placeofservicecode",
    "placeofservicecodes",
    "ndc",
    "atccode",
    "icd10cm",
];
const DISPLAY: &[&str] = &[
    "display",
    "longcommonname",
    "longdescription",
    "fullvaccinename",
    "placeofservicename",
    "description",
    "name",
    "shortdescription",
    "title",
];
const ALSO: &[&str] = &[
    "also",
    "synonyms",
    "shortname",
    "displayname",
    "cvxshortdescription",
    "shortdescription",
];
const ASSIGNABLE: &[&str] = &["assignable", "billable", "leaf", "selectable"];
const STATUS: &[&str] = &["status", "vaccinestatus"];
const FROM: &[&str] = &["validfrom", "adddt", "addeddate", "effectivedate"];
const UNTIL: &[&str] = &["validuntil"];
/// The last day of use, not the first after it.
const LAST: &[&str] = &["termdt", "terminationdate"];

/// Reads a table; `None` if the first line is no heading with a code and a display.
pub(super) fn read(text: &str) -> Result<Option<Vec<Line>>> {
    let first = text.lines().next().unwrap_or_default();
    let separator = ['\t', '|', ';', ',']
        .into_iter()
        .max_by_key(|separator| (first.matches(*separator).count(), *separator == ','))
        .unwrap_or(',');
    let mut rows = rows(text, separator);
    let Some((_, heading)) = rows.next() else {
        return Ok(None);
    };
    let heading: Vec<String> = heading.iter().map(|name| plain(name)).collect();
    let column = |names: &[&str]| {
        names
            .iter()
            .find_map(|name| heading.iter().position(|other| other == name))
    };
    let (Some(code), Some(display)) = (column(CODE), column(DISPLAY)) else {
        return Ok(None);
    };
    let also = column(ALSO).filter(|also| *also != display);
    let (assignable, status) = (column(ASSIGNABLE), column(STATUS));
    let (from, until, last) = (column(FROM), column(UNTIL), column(LAST));
    let mut lines = Vec::new();
    for (number, cells) in rows {
        let cell = |at: usize| cells.get(at).map_or("", |cell| cell.trim());
        let given = |at: Option<usize>| at.map(cell).filter(|cell| !cell.is_empty());
        if cell(code).is_empty() {
            return Err(unreadable("must have a code in every row"));
        }
        let mut line = Line::new(number, cell(code), cell(display));
        line.concept.also = given(also).map(str::to_owned);
        line.concept.assignable = given(assignable).is_none_or(is_yes);
        line.concept.valid_from = given(from).and_then(day);
        line.concept.valid_until = given(until).and_then(day).or_else(|| {
            let last = given(last).and_then(day)?;
            last.succ_opt()
        });
        line.retired = given(status).is_some_and(is_retired);
        lines.push(line);
    }
    Ok(Some(lines))
}

fn plain(name: &str) -> String {
    name.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

fn is_yes(cell: &str) -> bool {
    ["1", "true", "yes", "y", "t"]
        .iter()
        .any(|yes| cell.eq_ignore_ascii_case(yes))
}

/// LOINC's DISCOURAGED still may be used; so may CVX's Inactive, by whom a vaccine was given while there was one.
pub(super) fn is_retired(status: &str) -> bool {
    ["deprecated", "never active", "pending", "retired"]
        .iter()
        .any(|retired| status.trim().eq_ignore_ascii_case(retired))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loinc_is_read_by_its_heading() {
        let text = "\"LOINC_NUM\",\"COMPONENT\",\"STATUS\",\"SHORTNAME\",\"LONG_COMMON_NAME\"\n\
                    \"8480-6\",\"Intravascular systolic\",\"ACTIVE\",\"BP sys\",\"Systolic blood pressure\"\n\
                    \"1-8\",\"Acyclovir\",\"DEPRECATED\",\"\",\"Acyclovir [Susceptibility]\"\n";
        let lines = read(text).expect("read").expect("a table");
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0].concept.display, "Systolic blood pressure");
        assert_eq!(lines[0].concept.also.as_deref(), Some("BP sys"));
        assert!(!lines[0].retired && lines[1].retired);
    }

    #[test]
    fn our_own_form_says_what_is_a_heading() {
        let text = "code,display,assignable,valid_until\nE11,Type 2 diabetes mellitus,false,\nE11.9,\"Without, complications\",true,2026-10-01\n";
        let lines = read(text).expect("read").expect("a table");
        assert!(!lines[0].concept.assignable && lines[1].concept.assignable);
        assert_eq!(lines[1].concept.display, "Without, complications");
        assert_eq!(lines[1].concept.valid_until, day("20261001"));
    }

    #[test]
    fn a_text_without_a_heading_is_no_table() {
        assert_eq!(
            read("A000    Cholera due to Vibrio cholerae\n").expect("read"),
            None
        );
        assert_eq!(read("").expect("read"), None);
    }
}
