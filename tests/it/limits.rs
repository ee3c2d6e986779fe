//! Clients that mean no good, and the end of the process.

use std::time::Duration;

use e2e::{Kind, LEAD, World, bodies};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// What the server sends until it closes the connection.
async fn answer_to(world: &World, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(world.server.address()).await.expect("it listens");
    stream.write_all(bytes).await.expect("it reads");
    let mut answer = Vec::new();
    let closed =
        tokio::time::timeout(Duration::from_secs(30), stream.read_to_end(&mut answer)).await;
    // A reset says as much as an orderly end.
    assert!(closed.is_ok(), "the connection was still open after 30 s");
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn p08_half_a_head_and_half_a_body_are_cut_off() {
    for kind in [Kind::Axum, Kind::Actix] {
        let world = World::start(kind).await;
        let head = b"POST /paddle/webhook HTTP/1.1\r\nHost: localhost\r\nContent-";
        let body = b"POST /paddle/webhook HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{\"half\":";
        let (head, body) = tokio::join!(answer_to(&world, head), answer_to(&world, body));
        assert!(!head.contains(" 200 "), "{kind:?}: {head}");
        assert!(body.starts_with("HTTP/1.1 408"), "{kind:?}: {body}");
        assert_eq!(
            world.deliver(&bodies::payment("evt_1", LEAD)).await,
            200,
            "{kind:?}: others are served"
        );
    }
}

#[tokio::test]
async fn u03_a_stop_ends_in_time_and_loses_nothing() {
    for kind in [Kind::Axum, Kind::Actix] {
        let world = World::start(kind).await;
        // Half a head that never goes on must not hold up the end.
        let mut stuck = TcpStream::connect(world.server.address()).await.expect("it listens");
        stuck.write_all(b"POST /paddle/webhook HTTP/1.1\r\n").await.expect("it reads");
        assert_eq!(world.deliver(&bodies::payment("evt_1", LEAD)).await, 200, "{kind:?}");
        let sync = world.server.sync().clone();
        let stopping = tokio::time::timeout(Duration::from_secs(10), world.server.stop());
        assert!(stopping.await.is_ok(), "{kind:?}: not stopped after 10 s");
        let stats = sync.stats().await.expect("the store answers");
        assert_eq!(stats.open + stats.done, 1, "{kind:?}: the event is there, done or not");
    }
}
