//! The process: a listener with time limits, the worker beside it, and an orderly end.

use std::{future::Future, time::Duration};

use axum::Router;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use paddle_kommo_sync::{PostgresStore, SqliteStore, StoreError, Sync, SyncBuilder};
use tokio::{
    net::TcpListener,
    sync::{Semaphore, watch},
};

use crate::{
    Failure,
    app::App,
    checkout, log,
    pay::PayPage,
    settings::{Database, Settings, Variables},
    signals::Signals,
    sweep,
};

/// How long the head of a request may take, and how long an idle connection is kept.
const HEADERS: Duration = Duration::from_secs(5);

/// How long requests in progress may go on after the end was asked for. The worker takes up to 8 seconds.
const DRAIN: Duration = Duration::from_secs(9);

/// More connections wait in the kernel's queue.
const CONNECTIONS: usize = 512;

/// Serves until SIGINT or SIGTERM.
///
/// # Errors
///
/// One sentence about what stops the start.
pub async fn serve(variables: Variables<'_>) -> Result<(), Failure> {
    let settings = Settings::read(variables)?;
    let log = log::start(&settings)?;
    for unused in &settings.unused {
        tracing::warn!("{unused}");
    }
    let poll = settings.rules.checkout.poll_seconds;
    let poll = (poll > 0).then(|| Duration::from_secs(poll.into()));
    let engine = engine(&settings).await?;
    let app = App::new(settings.verifier, settings.kommo, engine)
        .await?
        .admin_token(settings.admin_token)
        .pay_page(settings.client_token.map(PayPage::new))
        .kommo_webhooks(settings.hook_secret)
        .look_at_stage(poll)
        .paddle(settings.paddle, settings.sweeping);
    // Before it says that it listens: whoever reads that may end it at once.
    let mut signals = Signals::listen()?;
    let listener = TcpListener::bind(settings.listen)
        .await
        .map_err(|error| format!("LISTEN_ADDR {}: {error}", settings.listen))?;
    tracing::info!(
        address = %listener.local_addr()?,
        database = %settings.database,
        kommo = app.kommo.base_url(),
        live_secrets = settings.secrets.0,
        sandbox_secrets = settings.secrets.1,
        "listening"
    );
    let (stop, stopped) = watch::channel(false);
    let last_lines = log.clone();
    tokio::spawn(async move {
        signals.next().await;
        tracing::info!("stopping: requests and effects in progress are finished first");
        // Nobody listens any more when everything has ended by itself.
        let _ = stop.send(true);
        signals.next().await;
        tracing::warn!("stopped at once");
        last_lines.flush();
        std::process::exit(130);
    });
    tokio::spawn(greet(app.clone()));
    let result = run(listener, app, stopped).await;
    log.flush();
    result
}

/// The engine on its store, as configured.
pub(crate) async fn engine(settings: &Settings) -> Result<SyncBuilder, Failure> {
    let failed = |error: StoreError| {
        format!("DATABASE_URL, {}: {}", settings.database, crate::chain(&error))
    };
    let kommo = settings.kommo.clone();
    let engine = match &settings.database {
        Database::Sqlite(path) => Sync::builder(kommo, SqliteStore::open(path).map_err(failed)?),
        Database::Postgres(url) => {
            let store = PostgresStore::connect(url).await.map_err(failed)?;
            let clock = store.clock();
            Sync::builder(kommo, store).clock(clock)
        }
    };
    let engine = engine
        .config(settings.rules.clone())
        .deal_ref_keys(settings.deal_ref_keys.clone())
        .batch_size(settings.batch_size)
        .keep_payloads(settings.keep_payloads);
    Ok(match &settings.paddle {
        Some(paddle) => engine.paddle(paddle.clone()),
        None => engine,
    })
}

/// Serves on this listener, with the worker beside it, until `stop` becomes true.
///
/// # Errors
///
/// When the worker ends before it was asked to.
pub async fn run(
    listener: TcpListener,
    app: App,
    stop: watch::Receiver<bool>,
) -> Result<(), Failure> {
    let worker = {
        let (sync, stop) = (app.sync().clone(), stop.clone());
        tokio::spawn(async move { sync.run(until(stop)).await })
    };
    let watching = {
        let (sync, stop) = (app.sync().clone(), until(stop.clone()));
        let every = app.poll;
        async move {
            if let Some(every) = every {
                checkout::watch(sync, every, stop).await;
            }
            Ok::<(), Failure>(())
        }
    };
    let abort = worker.abort_handle();
    let ended_early = async {
        let ended = worker.await;
        if *stop.borrow() {
            ended.map_err(Failure::from)
        } else {
            Err("the worker has ended".into())
        }
    };
    let serving = async {
        accept(listener, app.router(), until(stop.clone())).await;
        Ok::<(), Failure>(())
    };
    let sweeping = async {
        sweep::run(&app, until(stop.clone())).await;
        Ok::<(), Failure>(())
    };
    let result = tokio::try_join!(serving, sweeping, watching, ended_early).map(|_| ());
    abort.abort();
    if result.is_ok() {
        tracing::info!("stopped");
    }
    result
}

async fn until(mut stop: watch::Receiver<bool>) {
    // The sender is gone only when the process ends anyway.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// The loop that `axum::serve` would be, but for its lack of time limits: a client that sends half a head and then
/// nothing would hold a connection for ever.
async fn accept(listener: TcpListener, router: Router, stop: impl Future<Output = ()>) {
    let mut stop = std::pin::pin!(stop);
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEADERS);
    let graceful = GracefulShutdown::new();
    let slots = std::sync::Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let next = async {
            let slot = slots.clone().acquire_owned().await;
            (slot, listener.accept().await)
        };
        let (slot, accepted) = tokio::select! {
            biased;
            () = &mut stop => break,
            next = next => next,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of file descriptors, most likely: some connections must end first.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let connection =
            http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router.clone()));
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended");
            }
            drop(slot);
        });
    }
    drop(listener);
    if tokio::time::timeout(DRAIN, graceful.shutdown()).await.is_err() {
        tracing::warn!("connections were still open and are cut");
    }
}

/// Says at the start whether Kommo answers, and takes what is configured. Receiving does not depend on it.
async fn greet(app: App) {
    match app.sync.stats().await.map(|stats| stats.paused) {
        Ok(None) => {}
        // Every call during a block prolongs it; the worker probes when its time has come.
        Ok(Some((until, reason))) => {
            tracing::error!(reason, %until, "Kommo's account pauses: deliveries are stored and wait");
            return;
        }
        Err(error) => {
            tracing::error!(error = crate::chain(&error), "the store does not answer");
            return;
        }
    }
    match app.sync.kommo().account().get().await {
        Ok(account) => tracing::info!(
            account = account.id.get(),
            currency = account.currency.unwrap_or_default(),
            token_expires_at = app.kommo.token_expires_at().map(|at| at.to_string()),
            "Kommo answers"
        ),
        Err(error) => {
            tracing::error!(
                error = crate::chain(&error),
                "Kommo does not answer as it should: deliveries are stored and wait (check KOMMO_BASE_URL and KOMMO_TOKEN)"
            );
            return;
        }
    }
    match app.sync.missing_fields().await {
        Ok(missing) => {
            for left_out in missing {
                tracing::warn!(field = %left_out.what, why = left_out.why, "a configured field will be left out");
            }
        }
        Err(error) => {
            tracing::warn!(error = crate::chain(&error), "Kommo does not tell its fields")
        }
    }
}
