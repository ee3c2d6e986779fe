//! A PostgreSQL server of its own for this test process: made in a temporary folder, on a free port of the loopback
//! interface, durable as in production, gone with the process.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

/// The server ends, and its folder goes, when the pipe to this script is closed, however the test process ends.
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
rm -rf "$folder"
"#;

/// A running server.
pub(crate) struct Cluster {
    port: u16,
    folder: PathBuf,
    databases: AtomicU32,
    // The server ends when the pipe is closed.
    _guard: (Child, ChildStdin),
}

impl Cluster {
    /// The one that all tests of this process share.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(&[]))
    }

    /// One of its own, with more settings.
    pub(crate) fn start(settings: &[&str]) -> Self {
        Self::prepared(|_| {}, settings)
    }

    /// The same, with files that `prepare` puts beside the data: the server's folder is `data` below.
    pub(crate) fn prepared(prepare: impl Fn(&Path), settings: &[&str]) -> Self {
        let programs = programs();
        let folder = tempfile::tempdir().unwrap().keep();
        prepare(&folder);
        let port =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let mut command = unprivileged(&folder);
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
            .unwrap();
        let stdin = child.stdin.take().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut said = String::new();
        stdout.read_line(&mut said).unwrap();
        if said != "ready\n" {
            stdout.read_to_string(&mut said).unwrap();
            panic!("PostgreSQL of {} does not start:\n{said}", programs.display());
        }
        Self { port, folder, databases: AtomicU32::new(0), _guard: (child, stdin) }
    }

    /// The address of a database.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://paddle@127.0.0.1:{}/{database}", self.port)
    }

    /// The folder that goes with it.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// A session with a database, for what the store does not do.
    pub(crate) async fn session(&self, database: &str) -> tokio_postgres::Client {
        let (client, connection) =
            tokio_postgres::connect(&self.url(database), tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    /// A new database; its name.
    pub(crate) async fn database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let session = self.session("postgres").await;
        session.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
        name
    }
}

/// Where the programs are: on the path, or where Debian puts them.
fn programs() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut debian: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path().join("bin"))
        .collect();
    debian.sort();
    let mut folders = std::env::split_paths(&path).chain(debian.into_iter().rev());
    let complete = |folder: &PathBuf| {
        ["initdb", "postgres", "pg_isready"].iter().all(|name| folder.join(name).is_file())
    };
    let Some(folder) = folders.find(complete) else {
        panic!(
            "these tests need PostgreSQL's programs (initdb, postgres, pg_isready): apt-get install postgresql"
        );
    };
    folder
}

/// PostgreSQL refuses to run as root: then somebody else runs it, who gets the folder.
fn unprivileged(folder: &Path) -> Command {
    let number = |flag: &str, name: &[&str]| {
        let output = Command::new("id").arg(flag).args(name).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        output.status.success().then(|| text.trim().parse::<u32>().unwrap())
    };
    if number("-u", &[]) != Some(0) {
        return Command::new("env");
    }
    let name = ["postgres", "nobody"].into_iter().find(|name| number("-u", &[name]).is_some());
    let name = name.expect("root needs a user postgres or nobody to run PostgreSQL as");
    let (user, group) = (number("-u", &[name]).unwrap(), number("-g", &[name]).unwrap());
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    for path in files.chain([folder.to_owned()]) {
        std::os::unix::fs::chown(path, Some(user), Some(group)).unwrap();
    }
    let mut command = Command::new("setpriv");
    command.args([
        format!("--reuid={user}"),
        format!("--regid={group}"),
        "--clear-groups".to_owned(),
        "--".to_owned(),
    ]);
    command
}
