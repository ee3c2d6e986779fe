//! Two nodes, the Kommo that they share, and the clock.

use std::{
    collections::BTreeSet,
    io::{BufRead as _, BufReader, Write as _},
    ops::Range,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::mpsc::{Receiver, Sender, channel},
    thread,
    time::Instant,
};

use kommo_client::fake::{FakeKommo, FakeLead};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::{EVENTS, EVENTS_PER_BLOW};
use crate::{
    PATIENCE, runtime,
    shared_clock::SharedClock,
    stores::{Home, StoreKind, Stores},
    story::{BEGIN, deal_of},
    trial::own,
};

pub(super) struct Pair<'a> {
    home: Home<'a>,
    kommo: FakeKommo,
    /// With the file of the clock.
    folder: TempDir,
    clock: SharedClock,
    now: i64,
    nodes: Vec<Node>,
    /// What all of them say, with the number of the process.
    heard: Receiver<(u32, Said)>,
    ear: Sender<(u32, Said)>,
    /// Payments that came in, and those whose delivery was acknowledged.
    delivered: BTreeSet<u64>,
    acknowledged: BTreeSet<u64>,
    /// Blows that fell on a node that had nothing to do.
    pub(super) blows_at_rest: u32,
}

struct Node {
    child: Child,
    /// Until its end.
    stdin: Option<ChildStdin>,
    is_paused: bool,
    /// The last time at which it had nothing to do.
    idle_at: i64,
}

/// Events that have not ended well.
#[derive(Debug)]
pub(super) struct Stats {
    pub(super) open: u64,
    pub(super) parked: u64,
    /// Why they are parked.
    pub(super) reasons: String,
}

#[derive(Debug)]
enum Said {
    Moment(String),
    Acknowledged(u64),
    Refused,
    Idle(i64),
    Stats(Stats),
    Error(String),
}

impl Said {
    fn parse(line: &str) -> Result<Self, String> {
        let bad = || format!("a node said {line:?}");
        let (word, rest) = line.split_once(' ').ok_or_else(bad)?;
        Ok(match word {
            "moment" => Self::Moment(rest.to_owned()),
            "acknowledged" => Self::Acknowledged(rest.parse().map_err(|_| bad())?),
            "refused" => Self::Refused,
            "idle" => Self::Idle(rest.parse().map_err(|_| bad())?),
            "stats" => {
                let mut words = rest.splitn(3, ' ');
                let open = words.next().and_then(|open| open.parse().ok()).ok_or_else(bad)?;
                let parked = words.next().and_then(|parked| parked.parse().ok()).ok_or_else(bad)?;
                Self::Stats(Stats {
                    open,
                    parked,
                    reasons: words.next().unwrap_or_default().to_owned(),
                })
            }
            "error" => Self::Error(rest.to_owned()),
            _ => return Err(bad()),
        })
    }
}

impl<'a> Pair<'a> {
    pub(super) fn start(stores: &'a Stores) -> Result<Self, String> {
        let runtime = runtime()?;
        let home = runtime.block_on(stores.home(StoreKind::Postgres, true))?;
        let kommo = runtime.block_on(FakeKommo::start());
        let now = BEGIN.unix_timestamp();
        kommo.set_time(Some(now));
        kommo.add_paddle_fields();
        for deal in (0..EVENTS).map(deal_of) {
            kommo.add_lead(FakeLead::new("Acme").id(deal));
        }
        let folder = tempfile::tempdir().map_err(text)?;
        let clock = SharedClock::create(&folder.path().join("clock"), now).map_err(text)?;
        let (ear, heard) = channel();
        let mut pair = Self {
            home,
            kommo,
            folder,
            clock,
            now,
            nodes: Vec::new(),
            heard,
            ear,
            delivered: BTreeSet::new(),
            acknowledged: BTreeSet::new(),
            blows_at_rest: 0,
        };
        for _ in 0..2 {
            let node = pair.node()?;
            pair.nodes.push(node);
        }
        pair.wait()?;
        Ok(pair)
    }

    pub(super) fn kommo(&self) -> &FakeKommo {
        &self.kommo
    }

    /// Paddle delivers, to both nodes in turn.
    pub(super) fn deliver(&mut self, payments: Range<u64>) -> Result<(), String> {
        let mut running = self.running().into_iter().cycle();
        for payment in payments {
            self.delivered.insert(payment);
            if let Some(node) = running.next() {
                self.say(node, &format!("deliver {payment}"));
            }
        }
        Ok(())
    }

    /// More payments come in. The node that comes to such a moment, when it comes for the nth time since then; or, where it does
    /// not come so often, one that has nothing left to do.
    pub(super) fn at_work(
        &mut self,
        payments: &mut Range<u64>,
        (moment, nth): (&str, usize),
    ) -> Result<usize, String> {
        let last = payments.start.saturating_add(EVENTS_PER_BLOW);
        self.deliver(payments.start..last)?;
        payments.start = last;
        let (mut left, until) = (nth, Instant::now() + PATIENCE);
        loop {
            if self.is_quiet() {
                self.blows_at_rest = self.blows_at_rest.saturating_add(1);
                return self.running().first().copied().ok_or_else(|| self.stuck());
            }
            let (node, said) = self.hear(until)?;
            if matches!(said, Said::Moment(said) if said == moment) {
                left = left.saturating_sub(1);
                if left == 0 {
                    return Ok(node);
                }
            }
        }
    }

    /// Kills a node. Another takes its place.
    pub(super) fn kill(&mut self, node: usize) -> Result<(), String> {
        let mut other = self.node()?;
        std::mem::swap(&mut self.nodes[node], &mut other);
        other.signal(Signal::KILL)?;
        other.child.wait().map_err(text)?;
        Ok(())
    }

    pub(super) fn pause(&mut self, node: usize) -> Result<(), String> {
        self.nodes[node].is_paused = true;
        self.nodes[node].signal(Signal::STOP)
    }

    pub(super) fn resume(&mut self, node: usize) -> Result<(), String> {
        self.nodes[node].is_paused = false;
        self.nodes[node].signal(Signal::CONT)
    }

    /// Time goes on, and all nodes that run do all that is due by then. What got no 200 is delivered again.
    pub(super) fn settle(&mut self, seconds: i64) -> Result<(), String> {
        self.now = self.now.saturating_add(seconds);
        self.kommo.set_time(Some(self.now));
        self.clock.set(self.now).map_err(text)?;
        let again: Vec<u64> = self.delivered.difference(&self.acknowledged).copied().collect();
        let running = self.running();
        for (payment, node) in again.into_iter().zip(running.iter().cycle()) {
            self.say(*node, &format!("deliver {payment}"));
        }
        // A delivery that is known wakes a node, so that it looks at once.
        for node in running {
            self.say(node, "deliver 0");
        }
        self.wait()
    }

    pub(super) fn stats(&mut self) -> Result<Stats, String> {
        let node = self.running().first().copied().ok_or("no node runs")?;
        self.say(node, "stats");
        let until = Instant::now() + PATIENCE;
        loop {
            if let (_, Said::Stats(stats)) = self.hear(until)? {
                return Ok(stats);
            }
        }
    }

    /// An orderly end.
    pub(super) fn end(self) -> Result<(), String> {
        for mut node in self.nodes {
            drop(node.stdin.take());
            let status = node.child.wait().map_err(text)?;
            if !status.success() {
                return Err(format!("a node ended with {status}"));
            }
        }
        Ok(())
    }

    /// Until all nodes that run have nothing to do, and everything that came in is acknowledged.
    fn wait(&mut self) -> Result<(), String> {
        let until = Instant::now() + PATIENCE;
        while !self.is_quiet() {
            self.hear(until)?;
        }
        Ok(())
    }

    fn is_quiet(&self) -> bool {
        let is_busy = |node: &Node| !node.is_paused && node.idle_at < self.now;
        !self.nodes.iter().any(is_busy) && self.acknowledged.len() == self.delivered.len()
    }

    /// The next word of a node that is there. Nodes that wait for something say so again and again, so it is the whole that
    /// must come to an end.
    fn hear(&mut self, until: Instant) -> Result<(usize, Said), String> {
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let heard = self.heard.recv_timeout(left).ok().filter(|_| !left.is_zero());
            let (id, said) = heard.ok_or_else(|| self.stuck())?;
            // An acknowledgement that was read is one, whatever became of its sender.
            if let Said::Acknowledged(payment) = said {
                self.acknowledged.insert(payment);
            }
            if let Some(place) = self.nodes.iter().position(|node| node.child.id() == id) {
                match &said {
                    Said::Idle(at) => self.nodes[place].idle_at = *at,
                    // It has something to do, until it says otherwise once more.
                    Said::Acknowledged(_) | Said::Moment(_) => {
                        self.nodes[place].idle_at = self.now.saturating_sub(1);
                    }
                    Said::Error(why) => return Err(format!("a node ended by itself: {why}")),
                    _ => {}
                }
                return Ok((place, said));
            }
        }
    }

    fn stuck(&self) -> String {
        let nodes: Vec<_> =
            self.nodes.iter().map(|node| (node.is_paused, self.now - node.idle_at)).collect();
        let open = self.delivered.len() - self.acknowledged.len();
        format!("two nodes: it does not go on: {nodes:?}, {open} deliveries without a 200")
    }

    fn running(&self) -> Vec<usize> {
        (0..self.nodes.len()).filter(|place| !self.nodes[*place].is_paused).collect()
    }

    /// A node that is dead by now needs no word; what it was told is told to another.
    fn say(&mut self, node: usize, word: &str) {
        if let Some(stdin) = &mut self.nodes[node].stdin {
            stdin.write_all(format!("{word}\n").as_bytes()).ok();
        }
    }

    fn node(&self) -> Result<Node, String> {
        let clock = self.folder.path().join("clock");
        let mut command = Command::new(own()?);
        command.arg("node").args(["--store", &self.home.address, "--account", &self.home.account]);
        command.args(["--kommo", &self.kommo.uri(), "--token", self.kommo.token()]);
        command.arg("--clock").arg(clock).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(text)?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("no pipes".to_owned());
        };
        let (id, ear) = (child.id(), self.ear.clone());
        thread::spawn(move || listen(id, stdout, &ear));
        Ok(Node { child, stdin: Some(stdin), is_paused: false, idle_at: 0 })
    }
}

impl Node {
    fn signal(&self, signal: Signal) -> Result<(), String> {
        kill_process(Pid::from_child(&self.child), signal).map_err(text)
    }
}

/// No node outlives its harness.
impl Drop for Node {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Until the process has ended.
fn listen(id: u32, stdout: ChildStdout, ear: &Sender<(u32, Said)>) {
    for line in BufReader::new(stdout).lines() {
        let Ok(line) = line else { return };
        // Of a line that a kill cut off, nothing is known.
        let said = Said::parse(&line).unwrap_or_else(Said::Error);
        if ear.send((id, said)).is_err() {
            return;
        }
    }
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
