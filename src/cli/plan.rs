//! `chartwell plan FILE.json`: the optimiser alone, without a database. `docs/PLANNER.md` describes the format.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use planner::{Budget, ChangeOfDay, Fault, Options, Plan, Problem};
use serde::de::DeserializeOwned;

#[derive(Args, Debug)]
pub struct Arguments {
    /// The problem
    file: PathBuf,
    /// How long to look for better plans
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Look this many steps instead: the same seed then gives the same plan everywhere
    #[arg(long, conflicts_with = "seconds")]
    iterations: Option<u64>,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Prove a lower bound on the cost for so many seconds, too
    #[arg(long)]
    bound: Option<f64>,
    /// What if: the changes in this file, against the plan in --plan; prints what would move
    #[arg(long, requires = "plan")]
    changes: Option<PathBuf>,
    /// A plan printed before
    #[arg(long, requires = "changes")]
    plan: Option<PathBuf>,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let problem: Problem = read(&arguments.file)?;
    let options = Options {
        seed: arguments.seed,
        budget: match arguments.iterations {
            Some(iterations) => Budget::Iterations(iterations),
            None => seconds(arguments.seconds)?,
        },
        bound: arguments.bound.map(seconds).transpose()?,
    };
    let answer = match (&arguments.plan, &arguments.changes) {
        (Some(plan), Some(changes)) => {
            let plan: Plan = read(plan)?;
            let changes: Vec<ChangeOfDay> = read(changes)?;
            let compared = planner::what_if(&problem, &plan, &changes, &options)
                .map_err(|faults| told(&faults))?;
            serde_json::to_string_pretty(&compared)?
        }
        _ => serde_json::to_string_pretty(
            &planner::solve(&problem, &options).map_err(|faults| told(&faults))?,
        )?,
    };
    super::print::whole(&(answer + "\n"));
    Ok(ExitCode::SUCCESS)
}

fn seconds(seconds: f64) -> anyhow::Result<Budget> {
    match Duration::try_from_secs_f64(seconds) {
        Ok(time) if time <= Duration::from_hours(1) => Ok(Budget::Time(time)),
        _ => bail!("seconds are between 0 and 3600"),
    }
}

fn read<T: DeserializeOwned>(file: &PathBuf) -> anyhow::Result<T> {
    let text = std::fs::read(file).with_context(|| format!("{} can't be read", file.display()))?;
    serde_json::from_slice(&text)
        .with_context(|| format!("{} is not in the format", file.display()))
}

fn told(faults: &[Fault]) -> anyhow::Error {
    let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
    anyhow::anyhow!("the problem has faults:\n{}", lines.join("\n"))
}
