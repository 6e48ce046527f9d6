//! The project's figures, measured on this machine: `cargo bench --bench figures -- [section…]`.
//!
//! The server under test is the real binary with its real configuration, over a durable PostgreSQL of its own. What it is
//! compared with runs in turns with it, so that whatever else the machine does hits both. See `benches/README.md`.

#![expect(clippy::cast_precision_loss, reason = "figures are rounded anyway")]
#![allow(
    clippy::too_many_lines,
    reason = "a measurement is told from its preparation to its figure"
)]

mod availability;
mod board;
mod booking;
mod chart;
mod client;
mod database;
mod dev_start;
mod documents;
mod import;
mod load;
mod log_cost;
mod months;
mod notes;
mod options;
mod people;
mod pgbench;
mod point_read;
mod report;
mod search;
mod seed;
mod server;
mod sight;
mod statement;
mod terms;
mod typeahead;
mod unlogged;
mod vitals;

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Parser as _;

use database::Postgres;
use options::{Options, Section};
use report::Report;

/// What a section works with.
struct Bench<'a> {
    options: &'a Options,
    postgres: &'a Postgres,
    report: Report,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let outcome = if options.serve_without_log {
        unlogged::serve()
    } else {
        measure(&options)
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("figures: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn measure(options: &Options) -> anyhow::Result<()> {
    options.check()?;
    let postgres = Postgres::start(options)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let mut bench = Bench {
        options,
        postgres: &postgres,
        report: Report::default(),
    };
    let outcome = runtime.block_on(async {
        tokio::select! {
            outcome = run(&mut bench) => outcome,
            _ = tokio::signal::ctrl_c() => bail!("interrupted"),
        }
    });
    println!("\n{}", bench.report);
    drop(bench);
    drop(runtime);
    postgres.stop()?;
    outcome
}

async fn run(bench: &mut Bench<'_>) -> anyhow::Result<()> {
    for section in bench.options.sections() {
        eprintln!("-- {section}");
        match section {
            Section::PointRead => point_read::measure(bench).await,
            Section::Search => search::measure(bench).await,
            Section::LogCost => log_cost::measure(bench).await,
            Section::Months => months::measure(bench).await,
            Section::Start => dev_start::measure(bench).await,
            Section::Sight => sight::measure(bench).await,
            Section::Notes => notes::measure(bench).await,
            Section::Vitals => vitals::measure(bench).await,
            Section::Documents => documents::measure(bench).await,
            Section::Typeahead => typeahead::measure(bench).await,
            Section::Board => board::measure(bench).await,
            Section::Chart => chart::measure(bench).await,
            Section::Booking => booking::measure(bench).await,
            Section::Availability => availability::measure(bench).await,
            Section::Import => import::measure(bench).await,
        }
        .with_context(|| format!("section {section}"))?;
    }
    Ok(())
}
