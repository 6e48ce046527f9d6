//! The bar on a terminal: how far, how fast, how long still. Nothing where nobody watches.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Shows how an import gets on.
pub(super) struct Progress(ProgressBar);

impl Progress {
    /// Shown on standard error, if it is wanted and that is a terminal.
    pub(super) fn new(wanted: bool, files: usize) -> Self {
        let target = if wanted && std::io::stderr().is_terminal() {
            ProgressDrawTarget::stderr_with_hz(5)
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(Some(files as u64), target);
        bar.set_style(style("{prefix} [{bar:40}] {human_pos}/{human_len} files"));
        bar.set_prefix("reading  ");
        Self(bar)
    }

    pub(super) fn advance(&self, by: u64) {
        self.0.inc(by);
    }

    /// The files are known; from now on resources are counted.
    pub(super) fn importing(&self, resources: u64) {
        self.0.reset();
        self.0.set_length(resources);
        self.0.set_style(style(
            "{prefix} [{bar:40}] {human_pos}/{human_len} resources, {per_sec:.0}, {eta} left {msg}",
        ));
        self.0.set_prefix("importing");
    }

    pub(super) fn failed(&self, failures: usize) {
        if failures > 0 {
            self.0.set_message(format!("({failures} not imported)"));
        }
    }

    pub(super) fn finish(&self) {
        self.0.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
