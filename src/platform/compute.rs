//! Work for processors, off the threads that answer requests, and not more of it at once than there are places.
//!
//! Invariant: a place is held by the work and not by who asked for it. Work on a thread can't be interrupted, so a request
//! that hangs up, or meets its deadline, gives back nothing before the work has come to its end: who hangs up and asks again
//! stands in line. Who hangs up while he stands in line has no work done for him.
//!
//! Trap: whoever waits for a place must hold nothing others wait for, least of all a transaction.

use std::sync::{Arc, OnceLock};

use kernel::{Error, Result};
use tokio::sync::Semaphore;

/// A line in front of so many places.
#[derive(Clone, Debug)]
pub struct Compute(Arc<Semaphore>);

impl Compute {
    /// As many places as there are processors: for work of milliseconds that each request of a kind needs.
    pub fn short() -> Self {
        Self::of(processors())
    }

    /// Half of the processors, for work of seconds: searching, fitting, learning. One line for the whole server.
    pub fn long() -> &'static Self {
        static LONG: OnceLock<Compute> = OnceLock::new();
        LONG.get_or_init(|| Self::of(processors() / 2))
    }

    fn of(places: usize) -> Self {
        Self(Arc::new(Semaphore::new(places.max(1))))
    }

    /// Waits for a place and does the work there.
    ///
    /// # Errors
    /// `internal` if the work panics.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        let place = self.0.clone().acquire_owned().await;
        let place = place.map_err(Error::internal)?;
        let work = tokio::task::spawn_blocking(move || {
            let _held = place;
            work()
        });
        work.await.map_err(Error::internal)
    }
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(2, std::num::NonZero::get)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn who_hangs_up_gives_his_place_back_only_when_his_work_is_done() {
        let line = Compute::of(1);
        let (begun, has_begun) = mpsc::channel();
        let (end, may_end) = mpsc::channel::<()>();
        let asked = tokio::spawn({
            let line = line.clone();
            async move {
                line.run(move || {
                    begun.send(()).expect("somebody waits");
                    let _ = may_end.recv();
                })
                .await
            }
        });
        tokio::task::spawn_blocking(move || has_begun.recv())
            .await
            .expect("a thread")
            .expect("it begins");
        asked.abort();
        let _ = asked.await;
        let soon = Duration::from_millis(50);
        let next = tokio::time::timeout(soon, line.run(|| 1)).await;
        assert!(next.is_err(), "two at once where one may");
        end.send(()).expect("it goes on");
        assert_eq!(line.run(|| 2).await.expect("a place"), 2);
    }

    #[tokio::test]
    async fn work_that_panics_leaves_its_place() {
        let line = Compute::of(1);
        assert!(line.run(|| panic!("broken")).await.is_err());
        assert_eq!(line.run(|| 2).await.expect("a place"), 2);
    }
}
