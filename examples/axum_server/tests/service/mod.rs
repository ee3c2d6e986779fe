//! The binary as a process: started with chosen variables, signalled, and read.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    sync::{
        Arc,
        mpsc::{Receiver, channel},
    },
    time::{Duration, Instant},
};

use kommo_client::fake::FakeKommo;
use paddle_kommo_sync::{Clock as _, SystemClock};
use paddle_webhook::SecretKey;
use tempfile::TempDir;

pub const LEAD: u64 = 20_024_930;
pub const SECRET: &str = "pdl_ntfset_made_up_for_tests";

/// How long something may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The binary with only what is given to it: the variables of whoever runs the test must not matter.
pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_axum_server"));
    command.args(arguments).env_clear().stdin(Stdio::null());
    command
}

/// The header that Paddle would send with this body now.
pub fn sign(secret: &str, body: &str) -> String {
    let key = SecretKey::new(secret).expect("it is a secret");
    paddle_webhook::sign(&key, body.as_bytes(), SystemClock::default().now()).to_string()
}

/// Waits until something is so.
pub fn eventually(what: &str, so: impl Fn() -> bool) {
    let begin = Instant::now();
    while !so() {
        assert!(begin.elapsed() < PATIENCE, "never: {what}");
        std::thread::yield_now();
    }
}

/// What a service is started with.
#[derive(Clone)]
pub struct Setup {
    variables: BTreeMap<String, String>,
    folder: Arc<TempDir>,
}

impl Setup {
    pub fn new(kommo: &FakeKommo) -> Self {
        let folder = Arc::new(tempfile::tempdir().expect("a folder"));
        let setup = Self { variables: BTreeMap::new(), folder };
        let database = format!("sqlite:{}", setup.database().display());
        setup
            .with("PADDLE_WEBHOOK_SECRETS", SECRET)
            .with("KOMMO_BASE_URL", &kommo.uri())
            .with("KOMMO_TOKEN", kommo.token())
            .with("DATABASE_URL", &database)
            .with("LISTEN_ADDR", "127.0.0.1:0")
            .with("LOG_FORMAT", "json")
    }

    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut setup = self.clone();
        setup.variables.insert(name.to_owned(), value.to_owned());
        setup
    }

    pub fn variables(&self) -> &BTreeMap<String, String> {
        &self.variables
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn database(&self) -> PathBuf {
        self.folder().join("service.db")
    }

    pub fn command(&self) -> Command {
        let mut command = command(&["serve"]);
        command.envs(&self.variables);
        command
    }
}

/// A running service; it is killed with the test.
pub struct Service {
    process: Child,
    pub address: String,
    log: Log,
}

enum Log {
    /// Lines, as they come.
    Read(Receiver<String>),
    /// The pipe, which nobody reads.
    Asleep(ChildStdout),
    Gone,
}

impl Service {
    pub fn start(setup: &Setup) -> Self {
        Self::spawn(setup.command())
    }

    /// Started by a shell after this command.
    pub fn start_limited(setup: &Setup, limit: &str) -> Self {
        let mut command = Command::new("sh");
        let script = format!("{limit} && exec \"$0\" serve");
        command.args(["-c", &script, env!("CARGO_BIN_EXE_axum_server")]);
        command.env_clear().envs(&setup.variables).stdin(Stdio::null());
        Self::spawn(command)
    }

    fn spawn(mut command: Command) -> Self {
        let mut process = command.stdout(Stdio::piped()).spawn().expect("the binary runs");
        let mut pipe = process.stdout.take().expect("it has an output");
        // Byte by byte: what comes after the line stays in the pipe.
        let address = loop {
            let line = line(&mut pipe);
            let line: serde_json::Value = serde_json::from_str(&line).expect("it ended too soon");
            if line["fields"]["message"] == "listening" {
                break line["fields"]["address"].as_str().expect("it says where").to_owned();
            }
        };
        Self { process, address, log: Log::Asleep(pipe) }
    }

    /// From now on nobody reads the log: its reader is gone, or asleep.
    pub fn stop_reading(&mut self, is_gone: bool) {
        if is_gone {
            self.log = Log::Gone;
        }
    }

    fn read(&mut self) -> &Receiver<String> {
        if let Log::Asleep(pipe) = std::mem::replace(&mut self.log, Log::Gone) {
            let (lines, read) = channel();
            std::thread::spawn(move || {
                for line in BufReader::new(pipe).lines() {
                    let Ok(line) = line else { return };
                    if lines.send(line).is_err() {
                        return;
                    }
                }
            });
            self.log = Log::Read(read);
        }
        match &self.log {
            Log::Read(read) => read,
            _ => panic!("the log is gone"),
        }
    }

    /// The next line of the log with this text.
    pub fn wait_for_line(&mut self, text: &str) -> String {
        let lines = self.read();
        loop {
            let line = lines.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|error| panic!("no line with `{text}`: {error}"));
            if line.contains(text) {
                return line;
            }
        }
    }

    /// The rest of the log of a service that has ended.
    pub fn lines(&mut self) -> Vec<String> {
        self.read().iter().collect()
    }

    /// Delivers a signed body, and returns the status line.
    pub fn deliver(&self, body: &str) -> String {
        self.deliver_signed(&sign(SECRET, body), body)
    }

    pub fn deliver_signed(&self, signature: &str, body: &str) -> String {
        let head = format!(
            "POST /paddle/webhook HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Paddle-Signature: {signature}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let answer = self.ask(&[head.as_bytes(), body.as_bytes()].concat());
        answer.lines().next().unwrap_or_default().to_owned()
    }

    /// The body of a page.
    pub fn get(&self, path: &str) -> String {
        let head = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        let answer = self.ask(head.as_bytes());
        answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default()
    }

    fn ask(&self, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time limit");
        stream.write_all(request).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        answer
    }

    pub fn signal(&self, name: &str) {
        let id = self.process.id().to_string();
        let status = Command::new("kill").args([&format!("-{name}"), &id]).status();
        assert!(status.expect("kill runs").success());
    }

    /// Its exit code; none when a signal has ended it.
    pub fn exit_within(&mut self, limit: Duration) -> Option<i32> {
        let begin = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait().expect("it can be waited for") {
                return status.code();
            }
            assert!(begin.elapsed() < limit, "it runs on after {limit:?}");
            std::thread::yield_now();
        }
    }

    /// The most memory that it has had, in bytes.
    #[cfg(target_os = "linux")]
    pub fn peak_memory(&self) -> u64 {
        let path = format!("/proc/{}/status", self.process.id());
        let status = std::fs::read_to_string(path).expect("it runs");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kibibytes = peak.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        kibibytes.expect("the kernel tells it") << 10
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It has ended already in a test that went well.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn line(pipe: &mut ChildStdout) -> String {
    let (mut line, mut byte) = (Vec::new(), [0]);
    while pipe.read(&mut byte).expect("a pipe") == 1 && byte != *b"\n" {
        line.extend(byte);
    }
    String::from_utf8(line).expect("it prints text")
}
