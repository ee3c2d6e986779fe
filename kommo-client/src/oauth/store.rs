//! Where token pairs are kept.

use std::{
    error::Error as StdError,
    fmt,
    fs::{File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;

use super::TokenPair;

/// Keeps the token pair of one account.
///
/// # Contract
///
/// * What `replace` took is still there after a crash: it returns only when that is so.
/// * `replace` is atomic, also between processes that share the store.
#[async_trait]
pub trait TokenStore: fmt::Debug + Send + Sync + 'static {
    /// The pair that is kept; `None` before the first grant.
    async fn load(&self) -> Result<Option<TokenPair>, TokenStoreError>;

    /// Keeps `next` if what is kept is `previous`. `false`, and no change, when it is another pair.
    async fn replace(
        &self,
        previous: Option<&TokenPair>,
        next: &TokenPair,
    ) -> Result<bool, TokenStoreError>;
}

/// A store that failed. The client tries again with the next call and uses no token it could not keep.
#[derive(Debug, thiserror::Error)]
#[error("the token store failed")]
pub struct TokenStoreError {
    #[source]
    source: Box<dyn StdError + Send + Sync>,
}

impl TokenStoreError {
    /// A failure with this cause. It must hold no secret.
    #[must_use]
    pub fn new(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { source: source.into() }
    }
}

impl From<io::Error> for TokenStoreError {
    fn from(error: io::Error) -> Self {
        Self::new(error)
    }
}

/// Keeps the pair until the process ends: for tests, and for those who keep pairs in their own way.
#[derive(Debug, Default)]
pub struct MemoryTokenStore(Mutex<Option<TokenPair>>);

impl MemoryTokenStore {
    /// A store that keeps this pair, or none yet.
    #[must_use]
    pub fn new(pair: Option<TokenPair>) -> Self {
        Self(Mutex::new(pair))
    }
}

#[async_trait]
impl TokenStore for MemoryTokenStore {
    async fn load(&self) -> Result<Option<TokenPair>, TokenStoreError> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    async fn replace(
        &self,
        previous: Option<&TokenPair>,
        next: &TokenPair,
    ) -> Result<bool, TokenStoreError> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let same = is_kept(kept.as_ref(), previous);
        if same {
            *kept = Some(next.clone());
        }
        Ok(same)
    }
}

/// Keeps the pair in a file that only its owner can read.
///
/// A new pair is written beside it, forced to disk and moved into its place, under a lock that other processes see too
/// (a second file, with `.lock` at the end of its name). The files are small, so reading and writing them is done on
/// the spot.
#[derive(Debug)]
pub struct FileTokenStore {
    path: PathBuf,
    // The lock of the operating system does not part threads on all systems.
    threads: Mutex<()>,
}

impl FileTokenStore {
    /// A store in the file at `path`, in a folder that exists.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), threads: Mutex::new(()) }
    }

    fn read(&self) -> io::Result<Option<TokenPair>> {
        let json = match std::fs::read_to_string(&self.path) {
            Ok(json) => zeroize::Zeroizing::new(json),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        TokenPair::from_json(&json).map(Some).ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, "the token file holds no token pair")
        })
    }

    fn write(&self, pair: &TokenPair) -> io::Result<()> {
        let temporary = with_suffix(&self.path, ".new");
        // What a crash left behind may be readable by others.
        match std::fs::remove_file(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = private(OpenOptions::new().write(true).create_new(true)).open(&temporary)?;
        file.write_all(zeroize::Zeroizing::new(pair.expose_json()).as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&temporary, &self.path)?;
        sync_folder(&self.path)
    }

    fn locked(&self) -> io::Result<File> {
        let path = with_suffix(&self.path, ".lock");
        let file =
            private(OpenOptions::new().write(true).create(true).truncate(false)).open(path)?;
        file.lock()?;
        Ok(file)
    }
}

#[async_trait]
impl TokenStore for FileTokenStore {
    async fn load(&self) -> Result<Option<TokenPair>, TokenStoreError> {
        Ok(self.read()?)
    }

    async fn replace(
        &self,
        previous: Option<&TokenPair>,
        next: &TokenPair,
    ) -> Result<bool, TokenStoreError> {
        let _thread = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        // Given back when it is closed.
        let _process = self.locked()?;
        let same = is_kept(self.read()?.as_ref(), previous);
        if same {
            self.write(next)?;
        }
        Ok(same)
    }
}

fn is_kept(kept: Option<&TokenPair>, previous: Option<&TokenPair>) -> bool {
    match (kept, previous) {
        (None, None) => true,
        (Some(kept), Some(previous)) => kept.is_same(previous),
        _ => false,
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(unix)]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600)
}

#[cfg(not(unix))]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// The new name of the file must survive a crash, too.
#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
