//! The search, off the threads that answer requests, and not more of them at once than there are processors to spare.

use std::time::Duration;

use kernel::{Code, Error, FieldError, Result};
use planner::{Budget, Fault, Options, Plan, Problem};
use platform::compute::Compute;

/// The best plan found in the time.
///
/// # Errors
/// `plan_too_large`, or what of the problem breaks a rule of the planner.
pub(super) async fn solve(problem: Problem, seconds: f64, seed: u32) -> Result<(Problem, Plan)> {
    let options = Options {
        seed: u64::from(seed),
        budget: Budget::Time(Duration::from_secs_f64(seconds.clamp(0.05, 10.0))),
        bound: None,
    };
    let search = move || match planner::solve(&problem, &options) {
        Ok(plan) => Ok((problem, plan)),
        Err(faults) => Err(refused(&faults)),
    };
    Compute::long().run(search).await?
}

fn refused(faults: &[Fault]) -> Error {
    let large = |fault: &Fault| fault.rule.starts_with("at most");
    if faults.iter().any(large) {
        return Error::new(Code::PlanTooLarge);
    }
    let fields = faults.iter().take(20);
    let fields =
        fields.map(|fault| FieldError::new(fault.pointer.clone(), "not_plannable", fault.rule));
    Error::invalid(fields.collect())
}
