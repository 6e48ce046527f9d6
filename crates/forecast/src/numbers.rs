//! Small arithmetic that several models share.

/// A count as a number. Counts here stay far below 2^52.
#[expect(clippy::cast_precision_loss, reason = "counts of days and visits")]
pub fn real(count: usize) -> f64 {
    count as f64
}

/// A number that is not negative as a count, rounded up.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped before"
)]
pub fn ceiling(number: f64) -> usize {
    number.ceil().clamp(0.0, 1e9) as usize
}

pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / real(values.len().max(1))
}

pub fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        length if length % 2 == 1 => Some(values[middle]),
        _ => Some(f64::midpoint(values[middle - 1], values[middle])),
    }
}

/// Solves a symmetric positive definite system by Cholesky; nothing if it is not one.
pub fn solve(matrix: &[Vec<f64>], right: &[f64]) -> Option<Vec<f64>> {
    let size = right.len();
    let mut lower = vec![vec![0.0; size]; size];
    for row in 0..size {
        for column in 0..=row {
            let known: f64 = (0..column).map(|k| lower[row][k] * lower[column][k]).sum();
            let rest = matrix[row][column] - known;
            if row == column {
                if rest <= 1e-12 || !rest.is_finite() {
                    return None;
                }
                lower[row][row] = rest.sqrt();
            } else {
                lower[row][column] = rest / lower[column][column];
            }
        }
    }
    let mut answer = right.to_vec();
    for row in 0..size {
        let known: f64 = (0..row).map(|k| lower[row][k] * answer[k]).sum();
        answer[row] = (answer[row] - known) / lower[row][row];
    }
    for row in (0..size).rev() {
        let known: f64 = (row + 1..size).map(|k| lower[k][row] * answer[k]).sum();
        answer[row] = (answer[row] - known) / lower[row][row];
    }
    Some(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_system_is_solved_and_a_singular_one_refused() {
        let matrix = vec![vec![4.0, 2.0], vec![2.0, 3.0]];
        let answer = solve(&matrix, &[8.0, 8.0]).expect("definite");
        assert!((answer[0] - 1.0).abs() < 1e-12 && (answer[1] - 2.0).abs() < 1e-12);
        assert!(solve(&[vec![1.0, 1.0], vec![1.0, 1.0]], &[1.0, 1.0]).is_none());
    }

    #[test]
    fn the_median_of_an_even_number_lies_between() {
        assert_eq!(median(&mut [3.0, 1.0, 2.0, 10.0]), Some(2.5));
        assert_eq!(median(&mut []), None);
    }
}
