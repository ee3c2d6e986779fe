//! The commands `reconcile` and `backfill` of the binary itself, beside a service that is running and without one.
#![cfg(unix)]

use std::{
    io::{BufRead as _, BufReader, Read as _},
    net::TcpListener,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use kommo_client::fake::{FakeKommo, FakeLead};
use paddle_kommo_sync::fake_paddle::{FakePaddle, Purchase, Sale};
use serde_json::Value;

const SECRET: &str = "pdl_ntfset_made_up_for_tests";
const ADMIN_TOKEN: &str = "an-admin-token-for-tests";
const DAY: Duration = Duration::from_secs(86_400);
const PATIENCE: Duration = Duration::from_secs(60);

/// Two fakes, and the variables of the service between them.
struct Scene {
    kommo: FakeKommo,
    paddle: FakePaddle,
    variables: Vec<(String, String)>,
    _folder: tempfile::TempDir,
}

impl Scene {
    async fn new() -> Self {
        let (kommo, paddle) = (FakeKommo::start().await, FakePaddle::start().await);
        kommo.add_paddle_fields();
        paddle.add_destination(
            "http://127.0.0.1:1/paddle/webhook",
            SECRET,
            FakePaddle::event_types(),
        );
        let folder = tempfile::tempdir().expect("a folder");
        let database = format!("sqlite:{}", folder.path().join("service.db").display());
        // A free port, for the service and for the commands that ask it.
        let port = TcpListener::bind(("127.0.0.1", 0)).and_then(|free| free.local_addr());
        let variables = [
            ("PADDLE_WEBHOOK_SECRETS", SECRET.to_owned()),
            ("PADDLE_API_KEY", paddle.api_key()),
            ("PADDLE_API_URL", paddle.uri()),
            ("KOMMO_BASE_URL", kommo.uri()),
            ("KOMMO_TOKEN", kommo.token().to_owned()),
            ("DATABASE_URL", database),
            ("LISTEN_ADDR", port.expect("a free port").to_string()),
            ("ADMIN_TOKEN", ADMIN_TOKEN.to_owned()),
            ("LOG_FORMAT", "json".to_owned()),
            // Invoices come into the deals in their own time, each with a note.
            ("INVOICES", "off".to_owned()),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value)).to_vec();
        Self { kommo, paddle, variables, _folder: folder }
    }

    fn sell(&self, name: &str) -> (u64, Sale) {
        let lead = self.kommo.add_lead(FakeLead::new(name));
        let purchase = Purchase::new(&format!("{lead}@example.com"));
        (lead, self.paddle.buy(&purchase.custom_data("kommo_lead_id", &lead.to_string())))
    }

    fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_axum_server"));
        command.args(arguments.split(' ')).env_clear().envs(self.variables.iter().cloned());
        command.stdin(Stdio::null());
        command
    }

    /// Runs a command to its end, while the fakes answer.
    async fn run(&self, arguments: &str) -> Done {
        let mut command = self.command(arguments);
        let output = tokio::task::spawn_blocking(move || command.output()).await;
        Done::of(output.expect("it does not panic").expect("the binary runs"))
    }

    /// Starts the service and waits until it listens.
    async fn serve(&self) -> Service {
        let mut command = self.command("serve");
        let start = move || {
            let mut process = command.stdout(Stdio::piped()).spawn().expect("the binary runs");
            let log = BufReader::new(process.stdout.take().expect("it has an output"));
            let mut service = Service { process, log };
            let mut line = String::new();
            while !line.contains("\"listening\"") {
                line.clear();
                assert_ne!(service.log.read_line(&mut line).expect("text"), 0, "it ended early");
            }
            service
        };
        tokio::task::spawn_blocking(start).await.expect("it listens")
    }

    async fn until_noted(&self, lead: u64) {
        let patience = Instant::now() + PATIENCE;
        while self.kommo.note_texts(lead).is_empty() {
            assert!(Instant::now() < patience, "deal {lead} never closed");
            tokio::task::yield_now().await;
        }
    }
}

#[derive(Debug)]
struct Done {
    code: Option<i32>,
    out: String,
    error: String,
}

impl Done {
    fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("it prints text");
        Self { code: output.status.code(), out: text(output.stdout), error: text(output.stderr) }
    }

    fn report(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }
}

/// A running service; it is killed with the test.
struct Service {
    process: Child,
    log: BufReader<std::process::ChildStdout>,
}

impl Service {
    /// Ends it as a supervisor does.
    async fn stop(mut self) {
        let end = move || {
            let id = self.process.id().to_string();
            let killed = Command::new("kill").args(["-TERM", &id]).status();
            assert!(killed.expect("kill runs").success());
            let mut rest = String::new();
            self.log.read_to_string(&mut rest).expect("text");
            assert!(self.process.wait().expect("it ends").success(), "{rest}");
        };
        tokio::task::spawn_blocking(end).await.expect("it stops");
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It has ended already in a test that went well.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

#[tokio::test]
async fn what_is_missing_is_named_and_after_the_sweep_nothing_is() {
    let scene = Scene::new().await;
    // The service is there once, so that it knows where its time begins.
    let service = scene.serve().await;
    let (first, _) = scene.sell("before");
    service.stop().await;
    scene.paddle.advance(DAY);
    let (missed, sale) = scene.sell("missed");

    let range = "reconcile --from 2020-01-01 --to 2099-12-31";
    let before = scene.run(range).await;
    assert_eq!(before.code, Some(3), "{before:?}");
    let line = before.out.lines().find(|line| line.contains(sale.transaction.as_str()));
    assert!(line.is_some_and(|line| line.starts_with("missing")), "{}", before.out);
    assert!(
        before.out.contains("payment USD: 1317.80 (2) = missing 1317.80 (2)"),
        "{}",
        before.out
    );
    assert!(before.error.contains("not everything is explained"), "{}", before.error);

    let service = scene.serve().await;
    scene.until_noted(first).await;
    scene.until_noted(missed).await;
    let patience = Instant::now() + PATIENCE;
    let after = loop {
        let after = scene.run(&format!("{range} --format json")).await;
        // A note is there a moment before its event has ended.
        if after.report()["entries"]
            .as_array()
            .is_some_and(|entries| entries.iter().all(|entry| entry["standing"] == "done"))
        {
            break after;
        }
        assert!(Instant::now() < patience, "{after:?}");
    };
    assert_eq!((after.code, after.report()["explained"].as_bool()), (Some(0), Some(true)));
    assert_eq!(after.report()["sums"][0]["by_standing"]["done"]["minor"], 131_780);

    let csv = scene.run(&format!("{range} --format csv")).await;
    assert!(csv.out.starts_with("kind,id,of,at,amount,currency,standing,deal,event,detail\n"));
    assert_eq!((csv.code, csv.out.lines().count()), (Some(0), 3), "{csv:?}");

    // The database has one owner: without the token the service cannot be asked.
    let mut without = scene.command(range);
    without.env_remove("ADMIN_TOKEN");
    let without = tokio::task::spawn_blocking(move || without.output()).await;
    let without = Done::of(without.expect("no panic").expect("the binary runs"));
    assert_eq!(without.code, Some(1), "{without:?}");
    assert!(without.error.contains("another process") && without.error.contains("ADMIN_TOKEN"));
    let mut other = scene.command(range);
    other.env("ADMIN_TOKEN", "another-token-for-tests");
    let other = tokio::task::spawn_blocking(move || other.output()).await;
    let other = Done::of(other.expect("no panic").expect("the binary runs"));
    assert!(other.code == Some(1) && other.error.contains("401"), "{other:?}");
    service.stop().await;
}

#[tokio::test]
async fn without_a_service_the_commands_do_it_themselves() {
    let scene = Scene::new().await;
    scene.paddle.set_behind(200 * DAY);
    let (old, _) = scene.sell("old");
    scene.paddle.advance(190 * DAY);
    let (recent, sale) = scene.sell("recent");
    scene.paddle.refund(&sale.transaction, Some(10_000)).expect("it was paid");
    scene.paddle.settle_refunds(true);

    let said = scene.run("backfill --since 2020-01-01 --dry-run").await;
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains(&format!("deal {old}: stage ")), "{}", said.out);
    assert!(said.out.ends_with("5 read: 5 would be taken in, 0 known before\n"), "{}", said.out);
    assert_eq!(scene.kommo.ledger().len(), 0);

    let repaired =
        scene.run("reconcile --from 2020-01-01 --to 2099-12-31 --repair --format json").await;
    assert_eq!(repaired.code, Some(0), "{repaired:?}");
    let report = repaired.report();
    assert_eq!(report["repaired"]["taken"].as_array().map(Vec::len), Some(3), "{report}");
    assert_eq!(scene.kommo.note_texts(old).len(), 1);
    assert_eq!(scene.kommo.note_texts(recent).len(), 2, "paid, refunded");

    let filled = scene.run("backfill --since 2020-01-01 --quiet").await;
    assert_eq!(filled.code, Some(0), "{filled:?}");
    // What was repaired is known; the two subscriptions are not.
    assert_eq!(filled.out, "5 read: 2 taken in, 3 known before\n");
    for lead in [old, recent] {
        let deal = scene.kommo.lead(lead).expect("the deal is there");
        assert_eq!((&deal["status_id"], &deal["price"]), (&142.into(), &599.into()));
        let status = scene.kommo.field_value(lead, "SUBSCRIPTION_STATUS");
        assert_eq!(status, Some("active".into()));
        assert_eq!(scene.kommo.tasks(lead).len(), 0);
    }
}

#[tokio::test]
async fn a_wrong_call_says_how() {
    let scene = Scene::new().await;
    for arguments in [
        "reconcile",
        "reconcile --from yesterday",
        "reconcile --from 2026-01-02 --to 2026-01-01",
        "reconcile --from 2026-01-01 --fromat csv",
        "reconcile --from 2026-01-01 --format xml",
        "backfill --since 2026-01-01",
    ] {
        let done = scene.run(arguments).await;
        assert_eq!(done.code, Some(2), "{arguments}: {done:?}");
        assert!(done.error.starts_with("usage: axum_server "), "{arguments}: {}", done.error);
    }
    let mut keyless = scene.command("reconcile --from 2026-01-01");
    keyless.env_remove("PADDLE_API_KEY").env_remove("PADDLE_API_URL");
    let done = Done::of(keyless.output().expect("the binary runs"));
    assert!(done.code == Some(1) && done.error.contains("PADDLE_API_KEY is missing"), "{done:?}");
}
