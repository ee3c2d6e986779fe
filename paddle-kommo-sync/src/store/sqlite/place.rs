//! Where a database file may stand.

use std::path::{Path, PathBuf};

use crate::error::StoreError;

/// File systems on which several machines see one file. SQLite's log needs memory that all who use it share.
const NETWORK: [&str; 8] =
    ["afs", "ceph", "cifs", "fuse.glusterfs", "fuse.sshfs", "nfs", "nfs4", "smb3"];

/// The one true name of this file, if it may stand there. Its lock and its log are found by that name, so it must not have
/// two.
pub(super) fn checked(path: &Path) -> Result<PathBuf, StoreError> {
    // A file that does not exist yet has no links.
    let path = path.canonicalize().or_else(|_| absolute(path))?;
    #[cfg(unix)]
    if let Ok(file) = std::fs::metadata(&path)
        && file.is_file()
        && std::os::unix::fs::MetadataExt::nlink(&file) > 1
    {
        return Err(StoreError::Unusable(format!(
            "{} has a second name (a hard link), under which another process could open it: remove one of them",
            path.display()
        )));
    }
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    match network(&mounts, &path) {
        Some(kind) => Err(StoreError::Unusable(format!(
            "{} is on a network file system ({kind}), where SQLite cannot promise durability: use a local disk",
            path.display()
        ))),
        None => Ok(path),
    }
}

fn absolute(path: &Path) -> Result<PathBuf, StoreError> {
    let database = |error| StoreError::Database(Box::new(error));
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let folder = folder.canonicalize().map_err(database)?;
    Ok(path.file_name().map_or_else(|| folder.clone(), |name| folder.join(name)))
}

/// The kind of network file system on which this path is, by Linux' list of mounts: the longest mount point counts, and
/// of two mounts on one point the later one.
fn network(mounts: &str, path: &Path) -> Option<&'static str> {
    let mut found: Option<(usize, &str)> = None;
    for line in mounts.lines() {
        let mut fields = line.split(' ');
        let Some(point) = fields.nth(4) else { continue };
        let Some(kind) = fields.skip_while(|field| *field != "-").nth(1) else { continue };
        let point = point.replace("\\040", " ");
        let depth = Path::new(&point).components().count();
        if path.starts_with(&point) && found.is_none_or(|(deepest, _)| deepest <= depth) {
            found = Some((depth, kind));
        }
    }
    let (_, kind) = found?;
    NETWORK.into_iter().find(|network| *network == kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn u23_a_network_file_system_is_told_by_its_mount() {
        let mounts = "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n\
                      30 22 0:40 / /mnt/share rw shared:2 master:1 - nfs4 server:/ rw\n\
                      31 30 0:41 / /mnt/share/local\\040disk rw - xfs /dev/vdb rw\n\
                      32 22 0:42 / /srv rw - ext4 /dev/vdc rw\n\
                      33 32 0:43 / /srv rw - cifs //server/x rw\n\
                      broken line\n";
        for (path, want) in [
            ("/var/lib/x.db", None),
            ("/mnt/share/x.db", Some("nfs4")),
            ("/mnt/shared/x.db", None),
            ("/mnt/share/local disk/x.db", None),
            ("/srv/x.db", Some("cifs")),
        ] {
            assert_eq!(network(mounts, Path::new(path)), want, "{path}");
        }
        assert_eq!(network("", Path::new("/x.db")), None);
    }
}
