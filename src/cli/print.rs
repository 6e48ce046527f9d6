//! What commands say. `out!` prints a line on standard output, `aside!` one on standard error.
//!
//! Neither ends the work: a reader that has seen enough, such as `head`, is no failure, and the exit code stays that of what was
//! found. Output that can't be written for another reason, such as a full disk, is remembered and makes the command fail at its end
//! ([`done`]), when its work is done. What nobody reads on standard error is lost.

use std::fmt::Arguments;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

static FAILED: Mutex<Option<io::Error>> = Mutex::new(None);

macro_rules! out {
    ($($text:tt)*) => { $crate::cli::print::line(::std::format_args!($($text)*)) };
}

macro_rules! aside {
    ($($text:tt)*) => { $crate::cli::print::aside(::std::format_args!($($text)*)) };
}

pub(super) fn line(text: Arguments<'_>) {
    note(write(&mut io::stdout().lock(), format_args!("{text}\n")));
}

/// A text with its own line ends.
pub(super) fn whole(text: &str) {
    note(write(&mut io::stdout().lock(), format_args!("{text}")));
}

pub(super) fn aside(text: Arguments<'_>) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// An argument that clap alone can't refuse: ends as clap does, so that it is not taken for what a command finds.
pub(super) fn refused(reason: &str) -> ExitCode {
    aside(format_args!("error: {reason}"));
    ExitCode::from(2)
}

/// Fails if something of what was said could not be written.
pub(super) fn done(code: ExitCode) -> anyhow::Result<ExitCode> {
    let failed = FAILED.lock().unwrap_or_else(PoisonError::into_inner).take();
    match failed {
        // With the system's words alone: `No space left on device`.
        Some(error) => Err(error.into()),
        None => Ok(code),
    }
}

fn note(written: io::Result<()>) {
    if let Err(error) = written {
        let mut failed = FAILED.lock().unwrap_or_else(PoisonError::into_inner);
        failed.get_or_insert(error);
    }
}

fn write(to: &mut impl Write, text: Arguments<'_>) -> io::Result<()> {
    match to.write_fmt(text).and_then(|()| to.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Failing(ErrorKind);

    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_closed_pipe_is_no_failure_and_a_full_disk_is() {
        let written = |kind| write(&mut Failing(kind), format_args!("a line\n"));
        assert!(written(ErrorKind::BrokenPipe).is_ok());
        assert!(written(ErrorKind::StorageFull).is_err());
    }
}
