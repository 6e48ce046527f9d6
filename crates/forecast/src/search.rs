//! The simplex of Nelder and Mead: the least of a function of a few numbers, without its derivatives.

/// Where the least was found. Fixed steps, so the same function gives the same answer everywhere.
pub fn least<const N: usize>(
    from: [f64; N],
    step: f64,
    rounds: usize,
    cost: impl Fn(&[f64; N]) -> f64,
) -> [f64; N] {
    let judged = |point: [f64; N]| {
        let value = cost(&point);
        (
            if value.is_finite() {
                value
            } else {
                f64::INFINITY
            },
            point,
        )
    };
    let mut simplex = vec![judged(from)];
    for axis in 0..N {
        let mut point = from;
        point[axis] += step;
        simplex.push(judged(point));
    }
    for _ in 0..rounds {
        simplex.sort_by(|a, b| a.0.total_cmp(&b.0));
        if (simplex[N].0 - simplex[0].0).abs() <= 1e-9 * (1.0 + simplex[0].0.abs()) {
            break;
        }
        turn(&mut simplex, &judged);
    }
    simplex.sort_by(|a, b| a.0.total_cmp(&b.0));
    simplex[0].1
}

fn turn<const N: usize>(
    simplex: &mut [(f64, [f64; N])],
    judged: &impl Fn([f64; N]) -> (f64, [f64; N]),
) {
    let worst = simplex[N];
    let mut centre = [0.0; N];
    for (_, point) in &simplex[..N] {
        for axis in 0..N {
            centre[axis] += point[axis] / crate::numbers::real(N);
        }
    }
    let along = |far: f64| {
        let mut point = centre;
        for axis in 0..N {
            point[axis] += far * (worst.1[axis] - centre[axis]);
        }
        judged(point)
    };
    let mirrored = along(-1.0);
    if mirrored.0 < simplex[0].0 {
        let further = along(-2.0);
        simplex[N] = if further.0 < mirrored.0 {
            further
        } else {
            mirrored
        };
    } else if mirrored.0 < simplex[N - 1].0 {
        simplex[N] = mirrored;
    } else {
        let nearer = along(0.5);
        if nearer.0 < worst.0 {
            simplex[N] = nearer;
        } else {
            let best = simplex[0].1;
            for place in &mut simplex[1..] {
                let mut point = place.1;
                for axis in 0..N {
                    point[axis] = f64::midpoint(point[axis], best[axis]);
                }
                *place = judged(point);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_of_a_bowl_is_found() {
        let bowl = |at: &[f64; 2]| (at[0] - 3.0).powi(2) + 2.0 * (at[1] + 1.0).powi(2);
        let found = least([0.0, 0.0], 0.5, 400, bowl);
        assert!((found[0] - 3.0).abs() < 1e-3 && (found[1] + 1.0).abs() < 1e-3);
    }
}
