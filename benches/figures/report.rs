//! The table, and the medians in it.

use std::fmt;

/// Rows, in the order measured.
#[derive(Default)]
pub struct Report(Vec<Row>);

/// One figure.
pub struct Row {
    pub what: String,
    pub measured: String,
    pub beside: String,
    /// Ours over theirs, whichever way round the goal has it.
    pub ratio: Option<f64>,
    pub goal: Goal,
}

/// What it should be.
pub enum Goal {
    AtLeast(f64),
    AtMost(f64),
    /// Told apart from the ratio: whether it holds, and what it says.
    Holds(bool, String),
    None,
}

impl Report {
    /// Adds a row and says it at once: a run takes minutes.
    pub fn add(&mut self, row: Row) {
        eprintln!("   {row}");
        self.0.push(row);
    }
}

impl Row {
    fn cells(&self) -> [String; 5] {
        let ratio = self
            .ratio
            .map_or_else(String::new, |ratio| format!("{ratio:.2}"));
        let mark = |met: bool| if met { "met" } else { "**missed**" };
        let met = |test: fn(f64, f64) -> bool, goal: f64| {
            mark(self.ratio.is_some_and(|ratio| test(ratio, goal)))
        };
        let goal = match &self.goal {
            Goal::AtLeast(goal) => format!("≥ {goal}, {}", met(|ratio, goal| ratio >= goal, *goal)),
            Goal::AtMost(goal) => format!("≤ {goal}, {}", met(|ratio, goal| ratio <= goal, *goal)),
            Goal::Holds(holds, goal) => format!("{goal}, {}", mark(*holds)),
            Goal::None => String::new(),
        };
        [
            self.what.clone(),
            self.measured.clone(),
            self.beside.clone(),
            ratio,
            goal,
        ]
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "| {} |", self.cells().join(" | "))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        writeln!(
            f,
            "| figure | measured | beside | ratio | goal |\n|---|---|---|---|---|"
        )?;
        self.0.iter().try_for_each(|row| writeln!(f, "{row}"))
    }
}

/// The middle one; of an even number, the lower middle.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values
        .get(values.len().saturating_sub(1) / 2)
        .copied()
        .unwrap_or(f64::NAN)
}

/// With a separator between thousands.
pub fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
