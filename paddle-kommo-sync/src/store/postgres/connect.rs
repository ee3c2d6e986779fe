//! From an address to a pool of sessions that keep what the store promises.

use std::{net::IpAddr, path::PathBuf, str::FromStr, time::Duration};

use deadpool_postgres::{
    Hook, HookError, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime, Timeouts,
};
use tokio_postgres::{
    Client, Config, NoTls,
    config::{Host, SslMode, TargetSessionAttrs},
};

use super::schema::SCHEMA;
use crate::error::StoreError;

/// Sessions per process, for the worker, deliveries and health pages. Whoever waits for one is next when a commit ends.
pub(super) const SESSIONS: usize = 16;

/// How long a caller waits for a session, or for a new one to be made.
const WAIT: Duration = Duration::from_secs(5);

/// What every session is told. A process that was stopped in the middle of a change must not hold its rows for ever, and
/// nothing that the store asks takes longer than these.
const SESSION: &str =
    "SET client_min_messages = warning; SET lock_timeout = '3s'; SET statement_timeout = '15s';
SET idle_in_transaction_session_timeout = '10s'";

/// A turn that a crash of the server takes back is over before the server works again, and one that is told late is lost: it
/// waits for no flush, and for no standby.
const TURNS: &str = "SET synchronous_commit = off";

/// What sessions are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// What must survive a crash.
    Promises,
    /// Turns to call Kommo.
    Turns,
}

/// The address of a database, understood.
#[derive(Clone)]
pub(super) struct Address {
    config: Config,
    tls: Tls,
}

#[derive(Clone)]
pub(super) enum Tls {
    None,
    #[cfg(feature = "postgres-rustls")]
    Rustls(tokio_postgres_rustls::MakeRustlsConnect),
}

/// What the address says about TLS, taken out of it: the driver knows fewer words.
#[derive(Debug, Default, PartialEq, Eq)]
struct Wish {
    mode: Option<String>,
    root: Option<PathBuf>,
}

impl Address {
    pub(super) fn parse(url: &str) -> Result<Self, StoreError> {
        let (url, wish) = split(url)?;
        // The parser's own words may repeat a part of the password.
        let mut config = Config::from_str(&url)
            .map_err(|_| unusable("its address is not postgres://user:password@host/database"))?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(unusable("its address names no host"));
        }
        let mode = mode(&wish, is_local(&config))?;
        config.ssl_mode(mode);
        if config.get_application_name().is_none() {
            config.application_name("paddle-kommo-sync");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(WAIT);
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(Duration::from_secs(20));
        }
        // A standby would take no event.
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        config.keepalives_idle(Duration::from_secs(30));
        Ok(Self { tls: tls(mode, wish.root)?, config })
    }

    pub(super) const fn config(&self) -> &Config {
        &self.config
    }

    pub(super) const fn tls(&self) -> &Tls {
        &self.tls
    }

    pub(super) fn pool(&self, sessions: usize, are_for: Use) -> Result<Pool, StoreError> {
        let settings = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = match &self.tls {
            Tls::None => Manager::from_config(self.config.clone(), NoTls, settings),
            #[cfg(feature = "postgres-rustls")]
            Tls::Rustls(tls) => Manager::from_config(self.config.clone(), tls.clone(), settings),
        };
        let limits = Timeouts { wait: Some(WAIT), create: Some(WAIT), recycle: Some(WAIT) };
        Pool::builder(manager)
            .max_size(sessions)
            .timeouts(limits)
            .runtime(Runtime::Tokio1)
            .post_create(Hook::async_fn(move |client, _| {
                Box::pin(async move {
                    match begin(client).await {
                        Ok(None) if are_for == Use::Turns => {
                            client.batch_execute(TURNS).await.map_err(HookError::Backend)
                        }
                        Ok(None) => Ok(()),
                        Ok(Some(why)) => Err(HookError::message(why)),
                        Err(error) => Err(HookError::Backend(error)),
                    }
                })
            }))
            .post_recycle(Hook::async_fn(|client, metrics| {
                let uses = metrics.recycle_count;
                Box::pin(async move { plan_anew(client, uses).await.map_err(HookError::Backend) })
            }))
            .build()
            .map_err(|error| StoreError::Database(Box::new(error)))
    }
}

/// The server plans a statement once for a session and keeps that, until somebody has analyzed the tables. A plan that was made
/// while they were empty may look through all of them, which every delivery then waits for. So a session plans anew while they
/// grow: after 1, 2, 4, 8, … uses.
async fn plan_anew(client: &Client, uses: usize) -> Result<(), tokio_postgres::Error> {
    if uses.is_power_of_two() { client.batch_execute("DISCARD PLANS").await } else { Ok(()) }
}

/// Makes a session durable, and asks whether it is: a setting of the role or the database may say otherwise. Returns why
/// it is not.
pub(super) async fn begin(client: &Client) -> Result<Option<String>, tokio_postgres::Error> {
    client.batch_execute(&format!("{SESSION}; SET search_path = {SCHEMA}")).await?;
    let row = client
        .query_one(
            "SELECT CASE WHEN current_setting('synchronous_commit') IN ('on', 'remote_apply')
                    THEN current_setting('synchronous_commit')
                    ELSE set_config('synchronous_commit', 'on', false) END,
                    current_setting('fsync')",
            &[],
        )
        .await?;
    let (synchronous, fsync): (String, String) = (row.try_get(0)?, row.try_get(1)?);
    match (synchronous.as_str(), fsync.as_str()) {
        ("on" | "remote_apply", "on") => Ok(None),
        _ => Ok(Some(format!(
            "the server would not promise durability (synchronous_commit {synchronous}, fsync {fsync}): it must run with \
             fsync = on"
        ))),
    }
}

fn unusable(why: &str) -> StoreError {
    StoreError::Unusable(why.to_owned())
}

/// The address without `sslmode` and `sslrootcert`, and what they said.
fn split(url: &str) -> Result<(String, Wish), StoreError> {
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        return Err(unusable("its address does not begin with postgres://"));
    }
    let Some((address, query)) = url.split_once('?') else {
        return Ok((url.to_owned(), Wish::default()));
    };
    let mut wish = Wish::default();
    let mut rest = Vec::new();
    for part in query.split('&').filter(|part| !part.is_empty()) {
        match part.split_once('=') {
            Some(("sslmode", mode)) => wish.mode = Some(mode.to_owned()),
            Some(("sslrootcert", path)) => wish.root = Some(PathBuf::from(decoded(path))),
            _ => rest.push(part),
        }
    }
    let mark = if rest.is_empty() { "" } else { "?" };
    Ok((format!("{address}{mark}{}", rest.join("&")), wish))
}

/// Percent-decoding, for a path; what is not UTF-8 afterwards stays as it was.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = after.get(..2).filter(|_| *first == b'%').and_then(|hex| hex::decode(hex).ok());
        match hex.as_deref() {
            Some([byte]) => {
                bytes.push(*byte);
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

/// Customers' names and the password cross a network only encrypted, unless the operator says that they may.
fn mode(wish: &Wish, local: bool) -> Result<SslMode, StoreError> {
    match wish.mode.as_deref() {
        Some("disable") => Ok(SslMode::Disable),
        Some("allow" | "prefer") => Ok(SslMode::Prefer),
        Some("require" | "verify-ca" | "verify-full") => Ok(SslMode::Require),
        Some(_) => Err(unusable(
            "sslmode is none of disable, allow, prefer, require, verify-ca, verify-full",
        )),
        None if local => Ok(SslMode::Prefer),
        None => Ok(SslMode::Require),
    }
}

/// Whether no byte leaves this machine.
fn is_local(config: &Config) -> bool {
    let addresses = config.get_hostaddrs();
    if !addresses.is_empty() {
        return addresses.iter().all(IpAddr::is_loopback);
    }
    config.get_hosts().iter().all(|host| match host {
        Host::Tcp(name) => {
            name == "localhost" || name.parse().is_ok_and(|address: IpAddr| address.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    })
}

#[cfg(not(feature = "postgres-rustls"))]
fn tls(mode: SslMode, _: Option<PathBuf>) -> Result<Tls, StoreError> {
    match mode {
        SslMode::Disable | SslMode::Prefer => Ok(Tls::None),
        _ => Err(unusable(
            "it needs TLS, which this program was built without (feature `postgres-rustls`); only on a network that is \
             safe by itself add sslmode=disable to its address",
        )),
    }
}

/// A certificate is always checked, and so is its name: `require` without a check protects from nobody who can answer
/// in the server's place.
#[cfg(feature = "postgres-rustls")]
fn tls(mode: SslMode, root: Option<PathBuf>) -> Result<Tls, StoreError> {
    use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs, pki_types::pem::PemObject as _};
    use rustls_platform_verifier::BuilderVerifierExt as _;

    if mode == SslMode::Disable {
        return Ok(Tls::None);
    }
    let failed = |error: rustls::Error| unusable(&format!("TLS cannot be set up: {error}"));
    let builder = ClientConfig::builder_with_provider(aws_lc_rs::default_provider().into())
        .with_safe_default_protocol_versions()
        .map_err(failed)?;
    let config = match root {
        None => builder.with_platform_verifier().map_err(failed)?.with_no_client_auth(),
        Some(path) => {
            let unreadable = || unusable(&format!("sslrootcert {} cannot be read", path.display()));
            let mut roots = RootCertStore::empty();
            let certificates = rustls::pki_types::CertificateDer::pem_file_iter(&path);
            for certificate in certificates.map_err(|_| unreadable())? {
                roots.add(certificate.map_err(|_| unreadable())?).map_err(failed)?;
            }
            if roots.is_empty() {
                return Err(unreadable());
            }
            builder.with_root_certificates(roots).with_no_client_auth()
        }
    };
    Ok(Tls::Rustls(tokio_postgres_rustls::MakeRustlsConnect::new(config)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ssl(url: &str) -> Result<SslMode, String> {
        Address::parse(url)
            .map(|address| address.config.get_ssl_mode())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_network_is_crossed_encrypted_unless_the_operator_says_otherwise() {
        for (url, local) in [
            ("postgres://u@localhost/d", true),
            ("postgres://u@127.0.0.1:5433/d", true),
            ("postgres://u@[::1]/d", true),
            ("postgresql://u@%2Frun%2Fpostgresql/d", true),
            ("postgres://u@db.example.com/d", false),
            ("postgres://u@localhost,db.example.com/d", false),
            ("postgres://u@10.0.0.7/d", false),
            ("postgres://u@localhost/d?hostaddr=10.0.0.7", false),
        ] {
            let want = if local { SslMode::Prefer } else { SslMode::Require };
            let (url, wish) = split(url).unwrap();
            let config = Config::from_str(&url).unwrap();
            assert_eq!(mode(&wish, is_local(&config)).unwrap(), want, "{url}");
        }
        for (word, want) in [
            ("disable", Some(SslMode::Disable)),
            ("prefer", Some(SslMode::Prefer)),
            ("require", Some(SslMode::Require)),
            ("verify-ca", Some(SslMode::Require)),
            ("verify-full", Some(SslMode::Require)),
            ("requird", None),
            ("", None),
        ] {
            let wish = Wish { mode: Some(word.to_owned()), root: None };
            assert_eq!(mode(&wish, false).ok(), want, "{word}");
        }
    }

    #[test]
    fn the_address_keeps_what_is_not_about_tls() {
        let (url, wish) = split(
            "postgres://u@h/d?sslmode=verify-full&connect_timeout=3&sslrootcert=%2Fetc%2Fa b",
        )
        .unwrap();
        assert_eq!(url, "postgres://u@h/d?connect_timeout=3");
        assert_eq!(wish.mode.as_deref(), Some("verify-full"));
        assert_eq!(wish.root, Some(PathBuf::from("/etc/a b")));
    }

    #[test]
    fn a_wrong_address_is_refused_without_repeating_it() {
        for url in [
            "",
            "sqlite:x",
            "postgres://",
            "postgres:///d",
            "postgres://u:hunter2@h:port/d",
            "postgres://u:hunter2@localhost/d?sslmode=hunter2",
            "postgres://u:hunter2@localhost/d?sslrootcert=/no/such/file",
        ] {
            let error = ssl(url).expect_err(url);
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
