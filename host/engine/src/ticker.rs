//! The one thread that moves the epoch on, so that a spinning guest yields.
//!
//! It sleeps for good while no guest runs, and holds the engine weakly, so
//! that it ends with it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    thread::{self, Thread},
    time::Duration,
};

use wasmtime::EngineWeak;

/// How long a guest runs before others get their turn.
const TICK: Duration = Duration::from_millis(2);
/// Ticks without a guest after which the thread sleeps.
const IDLE_TICKS: u32 = 25;

#[derive(Default)]
struct Shared {
    running: AtomicUsize,
    asleep: AtomicBool,
    ended: AtomicBool,
}

pub(crate) struct Ticker {
    shared: Arc<Shared>,
    thread: Thread,
}

/// One running guest; the epoch moves while there is any.
pub(crate) struct Running(Arc<Shared>);

impl Ticker {
    pub(crate) fn start(engine: EngineWeak) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let mine = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("sickbay-epoch".to_owned())
            .spawn(move || tick(&mine, &engine))?
            .thread()
            .clone();
        Ok(Self { shared, thread })
    }

    pub(crate) fn running(&self) -> Running {
        self.shared.running.fetch_add(1, SeqCst);
        if self.shared.asleep.load(SeqCst) {
            self.thread.unpark();
        }
        Running(Arc::clone(&self.shared))
    }
}

fn tick(shared: &Shared, engine: &EngineWeak) {
    let mut idle = 0;
    while !shared.ended.load(SeqCst) {
        thread::sleep(TICK);
        let Some(engine) = engine.upgrade() else { return };
        engine.increment_epoch();
        drop(engine);
        if shared.running.load(SeqCst) > 0 {
            idle = 0;
            continue;
        }
        idle += 1;
        if idle >= IDLE_TICKS {
            // A guest that starts between the two loads sees the flag and wakes us.
            shared.asleep.store(true, SeqCst);
            while shared.running.load(SeqCst) == 0 && !shared.ended.load(SeqCst) {
                thread::park();
            }
            shared.asleep.store(false, SeqCst);
            idle = 0;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, SeqCst);
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.ended.store(true, SeqCst);
        self.thread.unpark();
    }
}
