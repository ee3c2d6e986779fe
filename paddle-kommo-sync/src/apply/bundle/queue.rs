//! Which calls wait, and which of them go next.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use kommo_client::{Priority, Turn};
use tokio::{sync::oneshot, time::Instant};

use super::{Call, Intent, Reply};

/// The most leads that Kommo names in one answer.
const READ: usize = 250;

/// A call that has waited so long counts as much as a full bundle, so that the rare kinds get their turn.
const PATIENCE: Duration = Duration::from_secs(2);

/// A kind of request. Where two are equally full the later one goes first: it ends work, the other begins some.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    ReadLeads,
    UpdateLeads,
    AddLeads,
    AddNotes,
    AddTasks,
    UpdateTasks,
    StartBots,
    AttachFiles,
}

const KINDS: [Kind; 8] = [
    Kind::ReadLeads,
    Kind::UpdateLeads,
    Kind::AddLeads,
    Kind::AddNotes,
    Kind::AddTasks,
    Kind::UpdateTasks,
    Kind::StartBots,
    Kind::AttachFiles,
];

impl Call {
    pub(super) const fn kind(&self) -> Kind {
        match self {
            Self::ReadLead(_) => Kind::ReadLeads,
            Self::UpdateLead(_) => Kind::UpdateLeads,
            Self::AddLead(_) => Kind::AddLeads,
            Self::AddNote(_) => Kind::AddNotes,
            Self::AddTask(_) => Kind::AddTasks,
            Self::UpdateTask(_) => Kind::UpdateTasks,
            Self::StartBot(..) => Kind::StartBots,
            Self::AttachFile(..) => Kind::AttachFiles,
        }
    }

    /// Two changes of the same thing do not go in one request: Kommo does not say which of them would win.
    pub(super) fn changes(&self) -> Option<u64> {
        match self {
            Self::UpdateLead(patch) => Some(patch.id().get()),
            Self::UpdateTask(patch) => Some(patch.id().get()),
            Self::ReadLead(_)
            | Self::AddLead(_)
            | Self::AddNote(_)
            | Self::AddTask(_)
            | Self::StartBot(..)
            | Self::AttachFile(..) => None,
        }
    }
}

/// A call that waits, and who wants to know.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) call: Call,
    pub(super) intent: Option<Intent>,
    priority: Priority,
    since: Instant,
    /// It goes with so many at the most, itself included: one of a larger bundle was at fault.
    most: usize,
    reply: oneshot::Sender<Answer>,
}

/// What the caller of a waiting call is told.
#[derive(Debug)]
pub(super) enum Answer {
    Reply(Reply),
    /// It is to send a bundle that its call is in.
    Send(Box<Task>),
}

#[derive(Debug)]
pub(super) struct Task {
    pub(super) turn: Turn,
    pub(super) bundle: Bundle,
    /// Where the reply to its own call will come.
    pub(super) answer: oneshot::Receiver<Answer>,
}

impl Item {
    pub(super) fn new(
        call: Call,
        intent: Option<Intent>,
        priority: Priority,
        reply: oneshot::Sender<Answer>,
    ) -> Self {
        // A request starts one bot, or gives files to one deal; and what was looked for in vain may itself be why its
        // request failed.
        let is_suspect = intent.as_ref().is_some_and(|intent| intent.absent > 0);
        let is_alone = is_suspect || matches!(call.kind(), Kind::StartBots | Kind::AttachFiles);
        let most = if is_alone { 1 } else { usize::MAX };
        Self { call, intent, priority, since: Instant::now(), most, reply }
    }

    pub(super) fn answer(self, reply: Reply) {
        // A caller that has gone does not care.
        drop(self.reply.send(Answer::Reply(reply)));
    }
}

/// Calls of one kind, to be sent as one request.
#[derive(Debug)]
pub(super) struct Bundle {
    pub(super) kind: Kind,
    pub(super) items: Vec<Item>,
    /// It takes so many at the most.
    limit: usize,
}

impl Bundle {
    /// Has it sent by the first caller that is still there. Whoever sends waits for the answer, so it must be one whose own
    /// call is in it: another's would be answered meanwhile, and its work would stand still.
    pub(super) fn hand_over(mut self, mut turn: Turn) {
        loop {
            let Some(first) = self.items.first_mut() else { return };
            let (reply, answer) = oneshot::channel();
            let caller = std::mem::replace(&mut first.reply, reply);
            let task = Box::new(Task { turn, bundle: self, answer });
            let Err(Answer::Send(unsent)) = caller.send(Answer::Send(task)) else { return };
            (turn, self) = (unsent.turn, unsent.bundle);
            self.items.remove(0);
        }
    }
}

#[derive(Debug)]
pub(super) struct Queue {
    waiting: BTreeMap<Kind, BTreeMap<(Priority, u64), Item>>,
    next: u64,
    /// With which priority the next turn is being waited for.
    asked: Option<Priority>,
    /// How many calls of a kind share a request, for now.
    sizes: BTreeMap<Kind, usize>,
    /// How many writes do at the most.
    most: usize,
}

impl Queue {
    pub(super) fn new(most: usize) -> Self {
        Self {
            waiting: BTreeMap::new(),
            next: 0,
            asked: None,
            sizes: BTreeMap::new(),
            most: most.clamp(1, READ),
        }
    }

    /// True when the turn is to be asked for anew: this is more urgent than what it is waited for.
    pub(super) fn push(&mut self, item: Item) -> bool {
        let priority = item.priority;
        let place = (priority, self.next);
        self.next = self.next.wrapping_add(1);
        self.waiting.entry(item.call.kind()).or_default().insert(place, item);
        self.asked.is_some_and(|asked| priority < asked)
    }

    /// With which priority the next turn is to be waited for; none when nobody waits.
    pub(super) fn ask(&mut self) -> Option<Priority> {
        self.asked = self.most_urgent();
        self.asked
    }

    /// What failed together goes again, in bundles of this size at the most. True as for [`push`](Self::push).
    pub(super) fn push_again(&mut self, item: Item, most: usize) -> bool {
        self.push(Item { most: most.max(1), ..item })
    }

    /// The priority of the most urgent call that still has somebody waiting for it.
    fn most_urgent(&mut self) -> Option<Priority> {
        for items in self.waiting.values_mut() {
            items.retain(|_, item| !item.reply.is_closed());
        }
        self.waiting.values().filter_map(|items| items.keys().next()).min().map(|place| place.0)
    }

    /// The next bundle: among the kinds with the most urgent calls the fullest.
    pub(super) fn take(&mut self) -> Option<Bundle> {
        self.asked = None;
        let urgent = self.most_urgent()?;
        let kind = KINDS
            .into_iter()
            .filter(|kind| self.first(*kind).is_some_and(|(priority, _)| priority == urgent))
            .max_by_key(|kind| (self.weight(*kind), *kind))?;
        let mut bundle = Bundle { kind, items: Vec::new(), limit: self.size(kind) };
        self.fill(&mut bundle);
        Some(bundle)
    }

    /// Adds what waits and fits, and tells how much that was.
    pub(super) fn fill(&mut self, bundle: &mut Bundle) -> usize {
        let Some(waiting) = self.waiting.get_mut(&bundle.kind) else { return 0 };
        let before = bundle.items.len();
        let mut changed: BTreeSet<_> =
            bundle.items.iter().filter_map(|item| item.call.changes()).collect();
        let mut places = Vec::new();
        for (place, item) in waiting.iter() {
            let most = bundle.limit.min(item.most);
            if before.saturating_add(places.len()) >= most {
                break;
            }
            let changes = item.call.changes();
            if item.reply.is_closed() || changes.is_some_and(|id| !changed.insert(id)) {
                continue;
            }
            bundle.limit = most;
            places.push(*place);
        }
        bundle.items.extend(places.iter().filter_map(|place| waiting.remove(place)));
        places.len()
    }

    pub(super) fn drain(&mut self) -> Vec<Item> {
        std::mem::take(&mut self.waiting).into_values().flat_map(BTreeMap::into_values).collect()
    }

    /// A request of this size was too much: the next ones are half as large.
    pub(super) fn shrink(&mut self, kind: Kind, size: usize) {
        self.sizes.insert(kind, size.div_ceil(2).max(1));
    }

    /// A request went through: the next ones may be larger again.
    pub(super) fn grow(&mut self, kind: Kind) {
        let (size, most) = (self.size(kind), self.most(kind));
        if size < most {
            let larger = size.saturating_add(size.div_ceil(4));
            self.sizes.insert(kind, larger.min(most));
        }
    }

    fn size(&self, kind: Kind) -> usize {
        self.sizes.get(&kind).copied().unwrap_or(self.most(kind))
    }

    const fn most(&self, kind: Kind) -> usize {
        match kind {
            Kind::ReadLeads => READ,
            _ => self.most,
        }
    }

    fn first(&self, kind: Kind) -> Option<(Priority, &Item)> {
        let ((priority, _), item) = self.waiting.get(&kind)?.iter().next()?;
        Some((*priority, item))
    }

    /// How full the bundle is, in thousandths, or how long its first call has waited.
    fn weight(&self, kind: Kind) -> u128 {
        let thousandths =
            |part: u128, whole: u128| part.saturating_mul(1000).checked_div(whole).unwrap_or(0);
        let waiting = self.waiting.get(&kind).map_or(0, BTreeMap::len).min(self.size(kind));
        let fill = thousandths(waiting as u128, self.size(kind) as u128);
        let waited = self.first(kind).map_or(Duration::ZERO, |(_, item)| item.since.elapsed());
        fill.max(thousandths(waited.as_millis(), PATIENCE.as_millis()))
    }
}
