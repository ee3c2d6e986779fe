//! The processes that are measured: the service as an operator starts it, and the express server beside it.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader},
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    paddle::{Connection, SECRET},
    store::Place,
};

/// How a process is held to one core.
#[derive(Clone, Debug)]
pub struct Pin {
    taskset: PathBuf,
    core: String,
}

impl Pin {
    /// The first core that this process may use; none where there is no `taskset`.
    pub fn find() -> Option<Self> {
        let folders = std::env::var_os("PATH")?;
        let taskset = std::env::split_paths(&folders)
            .map(|folder| folder.join("taskset"))
            .find(|path| path.is_file())?;
        let status = fs::read_to_string("/proc/self/status").ok()?;
        let cores = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
        let core = cores.trim().split(['-', ',']).next()?.to_owned();
        Some(Self { taskset, core })
    }

    fn command(pin: Option<&Self>, program: &str) -> Command {
        match pin {
            None => Command::new(program),
            Some(pin) => {
                let mut command = Command::new(&pin.taskset);
                command.args(["-c", &pin.core, program]);
                command
            }
        }
    }
}

/// A running service; it is killed with the value.
#[derive(Debug)]
pub struct Service {
    process: Child,
    pub address: SocketAddr,
}

/// What a service is started with.
#[derive(Clone, Debug)]
pub struct Setup<'a> {
    pub place: &'a Place,
    pub kommo: &'a str,
    pub batch_size: usize,
    pub pin: Option<&'a Pin>,
}

impl Service {
    /// Starts it and waits until it listens. Everything that is not said here is at its default, its log included, which
    /// goes to a file.
    pub fn start(setup: &Setup<'_>) -> Self {
        let log = setup.place.folder().join("service.log");
        let output = File::create(&log).expect("a log");
        let mut process = Pin::command(setup.pin, env!("CARGO_BIN_EXE_axum_server"))
            .arg("serve")
            .env_clear()
            .envs([
                ("PADDLE_WEBHOOK_SECRETS", SECRET),
                ("KOMMO_BASE_URL", setup.kommo),
                ("KOMMO_TOKEN", "made-up-token"),
                ("LISTEN_ADDR", "127.0.0.1:0"),
                ("DATABASE_URL", setup.place.url()),
                ("BATCH_SIZE", &setup.batch_size.to_string()),
            ])
            .stdin(Stdio::null())
            .stdout(output)
            .spawn()
            .expect("the service starts");
        let address = loop {
            let text = fs::read_to_string(&log).expect("a log");
            let listening = text.lines().find(|line| line.contains("listening"));
            let address = listening
                .and_then(|line| line.split("address=").nth(1)?.split(' ').next()?.parse().ok());
            if let Some(address) = address {
                break address;
            }
            let ended = process.try_wait().expect("its state");
            assert!(ended.is_none(), "the service ended before it listened:\n{text}");
            std::thread::sleep(Duration::from_millis(1));
        };
        Self { process, address }
    }

    /// `/health/ready`: whether it says 200, and how many events are open.
    pub async fn open_events(&self) -> Option<u64> {
        let mut connection = Connection::open(self.address).await.ok()?;
        let (status, body) = connection.get("/health/ready").await.ok()?;
        let body: Value = serde_json::from_slice(&body).ok()?;
        (status == 200).then(|| body["queue"]["open"].as_u64()).flatten()
    }

    /// Waits until nothing is open; false when that takes longer than `patience`.
    pub async fn is_idle_within(&self, patience: Duration) -> bool {
        let started = Instant::now();
        while self.open_events().await != Some(0) {
            if started.elapsed() > patience {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        true
    }

    /// Resident memory now and at its highest, in KiB.
    pub fn memory(&self) -> Option<(u64, u64)> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).ok()?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().nth(1)?.parse().ok()
        };
        Some((field("VmRSS")?, field("VmHWM")?))
    }

    pub fn cpu(&self) -> Option<Duration> {
        cpu(&self.process)
    }

    /// SIGKILL.
    pub fn kill(mut self) {
        self.process.kill().expect("it can be killed");
        self.process.wait().expect("it ends");
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It has ended already where it was killed on purpose.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// The express server with the npm SDK, which verifies and stores nothing.
#[derive(Debug)]
pub struct Express {
    process: Child,
    pub address: SocketAddr,
}

impl Express {
    /// Starts it, its packages installed if need be; else why that is not possible here.
    pub fn start(pin: Option<&Pin>) -> Result<Self, String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../bench/peers/express");
        if !folder.join("node_modules").is_dir() {
            let installed = Command::new("npm")
                .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
                .current_dir(&folder)
                .stdout(Stdio::null())
                .status();
            match installed {
                Ok(status) if status.success() => {}
                Ok(status) => return Err(format!("npm ci: {status}")),
                Err(error) => return Err(format!("npm: {error}")),
            }
        }
        let mut process = Pin::command(pin, "node")
            .arg("server.mjs")
            .current_dir(&folder)
            .envs([("SECRET", SECRET), ("NODE_ENV", "production")])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("node: {error}"))?;
        let mut line = String::new();
        if let Some(output) = process.stdout.take() {
            BufReader::new(output).read_line(&mut line).map_err(|error| error.to_string())?;
        }
        match line.trim().parse() {
            Ok(port) => Ok(Self { process, address: (Ipv4Addr::LOCALHOST, port).into() }),
            Err(_) => {
                drop(process.kill());
                drop(process.wait());
                Err("node: the server did not start".to_owned())
            }
        }
    }
}

impl Express {
    pub fn cpu(&self) -> Option<Duration> {
        cpu(&self.process)
    }
}

/// The processor time of a process so far, all its threads together, from `/proc`: in hundredths of a second.
fn cpu(process: &Child) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", process.id())).ok()?;
    // The name of the program may hold blanks; what follows its bracket does not.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    Some(Duration::from_millis(ticks * 10))
}

impl Drop for Express {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
