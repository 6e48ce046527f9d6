//! Putting a server together and letting it serve.

mod assemble;
pub mod health;
mod listen;
mod wire;

pub use assemble::{assemble, assemble_with, router};
pub(crate) use assemble::{connect, told};
pub use listen::{Patience, Shutdown, listen, listen_with};

use std::sync::OnceLock;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

static METRICS: OnceLock<PrometheusHandle> = OnceLock::new();

/// Installs the recorder, once a process.
pub fn install_metrics() {
    METRICS.get_or_init(|| {
        // Few: each is a series of every route and status.
        let buckets = [0.01, 0.05, 0.25, 1.0, 5.0];
        PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &buckets)
            .and_then(PrometheusBuilder::install_recorder)
            .expect("no other recorder is installed")
    });
}

/// What the recorder has gathered. Also lets it fold its buffers, so somebody should ask now and then.
pub(crate) fn metrics_text() -> String {
    METRICS
        .get()
        .map(PrometheusHandle::render)
        .unwrap_or_default()
}
