use std::net::{Ipv4Addr, SocketAddr};

use kommo_client::Client;
use paddle_kommo_sync::SqliteStore;
use paddle_webhook::Verifier;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::watch,
    task::JoinHandle,
};

use crate::{AheadClock, Setup};

/// Which server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `examples/axum_server`, the whole service.
    Axum,
    /// `examples/actix_server`, the smallest embedding.
    Actix,
}

/// A server on a port of its own, with its worker. It ends when dropped.
pub struct Server {
    address: SocketAddr,
    sync: paddle_kommo_sync::Sync,
    stop: watch::Sender<bool>,
    ended: Ended,
}

/// What a server is made of.
pub struct Parts {
    /// Tells Paddle's deliveries from everything else.
    pub verifier: Verifier,
    /// Kommo.
    pub kommo: Client,
    /// Where everything is kept.
    pub store: SqliteStore,
    /// What the operator has set.
    pub setup: Setup,
    /// The clock of the engine.
    pub clock: AheadClock,
}

enum Ended {
    Task(JoinHandle<()>),
    /// actix-web has a runtime of its own.
    Thread(std::thread::JoinHandle<()>),
}

impl Server {
    /// Starts it.
    pub async fn start(kind: Kind, parts: Parts) -> Self {
        let Parts { verifier, kommo, store, setup, clock } = parts;
        let (paddle, sweeping) = (setup.paddle.clone(), setup.sweeping.clone());
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .unwrap_or_else(|error| panic!("{error}"));
        let address = listener.local_addr().unwrap_or_else(|error| panic!("{error}"));
        let (stop, stopped) = watch::channel(false);
        let engine = move |kommo| {
            paddle_kommo_sync::Sync::builder(kommo, store)
                .config(setup.rules)
                .deal_ref_keys(setup.deal_ref_keys)
                .clock(clock)
        };
        let engine = move |kommo| match setup.paddle {
            Some(paddle) => engine(kommo).paddle(paddle),
            None => engine(kommo),
        };
        match kind {
            Kind::Axum => {
                let app = axum_server::app::App::new(verifier, kommo.clone(), engine(kommo))
                    .await
                    .unwrap_or_else(|error| panic!("{error:?}"));
                let token = axum_server::settings::AdminToken::new(crate::ADMIN_TOKEN.to_owned());
                let hooks = axum_server::settings::HookSecret::new(crate::HOOK_SECRET);
                let page = axum_server::settings::ClientToken::new(crate::CLIENT_TOKEN);
                let app = app
                    .admin_token(token.ok())
                    .kommo_webhooks(hooks.ok())
                    .pay_page(page.ok().map(axum_server::pay::PayPage::new))
                    .look_at_stage(setup.look_at_stage)
                    .paddle(paddle, sweeping);
                listener.set_nonblocking(true).unwrap_or_else(|error| panic!("{error}"));
                let listener = tokio::net::TcpListener::from_std(listener)
                    .unwrap_or_else(|error| panic!("{error}"));
                let sync = app.sync().clone();
                let task = tokio::spawn(async move {
                    axum_server::serve::run(listener, app, stopped)
                        .await
                        .unwrap_or_else(|error| panic!("{error}"));
                });
                Self { address, sync, stop, ended: Ended::Task(task) }
            }
            Kind::Actix => {
                let sync = engine(kommo).build().await.unwrap_or_else(|error| panic!("{error:?}"));
                let app = actix_server::App { verifier, sync: sync.clone() };
                let thread = std::thread::spawn(move || actix(listener, app, stopped));
                Self { address, sync, stop, ended: Ended::Thread(thread) }
            }
        }
    }

    /// A URL of it.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Posts a body by hand and returns the status: an HTTP client may not get to read the answer of a server that
    /// refuses a body before its end.
    pub async fn raw_post(&self, signature: &str, body: &[u8]) -> u16 {
        let stream = tokio::net::TcpStream::connect(self.address)
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        let (mut from, mut to) = stream.into_split();
        let head = format!(
            "POST /paddle/webhook HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Paddle-Signature: {signature}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let sending = async {
            // The server may close before it has read everything.
            if to.write_all(head.as_bytes()).await.is_ok() {
                drop(to.write_all(body).await);
            }
            to
        };
        let reading = async {
            let mut status = [0; 12];
            from.read_exact(&mut status).await.unwrap_or_else(|error| panic!("no answer: {error}"));
            let status = String::from_utf8_lossy(&status).into_owned();
            status
                .rsplit(' ')
                .next()
                .and_then(|status| status.parse().ok())
                .unwrap_or_else(|| panic!("{status}"))
        };
        tokio::join!(sending, reading).1
    }

    /// Posts a body by hand and closes the connection before any answer.
    pub async fn hang_up_after(&self, signature: &str, body: &[u8]) {
        let mut stream = tokio::net::TcpStream::connect(self.address)
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        let head = format!(
            "POST /paddle/webhook HTTP/1.1\r\nHost: localhost\r\nPaddle-Signature: {signature}\r\n\
             Content-Length: {}\r\n\r\n",
            body.len()
        );
        let request = [head.as_bytes(), body].concat();
        stream.write_all(&request).await.unwrap_or_else(|error| panic!("{error}"));
    }

    /// The engine behind it.
    #[must_use]
    pub fn sync(&self) -> &paddle_kommo_sync::Sync {
        &self.sync
    }

    /// Asks it to stop and waits until it has.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        match self.ended {
            Ended::Task(task) => {
                task.await.unwrap_or_else(|error| panic!("the server broke: {error}"))
            }
            Ended::Thread(thread) => {
                let joined = tokio::task::spawn_blocking(move || thread.join().is_ok()).await;
                assert!(joined.unwrap_or(false), "the server broke");
            }
        }
    }
}

/// actix-web wants a runtime of its own.
fn actix(listener: std::net::TcpListener, app: actix_server::App, mut stop: watch::Receiver<bool>) {
    let stopped = async move { drop(stop.wait_for(|stop| *stop).await) };
    let served = actix_web::rt::System::new().block_on(actix_server::serve(listener, app, stopped));
    served.unwrap_or_else(|error| panic!("{error}"));
}
