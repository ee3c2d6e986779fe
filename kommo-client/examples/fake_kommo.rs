//! A fake Kommo to try things on with curl: `cargo run -p kommo-client --features fake --example fake_kommo`.
//!
//! `-- --listen 127.0.0.1:9090` sets the address. The account has the eight billing fields and the lead
//! 20024930 in Negotiation. Ctrl-C ends it, and everything in it.

use std::error::Error;
use std::io::Write;
use std::net::TcpListener;

use kommo_client::fake::{FakeKommo, FakeLead};

const USAGE: &str = "usage: fake_kommo [--listen 127.0.0.1:9090]";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let address = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => "127.0.0.1:9090",
        ["--listen", address] => address,
        _ => return Err(USAGE.into()),
    };
    let kommo = FakeKommo::start_on(TcpListener::bind(address)?).await;
    kommo.add_paddle_fields();
    let lead = kommo.add_lead(FakeLead::new("Acme Inc.").id(20_024_930));

    let (uri, token) = (kommo.uri(), kommo.token());
    let mut out = std::io::stdout().lock();
    writeln!(out, "KOMMO_BASE_URL={uri}")?;
    writeln!(out, "KOMMO_TOKEN={token}")?;
    writeln!(out, "\nLook at the deal:     curl {uri}/__fake/leads/{lead}")?;
    writeln!(out, "Look at all writes:   curl {uri}/__fake/ledger")?;
    writeln!(out, "Ctrl-C ends.")?;
    drop(out);
    std::future::pending().await
}
