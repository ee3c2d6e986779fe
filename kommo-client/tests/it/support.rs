//! What the tests share.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    num::NonZeroU32,
    path::Path,
    time::Duration,
};

use kommo_client::{AccessToken, Client, ClientBuilder, RetryPolicy};
use serde_json::Value;
use wiremock::{MockServer, Request, ResponseTemplate};

pub(crate) const TOKEN: &str = "made-up-token-of-a-test";

/// A client whose pace no test has to wait for, and that tells every failure at once.
pub(crate) fn builder(uri: &str) -> ClientBuilder {
    Client::builder(uri, AccessToken::new(TOKEN).unwrap())
        .requests_per_second(NonZeroU32::new(10_000).unwrap())
        .retry(RetryPolicy::never())
        .timeout(Duration::from_secs(10))
}

pub(crate) fn client(server: &MockServer) -> Client {
    builder(&server.uri()).build().unwrap()
}

pub(crate) fn json(body: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_raw(body.to_owned(), "application/hal+json")
}

pub(crate) async fn requests(server: &MockServer) -> Vec<Request> {
    server.received_requests().await.unwrap()
}

/// The only request that came.
pub(crate) async fn request(server: &MockServer) -> Request {
    let [request] = <[Request; 1]>::try_from(requests(server).await).unwrap();
    request
}

pub(crate) fn body(request: &Request) -> Value {
    request.body_json().unwrap()
}

pub(crate) fn query(request: &Request) -> Vec<(String, String)> {
    request.url.query_pairs().into_owned().collect()
}

/// A server that answers every connection with what `answer` writes, after the head of a request has come.
pub(crate) fn raw_server(answer: impl Fn(&mut TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut head = Vec::new();
            let mut buffer = [0; 1024];
            while !head.windows(4).any(|end| end == b"\r\n\r\n") {
                match stream.read(&mut buffer) {
                    Ok(0) | Err(_) => break,
                    Ok(read) => head.extend_from_slice(&buffer[..read]),
                }
            }
            answer(&mut stream);
        }
    });
    uri
}

pub(crate) fn write(stream: &mut TcpStream, bytes: &[u8]) {
    // The client may have hung up already, and that is its right.
    let _ = stream.write_all(bytes).and_then(|()| stream.flush());
}

/// The text of a fixture; `None` on a lone clone.
pub(crate) fn fixture(name: &str) -> Option<String> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/fixtures/kommo"));
    if !folder.is_dir() {
        eprintln!("skipped: {name} is not here");
        return None;
    }
    let read = std::fs::read_to_string(folder.join(name));
    Some(read.unwrap_or_else(|error| panic!("{name}: {error}")))
}
