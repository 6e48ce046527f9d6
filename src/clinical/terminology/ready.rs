//! Indexes made before anybody types: at the start of a server, and soon after a load.
//!
//! A version is prepared once. If its index had to make room for others, the next question makes it again.

use std::collections::HashSet;
use std::time::Duration;

use kernel::Result;
use platform::App;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::system::System;
use super::{memory, store};

/// How soon a load is noticed.
const TURN: Duration = Duration::from_secs(20);

/// Starts preparing on the current runtime. It ends when the signal turns true or its sender is gone.
pub fn keep_ready(app: App, mut stop: watch::Receiver<bool>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut prepared = HashSet::new();
        loop {
            let turn = async {
                if let Err(error) = prepare(&app, &mut prepared).await {
                    tracing::warn!(
                        cause = error.cause_for_log(),
                        "preparing code systems failed"
                    );
                }
                tokio::time::sleep(TURN).await;
            };
            tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => return,
                () = turn => {}
            }
        }
    })
}

/// The versions in force today that were not prepared before.
async fn prepare(app: &App, prepared: &mut HashSet<Uuid>) -> Result<()> {
    let today = app.clock.now().date_naive();
    for system in System::ALL {
        if let Some(version) = store::in_force_for_all(&app.db, system, today).await?
            && !prepared.contains(&version.id)
        {
            memory::prepare(&app.db, &version).await?;
            prepared.insert(version.id);
        }
    }
    Ok(())
}
