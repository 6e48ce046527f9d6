//! How good, how fast: `cargo bench -p planner -- [--seeds N] [--seconds S] [--sizes 60x4,150x8] [--oracle PYTHON]`.
//!
//! Without an oracle, plans are held against the planner's own bound. `--oracle` names a Python that has OR-Tools: CP-SAT
//! then solves the same problems by `cpsat.py`, which states the rules anew, for `--oracle-seconds` each on one worker.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use planner::generate::{Clinic, clinic};
use planner::{
    Budget, ChangeOfDay, Options, Plan, Problem, bound, insert_one, solve, standing, verify,
    what_if,
};

/// Requests put into each full week, one by one.
const INSERTED: usize = 100;

struct Settings {
    seeds: u64,
    seconds: f64,
    bound_seconds: f64,
    oracle: Option<PathBuf>,
    oracle_seconds: f64,
    /// Those at which the oracle is asked.
    oracle_most: usize,
    model: String,
    sizes: Vec<(usize, usize)>,
    quality: bool,
    speed: bool,
}

fn settings() -> Result<Settings, String> {
    let mut settings = Settings {
        seeds: 5,
        seconds: 2.0,
        bound_seconds: 20.0,
        oracle: None,
        oracle_seconds: 60.0,
        oracle_most: 200,
        model: "starts".to_owned(),
        sizes: vec![(60, 4), (150, 8), (300, 12), (1000, 40)],
        quality: true,
        speed: true,
    };
    let mut words = std::env::args().skip(1).filter(|it| it != "--bench");
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("{word} wants a value"));
        let number = |text: String| text.parse::<f64>().map_err(|error| error.to_string());
        match word.as_str() {
            "--seeds" => settings.seeds = value()?.parse().map_err(|_| "a number of seeds")?,
            "--seconds" => settings.seconds = number(value()?)?,
            "--bound-seconds" => settings.bound_seconds = number(value()?)?,
            "--oracle" => settings.oracle = Some(value()?.into()),
            "--oracle-seconds" => settings.oracle_seconds = number(value()?)?,
            "--oracle-most" => settings.oracle_most = value()?.parse().map_err(|_| "a number")?,
            "--model" => settings.model = value()?,
            "--quality-only" => settings.speed = false,
            "--speed-only" => settings.quality = false,
            "--sizes" => {
                let sizes = value()?;
                let sizes = sizes.split(',').map(|size| {
                    let (requests, providers) = size.split_once('x')?;
                    Some((requests.parse().ok()?, providers.parse().ok()?))
                });
                settings.sizes = sizes
                    .collect::<Option<_>>()
                    .ok_or("sizes like 60x4,150x8")?;
            }
            _ => return Err(format!("unknown: {word}")),
        }
    }
    Ok(settings)
}

fn main() -> ExitCode {
    match settings().and_then(|settings| measure(&settings)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("planner: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(settings: &Settings) -> Result<(), String> {
    if settings.quality {
        quality(settings)?;
    }
    if settings.speed {
        speed(settings)?;
    }
    Ok(())
}

fn percent(cost: i64, least: i64) -> String {
    // Costs are far below 2^52.
    #[expect(clippy::cast_precision_loss)]
    let over = (cost - least) as f64 * 100.0 / least.max(1) as f64;
    format!("{over:+.2} %")
}

fn quality(settings: &Settings) -> Result<(), String> {
    println!(
        "| requests × providers | seed | unplaced | first | planner | its bound | over it | CP-SAT | its bound | planner over CP-SAT | over the best bound | steps |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|");
    for (requests, providers) in &settings.sizes {
        for seed in 1..=settings.seeds {
            let problem = clinic(&Clinic::week(*requests, *providers, seed));
            let (plan, _) = solved(&problem, settings.seconds)?;
            let cost = plan.score.total;
            let time = Budget::Time(Duration::from_secs_f64(settings.bound_seconds));
            let least = bound(&problem, cost, time).map_err(|it| format!("{it:?}"))?;
            let oracle = match &settings.oracle {
                Some(python) if *requests <= settings.oracle_most => {
                    Some(ask(python, settings, &problem)?)
                }
                _ => None,
            };
            let best = oracle.as_ref().map_or(least, |it| it.bound.max(least));
            println!(
                "| {requests} × {providers} | {seed} | {} | {} | {cost} | {least} | {} | {} | {} | {} | {} | {} |",
                plan.unplaced.len(),
                plan.search.first_cost,
                percent(cost, least),
                oracle.as_ref().map_or("–".to_owned(), |it| format!(
                    "{} {}",
                    it.cost.map_or("–".to_owned(), |it| it.to_string()),
                    it.status
                )),
                oracle
                    .as_ref()
                    .map_or("–".to_owned(), |it| it.bound.to_string()),
                oracle
                    .as_ref()
                    .and_then(|it| it.cost)
                    .map_or("–".to_owned(), |it| percent(cost, it)),
                percent(cost, best),
                plan.search.iterations,
            );
        }
    }
    Ok(())
}

/// The plan after so many seconds, compiling and reporting included; it must be right.
fn solved(problem: &Problem, seconds: f64) -> Result<(Plan, Duration), String> {
    let options = Options {
        seed: 1,
        budget: Budget::Time(Duration::from_secs_f64(seconds)),
        bound: None,
    };
    let begun = Instant::now();
    let plan = solve(problem, &options).map_err(|it| format!("{it:?}"))?;
    let took = begun.elapsed();
    let violations = verify(problem, &plan);
    if violations.is_empty() {
        Ok((plan, took))
    } else {
        Err(format!("rules are broken: {violations:?}"))
    }
}

#[derive(serde::Deserialize)]
struct Oracle {
    status: String,
    cost: Option<i64>,
    bound: i64,
}

fn ask(python: &Path, settings: &Settings, problem: &Problem) -> Result<Oracle, String> {
    let file = std::env::temp_dir().join(format!("planner-{}.json", std::process::id()));
    let text = serde_json::to_vec(problem).map_err(|error| error.to_string())?;
    std::fs::write(&file, text).map_err(|error| error.to_string())?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/cpsat.py");
    let output = Command::new(python)
        .arg(script)
        .arg(&file)
        .args([
            "--seconds",
            &settings.oracle_seconds.to_string(),
            "--model",
            &settings.model,
        ])
        .output()
        .map_err(|error| error.to_string())?;
    drop(std::fs::remove_file(&file));
    serde_json::from_slice(&output.stdout)
        .map_err(|_| String::from_utf8_lossy(&output.stderr).into_owned())
}

fn quantiles(times: &mut [Duration]) -> String {
    times.sort_unstable();
    let at = |part: usize| times.get((times.len() * part / 100).min(times.len().saturating_sub(1)));
    format!("{:.1?} / {:.1?} / {:.1?}", at(50), at(99), at(100))
        .replace("Some(", "")
        .replace(')', "")
}

fn speed(settings: &Settings) -> Result<(), String> {
    println!(
        "\n| requests × providers | whole plan | one request into each full week, p50 / p99 / max | of them placed | a provider away for a day, half a second: moved, lost of hit |"
    );
    println!("|---|---|---|---|---|");
    for (requests, providers) in &settings.sizes {
        let (mut times, mut placed) = (Vec::new(), 0);
        let mut first = None;
        for seed in 1..=settings.seeds {
            let problem = clinic(&Clinic::week(*requests, *providers, seed));
            let (plan, took) = solved(&problem, settings.seconds)?;
            for one in 0..INSERTED {
                let (took, found) = inserted(&problem, &plan, one)?;
                times.push(took);
                placed += usize::from(found);
            }
            first.get_or_insert((problem, plan, took));
        }
        let Some((problem, plan, took)) = first else {
            continue;
        };
        println!(
            "| {requests} × {providers} | {took:.2?} | {} | {placed} of {} | {} |",
            quantiles(&mut times),
            times.len(),
            away(&problem, &plan)?,
        );
    }
    Ok(())
}

/// How long it takes to place one more request into a week that is full, and whether it finds a place: somebody of those without
/// one, or somebody like one of those placed.
fn inserted(problem: &Problem, plan: &Plan, number: usize) -> Result<(Duration, bool), String> {
    let mut full = standing(problem, plan);
    let at = number * full.requests.len() / INSERTED;
    let id = match plan.unplaced.get(at) {
        Some(it) if number.is_multiple_of(2) => it.request.clone(),
        _ => {
            let mut another = full.requests[at].clone();
            another.current = None;
            "another".clone_into(&mut another.id);
            "another".clone_into(&mut another.patient);
            full.requests.push(another);
            "another".to_owned()
        }
    };
    let begun = Instant::now();
    let after = insert_one(&full, &id, number as u64).map_err(|it| format!("{it:?}"))?;
    let took = begun.elapsed();
    Ok((took, after.placements.iter().any(|it| it.request == id)))
}

fn away(problem: &Problem, plan: &Plan) -> Result<String, String> {
    let away = problem.providers[0].id.clone();
    let hit = plan
        .placements
        .iter()
        .filter(|it| it.day == 1 && it.providers.contains(&away));
    let hit = hit.count();
    let change = ChangeOfDay::ProviderAway {
        provider: away,
        day: 1,
        from: 0,
        to: 1440,
    };
    let options = Options {
        seed: 1,
        budget: Budget::Time(Duration::from_millis(500)),
        bound: None,
    };
    let compared = what_if(problem, plan, &[change], &options).map_err(|it| format!("{it:?}"))?;
    let (moved, lost) = (compared.moved.len(), compared.lost.len());
    Ok(format!("{moved}, {lost} of {hit}"))
}
