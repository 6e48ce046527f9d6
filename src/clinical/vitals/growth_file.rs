//! Reading a growth reference as its publisher gives it out.
//!
//! The CDC's files (`wtage.csv`, `statage.csv`, `bmiagerev.csv`, `hcageinf.csv` …) have the columns `Sex, Agemos, L, M, S`
//! and percentiles after them; the WHO's tables have `Month` (or `Week`, `Day`, `Age`) and `L M S`, one file for each sex,
//! separated by commas or tabs. Columns are found by their titles; what else a file holds is not read.

use super::growth::{GrowthMeasure, GrowthSource, Lms};
use crate::patients::Sex;

/// Days in a month, as references count.
const DAYS: f64 = 30.4375;

/// What a file does not say itself.
#[derive(Clone, Copy, Debug)]
pub struct GrowthFile {
    pub source: GrowthSource,
    pub measure: GrowthMeasure,
    /// Whose table it is, where it has no column `Sex`.
    pub sex: Option<Sex>,
}

/// The lines of a file, each with its sex.
///
/// # Errors
/// A sentence that names the line.
pub(super) fn parse(text: &str, file: GrowthFile) -> Result<Vec<(Sex, Lms)>, String> {
    let mut lines = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty());
    let (_, title) = lines.next().ok_or("the file is empty")?;
    let columns = Columns::find(title)?;
    if columns.sex.is_none() && file.sex.is_none() {
        return Err("the file has no column Sex: say with --sex whose table it is".to_owned());
    }
    let mut found = Vec::new();
    for (place, line) in lines {
        // One of the CDC's files repeats its titles in the middle.
        if Columns::find(line).is_ok() {
            continue;
        }
        found.push(
            columns
                .read(line, file)
                .ok_or_else(|| format!("line {} is no line of a growth reference", place + 1))?,
        );
    }
    if found.is_empty() {
        return Err("the file has no lines".to_owned());
    }
    found.sort_by(|(a, x), (b, y)| {
        (*a == Sex::Male)
            .cmp(&(*b == Sex::Male))
            .then(x.age_months.total_cmp(&y.age_months))
    });
    let twice = found.windows(2).find(|two| {
        two[0].0 == two[1].0 && (two[0].1.age_months - two[1].1.age_months).abs() < 1e-4
    });
    match twice {
        Some(two) => Err(format!(
            "the age {} stands there twice",
            two[0].1.age_months
        )),
        None => Ok(found),
    }
}

/// Where each column stands.
struct Columns {
    sex: Option<usize>,
    age: usize,
    months_in_one: f64,
    l: usize,
    m: usize,
    s: usize,
}

impl Columns {
    fn find(line: &str) -> Result<Self, String> {
        let titles: Vec<String> = cells(line).map(str::to_lowercase).collect();
        let of = |title: &str| titles.iter().position(|found| found == title);
        let needed =
            |title: &str| of(title).ok_or_else(|| format!("the file has no column {title}"));
        let (age, months_in_one) = [
            ("agemos", 1.0),
            ("month", 1.0),
            ("months", 1.0),
            ("week", 7.0 / DAYS),
            ("weeks", 7.0 / DAYS),
            ("day", 1.0 / DAYS),
            ("days", 1.0 / DAYS),
            ("age", 1.0 / DAYS),
        ]
        .into_iter()
        .find_map(|(title, months)| of(title).map(|place| (place, months)))
        .ok_or("the file has no column of ages (Agemos, Month, Week, Day or Age)")?;
        Ok(Self {
            sex: of("sex"),
            age,
            months_in_one,
            l: needed("l")?,
            m: needed("m")?,
            s: needed("s")?,
        })
    }

    fn read(&self, line: &str, file: GrowthFile) -> Option<(Sex, Lms)> {
        let cells: Vec<&str> = cells(line).collect();
        let number = |place: usize| -> Option<f64> {
            cells
                .get(place)?
                .parse()
                .ok()
                .filter(|number: &f64| number.is_finite())
        };
        let sex = match self.sex {
            Some(place) => match *cells.get(place)? {
                "1" => Sex::Male,
                "2" => Sex::Female,
                _ => return None,
            },
            None => file.sex?,
        };
        let lms = Lms {
            source: file.source,
            measure: file.measure,
            age_months: number(self.age)? * self.months_in_one,
            l: number(self.l)?,
            m: number(self.m)?,
            s: number(self.s)?,
        };
        let plausible = (0.0..=300.0).contains(&lms.age_months) && lms.m > 0.0 && lms.s > 0.0;
        plausible.then_some((sex, lms))
    }
}

fn cells(line: &str) -> impl Iterator<Item = &str> {
    line.trim_start_matches('\u{feff}')
        .split([',', '\t', ';'])
        .map(|cell| cell.trim().trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CDC: &str = "Sex,Agemos,L,M,S,P3,P5\n1,0,1.815151075,3.530203168,0.152385273,2.355450986,2.526903829\n\
                       1,9.5,-0.1600954,9.476500305,0.11218624,7.7,7.9\nSex,Agemos,L,M,S,P3,P5\n2,0,1.509187507,3.39918645,0.142106724,2.4,2.5\n";

    fn file(sex: Option<Sex>) -> GrowthFile {
        GrowthFile {
            source: GrowthSource::Cdc,
            measure: GrowthMeasure::Weight,
            sex,
        }
    }

    #[test]
    fn the_cdcs_form_is_read_with_its_repeated_titles() {
        let found = parse(CDC, file(None)).expect("a reference");
        assert_eq!(found.len(), 3);
        assert_eq!(found.iter().filter(|(sex, _)| *sex == Sex::Male).count(), 2);
        assert!(
            found
                .iter()
                .any(|(_, line)| (line.m - 9.476_500_305).abs() < 1e-12)
        );
    }

    #[test]
    fn the_whos_form_is_read_with_the_sex_said() {
        let text =
            "\u{feff}Day\tL\tM\tS\n0\t0.3487\t3.3464\t0.14602\n365\t0.0644\t9.6479\t0.10925\n";
        let found = parse(text, file(Some(Sex::Male))).expect("a reference");
        assert!((found[1].1.age_months - 11.99).abs() < 0.01);
        assert!(parse(text, file(None)).is_err(), "nobody said whose");
    }

    #[test]
    fn a_file_of_another_kind_is_refused_with_the_line() {
        assert!(parse("", file(None)).is_err());
        assert!(parse("a,b,c\n1,2,3\n", file(None)).is_err());
        let broken = CDC.replace("3.39918645", "much");
        assert_eq!(
            parse(&broken, file(None)).expect_err("broken"),
            "line 5 is no line of a growth reference"
        );
        let twice = CDC.replace("1,9.5,", "1,0,");
        assert!(
            parse(&twice, file(None))
                .expect_err("twice")
                .contains("twice")
        );
    }
}
