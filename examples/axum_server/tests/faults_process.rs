//! Rows of the fault matrix that only a process can show: signals, limits of the machine, a log that nobody reads, and
//! what is configured at its start. Each test is named after its row.
#![cfg(unix)]

mod service;

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::{Duration, Instant},
};

use kommo_client::fake::{FakeKommo, FakeLead, Fault};
use serde_json::json;

use crate::service::{LEAD, SECRET, Service, Setup, command, eventually, sign};

/// Kommo with one open deal, and a folder for the database.
async fn setup() -> (FakeKommo, Setup) {
    let kommo = FakeKommo::start().await;
    kommo.set_rate_limit(None);
    kommo.add_paddle_fields();
    kommo.add_lead(FakeLead::new("Acme Inc.").id(LEAD));
    let setup = Setup::new(&kommo);
    (kommo, setup)
}

/// Runs what waits for processes beside the fake Kommo.
async fn scene<T: Send + 'static>(scene: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(scene).await.expect("the scene ends well")
}

fn payment(event_id: &str) -> String {
    json!({
        "event_id": event_id,
        "event_type": "transaction.completed",
        "occurred_at": "2026-01-15T12:00:00Z",
        "data": {
            "id": format!("txn_of_{event_id}"), "status": "completed", "origin": "web",
            "custom_data": {"kommo_lead_id": LEAD.to_string()},
            "details": {"totals": {"total": "1000", "tax": "0", "currency_code": "USD"}},
        },
    })
    .to_string()
}

/// An event that needs no call to Kommo.
fn small(event_id: &str) -> String {
    json!({
        "event_id": event_id, "event_type": "product.created",
        "occurred_at": "2026-01-15T12:00:00Z", "data": {"id": "pro_1"},
    })
    .to_string()
}

/// A request whose head has been answered with 100: its handler waits for the body.
struct InFlight {
    stream: TcpStream,
    body: String,
}

impl InFlight {
    fn begin(service: &Service, body: String) -> Self {
        let mut stream = TcpStream::connect(&service.address).expect("it listens");
        write!(
            stream,
            "POST /paddle/webhook HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n\
             Paddle-Signature: {}\r\nContent-Length: {}\r\n\r\n",
            sign(SECRET, &body),
            body.len()
        )
        .expect("it reads");
        let mut answer = [0; 25];
        stream.read_exact(&mut answer).expect("it answers to the head");
        assert_eq!(&answer, b"HTTP/1.1 100 Continue\r\n\r\n");
        Self { stream, body }
    }

    fn end(mut self) -> String {
        self.stream.write_all(self.body.as_bytes()).expect("it reads");
        let mut answer = String::new();
        self.stream.read_to_string(&mut answer).expect("it answers");
        answer.lines().next().unwrap_or_default().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn u03_sigterm_ends_what_is_in_flight_and_half_a_head_does_not_hold_it_up() {
    let (kommo, setup) = setup().await;
    // The worker is in the middle of something, too.
    kommo.fail_next(Fault::hang(Duration::from_secs(600)).on("POST", "/api/v4/leads/notes"));
    let seen = kommo.clone();
    scene(move || {
        let mut service = Service::start(&setup);
        assert_eq!(service.deliver(&payment("evt_paid")), "HTTP/1.1 200 OK");
        eventually("a note is under way", || {
            seen.requests().iter().any(|request| request.path.contains("notes"))
        });
        let mut slow = TcpStream::connect(&service.address).expect("it listens");
        slow.write_all(b"POST /paddle/webhook HTTP/1.1\r\nHost: loc").expect("it reads");
        let requests: Vec<_> = (0..100)
            .map(|number| InFlight::begin(&service, small(&format!("evt_{number}"))))
            .collect();

        service.signal("TERM");
        service.wait_for_line("stopping");
        for request in requests {
            assert_eq!(request.end(), "HTTP/1.1 200 OK", "what had begun is ended");
        }
        eventually("it accepts nobody any more", || TcpStream::connect(&service.address).is_err());
        // It takes 9 s at the most by itself; the rest is for a busy machine.
        assert_eq!(service.exit_within(Duration::from_secs(30)), Some(0));
        drop(slow);

        let service = Service::start(&setup);
        eventually("nothing that was acknowledged is gone", || {
            let metrics = service.get("/metrics");
            let open: u64 = number(&metrics, "paddle_kommo_events_open");
            open + number(&metrics, "paddle_kommo_events_done_total") == 101
        });
    })
    .await;
}

/// The value of a metric without labels.
fn number(metrics: &str, name: &str) -> u64 {
    let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.and_then(|value| value.trim().parse().ok())
        .unwrap_or_else(|| panic!("no {name}: {metrics}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn u04_a_second_sigterm_ends_it_at_once_and_loses_nothing() {
    let (kommo, setup) = setup().await;
    kommo.fail_next(
        Fault::hang(Duration::from_secs(600)).applied().on("POST", "/api/v4/leads/notes"),
    );
    let seen = kommo.clone();
    scene(move || {
        let mut service = Service::start(&setup);
        assert_eq!(service.deliver(&payment("evt_1")), "HTTP/1.1 200 OK");
        eventually("Kommo has the note", || !seen.notes(LEAD).is_empty());
        let waits = InFlight::begin(&service, small("evt_2"));
        service.signal("TERM");
        service.wait_for_line("stopping");
        service.signal("TERM");
        // By itself it would have ended in order, with 0.
        assert_eq!(service.exit_within(Duration::from_secs(30)), Some(130));
        drop(waits);

        let service = Service::start(&setup);
        let metrics = service.get("/metrics");
        assert_eq!(
            number(&metrics, "paddle_kommo_events_open"),
            1,
            "it is looked for, in a minute"
        );
        // The worker may have looked at it already.
        let in_flight = number(&metrics, "paddle_kommo_effects_in_flight");
        assert_eq!(in_flight + number(&metrics, "paddle_kommo_effects_unknown"), 1);
    })
    .await;
    assert_eq!(kommo.notes(LEAD).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn u13_one_process_owns_the_file_and_when_it_is_killed_the_next_goes_on_at_once() {
    let (kommo, setup) = setup().await;
    kommo.fail_next(Fault::hang(Duration::from_secs(600)).on("GET", "/api/v4/leads"));
    let seen = kommo.clone();
    scene(move || {
        let mut first = Service::start(&setup);
        assert_eq!(first.deliver(&payment("evt_1")), "HTTP/1.1 200 OK");
        let second = setup.command().output().expect("the binary runs");
        let why = String::from_utf8_lossy(&second.stderr).into_owned();
        assert_eq!(second.status.code(), Some(1), "{why}");
        assert!(why.contains("another process") && why.lines().count() == 1, "{why}");
        first.signal("KILL");
        first.exit_within(Duration::from_secs(30));
        let _third = Service::start(&setup);
        eventually("the deal is closed", || !seen.notes(LEAD).is_empty());
    })
    .await;
    assert_eq!(kommo.lead(LEAD).expect("it is there")["status_id"], 142);
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn u16_p09_large_and_endless_bodies_fill_no_memory_and_stop_nobody() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    const MIB: usize = 1 << 20;
    let (_kommo, setup) = setup().await;
    let service = scene(move || Service::start(&setup)).await;
    let request = |head: &str| {
        format!("POST /paddle/webhook HTTP/1.1\r\nHost: localhost\r\n{head}\r\n\r\n").into_bytes()
    };
    // Nearly two mebibytes each, whose last byte never comes; and ones without any end.
    let held = request(&format!("Content-Length: {}", 2 * MIB));
    let endless = request("Transfer-Encoding: chunked");
    let chunk = [format!("{MIB:x}\r\n").as_bytes(), &vec![b' '; MIB], b"\r\n"].concat();
    let attack = |number: usize| {
        let (address, chunk) = (service.address.clone(), chunk.clone());
        let (held, endless) = (held.clone(), endless.clone());
        async move {
            let stream = tokio::net::TcpStream::connect(address).await.expect("it listens");
            let (mut from, mut to) = stream.into_split();
            let writing = async {
                if number.is_multiple_of(2) {
                    to.write_all(&held).await?;
                    to.write_all(&vec![b' '; 2 * MIB - 1]).await?;
                } else {
                    to.write_all(&endless).await?;
                    for _ in 0..10 {
                        to.write_all(&chunk).await?;
                    }
                }
                std::future::pending::<std::io::Result<()>>().await
            };
            let mut answer = Vec::new();
            tokio::select! {
                read = from.read_to_end(&mut answer) => drop(read),
                Err(_) = writing => {}
            }
            String::from_utf8_lossy(&answer).into_owned()
        }
    };
    let attacks: Vec<_> = (0..300).map(|number| tokio::spawn(attack(number))).collect();
    let (service, status) = scene(move || {
        let status = service.deliver(&small("evt_1"));
        (service, status)
    })
    .await;
    assert_eq!(status, "HTTP/1.1 200 OK", "meanwhile");
    for attack in attacks {
        let answer = attack.await.expect("it ends");
        assert!(!answer.contains(" 200 "), "{answer}");
    }
    let peak = service.peak_memory();
    assert!(peak < 128 << 20, "{} MiB at the most", peak >> 20);
    let status = scene(move || service.deliver(&small("evt_2"))).await;
    assert_eq!(status, "HTTP/1.1 200 OK", "and after it");
}

#[tokio::test(flavor = "multi_thread")]
async fn u17_without_free_file_descriptors_it_waits_and_recovers() {
    let (kommo, setup) = setup().await;
    let seen = kommo.clone();
    scene(move || {
        let mut service = Service::start_limited(&setup, "ulimit -n 64");
        let many: Vec<_> = (0..500)
            .map(|_| TcpStream::connect(&service.address).expect("the kernel takes it"))
            .collect();
        service.wait_for_line("a connection could not be accepted");
        drop(many);
        assert_eq!(service.deliver(&payment("evt_1")), "HTTP/1.1 200 OK");
        eventually("the deal is closed", || !seen.notes(LEAD).is_empty());
        service.signal("TERM");
        assert_eq!(service.exit_within(Duration::from_secs(30)), Some(0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn u20_a_log_that_nobody_reads_any_more_stops_nothing() {
    let (kommo, setup) = setup().await;
    let setup = setup.with("RUST_LOG", "trace");
    for reader_is_gone in [true, false] {
        let (seen, setup) = (kommo.clone(), setup.clone());
        scene(move || {
            let mut service = Service::start(&setup);
            // Gone, or there and asleep: a pipe takes 64 KiB and then nothing.
            service.stop_reading(reader_is_gone);
            for number in 0..600 {
                let status = service.deliver(&small(&format!("evt_{reader_is_gone}_{number}")));
                assert_eq!(status, "HTTP/1.1 200 OK", "reader is gone: {reader_is_gone}");
            }
            assert_eq!(service.deliver(&payment("evt_paid")), "HTTP/1.1 200 OK");
            eventually("the deal is closed", || !seen.notes(LEAD).is_empty());
            // What sleeps may wake up: its lines wait for it, as far as there is room.
            if reader_is_gone {
                eventually("what is lost is counted", || {
                    number(&service.get("/metrics"), "paddle_kommo_log_lines_lost_total") > 0
                });
            }
            service.signal("TERM");
            assert_eq!(service.exit_within(Duration::from_secs(30)), Some(0));
        })
        .await;
    }
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn u22_a_database_that_is_locked_holds_up_no_health_check() {
    let (_kommo, setup) = setup().await;
    // One thread: were it the one that waits for the database, nobody would be answered.
    let setup = setup.with("TOKIO_WORKER_THREADS", "1");
    scene(move || {
        let service = Service::start(&setup);
        let foreign = rusqlite::Connection::open(setup.database()).expect("a database");
        foreign.execute_batch("BEGIN IMMEDIATE").expect("it is free");
        let waits = InFlight::begin(&service, small("evt_1"));
        let delivery = std::thread::spawn(move || waits.end());
        for _ in 0..3 {
            assert_eq!(service.get("/health/live"), "ok\n");
        }
        let is_waiting = !delivery.is_finished();
        foreign.execute_batch("COMMIT").expect("it was ours");
        // Not more than 3 s, which is what a lock is waited for.
        assert!(is_waiting, "it was answered before the lock was gone");
        assert_eq!(delivery.join().expect("it ends"), "HTTP/1.1 200 OK");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p18_a_secret_that_was_changed_in_paddle_only_is_told_and_nothing_is_lost_once_both_are_known()
 {
    const NEW: &str = "pdl_ntfset_the_next_one";
    let (kommo, setup) = setup().await;
    let seen = kommo.clone();
    scene(move || {
        let mut service = Service::start(&setup);
        let body = payment("evt_1");
        let status = service.deliver_signed(&sign(NEW, &body), &body);
        assert_eq!(status, "HTTP/1.1 401 Unauthorized");
        let line = service.wait_for_line("a delivery was refused");
        assert!(line.contains("a wrong secret"), "{line}");
        let refused = "paddle_deliveries_total{result=\"not_authentic\"} 1";
        assert!(service.get("/metrics").contains(refused));
        service.signal("TERM");
        assert_eq!(service.exit_within(Duration::from_secs(30)), Some(0));

        let both = setup.with("PADDLE_WEBHOOK_SECRETS", &format!("{NEW},{SECRET}"));
        let service = Service::start(&both);
        // Paddle sends it again for three days.
        assert_eq!(service.deliver_signed(&sign(NEW, &body), &body), "HTTP/1.1 200 OK");
        assert_eq!(service.deliver(&small("evt_2")), "HTTP/1.1 200 OK", "by the old one");
        eventually("the deal is closed", || !seen.notes(LEAD).is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p20_a_proxy_that_changes_the_body_is_named_in_the_log() {
    let (_kommo, setup) = setup().await;
    scene(move || {
        let mut service = Service::start(&setup);
        let sent = payment("evt_1");
        let pretty: serde_json::Value = serde_json::from_str(&sent).expect("it is JSON");
        let arrived = serde_json::to_string_pretty(&pretty).expect("it is JSON");
        let status = service.deliver_signed(&sign(SECRET, &sent), &arrived);
        assert_eq!(status, "HTTP/1.1 401 Unauthorized");
        let line = service.wait_for_line("a delivery was refused");
        assert!(line.contains("a proxy that changes the body"), "{line}");
        // One that only buffers is no trouble.
        assert_eq!(service.deliver(&sent), "HTTP/1.1 200 OK");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p23_a_flood_of_forged_deliveries_is_a_line_a_second_in_the_log() {
    const FORGED: u64 = 1_000;
    let (_kommo, setup) = setup().await;
    scene(move || {
        let begin = Instant::now();
        let mut service = Service::start(&setup);
        for _ in 0..FORGED {
            let status = service.deliver_signed("ts=1;h1=00", "{}");
            assert_eq!(status, "HTTP/1.1 401 Unauthorized");
        }
        let seconds = begin.elapsed().as_secs();
        let refused = format!("paddle_deliveries_total{{result=\"not_authentic\"}} {FORGED}");
        assert!(service.get("/metrics").contains(&refused), "each is counted");
        service.signal("TERM");
        assert_eq!(service.exit_within(Duration::from_secs(30)), Some(0));
        let lines = service.lines();
        let told = lines.iter().filter(|line| line.contains("a delivery was refused")).count();
        assert!(told >= 1 && told as u64 <= seconds + 1, "{told} lines in {seconds} s");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn u26_a_bad_file_changes_nothing_in_a_running_service_and_stops_the_next_start() {
    let (kommo, setup) = setup().await;
    let seen = kommo.clone();
    scene(move || {
        let file = setup.folder().join("config.toml");
        std::fs::write(&file, "lost_deals = \"park\"\n").expect("a file");
        let setup = setup.with("CONFIG", &file.display().to_string());
        let mut service = Service::start(&setup);
        std::fs::write(&file, "lost_deals = \"prak\"\n").expect("a file");
        assert_eq!(service.deliver(&payment("evt_1")), "HTTP/1.1 200 OK");
        eventually("the deal is closed by the rules of the start", || !seen.notes(LEAD).is_empty());
        let check = command(&["check"]).envs(setup.variables()).output().expect("the binary runs");
        let why = String::from_utf8_lossy(&check.stderr).into_owned();
        assert!(!check.status.success() && why.contains("lost_deals"), "{why}");
        service.signal("TERM");
        assert_eq!(service.exit_within(Duration::from_secs(30)), Some(0));
        let next = setup.command().output().expect("the binary runs");
        let why = String::from_utf8_lossy(&next.stderr).into_owned();
        assert!(next.status.code() == Some(1) && why.contains("lost_deals"), "{why}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn k05_a_start_while_kommo_blocks_asks_for_nothing() {
    let (kommo, setup) = setup().await;
    kommo.block();
    let seen = kommo.clone();
    scene(move || {
        let mut first = Service::start(&setup);
        assert_eq!(first.deliver(&payment("evt_1")), "HTTP/1.1 200 OK");
        eventually("its account pauses", || first.get("/health/ready").contains("blocked"));
        first.signal("TERM");
        assert_eq!(first.exit_within(Duration::from_secs(30)), Some(0));
        let before = seen.requests().len();
        let mut second = Service::start(&setup);
        let line = second.wait_for_line("Kommo");
        assert_eq!(seen.requests().len(), before, "each call prolongs it: {line}");
        assert!(line.contains("blocked"), "{line}");
    })
    .await;
}
