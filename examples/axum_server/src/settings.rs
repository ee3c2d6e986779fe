//! Everything the service can be told: secrets from the environment, the rest from one TOML file.

mod admin_token;
mod client_token;
mod hook_secret;
mod reconcile;
mod rules;
mod variables;

use std::{fmt, net::SocketAddr, num::NonZeroUsize, path::PathBuf, time::Duration};

use kommo_client::{AccessToken, Client};
use paddle_kommo_sync::{Config, DealRefKey, paddle};
use paddle_webhook::{Environment, SecretKey, Verifier};
use tracing_subscriber::EnvFilter;

pub use self::{
    admin_token::AdminToken,
    client_token::ClientToken,
    hook_secret::HookSecret,
    reconcile::Sweeping,
    variables::{Variables, process},
};
use crate::Failure;

/// A configuration that was read and understood.
pub struct Settings {
    /// Tells deliveries of Paddle from everything else.
    pub verifier: Verifier,
    /// How many live and sandbox secrets there are.
    pub secrets: (usize, usize),
    /// The Kommo account.
    pub kommo: Client,
    /// Where events are kept.
    pub database: Database,
    /// Where to listen.
    pub listen: SocketAddr,
    /// The rules of billing.
    pub rules: Config,
    /// How many deals or notes share one request to Kommo at the most.
    pub batch_size: NonZeroUsize,
    /// How long the bodies of events that have ended are kept.
    pub keep_payloads: Duration,
    /// Paddle's own API, which tells who paid.
    pub paddle: Option<paddle::Client>,
    /// How often Paddle's own list of events is looked through, if its API can be asked.
    pub sweeping: Sweeping,
    /// The keys of signed references to deals.
    pub deal_ref_keys: Vec<DealRefKey>,
    /// What opens the operator's routes; none: they are off.
    pub admin_token: Option<AdminToken>,
    /// What the page that opens checkouts is made with; none: it is off.
    pub client_token: Option<ClientToken>,
    /// What Kommo's webhooks are known by; none: they are not taken.
    pub hook_secret: Option<HookSecret>,
    /// How logs look.
    pub log_format: LogFormat,
    /// What `RUST_LOG` says.
    pub log_filter: String,
    /// What is set and without effect.
    pub unused: Vec<&'static str>,
}

/// Where events are kept.
#[derive(Clone, PartialEq, Eq)]
pub enum Database {
    /// A file on this machine.
    Sqlite(PathBuf),
    /// A server, by its address, which may hold a password.
    Postgres(String),
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "{}", path.display()),
            Self::Postgres(url) => {
                // The last part in front of the options is what can be shown: user and password stand before it.
                let place = url.split_once('?').map_or(url.as_str(), |(place, _)| place);
                let place = place.rsplit_once('@').or_else(|| place.split_once("//"));
                write!(f, "PostgreSQL at {}", place.map_or("?", |(_, place)| place))
            }
        }
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Database({self})")
    }
}

/// How logs look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("kommo", &self.kommo)
            .field("listen", &self.listen)
            .finish_non_exhaustive()
    }
}

impl Settings {
    /// Reads everything.
    ///
    /// # Errors
    ///
    /// One sentence that names the variable or key to mend.
    pub fn read(variables: Variables<'_>) -> Result<Self, Failure> {
        let rules::Rules { config: rules, tolerance, batch_size, keep_payloads, sweeping } =
            rules::read(variables)?;
        let live = secrets(variables, "PADDLE_WEBHOOK_SECRETS", Environment::Live)?;
        if live.is_empty() {
            return Err("PADDLE_WEBHOOK_SECRETS is missing: set it to the secret key of Paddle's notification destination".into());
        }
        let sandbox = secrets(variables, "PADDLE_SANDBOX_WEBHOOK_SECRETS", Environment::Sandbox)?;
        let counts = (live.len(), sandbox.len());
        let verifier = Verifier::with_secrets(live.into_iter().chain(sandbox))?;
        let listen = variables::optional(variables, "LISTEN_ADDR")
            .unwrap_or_else(|| "127.0.0.1:8080".to_owned());
        let paddle = paddle_api(variables)?;
        let has_url = variables::optional(variables, "PADDLE_API_URL").is_some();
        let hook_secret = variables::secret(variables, "KOMMO_WEBHOOK_SECRET")?
            .map(|secret| HookSecret::new(&secret))
            .transpose()?;
        let has_stage = rules.checkout.stage.is_some();
        let unused = [
            (paddle.is_none() && has_url).then_some(
                "PADDLE_API_URL is set, but PADDLE_API_KEY is not: Paddle's API is not asked",
            ),
            (paddle.is_none() && has_stage).then_some(
                "[checkout] names a stage, but PADDLE_API_KEY is not set: no links are made",
            ),
            (hook_secret.is_some() && !has_stage).then_some(
                "KOMMO_WEBHOOK_SECRET is set, but [checkout] names no stage: Kommo's webhooks have no effect",
            ),
        ];
        Ok(Self {
            verifier: verifier.max_age(tolerance).max_ahead(tolerance),
            secrets: counts,
            kommo: kommo(variables)?,
            database: database(variables)?,
            listen: listen.parse().map_err(|_| {
                format!("LISTEN_ADDR `{listen}` is not an address such as 127.0.0.1:8080")
            })?,
            rules,
            batch_size,
            keep_payloads,
            paddle,
            sweeping,
            deal_ref_keys: deal_ref_keys(variables)?,
            admin_token: variables::secret(variables, "ADMIN_TOKEN")?
                .map(AdminToken::new)
                .transpose()?,
            client_token: client_token(variables)?,
            hook_secret,
            log_format: log_format(variables)?,
            log_filter: log_filter(variables)?,
            unused: unused.into_iter().flatten().collect(),
        })
    }
}

/// The admin token itself, for a command that asks the running service.
pub(crate) fn admin_secret(variables: Variables<'_>) -> Result<Option<String>, Failure> {
    variables::secret(variables, "ADMIN_TOKEN")
}

fn secrets(
    variables: Variables<'_>,
    name: &str,
    environment: Environment,
) -> Result<Vec<SecretKey>, Failure> {
    let Some(list) = variables::secret(variables, name)? else { return Ok(Vec::new()) };
    let mut secrets = Vec::new();
    for (index, secret) in list.split(',').enumerate() {
        let number = index + 1;
        // A blank beside the comma belongs to the list; anything else that is no secret is refused.
        let secret = secret.trim_matches(' ');
        let key =
            SecretKey::new(secret).map_err(|error| format!("{name}, secret {number}: {error}"))?;
        secrets.push(key.label(format!("{name} {number}")).environment(environment));
    }
    Ok(secrets)
}

fn deal_ref_keys(variables: Variables<'_>) -> Result<Vec<DealRefKey>, Failure> {
    let Some(list) = variables::secret(variables, "DEAL_REF_KEYS")? else { return Ok(Vec::new()) };
    let key = |(index, key): (usize, &str)| {
        DealRefKey::new(key)
            .map_err(|error| format!("DEAL_REF_KEYS, key {}: {error}", index + 1).into())
    };
    list.split(',').enumerate().map(key).collect()
}

/// Paddle's API, if there is a key for it. The key must be for what the secrets are for: live events.
fn paddle_api(variables: Variables<'_>) -> Result<Option<paddle::Client>, Failure> {
    let Some(key) = variables::secret(variables, "PADDLE_API_KEY")? else { return Ok(None) };
    let named = |error: &dyn std::error::Error| format!("PADDLE_API_KEY: {}", crate::chain(error));
    let key = paddle::ApiKey::new(key).map_err(|error| named(&error))?;
    let mut builder = paddle::Client::builder(key);
    if let Some(url) = variables::optional(variables, "PADDLE_API_URL") {
        builder = builder.base_url(&url);
    }
    let client = builder
        .build()
        .map_err(|error| format!("PADDLE_API_KEY, PADDLE_API_URL: {}", crate::chain(&error)))?;
    client.check_environment(Environment::Live).map_err(|error| named(&error))?;
    Ok(Some(client))
}

/// The token that checkouts are opened with. Links are made with the live key, and a sandbox token opens none of them.
fn client_token(variables: Variables<'_>) -> Result<Option<ClientToken>, Failure> {
    let Some(token) = variables::secret(variables, "PADDLE_CLIENT_TOKEN")? else { return Ok(None) };
    let token = ClientToken::new(&token)?;
    if token.is_sandbox() && variables::secret(variables, "PADDLE_API_KEY")?.is_some() {
        return Err("PADDLE_CLIENT_TOKEN is for the sandbox, and PADDLE_API_KEY for the live account: use tokens of one account".into());
    }
    Ok(Some(token))
}

fn kommo(variables: Variables<'_>) -> Result<Client, Failure> {
    let base = variables::optional(variables, "KOMMO_BASE_URL")
        .ok_or("KOMMO_BASE_URL is missing: set it to https://your-subdomain.kommo.com")?;
    let token = match variables::secret(variables, "KOMMO_TOKEN")? {
        Some(token) => AccessToken::new(token).map_err(|error| format!("KOMMO_TOKEN: {error}"))?,
        None if variables("KOMMO_CLIENT_ID").is_some() => {
            return Err("KOMMO_TOKEN is missing: this version needs a long-lived token, OAuth is not supported yet".into());
        }
        None => {
            return Err(
                "KOMMO_TOKEN is missing: set it to a long-lived token of your Kommo integration"
                    .into(),
            );
        }
    };
    Client::builder(&base, token)
        .timeout(Duration::from_secs(20))
        .build()
        .map_err(|error| format!("KOMMO_BASE_URL: {}", crate::chain(&error)).into())
}

fn database(variables: Variables<'_>) -> Result<Database, Failure> {
    let url = variables::secret(variables, "DATABASE_URL")?
        .unwrap_or_else(|| "sqlite:paddle-kommo.db".to_owned());
    match url.split_once(':') {
        Some(("sqlite", ":memory:")) => Err(
            "DATABASE_URL: a database in memory would lose what was acknowledged, use sqlite:PATH"
                .into(),
        ),
        Some(("sqlite", path)) if !path.is_empty() => {
            let path = PathBuf::from(path);
            match path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir())
            {
                Some(folder) => {
                    Err(format!("DATABASE_URL: there is no folder {}", folder.display()).into())
                }
                None => Ok(Database::Sqlite(path)),
            }
        }
        Some(("postgres" | "postgresql", _)) => Ok(Database::Postgres(url)),
        _ => Err("DATABASE_URL must be sqlite:PATH or postgres://USER@HOST/DATABASE".into()),
    }
}

/// `RUST_LOG`. A word alone is a level: as the name of a module it would silence everything else.
fn log_filter(variables: Variables<'_>) -> Result<String, Failure> {
    let filter = variables::optional(variables, "RUST_LOG").unwrap_or_else(|| "info".to_owned());
    let is_word = filter.bytes().all(|byte| byte.is_ascii_alphabetic());
    let levels = ["off", "error", "warn", "info", "debug", "trace"];
    if is_word && !levels.contains(&filter.to_lowercase().as_str()) {
        return Err(format!("RUST_LOG `{filter}` is none of {}", levels.join(", ")).into());
    }
    EnvFilter::try_new(&filter).map_err(|error| format!("RUST_LOG `{filter}`: {error}"))?;
    Ok(filter)
}

fn log_format(variables: Variables<'_>) -> Result<LogFormat, Failure> {
    match variables::optional(variables, "LOG_FORMAT").as_deref() {
        None | Some("text") => Ok(LogFormat::Text),
        Some("json") => Ok(LogFormat::Json),
        Some(other) => Err(format!("LOG_FORMAT `{other}` is neither text nor json").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPLETE: [(&str, &str); 3] = [
        ("PADDLE_WEBHOOK_SECRETS", "pdl_ntfset_one, pdl_ntfset_two"),
        ("KOMMO_BASE_URL", "https://acme.kommo.com"),
        ("KOMMO_TOKEN", "made-up-token"),
    ];

    fn read(set: &[(&str, &str)]) -> Result<Settings, String> {
        let lookup = |name: &str| {
            set.iter()
                .chain(&COMPLETE)
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        };
        Settings::read(&lookup).map_err(|error| crate::chain(&*error))
    }

    #[test]
    fn credentials_are_enough() {
        let settings = read(&[]).unwrap();
        assert_eq!(settings.secrets, (2, 0));
        assert_eq!(settings.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(settings.database, Database::Sqlite(PathBuf::from("paddle-kommo.db")));
        assert_eq!(settings.rules, Config::default());
        assert!(settings.unused.is_empty());
    }

    #[test]
    fn a_servers_address_is_shown_without_its_password() {
        for (url, shown) in [
            ("postgres://me:hunter2@db.example.com/x", "PostgreSQL at db.example.com/x"),
            ("postgres://me:hunt@er2@db:5433/x?sslmode=require", "PostgreSQL at db:5433/x"),
            ("postgresql://db/x?password=hunter2", "PostgreSQL at db/x"),
        ] {
            let database = read(&[("DATABASE_URL", url)]).unwrap().database;
            assert_eq!(database, Database::Postgres(url.to_owned()));
            assert_eq!(database.to_string(), shown);
            assert_eq!(format!("{database:?}"), format!("Database({shown})"));
        }
    }

    #[test]
    fn what_is_wrong_is_named_in_one_sentence() {
        for (name, value, want) in [
            ("PADDLE_WEBHOOK_SECRETS", "", "PADDLE_WEBHOOK_SECRETS is missing"),
            ("PADDLE_WEBHOOK_SECRETS", "pdl_ntfset_one,,", "PADDLE_WEBHOOK_SECRETS, secret 2:"),
            ("PADDLE_WEBHOOK_SECRETS", "pdl ntfset", "PADDLE_WEBHOOK_SECRETS, secret 1:"),
            (
                "PADDLE_SANDBOX_WEBHOOK_SECRETS",
                "\"quoted\"",
                "PADDLE_SANDBOX_WEBHOOK_SECRETS, secret 1:",
            ),
            ("KOMMO_BASE_URL", "", "KOMMO_BASE_URL is missing"),
            ("KOMMO_BASE_URL", "acme.kommo.com", "KOMMO_BASE_URL:"),
            ("KOMMO_BASE_URL", "http://acme.kommo.com", "KOMMO_BASE_URL:"),
            ("KOMMO_TOKEN", "", "KOMMO_TOKEN is missing"),
            ("KOMMO_TOKEN", "two words", "KOMMO_TOKEN:"),
            ("DATABASE_URL", "paddle.db", "DATABASE_URL must be"),
            ("LISTEN_ADDR", "8080", "LISTEN_ADDR `8080`"),
            ("DATABASE_URL", "sqlite::memory:", "DATABASE_URL: a database in memory"),
            ("DATABASE_URL", "sqlite:/no/such/folder/x.db", "DATABASE_URL: there is no folder"),
            ("RUST_LOG", "verbose", "RUST_LOG `verbose`"),
            ("RUST_LOG", "info,foo=blah=x", "RUST_LOG `info,foo=blah=x`"),
            ("ADMIN_TOKEN", "short", "ADMIN_TOKEN"),
            ("LOG_FORMAT", "xml", "LOG_FORMAT `xml`"),
            ("CONFIG", "/no/such/file.toml", "CONFIG: /no/such/file.toml cannot be read"),
            ("PRICE_BASIS", "cents", "price_basis"),
            ("DEAL_REF_KEYS", "short", "DEAL_REF_KEYS, key 1:"),
            ("TASKS_DUE_IN_HOURS", "-1", "tasks.due_in_hours"),
            ("TEXTS_LANGUAGE", "en_US:en", "language"),
            ("LANGUAGE", "en_US:en", ""),
            ("PADDLE_CLIENT_TOKEN", "pdl_live_apikey_x", "PADDLE_CLIENT_TOKEN must be"),
            ("KOMMO_WEBHOOK_SECRET", "short", "KOMMO_WEBHOOK_SECRET must have"),
            ("STAGES_x", "1", ""),
        ] {
            match (read(&[(name, value)]), want) {
                (Ok(_), "") => {}
                (Ok(_), want) => panic!("{name}={value} was accepted, not `{want}`"),
                (Err(error), want) => {
                    assert!(error.contains(want) && !want.is_empty(), "{name}={value}: {error}");
                    assert!(!error.contains('\n'), "{name}={value}: {error}");
                    assert!(
                        !error.contains("made-up-token") && !error.contains("pdl_ntfset_one"),
                        "{error}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_operators_own_texts_are_read_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        let path = path.to_str().unwrap();
        for (template, want) in [("Paid {sum}", ""), ("Paid {summ}", "\"summ\"")] {
            std::fs::write(path, format!("[templates]\npayment = \"{template}\"\n")).unwrap();
            match read(&[("CONFIG", path)]) {
                Ok(_) => assert_eq!(want, "", "{template}"),
                Err(error) => {
                    assert!(!want.is_empty() && error.contains(want), "{template}: {error}");
                    assert!(error.contains(path), "{error}");
                }
            }
        }
    }

    #[test]
    fn the_key_of_paddles_api_must_be_a_live_one() {
        const LIVE: &str = "pdl_live_apikey_01gtgztp8f4kek3yd4g1wrksa3_q6TGTJyvoIz7LDtXT65bX7_AQO";
        let settings = read(&[("PADDLE_API_KEY", LIVE)]).unwrap();
        assert_eq!(settings.paddle.unwrap().base_url(), "https://api.paddle.com");
        let url = ("PADDLE_API_URL", "http://127.0.0.1:9");
        let settings = read(&[("PADDLE_API_KEY", LIVE), url]).unwrap();
        assert_eq!(settings.paddle.unwrap().base_url(), url.1);
        assert!(settings.unused.is_empty(), "{:?}", settings.unused);
        assert!(read(&[]).unwrap().paddle.is_none());
        for key in ["not a key", &LIVE.replace("live", "sdbx")] {
            let error = read(&[("PADDLE_API_KEY", key)]).unwrap_err().to_string();
            assert!(error.contains("PADDLE_API_KEY") && !error.contains(key), "{error}");
        }
        assert_eq!(read(&[("PADDLE_API_URL", "https://x.example")]).unwrap().unused.len(), 1);
    }

    #[test]
    fn a_secret_may_come_from_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, "pdl_ntfset_from_a_file\n").unwrap();
        let lookup = |name: &str| match name {
            "PADDLE_WEBHOOK_SECRETS_FILE" => Some(path.display().to_string()),
            "PADDLE_WEBHOOK_SECRETS" => None,
            name => {
                COMPLETE.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
            }
        };
        assert_eq!(Settings::read(&lookup).unwrap().secrets, (1, 0));
    }
}
