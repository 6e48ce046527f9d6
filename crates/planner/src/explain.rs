//! From slots back to names and minutes, with the reasons.

use std::collections::BTreeSet;

use crate::grid::Grid;
use crate::model::{Choice, Slot};
use crate::plan::{Change, Goals, Placement, Plan, Reason, SearchReport, Unplaced};
use crate::pools;
use crate::problem::{Current, Problem, Provider, Request};
use crate::rules::{self, DayRules};
use crate::week::Week;

/// The plan of a week.
pub fn plan(problem: &Problem, week: &mut Week<'_>, search: SearchReport) -> Plan {
    let mut plan = Plan {
        placements: Vec::new(),
        unplaced: Vec::new(),
        score: Goals::default(),
        bound: None,
        search,
    };
    let named = pools::named(week);
    for (index, request) in problem.requests.iter().enumerate() {
        match (&request.current, named[index]) {
            (Some(current), _) if current.locked => {
                plan.placements.push(locked(problem, request, current));
            }
            (_, Some(slot)) => {
                let placement = placement(problem, week, index, &slot);
                plan.score += placement.cost;
                plan.placements.push(placement);
            }
            (_, None) => {
                let unplaced = unplaced(problem, week, index);
                plan.score += unplaced.cost;
                plan.unplaced.push(unplaced);
            }
        }
    }
    plan.placements.sort_by(|one, other| {
        (one.day, one.start, &one.request).cmp(&(other.day, other.start, &other.request))
    });
    plan
}

fn locked(problem: &Problem, request: &Request, current: &Current) -> Placement {
    Placement {
        request: request.id.clone(),
        day: current.day,
        date: problem.days[current.day].date.clone(),
        start: current.start,
        end: current.start + request.duration,
        providers: current.providers.clone(),
        facility: current.facility.clone(),
        room: current.room.clone(),
        equipment: current.equipment.clone(),
        change: Change::Locked,
        cost: Goals::default(),
        why: vec!["It is locked where it stands.".to_owned()],
    }
}

/// The name of an asset: rooms come first.
fn asset_name(problem: &Problem, asset: usize) -> String {
    let rooms = problem.rooms.len();
    match problem.rooms.get(asset) {
        Some(room) => room.id.clone(),
        None => problem.equipment[asset - rooms].id.clone(),
    }
}

fn placement(problem: &Problem, week: &mut Week<'_>, index: usize, slot: &Slot) -> Placement {
    let model = week.model;
    let request = &problem.requests[index];
    let choice = &model.requests[index].options[slot.option];
    let team: Vec<&str> = model
        .providers_of(choice)
        .map(|provider| problem.providers[provider].id.as_str())
        .collect();
    let start = u32::try_from(slot.start + model.origin).unwrap_or(0) * model.tick;
    let team_goals = rules::team_goals(problem, request, &team);
    let time_goals = DayRules::new(problem, request, slot.day).goals(start);
    let mut cost = team_goals;
    cost += time_goals;
    let mut names = slot
        .assets
        .iter()
        .take(choice.groups.len())
        .map(|it| asset_name(problem, *it));
    let room = request.room.as_ref().and_then(|_| names.next());
    let equipment: Vec<String> = names.collect();
    let kept = cost.moved + cost.moved_provider == 0
        && stands(request, slot.day, start, &team)
        && holds(request, room.as_ref(), &equipment);
    Placement {
        request: request.id.clone(),
        day: slot.day,
        date: problem.days[slot.day].date.clone(),
        start,
        end: start + request.duration,
        facility: model.facilities[choice.facility].clone(),
        providers: team.iter().map(|id| (*id).to_owned()).collect(),
        change: match &request.current {
            None => Change::New,
            Some(_) if kept => Change::Kept,
            Some(_) => Change::Moved,
        },
        room,
        equipment,
        why: why(problem, week, index, slot, &cost),
        cost,
    }
}

/// Costs alone do not tell, where moving is free.
fn stands(request: &Request, day: usize, start: u32, team: &[&str]) -> bool {
    request.current.as_ref().is_some_and(|it| {
        (it.day, it.start) == (day, start)
            && it.providers.len() == team.len()
            && it.providers.iter().all(|id| team.contains(&id.as_str()))
    })
}

/// Whether it keeps the room and the devices it has: in another one it has to be booked anew, which costs nothing.
fn holds(request: &Request, room: Option<&String>, equipment: &[String]) -> bool {
    request.current.as_ref().is_some_and(|it| {
        (it.room.is_none() || it.room.as_ref() == room)
            && it.equipment.iter().all(|id| equipment.contains(id))
    })
}

fn why(
    problem: &Problem,
    week: &mut Week<'_>,
    index: usize,
    slot: &Slot,
    cost: &Goals,
) -> Vec<String> {
    let request = &problem.requests[index];
    let choice = &week.model.requests[index].options[slot.option];
    let mut why = Vec::new();
    let mut say = |holds: bool, good: &str, miss: &str| {
        why.push(if holds { good } else { miss }.to_owned());
    };
    if request.current.is_some() {
        say(
            cost.moved + cost.moved_provider == 0,
            "It stays where it stood.",
            "It had to move: its old place is gone, or gives way to something that weighs more.",
        );
    }
    if request.continuity.is_some() {
        say(
            cost.continuity == 0,
            "With the provider who knows the patient.",
            "Not with the provider who knows the patient.",
        );
    }
    if !request.preferred_providers.is_empty() {
        say(
            cost.preferred_provider == 0,
            "With a preferred provider.",
            "Not with a preferred provider.",
        );
    }
    if !request.preferred_windows.is_empty() {
        say(
            cost.preferred_time == 0,
            "At a preferred time.",
            "Not at a preferred time.",
        );
    }
    why.push(if is_first_start(week, index, slot) {
        "As early as it may be.".to_owned()
    } else if cost.wait == 0 {
        "Waiting until then costs nothing.".to_owned()
    } else {
        match earlier_free_days(week, index, choice, slot) {
            0 => "No earlier day is open with this team.".to_owned(),
            // The starts are counted one by one; whether others would have had to give way was not tried.
            free => format!(
                "By the hours, {free} earlier days are open with this team; no better plan was found with it there."
            ),
        }
    });
    why
}

/// Whether its windows leave it no earlier start, whoever is free.
fn is_first_start(week: &Week<'_>, index: usize, slot: &Slot) -> bool {
    let days = week.model.requests[index].days.iter();
    let firsts = days.filter_map(|it| Some((it.day, allowed(it).first()?)));
    firsts
        .min()
        .is_some_and(|first| (slot.day, slot.start) <= first)
}

fn earlier_free_days(week: &mut Week<'_>, index: usize, choice: &Choice, slot: &Slot) -> usize {
    let wanted = &week.model.requests[index];
    let earlier = wanted.days.iter().filter(|it| it.day < slot.day);
    earlier
        .filter(|day| {
            let starts = week.starts(index, choice, day.day);
            day.levels
                .iter()
                .any(|it| !starts.and(&it.starts).is_empty())
        })
        .count()
}

fn unplaced(problem: &Problem, week: &mut Week<'_>, index: usize) -> Unplaced {
    let request = &problem.requests[index];
    let (reason, why) = never(problem, week, index).unwrap_or_else(|| taken(week, index));
    Unplaced {
        request: request.id.clone(),
        cost: rules::unplaced_goals(problem, request),
        reason,
        why,
    }
}

/// What keeps it out of an empty week, too.
fn never(problem: &Problem, week: &Week<'_>, index: usize) -> Option<(Reason, String)> {
    let model = week.model;
    let request = &problem.requests[index];
    let wanted = &model.requests[index];
    if rules::teams(problem, request).is_empty() {
        let everybody: Vec<&Provider> = problem.providers.iter().collect();
        let nobody = rules::missing_skills(request, &everybody);
        let why = if nobody.is_empty() {
            "None of those who may attend has all the skills it needs.".to_owned()
        } else {
            format!("Nobody at all has: {}.", nobody.join(", "))
        };
        return Some((Reason::NoProvider, why));
    }
    let works = |(reason, why)| match reason {
        Reason::NotWorking if fits_but_for_taken(problem, request) => {
            let why =
                "Those who may attend are taken at the times it may have by what no plan moves.";
            (Reason::ProvidersFull, why.to_owned())
        }
        _ => (reason, why),
    };
    if wanted.options.is_empty() {
        return Some(works(no_option(problem, request)));
    }
    if wanted.days.is_empty() && !has_a_start(problem, request) {
        let why = "No window is long enough for it, or none holds a start it may have.";
        return Some((Reason::NoWindow, why.to_owned()));
    }
    let (mut desks, mut all) = (0, 0);
    for choice in &wanted.options {
        for day in &wanted.days {
            let allowed = allowed(day);
            let mut working = allowed;
            for desk in &choice.desks {
                working = working.and(&model.open_desk_starts(*desk, day.day, wanted.profile));
            }
            desks += working.count();
            all += working
                .and(&model.empty_week_starts(index, choice, day.day))
                .count();
        }
    }
    if desks == 0 {
        let why = "Nobody who may attend works long enough at the times it may have.";
        return Some(works((Reason::NotWorking, why.to_owned())));
    }
    (all == 0).then(|| {
        let why = "While those who may attend work, no room or equipment of its kind is available, or the patient is elsewhere.";
        (Reason::AssetsUnavailable, why.to_owned())
    })
}

/// Would it lie within the hours of those who may attend, if nothing held them?
fn fits_but_for_taken(problem: &Problem, request: &Request) -> bool {
    if problem.providers.iter().all(|it| it.taken.is_empty()) {
        return false;
    }
    let here =
        |facility: &String| request.facilities.is_empty() || request.facilities.contains(facility);
    let facilities: BTreeSet<&String> = problem
        .providers
        .iter()
        .flat_map(|it| it.working.iter().chain(&it.taken))
        .map(|it| &it.facility)
        .filter(|it| here(it))
        .collect();
    let tick = problem.tick_minutes;
    let fits = |team: &[&str], facility: &String, day: usize| {
        let rules = DayRules::new(problem, request, day);
        let members = problem
            .providers
            .iter()
            .filter(|it| team.contains(&it.id.as_str()));
        let hours: Vec<Vec<(u32, u32)>> =
            members.map(|it| whole_hours(it, facility, day)).collect();
        let mut starts = (0..problem.days[day].minutes / tick).map(|at| at * tick);
        starts.any(|start| {
            let (from, to) = (
                start.checked_sub(request.prep),
                start + request.duration + request.cleanup,
            );
            let held = |it: &(u32, u32)| from.is_some_and(|from| it.0 <= from && to <= it.1);
            rules.may_start(start) && hours.iter().all(|it| it.iter().any(held))
        })
    };
    let teams = rules::teams(problem, request);
    let mut teams = teams.iter().filter(|team| !team.is_empty());
    teams.any(|team| {
        facilities
            .iter()
            .any(|facility| (0..problem.days.len()).any(|day| fits(team, facility, day)))
    })
}

/// A provider's hours on a day somewhere, with those that are taken.
fn whole_hours(provider: &Provider, facility: &String, day: usize) -> Vec<(u32, u32)> {
    let hours = provider.working.iter().chain(&provider.taken);
    let mut hours: Vec<(u32, u32)> = hours
        .filter(|it| it.day == day && it.facility == *facility)
        .map(|it| (it.from, it.to))
        .collect();
    hours.sort_unstable();
    let mut whole: Vec<(u32, u32)> = Vec::new();
    for (from, to) in hours {
        match whole.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => whole.push((from, to)),
        }
    }
    whole
}

/// Could it start at all, if somebody worked day and night?
fn has_a_start(problem: &Problem, request: &Request) -> bool {
    let tick = problem.tick_minutes;
    let mut days = problem.days.iter().enumerate();
    days.any(|(day, it)| {
        let rules = DayRules::new(problem, request, day);
        (0..it.minutes / tick).any(|at| rules.may_start(at * tick))
    })
}

fn allowed(day: &crate::model::DayCosts) -> Grid {
    day.levels
        .iter()
        .fold(Grid::EMPTY, |all, it| all.or(&it.starts))
}

fn no_option(problem: &Problem, request: &Request) -> (Reason, String) {
    let here =
        |facility: &String| request.facilities.is_empty() || request.facilities.contains(facility);
    let lacks_room = request.room.as_ref().is_some_and(|kind| {
        !problem
            .rooms
            .iter()
            .any(|it| it.kind == *kind && here(&it.facility))
    });
    if lacks_room {
        let why = "No facility it may use has a room of the kind.";
        return (Reason::NoRoom, why.to_owned());
    }
    let lacks_unit = request.equipment.iter().any(|kind| {
        !problem
            .equipment
            .iter()
            .any(|it| it.kind == *kind && here(&it.facility))
    });
    if lacks_unit {
        let why = "No facility it may use has equipment of the kind.";
        return (Reason::NoEquipment, why.to_owned());
    }
    // A holiday, or all of them away.
    let works = |id: &str| {
        let mut found = problem.providers.iter().filter(|it| it.id == id);
        found.any(|it| {
            it.working.iter().any(|at| here(&at.facility))
                || it.on_call.iter().any(|at| here(&at.facility))
        })
    };
    let mut teams = rules::teams(problem, request).into_iter();
    if !teams.any(|team| team.into_iter().all(works)) {
        let why = "Nobody who may attend works in these days where it may take place.";
        return (Reason::NotWorking, why.to_owned());
    }
    let why =
        "Those who must attend, the room and the equipment never meet in one facility it may use.";
    (Reason::NoFacility, why.to_owned())
}

/// What keeps it out of this week, counted over the starts an empty week would give.
fn taken(week: &mut Week<'_>, index: usize) -> (Reason, String) {
    let model = week.model;
    let wanted = &model.requests[index];
    let (mut total, mut busy, mut no_room, mut no_unit, mut patient, mut open) = (0, 0, 0, 0, 0, 0);
    for choice in &wanted.options {
        for day in &wanted.days {
            let mut left = allowed(day).and(&model.empty_week_starts(index, choice, day.day));
            total += left.count();
            let mut narrow = |starts: Grid, lost: &mut usize| {
                let kept = left.and(&starts);
                *lost += left.count() - kept.count();
                left = kept;
            };
            for desk in &choice.desks {
                let starts = week.desk_starts(*desk, day.day, wanted.profile);
                narrow(starts, &mut busy);
            }
            for (place, group) in choice.groups.iter().enumerate() {
                let starts = week.group_starts(*group, day.day, wanted.profile);
                let is_room = place == 0 && week.model.groups[*group].room;
                narrow(starts, if is_room { &mut no_room } else { &mut no_unit });
            }
            if let Some(starts) = week.patient_starts(index, day.day) {
                narrow(starts, &mut patient);
            }
            open += left.count();
        }
    }
    let counted = format!("Of {total} starts an empty week would give it,");
    if open > 0 {
        let why = format!("{counted} {open} are open, but each costs more than leaving it out.");
        return (Reason::NotWorthwhile, why);
    }
    let reason = if patient >= no_room.max(no_unit) && patient > 0 {
        Reason::PatientBusy
    } else if no_room + no_unit == 0 {
        Reason::ProvidersFull
    } else if no_room >= no_unit {
        Reason::RoomsFull
    } else {
        Reason::EquipmentFull
    };
    let why = format!(
        "{counted} the providers are taken at {busy}, then the rooms at {no_room}, the equipment at {no_unit}, the patient at {patient}; those who stand there weigh more or can't give way."
    );
    (reason, why)
}
