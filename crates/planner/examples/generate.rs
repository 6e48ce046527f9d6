//! Prints a clinic week as a problem: `cargo run -p planner --example generate -- REQUESTS PROVIDERS SEED`.

use planner::generate::{Clinic, clinic};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut numbers = std::env::args().skip(1);
    let mut next = || -> Result<usize, Box<dyn std::error::Error>> {
        Ok(numbers.next().ok_or("REQUESTS PROVIDERS SEED")?.parse()?)
    };
    let (requests, providers, seed) = (next()?, next()?, next()?);
    let problem = clinic(&Clinic::week(requests, providers, seed as u64));
    println!("{}", serde_json::to_string_pretty(&problem)?);
    Ok(())
}
