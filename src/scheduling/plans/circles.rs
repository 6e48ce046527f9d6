//! Appointments that stand in each other's way: whoever is to go where another is, who is to move too.
//!
//! Two that change places are the smallest circle. What is found is a little wider, all that hang together by such ways: to
//! move more at once than need be does no harm, since each of them has been tried alone before.

use kernel::Result;
use kernel::ids::AppointmentId;
use platform::db::TenantTx;

use super::applying::timing;
use super::model_plan::{KeptRequest, PlannedPlace};
use crate::appointments::{self, Timing};
use crate::services;

/// Places in `open`, those of one circle together; each circle has two members at least.
pub(super) async fn find(
    tx: &mut TenantTx,
    open: &[(KeptRequest, PlannedPlace)],
) -> Result<Vec<Vec<usize>>> {
    let mut ways = Vec::new();
    for (at, (request, place)) in open.iter().enumerate() {
        if request.moves.is_none() {
            continue;
        }
        for id in in_the_way(tx, request, place).await? {
            let other = open.iter().position(|it| it.0.moves == Some(id));
            ways.extend(other.filter(|other| *other != at).map(|other| (at, other)));
        }
    }
    Ok(connected(open.len(), &ways))
}

async fn in_the_way(
    tx: &mut TenantTx,
    request: &KeptRequest,
    place: &PlannedPlace,
) -> Result<Vec<AppointmentId>> {
    let Some(service) = services::get(tx, request.service_id).await? else {
        return Ok(Vec::new());
    };
    let own = timing(tx, request).await?;
    let held = own.unwrap_or(Timing::of_service(&service));
    let minutes = |count: i32| chrono::TimeDelta::minutes(i64::from(count));
    let span = (
        place.starts_at - minutes(held.prep),
        place.ends_at + minutes(held.cleanup),
    );
    let people = place.provider_ids.iter().map(|id| id.0);
    let things = place.room_id.iter().chain(&place.equipment_ids);
    let mut resources: Vec<_> = people.chain(things.map(|id| id.0)).collect();
    resources.push(request.patient_id.0);
    appointments::holding_in_tx(tx, &resources, span).await
}

/// The groups of two and more that hang together.
fn connected(count: usize, ways: &[(usize, usize)]) -> Vec<Vec<usize>> {
    let mut group: Vec<usize> = (0..count).collect();
    for (one, other) in ways {
        let (keep, give) = (group[*one], group[*other]);
        for it in &mut group {
            if *it == give {
                *it = keep;
            }
        }
    }
    let members = |name| {
        (0..count)
            .filter(|at| group[*at] == name)
            .collect::<Vec<_>>()
    };
    let groups = (0..count).map(members);
    groups.filter(|it| it.len() > 1).collect()
}

#[cfg(test)]
mod tests {
    use super::connected;

    #[test]
    fn whoever_hangs_together_by_whatever_way_is_one_circle() {
        let ways = [(0, 3), (3, 0), (5, 3), (1, 4)];
        let mut found = connected(7, &ways);
        found.sort();
        assert_eq!(found, [vec![0, 3, 5], vec![1, 4]]);
        assert!(connected(3, &[]).is_empty());
    }
}
