//! Servers that hang, break off, lie about lengths, or never stop.

use std::{
    net::TcpStream,
    thread::sleep,
    time::{Duration, Instant},
};

use kommo_client::{Error, ErrorKind, Fate, LeadId, LeadPatch};

use crate::support::{builder, raw_server, write};

/// Long enough for a machine that is busy, short enough to wait for.
const SHORT: Duration = Duration::from_millis(500);

async fn update(answer: impl Fn(&mut TcpStream) + Send + 'static) -> Error {
    let client = builder(&raw_server(answer)).timeout(SHORT).build().unwrap();
    let patch = LeadPatch::new(LeadId::new(1)).price(1);
    client.leads().update(&[patch]).await.unwrap_err()
}

fn seen(error: &Error) -> (&ErrorKind, Fate) {
    (error.kind(), error.fate())
}

#[tokio::test]
async fn k14_no_answer_in_time_is_unknown() {
    let error = update(|_| sleep(SHORT * 3)).await;
    assert_eq!(seen(&error), (&ErrorKind::Timeout, Fate::Unknown));
}

#[tokio::test]
async fn k17_a_connection_that_breaks_is_unknown() {
    let error = update(|_| ()).await;
    assert_eq!(seen(&error), (&ErrorKind::Transport, Fate::Unknown));
    let error = update(|stream| write(stream, b"HTTP/1.1 200 OK\r\ncontent-le")).await;
    assert_eq!(seen(&error), (&ErrorKind::Transport, Fate::Unknown));
    let error = update(|stream| write(stream, b"\x16\x03\x01 no HTTP at all\r\n\r\n")).await;
    assert_eq!(seen(&error), (&ErrorKind::Transport, Fate::Unknown));
}

#[tokio::test]
async fn k19_a_success_that_is_cut_is_unknown() {
    let error = update(|stream| {
        write(stream, b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{\"_embedded\"")
    })
    .await;
    assert_eq!(seen(&error), (&ErrorKind::Transport, Fate::Unknown));
    assert_eq!(error.status(), Some(200));
}

#[tokio::test]
async fn k19_a_success_that_is_packed_though_nobody_asked_is_unknown() {
    let error = update(|stream| {
        write(stream, b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\n\x1f\x8b\x08\x00");
    })
    .await;
    assert_eq!(seen(&error), (&ErrorKind::Decode, Fate::Unknown));
}

#[tokio::test]
async fn k17_a_refusal_that_is_cut_proves_nothing() {
    for (status, kind) in [
        (400, ErrorKind::Status(400)),
        (401, ErrorKind::Unauthorized),
        (403, ErrorKind::Status(403)),
        (429, ErrorKind::RateLimited),
    ] {
        let error = update(move |stream| {
            let head = format!("HTTP/1.1 {status} X\r\ncontent-length: 500\r\n\r\n{{");
            write(stream, head.as_bytes());
        })
        .await;
        assert_eq!(seen(&error), (&kind, Fate::Unknown), "{status}");
    }
}

#[tokio::test]
async fn k25_an_endless_answer_is_cut_off() {
    let endless = |status: u16| {
        move |stream: &mut TcpStream| {
            write(stream, format!("HTTP/1.1 {status} X\r\n\r\n").as_bytes());
            let block = [b'['; 65_536];
            // Far beyond the cap; a client that reads on would be seen by its time-out.
            for _ in 0..16_384 {
                if std::io::Write::write_all(stream, &block).is_err() {
                    return;
                }
            }
        }
    };
    let patch = [LeadPatch::new(LeadId::new(1)).price(1)];
    for (status, kind, fate) in [
        (200, ErrorKind::TooLarge, Fate::Unknown),
        // A refusal that cannot be read to its end proves nothing.
        (400, ErrorKind::Status(400), Fate::Unknown),
        (403, ErrorKind::Status(403), Fate::Unknown),
    ] {
        let client = builder(&raw_server(endless(status))).build().unwrap();
        let error = client.leads().update(&patch).await.unwrap_err();
        assert_eq!(seen(&error), (&kind, fate), "{status}");
    }
}

#[tokio::test]
async fn k25_a_body_that_drips_meets_the_deadline() {
    let error = update(|stream| {
        write(stream, b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n");
        for _ in 0..30 {
            write(stream, b"[");
            sleep(Duration::from_millis(50));
        }
    })
    .await;
    assert_eq!(seen(&error), (&ErrorKind::Timeout, Fate::Unknown));
}

#[tokio::test]
async fn k25_a_body_that_falls_silent_is_not_waited_for() {
    let uri = raw_server(|stream| {
        write(stream, b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n[");
        sleep(Duration::from_secs(20));
    });
    let client =
        builder(&uri).idle_timeout(SHORT).timeout(Duration::from_secs(20)).build().unwrap();
    let started = Instant::now();
    let patch = LeadPatch::new(LeadId::new(1)).price(1);
    let error = client.leads().update(&[patch]).await.unwrap_err();
    assert_eq!(seen(&error), (&ErrorKind::Timeout, Fate::Unknown));
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

#[tokio::test]
async fn an_answer_may_take_longer_than_a_silence() {
    let uri = raw_server(|stream| {
        sleep(SHORT);
        write(stream, b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n{\"id\":1}");
    });
    let client = builder(&uri).idle_timeout(SHORT / 5).build().unwrap();
    assert!(client.leads().get(LeadId::new(1)).await.unwrap().is_some());
}

#[tokio::test]
async fn k25_headers_without_end_are_refused() {
    let error = update(|stream| {
        write(stream, b"HTTP/1.1 200 OK\r\n");
        let line = format!("x-a: {}\r\n", "a".repeat(8_000));
        for _ in 0..2_000 {
            write(stream, line.as_bytes());
        }
    })
    .await;
    assert_eq!(seen(&error), (&ErrorKind::Transport, Fate::Unknown));
}

#[tokio::test]
async fn k20_deep_json_is_refused_not_crashed_on() {
    let error = update(|stream| {
        let body = "[".repeat(200_000);
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
        write(stream, head.as_bytes());
        write(stream, body.as_bytes());
    })
    .await;
    assert_eq!(seen(&error), (&ErrorKind::Decode, Fate::Unknown));
}

#[tokio::test]
async fn k27_a_server_that_speaks_no_tls_was_sent_nothing() {
    let uri = raw_server(|stream| write(stream, b"HTTP/1.1 400 Bad Request\r\n\r\n"));
    let client = builder(&uri.replace("http://", "https://")).build().unwrap();
    let patch = LeadPatch::new(LeadId::new(1)).price(1);
    let error = client.leads().update(&[patch]).await.unwrap_err();
    assert_eq!(seen(&error), (&ErrorKind::Connect, Fate::NotSent));
}

#[tokio::test]
async fn k40_what_comes_before_the_answer_is_not_the_answer() {
    let uri = raw_server(|stream| {
        write(
            stream,
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n",
        );
        write(stream, b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n{\"id\":1}");
    });
    let client = builder(&uri).build().unwrap();
    assert_eq!(client.leads().get(LeadId::new(1)).await.unwrap().unwrap().id.get(), 1);
}

#[tokio::test]
async fn k40_a_change_of_protocol_is_no_answer() {
    let error = update(|stream| {
        write(
            stream,
            b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
        );
    })
    .await;
    assert_eq!(seen(&error), (&ErrorKind::Transport, Fate::Unknown));
}
