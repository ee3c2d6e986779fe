//! The servers of these tests. Where PostgreSQL is missing they fail and say so.

use std::{path::Path, sync::OnceLock};

use temporary_postgres::Cluster;

/// The one that all tests of this process share.
pub(crate) fn shared() -> &'static Cluster {
    static SHARED: OnceLock<Cluster> = OnceLock::new();
    SHARED.get_or_init(|| start(&[]))
}

/// One of its own, with more settings.
pub(crate) fn start(settings: &[&str]) -> Cluster {
    prepared(|_| {}, settings)
}

/// The same, with files that `prepare` puts beside the data.
pub(crate) fn prepared(prepare: impl FnOnce(&Path), settings: &[&str]) -> Cluster {
    Cluster::start(&std::env::temp_dir(), prepare, settings)
        .unwrap_or_else(|error| panic!("{error}"))
}
