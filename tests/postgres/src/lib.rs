//! A PostgreSQL server of one's own, for tests: made in a temporary folder, on a free port of the loopback interface,
//! with `fsync = on` as in production, gone with the process that started it.

mod programs;

use std::{
    fmt,
    io::{BufRead as _, BufReader, Read as _},
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

/// The server ends, and its folder goes, when the pipe to this script is closed, however the process ends.
const GUARD: &str = r#"
bin=$1 folder=$2 port=$3
shift 3
"$bin/initdb" --pgdata="$folder/data" --auth=trust --username=paddle --encoding=UTF8 --locale=C >"$folder/initdb.log" 2>&1 || {
    cat "$folder/initdb.log"; exit 1
}
"$bin/postgres" -D "$folder/data" -p "$port" -h 127.0.0.1 -k "$folder" -c fsync=on -c logging_collector=off \
    -c max_connections=300 "$@" >"$folder/server.log" 2>&1 &
server=$!
tries=0
until "$bin/pg_isready" -q -h 127.0.0.1 -p "$port" -U paddle -d postgres; do
    kill -0 "$server" 2>/dev/null && [ "$tries" -lt 600 ] || { cat "$folder/server.log"; exit 1; }
    tries=$((tries + 1)); sleep 0.1
done
echo ready
cat >/dev/null
kill -INT "$server"
wait "$server"
# The folder itself lies in one that may belong to somebody else.
rm -rf "$folder" 2>/dev/null
"#;

/// A running server.
#[derive(Debug)]
pub struct Cluster {
    port: u16,
    folder: PathBuf,
    databases: AtomicU32,
    guard: Child,
    // The server ends when this pipe is closed.
    pipe: Option<ChildStdin>,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.pipe.take());
        drop(self.guard.wait());
        // What the server's own user could not take away: an empty folder, if that.
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

/// Why there is no server, or why it does not do as it is told; in words for whoever runs the tests.
#[derive(Debug)]
pub struct Failed(String);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failed {}

impl Cluster {
    /// Starts one whose data is below `parent`, with more settings: `-c`, `name=value`, …
    ///
    /// `prepare` puts files beside the data: the server's own folder is `data` below the one that it is given.
    ///
    /// # Errors
    ///
    /// When PostgreSQL's programs are missing (install Debian's package `postgresql`), or the server does not start.
    pub fn start(
        parent: &Path,
        prepare: impl FnOnce(&Path),
        settings: &[&str],
    ) -> Result<Self, Failed> {
        let programs = programs::folder()?;
        let folder = tempfile::tempdir_in(parent).map_err(told)?.keep();
        prepare(&folder);
        let port = free_port().map_err(told)?;
        let mut command = programs::unprivileged(&folder)?;
        command
            .args(["sh", "-c", GUARD, "guard"])
            .arg(&programs)
            .arg(&folder)
            .arg(port.to_string());
        let mut child = command
            .args(settings)
            .current_dir(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(told)?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Failed("the server has no pipes".to_owned()));
        };
        let mut stdout = BufReader::new(stdout);
        let mut said = String::new();
        stdout.read_line(&mut said).map_err(told)?;
        if said != "ready\n" {
            stdout.read_to_string(&mut said).map_err(told)?;
            let programs = programs.display();
            return Err(Failed(format!("PostgreSQL of {programs} does not start:\n{said}")));
        }
        Ok(Self { port, folder, databases: AtomicU32::new(0), guard: child, pipe: Some(stdin) })
    }

    /// The address of a database.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://paddle@127.0.0.1:{}/{database}", self.port)
    }

    /// The folder that goes with it.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A session with a database, for what the store does not do.
    ///
    /// # Errors
    ///
    /// When the server does not take it.
    pub async fn session(&self, database: &str) -> Result<tokio_postgres::Client, Failed> {
        let url = self.url(database);
        let connected = tokio_postgres::connect(&url, tokio_postgres::NoTls).await;
        let (client, connection) = connected.map_err(told)?;
        tokio::spawn(connection);
        Ok(client)
    }

    /// A new database; its name.
    ///
    /// # Errors
    ///
    /// When the server does not make it.
    pub async fn database(&self) -> Result<String, Failed> {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let session = self.session("postgres").await?;
        session.batch_execute(&format!("CREATE DATABASE {name}")).await.map_err(told)?;
        Ok(name)
    }
}

fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

fn told(error: impl fmt::Display) -> Failed {
    Failed(error.to_string())
}
