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
    let large: Vec<FieldError> = faults.iter().filter_map(too_many).collect();
    if !large.is_empty() {
        return Error::new(Code::PlanTooLarge).with_fields(large);
    }
    Error::invalid(faults.iter().take(20).map(field).collect())
}

/// What there is more of than one plan can hold, by the field that brings it in.
fn too_many(fault: &Fault) -> Option<FieldError> {
    let pointer = match fault.pointer.as_str() {
        "/requests" => "/requests",
        "/days" => "/days",
        "/providers" | "/rooms" | "/equipment" => "/facility_ids",
        _ => return None,
    };
    Some(FieldError::new(pointer, "too_many", fault.rule))
}

/// A fault where the body has it: some things have other names there.
fn field(fault: &Fault) -> FieldError {
    let (list, name) = fault
        .pointer
        .rsplit_once('/')
        .unwrap_or(("", &fault.pointer));
    let of_a_request = list.starts_with("/requests/") && list.matches('/').count() == 2;
    let body = match name {
        "any_of" => "provider_ids",
        "preferred_providers" => "preferred_provider_ids",
        "continuity" => "continuity_provider_id",
        "facilities" => "facility_ids",
        "duration" => "duration_minutes",
        "prep" => "prep_minutes",
        "cleanup" => "cleanup_minutes",
        "equipment" | "align" => "service_id",
        other => other,
    };
    if !of_a_request {
        return FieldError::new(fault.pointer.clone(), "not_plannable", fault.rule);
    }
    let rule = match body {
        "facility_ids" => "must name facilities of the plan",
        "provider_ids" | "all_of" | "preferred_provider_ids" | "continuity_provider_id" => {
            "must name providers who work in the plan's facilities, of its provider_ids if it has any"
        }
        _ => fault.rule,
    };
    FieldError::new(format!("{list}/{body}"), "not_plannable", rule)
}

#[cfg(test)]
mod tests {
    use planner::Fault;

    use super::{field, refused};
    use kernel::Code;

    #[test]
    fn too_much_for_one_plan_names_what_it_is_and_a_rule_of_a_request_its_field() {
        let fault = |pointer: &str, rule| Fault {
            pointer: pointer.to_owned(),
            rule,
        };
        let told = |fault: Fault| {
            let error = refused(&[fault]);
            (error.code(), error.fields()[0].pointer.clone())
        };
        let large = Code::PlanTooLarge;
        assert_eq!(
            told(fault("/requests", "at most 20000")),
            (large, "/requests".to_owned())
        );
        assert_eq!(
            told(fault("/rooms", "at most 2000")),
            (large, "/facility_ids".to_owned())
        );
        let kinds = fault("/requests/3/equipment", "at most six kinds with the room");
        let named = (Code::ValidationFailed, "/requests/3/service_id".to_owned());
        assert_eq!(told(kinds), named);
    }

    #[test]
    fn a_fault_is_told_where_the_body_has_it() {
        for (pointer, body) in [
            ("/requests/0/any_of", "/requests/0/provider_ids"),
            ("/requests/2/facilities", "/requests/2/facility_ids"),
            ("/requests/2/all_of", "/requests/2/all_of"),
            ("/requests/1/duration", "/requests/1/duration_minutes"),
            ("/requests/1/current/start", "/requests/1/current/start"),
            ("/rooms/3/id", "/rooms/3/id"),
        ] {
            let rule = "names somebody or something unknown";
            let pointer = pointer.to_owned();
            assert_eq!(field(&Fault { pointer, rule }).pointer, body);
        }
    }
}
