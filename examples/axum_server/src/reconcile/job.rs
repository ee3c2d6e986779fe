//! The work itself, and where it is done: by the running service, which alone may use its database, or else here.

use axum::{
    Json,
    body::Body,
    http::{Method, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use paddle_kommo_sync::{
    Preview, StoreError, Sync, paddle,
    reconcile::{Period, Progress},
};
use paddle_webhook::Event;
use time::OffsetDateTime;
use tokio::sync::{mpsc, watch};
use tracing_subscriber::EnvFilter;

use super::{
    ask, in_query,
    lines::{Line, Lines},
};
use crate::{
    Failure,
    app::App,
    serve,
    settings::{self, Settings, Variables},
};

/// As many lines wait for their reader.
const WAITING: usize = 256;

/// How often what is still open is counted.
const POLL: std::time::Duration = std::time::Duration::from_secs(1);

/// A long piece of work.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Job {
    /// The report of a period, and perhaps its repair.
    Reconcile {
        /// The period.
        period: Period,
        /// Whether what is missing is taken in.
        repair: bool,
    },
    /// What was sold since then, or what that would do.
    Backfill {
        /// Since when.
        since: OffsetDateTime,
        /// Whether it is only said.
        dry_run: bool,
    },
}

impl Job {
    const fn writes(self) -> bool {
        match self {
            Self::Reconcile { repair, .. } => repair,
            Self::Backfill { dry_run, .. } => !dry_run,
        }
    }

    /// The request to the running service.
    pub(super) fn request(self) -> Result<(Method, String), Failure> {
        let method = if self.writes() { Method::POST } else { Method::GET };
        let target = match self {
            Self::Reconcile { period, .. } => {
                let (from, to) = (in_query(period.from)?, in_query(period.to)?);
                format!("/admin/reconcile?from={from}&to={to}")
            }
            Self::Backfill { since, .. } => format!("/admin/backfill?since={}", in_query(since)?),
        };
        Ok((method, target))
    }

    /// Does it, and says each step. A worker must be running beside it where it writes.
    async fn work(
        self,
        sync: &Sync,
        paddle: &paddle::Client,
        lines: &mpsc::Sender<Line>,
    ) -> Result<(), Failure> {
        // A step that nobody has time to hear is left out.
        let mut listener = |progress: Progress| {
            let _ = lines.try_send(progress.into());
        };
        match self {
            Self::Reconcile { period, repair } => {
                let report = sync.reconcile(paddle, period, &mut listener).await?;
                if !repair {
                    lines.send(Line::Report(Box::new(report))).await?;
                    return Ok(());
                }
                let repaired = sync.repair(&report, &mut listener).await?;
                let report = sync.reconcile(paddle, period, &mut listener).await?;
                lines.send(Line::Report(Box::new(report))).await?;
                lines.send(Line::Repaired(repaired)).await?;
            }
            Self::Backfill { since, dry_run: false } => {
                let filled = sync.backfill(paddle, since, &mut listener).await?;
                lines.send(Line::Backfilled(filled)).await?;
            }
            Self::Backfill { since, dry_run: true } => {
                let (previews, mut told) = mpsc::unbounded_channel();
                let mut each = move |event: &Event, preview: &Preview| {
                    let _ = previews.send(Line::Preview(said(event, preview)));
                };
                // It takes `each` with it, and with that the sender: the other side ends too.
                let working = async move { sync.preview_backfill(paddle, since, &mut each).await };
                let telling = async {
                    while let Some(line) = told.recv().await {
                        lines.send(line).await?;
                    }
                    Ok::<(), mpsc::error::SendError<Line>>(())
                };
                let (filled, told) = tokio::join!(working, telling);
                told?;
                lines.send(Line::Backfilled(filled?)).await?;
            }
        }
        Ok(())
    }
}

/// What an event would do, in one line.
fn said(event: &Event, preview: &Preview) -> String {
    let what = match preview {
        Preview::Ignored(reason) => format!("nothing: {reason}"),
        Preview::Parked(parked) => format!("parked: {} ({})", parked.reason, parked.detail),
        Preview::Plan { lead, changes, .. } if changes.is_empty() => {
            format!("deal {lead}: shows it already")
        }
        Preview::Plan { lead, changes, .. } => format!("deal {lead}: {}", changes.join("; ")),
        Preview::Unavailable(why) => format!("Kommo cannot be asked: {why}"),
        _ => "something that this version cannot say".to_owned(),
    };
    let at = event.occurred_at().date();
    format!("{at} {} {}: {what}", event.event_type().as_str(), event.id().as_str())
        .replace(['\n', '\r'], " ")
}

/// Runs a job for a command: by the running service where it can be asked, else here.
pub(crate) async fn run(
    variables: Variables<'_>,
    job: Job,
    hear: &mut (dyn FnMut(Line) + Send),
) -> Result<(), Failure> {
    let settings = Settings::read(variables)?;
    let token = settings::admin_secret(variables)?;
    if let Some(token) = &token
        && let Some(service) = ask::service(settings.listen).await
    {
        return service.run(job, token, hear).await;
    }
    let paddle = settings.paddle.clone().ok_or(NO_KEY)?;
    log(variables)?;
    let engine = serve::engine(&settings).await.map_err(|error| {
        let hint = if token.is_some() {
            "the service does not listen at LISTEN_ADDR"
        } else {
            "with ADMIN_TOKEN set for both, this command asks a service that is running"
        };
        format!("{error} ({hint})")
    })?;
    let sync = engine.build().await?;
    let (stop, mut stopped) = watch::channel(false);
    let worker = job.writes().then(|| {
        let sync = sync.clone();
        tokio::spawn(async move {
            sync.run(async move { drop(stopped.wait_for(|stop| *stop).await) }).await;
        })
    });
    let (lines, mut heard) = mpsc::channel(WAITING);
    let working = async {
        let mut done = job.work(&sync, &paddle, &lines).await;
        if let (Ok(()), Job::Backfill { dry_run: false, .. }) = (&done, job) {
            done = drained(&sync, &lines).await.map_err(Failure::from);
        }
        drop(lines);
        done
    };
    let hearing = async {
        while let Some(line) = heard.recv().await {
            hear(line);
        }
    };
    let (done, ()) = tokio::join!(working, hearing);
    stop.send_replace(true);
    if let Some(worker) = worker {
        worker.await?;
    }
    done
}

/// What needs a person is said beside the report, not in it.
fn log(variables: Variables<'_>) -> Result<(), Failure> {
    let filter = variables("RUST_LOG").filter(|filter| !filter.is_empty());
    let filter = EnvFilter::try_new(filter.as_deref().unwrap_or("warn"))?;
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_target(false);
    subscriber.with_writer(std::io::stderr).try_init()
}

const NO_KEY: &str = "PADDLE_API_KEY is missing: set it to a live key with the permissions to read transactions, \
     adjustments, subscriptions and notifications";

/// Waits until nothing is open any more: what was taken in has come into the deals.
async fn drained(sync: &Sync, lines: &mpsc::Sender<Line>) -> Result<(), StoreError> {
    loop {
        let open = usize::try_from(sync.stats().await?.open).unwrap_or(usize::MAX);
        if open == 0 {
            return Ok(());
        }
        let _ =
            lines.try_send(Line::Progress { step: "still open".to_owned(), done: open, of: None });
        tokio::time::sleep(POLL).await;
    }
}

/// Does a job in the service, and answers with its lines as they come.
pub(crate) fn answer(app: App, job: Result<Job, Failure>) -> Response {
    let refused = |why: String| {
        (StatusCode::BAD_REQUEST, Json(serde_json::json!({"error": why}))).into_response()
    };
    let job = match job {
        Ok(job) => job,
        Err(error) => return refused(error.to_string()),
    };
    let Some(paddle) = app.paddle.clone() else { return refused(NO_KEY.to_owned()) };
    tracing::info!(?job, "an operator asks for it");
    let (lines, heard) = mpsc::channel(WAITING);
    tokio::spawn(async move {
        let done = tokio::select! {
            done = job.work(&app.sync, &paddle, &lines) => done,
            // Whoever asked has gone.
            () = lines.closed() => return,
        };
        if let Err(error) = done {
            let error = crate::chain(&*error);
            tracing::error!(error, "what an operator asked for broke off");
            // Whoever asked may have gone.
            let _ = lines.send(Line::Failed(error)).await;
        }
    });
    ([(header::CONTENT_TYPE, "application/x-ndjson")], Body::new(Lines(heard))).into_response()
}
