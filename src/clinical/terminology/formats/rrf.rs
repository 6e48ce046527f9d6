//! Files with separators and no heading of ours: the CDC's `cvx.txt`, RxNorm's RRF, SNOMED CT's RF2.

use std::collections::{HashMap, HashSet};

use super::table::is_retired;
use super::{Line, day};

/// Code, short name, full name, note, status, day of change; between pipes.
pub(super) fn cvx(text: &str) -> Vec<Line> {
    split(text, '|')
        .filter(|(_, cells)| cells.len() >= 5)
        .map(|(number, cells)| {
            let (short, full) = (cells[1].trim(), cells[2].trim());
            let mut line = Line::new(number, cells[0].trim(), short);
            line.concept.also = (full != short && !full.is_empty()).then(|| full.to_owned());
            line.retired = is_retired(cells[4]);
            line
        })
        .collect()
}

/// `RXNCONSO.RRF`: of each concept (column 1) RxNorm's own names (column 12), one as its display, the others to find it by.
/// One that is obsolete or suppressed (column 17) may not be used any more.
pub(super) fn rxnorm(text: &str) -> Vec<Line> {
    /// Term types that name what may be prescribed, given, or be allergic to.
    const NAMES: &[&str] = &[
        "IN", "PIN", "MIN", "BN", "SCD", "SBD", "GPCK", "BPCK", "SCDC", "SCDF", "SCDG", "SBDC",
        "SBDF", "SBDG", "DF", "DFG",
    ];
    const OTHER_NAMES: &[&str] = &["SY", "PSN", "TMSY"];
    let mut lines: Vec<Line> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut further: HashMap<&str, Vec<&str>> = HashMap::new();
    for (number, cells) in split(text, '|') {
        let [code, ..] = cells[..] else { continue };
        if cells.len() < 17 || cells[11] != "RXNORM" {
            continue;
        }
        let (kind, name, in_use) = (cells[12], cells[14], cells[16] == "N");
        if NAMES.contains(&kind) {
            if let Some(place) = places.get(code) {
                let line = &mut lines[*place];
                if line.retired && in_use {
                    name.clone_into(&mut line.concept.display);
                    line.retired = false;
                }
            } else {
                let mut line = Line::new(number, code, name);
                line.retired = !in_use;
                places.insert(code, lines.len());
                lines.push(line);
            }
        } else if OTHER_NAMES.contains(&kind) {
            further.entry(code).or_default().push(name);
        }
    }
    for (code, names) in further {
        if let Some(place) = places.get(code) {
            lines[*place].concept.also = Some(names.join(" "));
        }
    }
    lines
}

/// The snapshot of descriptions: id, day, active, module, concept, language, type, term, case. The fully specified name is
/// the display, synonyms are to find it by. `concepts` is the snapshot of concepts (id, day, active): one that is not
/// active may not be used from its day on.
pub(super) fn snomed(descriptions: &str, concepts: Option<&str>) -> Vec<Line> {
    const FULL_NAME: &str = "900000000000003001";
    const SYNONYM: &str = "900000000000013009";
    let ended: HashMap<&str, &str> = concepts
        .into_iter()
        .flat_map(|text| split(text, '\t'))
        .filter(|(_, cells)| cells.len() >= 5 && cells[2] == "0")
        .map(|(_, cells)| (cells[0], cells[1]))
        .collect();
    let mut lines = Vec::new();
    let mut named = HashSet::new();
    let mut further: HashMap<&str, Vec<&str>> = HashMap::new();
    for (number, cells) in split(descriptions, '\t') {
        if cells.len() < 9 || cells[2] != "1" || cells[5] != "en" {
            continue;
        }
        let (code, kind, term) = (cells[4], cells[6], cells[7]);
        if kind == FULL_NAME && named.insert(code) {
            let mut line = Line::new(number, code, term);
            if let Some(since) = ended.get(code) {
                line.retired = true;
                line.concept.valid_until = day(since);
            }
            lines.push((code, line));
        } else if kind == SYNONYM {
            further.entry(code).or_default().push(term);
        }
    }
    lines
        .into_iter()
        .map(|(code, mut line)| {
            line.concept.also = further.get(code).map(|names| names.join(" "));
            line
        })
        .collect()
}

fn split(text: &str, separator: char) -> impl Iterator<Item = (usize, Vec<&str>)> {
    text.lines()
        .enumerate()
        .map(move |(place, line)| (place + 1, line.split(separator).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vaccine_no_longer_made_may_still_have_been_given() {
        let text = "143|Adenovirus types 4 and 7|Adenovirus, type 4 and type 7, live, oral|Two tablets.|Active|2011/03/20\n\
                    54|adenovirus, type 4|adenovirus vaccine, type 4, live, oral||Inactive|2010/09/30\n\
                    99|RESERVED - do not use|RESERVED - do not use||Never Active|2010/05/28\n";
        let lines = cvx(text);
        assert_eq!(
            lines.iter().map(|line| line.retired).collect::<Vec<_>>(),
            [false, false, true]
        );
        assert_eq!(lines[0].concept.display, "Adenovirus types 4 and 7");
    }

    #[test]
    fn rxnorm_takes_its_own_names_and_says_what_is_obsolete() {
        let text = "6809|ENG||||||100|100|6809||RXNORM|IN|6809|metformin||N|4096|\n\
                    6809|ENG||||||101|101|6809||MTHSPL|SU|X|METFORMIN||N|4096|\n\
                    860975|ENG||||||102|102|860975||RXNORM|SCD|860975|24 HR metformin hydrochloride 500 MG Extended Release Oral Tablet||N||\n\
                    860975|ENG||||||103|103|860975||RXNORM|PSN|860975|metFORMIN HCl 500 MG 24HR Extended Release Tablet||N||\n\
                    1000|ENG||||||104|104|1000||RXNORM|BN|1000|Oldbrand||O||\n";
        let lines = rxnorm(text);
        let codes: Vec<_> = lines
            .iter()
            .map(|line| (line.concept.code.as_str(), line.retired))
            .collect();
        assert_eq!(codes, [("6809", false), ("860975", false), ("1000", true)]);
        assert!(
            lines[1]
                .concept
                .also
                .as_deref()
                .is_some_and(|also| also.contains("HCl"))
        );
    }

    #[test]
    fn snomed_joins_descriptions_with_the_state_of_their_concepts() {
        let descriptions = "id\teffectiveTime\tactive\tmoduleId\tconceptId\tlanguageCode\ttypeId\tterm\tcaseSignificanceId\n\
            1\t20020131\t1\t9\t44054006\ten\t900000000000003001\tDiabetes mellitus type 2 (disorder)\t9\n\
            2\t20020131\t1\t9\t44054006\ten\t900000000000013009\tType II diabetes mellitus\t9\n\
            3\t20020131\t0\t9\t44054006\ten\t900000000000013009\tA term given up\t9\n\
            4\t20020131\t1\t9\t38341003\ten\t900000000000003001\tHypertensive disorder (disorder)\t9\n";
        let concepts = "id\teffectiveTime\tactive\tmoduleId\tdefinitionStatusId\n44054006\t20020131\t1\t9\t9\n38341003\t20200131\t0\t9\t9\n";
        let lines = snomed(descriptions, Some(concepts));
        assert_eq!(
            lines[0].concept.also.as_deref(),
            Some("Type II diabetes mellitus")
        );
        assert!(!lines[0].retired);
        assert_eq!(lines[1].concept.valid_until, day("2020-01-31"));
    }
}
