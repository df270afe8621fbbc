//! What the lanes of the models do with tasks, and the judge's account of it.

use std::cell::Cell;

use ::loom::cell::Cell as Guarded;

use crate::explore::loom::{PASSER_BY, acting_as, me, step};
use crate::models::ring::traffic::Cells;
use crate::raw::ring::tasks::{DoneRefused, JoinRefused, TaskDesk};
use crate::raw::ring::{Escort, GetRefused, RECORDS_MAX, RawRing, Ring};
use crate::raw::{Patience, RawTasks, Refused};
use crate::world::{Deadline, Node, World};

/// Two hands, and no one's.
const HANDS: usize = 3;
/// Those of the lanes, the judge's and a passer-by's.
const IDS: usize = PASSER_BY as usize + 1;
/// The units of a record without a payload.
const UNITS: usize = 1;

/// A ring of tasks, and what was seen of it.
pub(super) struct Shop<W: World> {
    raw: RawRing<W>,
    desk: TaskDesk<W>,
    hands: [Node<W>; HANDS],
    bytes: Cells,
    /// Each one's work on its tasks.
    works: [Guarded<u32>; IDS],
    notes: Notes,
}

/// Kept beside the model: the lanes take turns on one thread, and loom sees nothing of it.
#[derive(Default)]
struct Notes {
    puts: Cell<u32>,
    /// By lane: its hand, when it has one.
    hands: [Cell<Option<usize>>; IDS],
    /// Dones that were begun, by the dead and again included, and those that returned.
    begun: Cell<u32>,
    counted: Cell<u32>,
    /// Of the dones, those that are write-offs.
    writing_off: Cell<u32>,
    /// The most tasks of the dead that a lane was told of.
    told: Cell<u32>,
}

/// Sees to the task that a record is.
struct Taking<'a, W: World> {
    shop: &'a Shop<W>,
    /// Done with the record's leave, and in no hand.
    at_once: bool,
}

impl<W: World> Escort for Taking<'_, W> {
    fn begin_take(&mut self, index: u32) {
        let tasks = self.shop.tasks();
        if self.at_once {
            return assert_eq!(tasks.begin_done(), Ok(()));
        }
        let hand = self.shop.hand();
        if hand.get().is_none() {
            hand.set(tasks.take_hand());
        }
        tasks.begin_take(hand.get(), index);
    }

    fn take(&mut self) {
        match self.at_once {
            true => self.shop.tasks().end_done(),
            false => self.shop.tasks().end_take(self.shop.hand().get()),
        }
    }
}

impl<W: World> Shop<W> {
    /// So many tasks in the ring, which has room for one more.
    pub fn of<const TASKS: usize>() -> Self {
        let shop = Shop {
            raw: RawRing::new(),
            desk: TaskDesk::new(),
            hands: std::array::from_fn(|_| Node::new()),
            bytes: Cells::new((TASKS + 1) * UNITS),
            works: std::array::from_fn(|_| Guarded::new(0)),
            notes: Notes::default(),
        };
        shop.tasks().set_up();
        (0..TASKS).for_each(|_| shop.put());
        shop
    }

    fn ring(&self) -> Ring<'_, W, &Cells> {
        Ring::new(&self.raw, &self.bytes, self.bytes.units(), RECORDS_MAX)
    }

    fn tasks(&self) -> RawTasks<'_, W> {
        RawTasks::new(&self.desk, &self.hands, &self.raw)
    }

    fn hand(&self) -> &Cell<Option<usize>> {
        &self.notes.hands[me() as usize]
    }

    pub fn put(&self) {
        self.notes.puts.update(|puts| puts + 1);
        let put = self.ring().put(0, &[], Patience::Endless, &mut ());
        assert_eq!(put, Ok(()), "though the wait has no end");
    }

    /// The same, and there will be no more.
    pub fn closed<const TASKS: usize>() -> Self {
        let shop = Self::of::<TASKS>();
        shop.ring().close(&mut ()).expect("it holds no lock");
        shop
    }

    /// One task, which is in the hand of the second lane.
    pub fn with_one_in_hand() -> Self {
        let shop = Self::of::<1>();
        acting_as(2, || assert!(shop.take(Patience::None)));
        shop
    }

    /// Does the task in its hand.
    pub fn do_in_hand(&self) {
        self.work();
        assert_eq!(self.done(), Ok(()), "a task too few");
        self.leave();
    }

    /// One task, which is in the hand of one that has left.
    pub fn with_one_left() -> Self {
        let shop = Self::of::<1>();
        acting_as(PASSER_BY, || {
            assert!(shop.take(Patience::None));
            shop.leave();
        });
        shop
    }

    /// Gets the next task. False: there is none, or there will be none.
    pub fn take(&self, patience: Patience) -> bool {
        let mut taking = Taking {
            shop: self,
            at_once: false,
        };
        match self.ring().get(patience, &mut taking) {
            Ok(_) => true,
            Err(GetRefused::Empty | GetRefused::Closed) => false,
            Err(other) => panic!("{other:?}"),
        }
    }

    /// Gets the next task, and does it. False: there is none, or there will be none.
    fn do_one(&self, patience: Patience) -> bool {
        let taken = self.take(patience);
        if taken {
            self.work();
            assert_eq!(self.done(), Ok(()), "a task too few");
        }
        taken
    }

    /// Gets so many tasks and does them.
    pub fn do_some(&self, tasks: u32) {
        (0..tasks).for_each(|_| assert!(self.do_one(Patience::Endless)));
        self.leave();
    }

    /// Gets tasks and does them, until there is none.
    pub fn do_all(&self) {
        while self.do_one(Patience::None) {}
        self.leave();
    }

    /// Gets tasks and does them, until there will be none.
    pub fn do_until_closed(&self) {
        while self.do_one(Patience::Endless) {}
        self.leave();
    }

    /// Does a task in the ring, if there will be one.
    pub fn process(&self) {
        match self.ring().claim(Patience::Endless, &mut ()) {
            Ok(_) => {}
            Err(GetRefused::Closed) => return,
            Err(other) => panic!("{other:?}"),
        }
        self.work();
        self.notes.begun.update(|begun| begun + 1);
        let mut taking = Taking {
            shop: self,
            at_once: true,
        };
        let finished = self.ring().finish(&mut taking);
        finished.expect("it is claimed");
        self.notes.counted.update(|counted| counted + 1);
    }

    fn work(&self) {
        let work = &self.works[me() as usize];
        step();
        work.set(work.get() + 1);
    }

    /// Says that a task is done: the lane's own, if it has one.
    pub fn done(&self) -> Result<(), DoneRefused> {
        self.notes.begun.update(|begun| begun + 1);
        let done = self.tasks().done(self.hand().get());
        match done {
            Ok(()) => self.notes.counted.update(|counted| counted + 1),
            Err(_) => self.notes.begun.update(|begun| begun - 1),
        }
        done
    }

    /// Gives its hand back, with what is in it, as a thread does at its end.
    pub fn leave(&self) {
        if let Some(hand) = self.hand().take() {
            self.tasks().leave_hand(hand);
        }
    }

    /// Writes off what is in the hands of the dead: one task at most.
    pub fn write_off(&self) {
        self.notes.begun.update(|begun| begun + 1);
        self.notes.writing_off.update(|begun| begun + 1);
        let written_off = self.tasks().write_off().expect("it holds no lock");
        self.notes.counted.update(|counted| counted + written_off);
        if written_off == 0 {
            self.notes.begun.update(|begun| begun - 1);
            self.notes.writing_off.update(|begun| begun - 1);
        }
    }

    pub fn left(&self) -> u32 {
        self.tasks().left()
    }

    /// Waits until all is done, or the rest is known to be the dead's.
    pub fn join(&self) {
        match self.tasks().wait(Patience::Endless) {
            Ok(()) => self.is_joined(),
            Err(JoinRefused::Dead(tasks)) => {
                let told = self.notes.told.get();
                self.notes.told.set(told.max(tasks));
            }
            Err(other) => panic!("{other:?}, though the wait has no end"),
        }
    }

    /// Waits for the first task: others may come, and be begun, as soon as it is done.
    pub fn join_first(&self) {
        assert_eq!(self.tasks().wait(Patience::Endless), Ok(()));
        assert!(self.notes.begun.get() > 0, "joined, and none was begun");
    }

    pub fn join_soon(&self) {
        match self.tasks().wait(soon()) {
            Ok(()) => self.is_joined(),
            Err(refused) => assert_eq!(refused, JoinRefused::Refused(Refused::TimedOut)),
        }
    }

    fn is_joined(&self) {
        self.works.iter().for_each(|work| {
            work.get(); // loom refuses it to who has not waited for the work
        });
        let (begun, puts) = (self.notes.begun.get(), self.notes.puts.get());
        assert!(
            begun >= puts,
            "all is done, and {begun} of {puts} were begun"
        );
    }

    /// The judge's part, when all lanes are done or dead: a lane died with this many tasks at most.
    pub fn settle(&self, most: u32) {
        self.do_all();
        let (puts, counted) = (self.notes.puts.get(), self.notes.counted.get());
        let begun = self.notes.begun.get();
        let left = self.tasks().left();
        assert!(
            (puts.saturating_sub(begun)..=puts - counted).contains(&left),
            "{left} of {puts} are left, {counted} to {begun} were done"
        );
        assert!(left <= most, "{left} are left");
        let told = self.notes.told.get();
        let most = left + self.notes.writing_off.get();
        assert!(
            told <= most,
            "{told} were said to be a dead one's, of {most}"
        );
        if left > 0 {
            let wait = self.tasks().wait(Patience::None);
            assert_eq!(wait, Err(JoinRefused::Dead(left)), "{left} are left");
            assert_eq!(self.tasks().write_off(), Ok(left));
        }
        assert_eq!(self.tasks().wait(Patience::None), Ok(()));
        assert_eq!(self.done(), Err(DoneRefused::TooOften));
    }
}

/// A deadline, whose passing the setting decides.
pub(super) fn soon() -> Patience {
    Patience::Until(Deadline { monotonic_ns: 1 })
}
