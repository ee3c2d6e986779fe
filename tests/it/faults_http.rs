//! Rows P14, P15 and P19: requests as bytes on a socket, right and wrong.

use std::time::Duration;

use e2e::{Kind, LEAD, World, bodies};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

const BOTH: [Kind; 2] = [Kind::Axum, Kind::Actix];

/// What the server says to these bytes until it has nothing more to say.
async fn say(world: &World, bytes: &[u8]) -> String {
    talk(world, bytes, false).await
}

/// The same, and our side ends after them.
async fn say_and_end(world: &World, bytes: &[u8]) -> String {
    talk(world, bytes, true).await
}

async fn talk(world: &World, bytes: &[u8], ends: bool) -> String {
    let stream = TcpStream::connect(world.server.address()).await.expect("it listens");
    let (mut from, mut to) = stream.into_split();
    // The server may close before it has read everything.
    if to.write_all(bytes).await.is_ok() && ends {
        drop(to.shutdown().await);
    }
    let mut answer = Vec::new();
    let closed = tokio::time::timeout(Duration::from_secs(60), from.read_to_end(&mut answer)).await;
    assert!(closed.is_ok(), "still open: {}", String::from_utf8_lossy(bytes));
    String::from_utf8_lossy(&answer).into_owned()
}

/// The statuses in what the server said.
fn statuses(answer: &str) -> Vec<u16> {
    let lines = answer.lines().filter_map(|line| line.strip_prefix("HTTP/1."));
    lines.filter_map(|line| line.get(2..5)?.parse().ok()).collect()
}

/// A request with these lines in its head beside the usual ones.
fn request(line: &str, extra: &[&str], body: &[u8]) -> Vec<u8> {
    let signature = e2e::signature(body);
    let mut head = format!(
        "{line}\r\nHost: localhost\r\nConnection: close\r\nPaddle-Signature: {signature}\r\n"
    );
    for extra in extra {
        head.push_str(extra);
        head.push_str("\r\n");
    }
    head.push_str("\r\n");
    [head.as_bytes(), body].concat()
}

const POST: &str = "POST /paddle/webhook HTTP/1.1";

async fn stored(world: &World) -> u64 {
    let stats = world.server.sync().stats().await.expect("the store answers");
    let parked: u64 = stats.parked.iter().map(|(_, count)| count).sum();
    stats.open + stats.done + parked
}

#[tokio::test]
async fn p14_a_length_that_is_wrong_never_makes_an_event() {
    let body = bodies::payment("evt_1", LEAD).to_string().into_bytes();
    let length = body.len();
    let smuggled = bodies::payment("evt_smuggled", LEAD).to_string();
    for kind in BOTH {
        let world = World::start(kind).await;
        let of = |extra: &[&str]| request(POST, extra, &body);
        let length_of = |length: usize| format!("Content-Length: {length}");
        for (name, bytes) in [
            ("too short", of(&[&length_of(length - 10)])),
            ("too short by all", of(&["Content-Length: 0"])),
            ("too long", of(&[&length_of(length + 10)])),
            ("negative", of(&["Content-Length: -1"])),
            ("a plus", of(&[&format!("Content-Length: +{length}")])),
            ("hexadecimal", of(&["Content-Length: 0x10"])),
            ("no number", of(&["Content-Length: many"])),
            ("beyond 64 bits", of(&["Content-Length: 99999999999999999999"])),
            ("two that differ", of(&[&length_of(length), &length_of(length - 1)])),
            ("a list that differs", of(&[&format!("Content-Length: {length}, {}", length - 1)])),
            ("chunked without chunks", of(&["Transfer-Encoding: chunked"])),
            ("both, without chunks", of(&[&length_of(length), "Transfer-Encoding: chunked"])),
            ("an unknown coding", of(&["Transfer-Encoding: cow"])),
            ("chunked, but not last", of(&["Transfer-Encoding: chunked, cow"])),
            ("none", of(&[])),
        ] {
            let answer = say_and_end(&world, &bytes).await;
            let statuses = statuses(&answer);
            let is_refused = |status: &u16| matches!(status, 400 | 401 | 408 | 411 | 501);
            assert!(statuses.iter().all(is_refused), "{kind:?}: {name}: {answer}");
            assert_eq!(stored(&world).await, 0, "{kind:?}: {name}");
        }
        // The rest after a body that is shorter than said is no request that anybody signed.
        let rest = format!(
            "POST /paddle/webhook HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{smuggled}",
            smuggled.len()
        );
        for extra in ["Content-Length: 4", "Transfer-Encoding: chunked"] {
            let both = [extra, "Content-Length: 4"];
            let bytes = request(POST, &both, format!("0\r\n\r\n{rest}").as_bytes());
            let answer = say_and_end(&world, &bytes).await;
            assert!(!statuses(&answer).contains(&200), "{kind:?}: {extra}: {answer}");
            assert_eq!(stored(&world).await, 0, "{kind:?}: {extra}");
        }
        let whole = say(&world, &of(&[&length_of(length)])).await;
        assert_eq!(statuses(&whole), [200], "{kind:?}: {whole}");
        assert_eq!(stored(&world).await, 1, "{kind:?}: and the right one is taken in");
    }
}

#[tokio::test]
async fn p15_a_signature_of_64_kibibytes_is_no_signature() {
    let body = bodies::payment("evt_1", LEAD).to_string();
    for kind in BOTH {
        let world = World::start(kind).await;
        for header in
            ["h1=0;".repeat(13_000), "x".repeat(65_536), format!("ts=1;h1={}", "0".repeat(65_000))]
        {
            let bytes = format!(
                "{POST}\r\nHost: localhost\r\nConnection: close\r\nPaddle-Signature: {header}\r\n\
                 Content-Length: {}\r\n\r\n{body}",
                body.len()
            );
            let answer = say(&world, bytes.as_bytes()).await;
            let is_refused = |status: &u16| matches!(status, 400 | 401 | 413 | 431);
            assert!(statuses(&answer).iter().all(is_refused), "{kind:?}: {answer}");
            assert_eq!(stored(&world).await, 0, "{kind:?}");
        }
    }
}

#[tokio::test]
async fn p19_requests_in_every_form() {
    let body = bodies::payment("evt_1", LEAD).to_string().into_bytes();
    let length = format!("Content-Length: {}", body.len());
    for kind in BOTH {
        let world = World::start(kind).await;
        let of = |line: &str, extra: &[&str]| request(line, &[extra, &[&length]].concat(), &body);
        // actix-web says 404 of a known path with another method.
        let other_method = if kind == Kind::Axum { 405 } else { 404 };
        for (name, bytes, want) in [
            ("another method", of("PUT /paddle/webhook HTTP/1.1", &[]), other_method),
            ("another path", of("POST /paddle/webhooks HTTP/1.1", &[]), 404),
            ("a longer path", of("POST /paddle/webhook/ HTTP/1.1", &[]), 404),
            ("a query", of("POST /paddle/webhook?x=1 HTTP/1.1", &[]), 200),
            ("another type", of(POST, &["Content-Type: text/plain"]), 200),
            ("no type", of(POST, &[]), 200),
            ("HTTP/1.0", of("POST /paddle/webhook HTTP/1.0", &[]), 200),
        ] {
            let answer = say(&world, &bytes).await;
            assert_eq!(statuses(&answer), [want], "{kind:?}: {name}: {answer}");
        }
        let expecting = say(&world, &of(POST, &["Expect: 100-continue"])).await;
        assert_eq!(statuses(&expecting).last(), Some(&200), "{kind:?}: {expecting}");
        // Whatever ends TLS in front of us speaks HTTP/1.1 to us.
        let http2 =
            say_and_end(&world, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await;
        assert!(!statuses(&http2).contains(&200), "{kind:?}: {http2}");
        assert_eq!(stored(&world).await, 1, "{kind:?}: one event, in all these forms");
    }
}

#[tokio::test]
async fn p19_expect_100_continue_is_honoured_before_the_body_is_sent() {
    let body = bodies::payment("evt_1", LEAD).to_string().into_bytes();
    for kind in BOTH {
        let world = World::start(kind).await;
        let length = format!("Content-Length: {}", body.len());
        let bytes = request(POST, &["Expect: 100-continue", &length], &body);
        let (head, body) = bytes.split_at(bytes.len() - body.len());
        let mut stream = TcpStream::connect(world.server.address()).await.expect("it listens");
        stream.write_all(head).await.expect("it reads");
        let mut first = [0; 12];
        let answer = tokio::time::timeout(Duration::from_secs(30), stream.read_exact(&mut first));
        answer.await.expect("it answers to the head").expect("it answers");
        assert_eq!(&first, b"HTTP/1.1 100", "{kind:?}");
        stream.write_all(body).await.expect("it reads");
        let mut rest = String::new();
        stream.read_to_string(&mut rest).await.expect("it answers");
        assert!(rest.contains("HTTP/1.1 200"), "{kind:?}: {rest}");
    }
}
