//! What a person who waits may want to know. Notices are for showing only:
//! nothing depends on them.

/// What the runtime is at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    ReadingRecorded {
        path: String,
    },
    /// A playground is being made.
    StartingPlayground {
        scenario: String,
    },
    Connecting,
    /// The first time that a plugin is used, which takes seconds.
    Compiling {
        plugin: String,
    },
    Observing,
    Diagnosing {
        strategy: String,
    },
    /// The model has the word.
    Talking {
        model: String,
    },
    /// A stage calls a tool.
    Calling {
        tool: String,
    },
    /// Another profile gets the task.
    HandingOver {
        agent: String,
    },
    /// An action is turned into a plan.
    Planning {
        action: String,
    },
    /// The API server is asked what would change.
    Rehearsing {
        object: String,
    },
    /// Another run has the object.
    WaitingForLock {
        held_by: String,
    },
    Applying {
        object: String,
    },
    /// What is not healthy yet, or how long it has been.
    Watching {
        message: String,
    },
    RollingBack {
        object: String,
    },
    Reporting,
}

/// Is told. Must not block.
pub trait Watcher: Send + Sync {
    fn notice(&self, notice: Notice);
}

/// Does not care.
#[derive(Clone, Copy, Debug, Default)]
pub struct NobodyWatches;

impl Watcher for NobodyWatches {
    fn notice(&self, _notice: Notice) {}
}
