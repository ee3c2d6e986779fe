//! The binary itself, as an operator starts it.

use std::{
    io::{BufRead as _, BufReader, Read, Write as _},
    net::TcpStream,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use kommo_client::fake::{FakeKommo, FakeLead};
use paddle_kommo_sync::{Clock as _, SystemClock};
use paddle_webhook::{SecretKey, sign};

const LEAD: u64 = 20_024_930;
const SECRET: &str = "pdl_ntfset_made_up_for_tests";

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_axum_server"));
    // Only what the test sets: the variables of whoever runs it must not matter.
    command.args(arguments).env_clear().stdin(Stdio::null());
    command
}

fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    command(arguments).envs(variables.iter().copied()).output().expect("the binary runs")
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("it prints text")
}

#[test]
fn the_demo_closes_a_deal() {
    let output = run(&["demo"], &[]);
    let text = text(output.stdout);
    assert!(output.status.success(), "{text}");
    for line in [
        "deal before  Acme Inc. · Negotiation · price 0",
        "deal after   Acme Inc. · Won · price 599",
        "  PADDLE_TXN_ID        txn_01demo00000000000000000001",
        "  PAYMENT_STATUS       paid",
    ] {
        assert!(text.lines().any(|found| found == line), "no line `{line}` in\n{text}");
    }
    assert!(text.contains("Paid 652.15 USD (net 599.00 + tax 53.15)"), "{text}");
}

#[test]
fn check_says_what_is_wrong_and_what_is_right() {
    let output = run(&["check"], &[]);
    assert_eq!(output.status.code(), Some(1));
    let why = text(output.stderr);
    assert!(why.contains("PADDLE_WEBHOOK_SECRETS is missing") && why.lines().count() == 1, "{why}");

    let complete = [
        ("PADDLE_WEBHOOK_SECRETS", SECRET),
        ("KOMMO_BASE_URL", "https://acme.kommo.com"),
        ("KOMMO_TOKEN", "a-made-up-token"),
    ];
    let output = run(&["check"], &complete);
    let page = text(output.stdout);
    assert!(output.status.success() && page.starts_with("configuration is complete\n"), "{page}");
    assert!(!page.contains(SECRET) && !page.contains("a-made-up-token"), "{page}");
    assert_eq!(run(&["serv"], &complete).status.code(), Some(2), "an unknown command");
}

/// A running service; it is killed with the test.
struct Service {
    process: Child,
    address: String,
    log: BufReader<Box<dyn Read + Send>>,
}

impl Service {
    fn start(variables: &[(String, String)]) -> Self {
        let mut process = command(&["serve"])
            .envs(variables.iter().cloned())
            .envs([("LISTEN_ADDR", "127.0.0.1:0"), ("LOG_FORMAT", "json")])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let log: Box<dyn Read + Send> = Box::new(process.stdout.take().expect("it has an output"));
        let mut log = BufReader::new(log);
        let address = loop {
            let mut line = String::new();
            assert_ne!(log.read_line(&mut line).expect("text"), 0, "it ended before it listened");
            let line: serde_json::Value =
                serde_json::from_str(&line).expect("a line is a JSON object");
            if line["fields"]["message"] == "listening" {
                break line["fields"]["address"].as_str().expect("it says where").to_owned();
            }
        };
        Self { process, address, log }
    }

    /// Delivers a signed body, and returns the status line.
    fn deliver(&self, body: &str) -> String {
        let key = SecretKey::new(SECRET).expect("it is a secret");
        let signature = sign(&key, body.as_bytes(), SystemClock::default().now());
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        write!(
            stream,
            "POST /paddle/webhook HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Paddle-Signature: {signature}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        answer.lines().next().unwrap_or_default().to_owned()
    }

    /// Ends it as a supervisor does, and returns the rest of its log.
    fn terminate(&mut self) -> String {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().expect("kill runs").success());
        let mut log = String::new();
        self.log.read_to_string(&mut log).expect("text");
        assert!(self.process.wait().expect("it ends").success());
        log
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It has ended already in a test that went well.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn the_service_closes_the_deal_and_stops_when_told_to() {
    let kommo = FakeKommo::start().await;
    kommo.add_paddle_fields();
    kommo.add_lead(FakeLead::new("Acme Inc.").id(LEAD));
    let folder = tempfile::tempdir().expect("a folder");
    let database = format!("sqlite:{}", folder.path().join("service.db").display());
    let variables = [
        ("PADDLE_WEBHOOK_SECRETS", SECRET),
        ("KOMMO_BASE_URL", &kommo.uri()),
        ("KOMMO_TOKEN", kommo.token()),
        ("DATABASE_URL", &database),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let body = serde_json::json!({
        "event_id": "evt_process",
        "event_type": "transaction.completed",
        "occurred_at": "2026-01-15T12:00:00Z",
        "data": {
            "id": "txn_process", "status": "completed", "origin": "web",
            "custom_data": {"kommo_lead_id": LEAD.to_string()},
            "details": {"totals": {"total": "1000", "tax": "0", "currency_code": "USD"}},
        },
    })
    .to_string();
    let seen = kommo.clone();
    let scene = move || {
        let mut service = Service::start(&variables);
        assert_eq!(service.deliver(&body), "HTTP/1.1 200 OK");
        let patience = Instant::now() + Duration::from_secs(60);
        while seen.notes(LEAD).is_empty() {
            assert!(Instant::now() < patience, "the deal never closed");
            std::thread::yield_now();
        }
        let second =
            command(&["serve"]).envs(variables.iter().cloned()).output().expect("the binary runs");
        let why = text(second.stderr);
        assert!(
            !second.status.success() && why.contains("another process"),
            "one owner of the file: {why}"
        );
        service.terminate()
    };
    let log = tokio::task::spawn_blocking(scene).await.expect("the scene ends well");
    assert!(
        log.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()),
        "{log}"
    );
    assert!(!log.contains(SECRET) && !log.contains(kommo.token()), "{log}");
    assert_eq!(kommo.lead(LEAD).expect("the deal is there")["status_id"], 142);
}
