//! What other processes of the same account can learn from this one.

/// Has the system keep memory and environment of this process from every other that is not the superuser's, and out of core
/// dumps: also from its own children, which run as the same account and may be turned against us by a hostile file. Programs
/// that are started from here are as open as ever. On other systems than Linux it does nothing.
pub(super) fn keep_to_ourselves() {
    #[cfg(target_os = "linux")]
    if let Err(error) =
        rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)
    {
        tracing::warn!(%error, "others of this account may read this process's memory");
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use rustix::process::{DumpableBehavior, dumpable_behavior};

    #[test]
    fn memory_and_environment_are_nobody_elses() {
        super::keep_to_ourselves();
        assert_eq!(
            dumpable_behavior().expect("asked"),
            DumpableBehavior::NotDumpable
        );
    }
}
