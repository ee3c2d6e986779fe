//! Asks the service that is running: its database has one owner.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use axum::body::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::{Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::{job::Job, lines::Line};
use crate::Failure;

/// The longest line: a report of a million payments is less.
const LONGEST: usize = 1 << 30;

/// A service that takes connections.
pub(super) struct Service(TcpStream, SocketAddr);

/// The service at this address, if one listens there.
pub(super) async fn service(listen: SocketAddr) -> Option<Service> {
    if listen.port() == 0 {
        return None;
    }
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    let address = SocketAddr::new(ip, listen.port());
    TcpStream::connect(address).await.ok().map(|stream| Service(stream, address))
}

impl Service {
    /// Has the service do it, and hears its lines.
    pub(super) async fn run(
        self,
        job: Job,
        token: &str,
        hear: &mut (dyn FnMut(Line) + Send),
    ) -> Result<(), Failure> {
        let Self(stream, address) = self;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let connection = tokio::spawn(connection);
        let (method, target) = job.request()?;
        let request = Request::builder()
            .method(method)
            .uri(target)
            .header(header::HOST, address.to_string())
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .body(Empty::<Bytes>::new())?;
        let answer = sender.send_request(request).await?;
        let status = answer.status();
        if status != StatusCode::OK {
            let why = match status {
                StatusCode::UNAUTHORIZED => "its ADMIN_TOKEN is another one".to_owned(),
                StatusCode::NOT_FOUND => {
                    "it has no ADMIN_TOKEN, or is of another version".to_owned()
                }
                _ => {
                    let body = answer.into_body().collect().await?.to_bytes();
                    String::from_utf8_lossy(&body).into_owned()
                }
            };
            return Err(format!("the service at {address} answers {status}: {why}").into());
        }
        let mut body = answer.into_body();
        let mut rest: Vec<u8> = Vec::new();
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame?.into_data() else { continue };
            rest.extend_from_slice(&data);
            while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = rest.drain(..=end).collect();
                hear(serde_json::from_slice(&line)?);
            }
            if rest.len() > LONGEST {
                return Err("the service's answer has no end".into());
            }
        }
        connection.abort();
        if rest.is_empty() { Ok(()) } else { Err("the service broke off".into()) }
    }
}
