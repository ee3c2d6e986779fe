//! Connections that do not come about: names, TLS and certificates.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use rustls::{
    ServerConfig, ServerConnection, Stream,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer},
};

use super::*;

/// What the name of every account resolves to.
#[derive(Clone)]
enum Dns {
    To(SocketAddr),
    Fails(&'static str),
    Hangs,
}

impl Resolve for Dns {
    fn resolve(&self, _: Name) -> Resolving {
        match self.clone() {
            Self::To(address) => {
                Box::pin(async move { Ok(Box::new(std::iter::once(address)) as Addrs) })
            }
            Self::Fails(why) => Box::pin(async move { Err(io::Error::other(why).into()) }),
            Self::Hangs => Box::pin(std::future::pending()),
        }
    }
}

/// A PATCH to `acme.kommo.com`, as far as it comes; the port is the resolver's.
async fn patch(dns: Dns, trusted: Option<&CertificateDer<'_>>) -> Result<Answer, Error> {
    let port = match dns {
        Dns::To(address) => address.port(),
        _ => 443,
    };
    let settings = Settings {
        base: Url::parse(&format!("https://acme.kommo.com:{port}")).unwrap(),
        limiter: Limiter::new(NonZeroU32::MIN, Duration::ZERO),
        timeout: Duration::from_secs(20),
        connect_timeout: Duration::from_secs(5),
        idle_timeout: Duration::from_secs(10),
        user_agent: "test",
        #[cfg(feature = "fake")]
        memory: None,
    };
    let mut builder = network(&settings).unwrap().no_proxy().dns_resolver(dns);
    if let Some(certificate) = trusted {
        builder = builder.tls_certs_only([reqwest::Certificate::from_der(certificate).unwrap()]);
    }
    let http = Http::Network(builder.build().unwrap());
    let request = Request::new(Method::Patch, "/api/v4/leads".to_owned()).json(&[1]).unwrap();
    let token = AccessToken::new("canary-token").unwrap();
    Transport::over(http, settings).send(&request, Some(&token), &Manners::default()).await
}

/// What became of it, in the words that decide how to go on.
fn seen(outcome: Result<Answer, Error>) -> (ErrorKind, Fate) {
    let error = outcome.err().expect("no connection");
    assert_eq!(error.status(), None);
    (error.kind().clone(), error.fate())
}

#[tokio::test]
async fn k26_a_name_that_is_not_known_was_not_sent_to() {
    for why in ["Name or service not known", "Temporary failure in name resolution"] {
        let outcome = patch(Dns::Fails(why), None).await;
        assert_eq!(seen(outcome), (ErrorKind::Connect, Fate::NotSent), "{why}");
    }
}

#[tokio::test(start_paused = true)]
async fn k26_a_resolver_that_hangs_is_given_up_at_the_connect_timeout() {
    let started = Instant::now();
    let outcome = patch(Dns::Hangs, None).await;
    assert_eq!(seen(outcome), (ErrorKind::Connect, Fate::NotSent));
    assert_eq!(started.elapsed().as_secs(), 5);
}

#[tokio::test]
async fn k26_k27_a_name_that_leads_to_this_machine_gets_no_token() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let nobody = listener.local_addr().unwrap();
    drop(listener);
    let outcome = patch(Dns::To(nobody), None).await;
    assert_eq!(seen(outcome), (ErrorKind::Connect, Fate::NotSent), "refused");

    // Somebody who answers for Kommo, with a certificate of his own for that name.
    let server = Server::start(&Issued::new(NAME, GOOD));
    let outcome = patch(Dns::To(server.address), None).await;
    assert_eq!(seen(outcome), (ErrorKind::Certificate, Fate::NotSent));
    assert_eq!(server.heard(), 0);
}

#[tokio::test]
async fn k27_a_certificate_that_is_not_good_needs_a_person() {
    for (name, issued, trusted) in [
        ("expired", Issued::new(NAME, (2020, 2021)), true),
        ("not yet valid", Issued::new(NAME, (4000, 4001)), true),
        ("of another name", Issued::new("other.kommo.com", GOOD), true),
        ("of nobody known", Issued::new(NAME, GOOD), false),
    ] {
        let server = Server::start(&issued);
        let stranger = Issued::new(NAME, GOOD);
        let authority = if trusted { &issued.authority } else { &stranger.authority };
        let outcome = patch(Dns::To(server.address), Some(authority)).await;
        assert_eq!(seen(outcome), (ErrorKind::Certificate, Fate::NotSent), "{name}");
        assert_eq!(server.heard(), 0, "{name}: nothing was said to it");
    }
    // And one that is good passes, so that the others do not fail for another reason.
    let issued = Issued::new(NAME, GOOD);
    let server = Server::start(&issued);
    let answer = patch(Dns::To(server.address), Some(&issued.authority)).await.unwrap();
    assert_eq!((answer.status, answer.body.as_slice()), (200, b"{}".as_slice()));
    assert!(server.heard() > 0);
}

#[tokio::test]
async fn k27_a_tls_alert_was_sent_nothing() {
    // Fatal: handshake failure, internal error.
    for alert in [b"\x15\x03\x03\x00\x02\x02\x28", b"\x15\x03\x03\x00\x02\x02\x50"] {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept()?;
            let mut hello = [0; 4096];
            let read = stream.read(&mut hello)?;
            stream.write_all(alert)?;
            // Whatever it may still say, until it hangs up.
            let mut rest = Vec::new();
            stream.read_to_end(&mut rest)?;
            Ok::<_, io::Error>([&hello[..read], &rest].concat())
        });
        let outcome = patch(Dns::To(address), None).await;
        assert_eq!(seen(outcome), (ErrorKind::Connect, Fate::NotSent));
        let heard = server.join().unwrap().unwrap_or_default();
        assert!(!heard.windows(12).any(|window| window == b"canary-token"));
    }
}

const NAME: &str = "acme.kommo.com";
/// The first and the last year of a certificate.
const GOOD: (i32, i32) = (2020, 4000);

/// A certificate for a server, and who vouches for it.
struct Issued {
    authority: CertificateDer<'static>,
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

impl Issued {
    fn new(name: &str, (from, to): (i32, i32)) -> Self {
        let authority_key = KeyPair::generate().unwrap();
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let vouched = authority.self_signed(&authority_key).unwrap();
        let key = KeyPair::generate().unwrap();
        let mut own = CertificateParams::new([name.to_owned()]).unwrap();
        own.not_before = date_time_ymd(from, 1, 1);
        own.not_after = date_time_ymd(to, 1, 1);
        let certificate = own.signed_by(&key, &Issuer::new(authority, authority_key)).unwrap();
        Self {
            authority: vouched.der().clone(),
            certificate: certificate.der().clone(),
            key: PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        }
    }
}

/// A server that says 200 to whoever takes its certificate, and counts what is said to it in private.
struct Server {
    address: SocketAddr,
    heard: Arc<AtomicUsize>,
    thread: std::cell::Cell<Option<std::thread::JoinHandle<()>>>,
}

impl Server {
    fn start(issued: &Issued) -> Self {
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![issued.certificate.clone()], issued.key.clone_key())
            .unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&heard);
        let serve = move || {
            let (mut socket, _) = listener.accept()?;
            let mut tls = ServerConnection::new(Arc::new(config)).map_err(io::Error::other)?;
            let mut stream = Stream::new(&mut tls, &mut socket);
            let mut request = Vec::new();
            while !request.ends_with(b"[1]") {
                let mut buffer = [0; 1024];
                let read = stream.read(&mut buffer)?;
                if read == 0 {
                    break;
                }
                counter.fetch_add(read, Ordering::SeqCst);
                request.extend_from_slice(&buffer[..read]);
            }
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
        };
        // A handshake that fails is what most of the tests want.
        let thread = std::thread::spawn(move || drop(serve()));
        Self { address, heard, thread: std::cell::Cell::new(Some(thread)) }
    }

    /// How many bytes were said, once the connection is over.
    fn heard(&self) -> usize {
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
        self.heard.load(Ordering::SeqCst)
    }
}
