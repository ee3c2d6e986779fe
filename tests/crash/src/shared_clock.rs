//! A clock in a file. Time stands still until somebody moves it, and then for all processes at the same moment: also for
//! one that is stopped, which finds when it wakes that its leases have passed.

use std::{fs::File, io, os::unix::fs::FileExt as _, path::Path, sync::Arc};

use paddle_kommo_sync::Clock;
use time::OffsetDateTime;

#[derive(Clone, Debug)]
pub(crate) struct SharedClock(Arc<File>);

impl SharedClock {
    pub(crate) fn create(path: &Path, now: i64) -> io::Result<Self> {
        let file = File::options().read(true).write(true).create_new(true).open(path)?;
        let clock = Self(Arc::new(file));
        clock.set(now)?;
        Ok(clock)
    }

    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self(Arc::new(File::open(path)?)))
    }

    pub(crate) fn set(&self, now: i64) -> io::Result<()> {
        self.0.write_all_at(&now.to_le_bytes(), 0)
    }
}

impl Clock for SharedClock {
    fn now(&self) -> OffsetDateTime {
        let mut bytes = [0; 8];
        let read = self.0.read_exact_at(&mut bytes, 0).ok();
        let now =
            read.and_then(|()| OffsetDateTime::from_unix_timestamp(i64::from_le_bytes(bytes)).ok());
        // Nothing is due then, and the harness hears of nobody who is done.
        now.unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }
}
