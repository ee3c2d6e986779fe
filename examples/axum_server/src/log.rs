//! Lines of the log, which must never hold up the work: whoever reads our standard output may be slow, or gone.

use std::{
    io::{self, IsTerminal as _, Write},
    sync::{
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};

use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

use crate::{
    Failure,
    settings::{LogFormat, Settings},
};

/// As many lines wait for a slow reader; later ones are lost.
const WAITING: usize = 8_192;

/// How long the end of the process waits for the last lines.
const LAST_LINES: Duration = Duration::from_secs(1);

static LOST: AtomicU64 = AtomicU64::new(0);

/// How many lines nobody will read.
pub(crate) fn lost() -> u64 {
    LOST.load(Ordering::Relaxed)
}

/// Begins the log of this process. The guard is to be kept until its end.
pub(crate) fn start(settings: &Settings) -> Result<Log, Failure> {
    let filter =
        EnvFilter::try_new(&settings.log_filter).map_err(|error| format!("RUST_LOG: {error}"))?;
    let (lines, waiting) = sync_channel(WAITING);
    thread::Builder::new().name("log".to_owned()).spawn(move || print(&waiting))?;
    let log = Log { lines };
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false)
        .with_ansi(io::stdout().is_terminal())
        .with_writer(log.clone());
    match settings.log_format {
        LogFormat::Text => subscriber.try_init()?,
        LogFormat::Json => subscriber.json().try_init()?,
    }
    Ok(log)
}

enum Entry {
    Line(Vec<u8>),
    /// Everything before it is printed.
    Flush(SyncSender<()>),
}

/// On a thread of its own: only that one waits for the reader.
fn print(waiting: &Receiver<Entry>) {
    let mut out = io::stdout();
    for entry in waiting {
        match entry {
            Entry::Line(line) => {
                if out.write_all(&line).and_then(|()| out.flush()).is_err() {
                    LOST.fetch_add(1, Ordering::Relaxed);
                }
            }
            // Nobody waits for it any more.
            Entry::Flush(done) => drop(done.try_send(())),
        }
    }
}

/// Where lines go.
#[derive(Clone)]
pub(crate) struct Log {
    lines: SyncSender<Entry>,
}

impl Log {
    /// Waits until everything is printed, but not for ever.
    pub(crate) fn flush(&self) {
        let (done, printed) = sync_channel(1);
        if self.lines.try_send(Entry::Flush(done)).is_ok() {
            // A reader that reads no more does not hold up the end.
            let _ = printed.recv_timeout(LAST_LINES);
        }
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> Self::Writer {
        self
    }
}

impl Write for &Log {
    /// A whole line at a time, as the subscriber writes it.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.lines.try_send(Entry::Line(line.to_vec())).is_err() {
            LOST.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn u20_what_finds_no_room_is_counted_and_nobody_waits() {
        let (lines, waiting) = sync_channel(2);
        let log = Log { lines };
        let before = lost();
        for line in ["one", "two", "three", "four"] {
            assert_eq!((&log).write(line.as_bytes()).expect("it never fails"), line.len());
        }
        assert_eq!(lost() - before, 2);
        log.flush();
        drop(waiting);
        log.flush();
        (&log).write_all(b"five").expect("it never fails");
        assert_eq!(lost() - before, 3, "nor when the printer is gone");
    }
}
