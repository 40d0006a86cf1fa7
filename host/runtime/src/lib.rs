//! Carries runs out: the driver between the loops of `sickbay-core` and the
//! world.
//!
//! ```text
//! Sickbay::run ── profile, plugins, cluster
//!    └── Drive: Pipeline::step ─> effect ─> Pipeline::accept
//!                    │ diagnose: a plugin in a fresh sandbox
//!                    │     └── asks ── CallOutside: both keys ── World (cluster)
//!                    └── every effect between two events ── Recorder (journal)
//! Sickbay::replay: the same Drive, with recorded answers, comparing its events
//! ```
//!
//! It prints nothing and reads neither arguments nor environment: what it has
//! to know is handed in. It names neither wasmtime nor kube.

mod approvals;
mod clock;
mod connect;
mod converse;
mod decisions;
mod dispatcher;
mod doctor;
mod drive;
mod driving;
mod error;
mod file;
mod folders;
mod grants;
pub mod history;
mod journal;
mod listener;
pub mod mcp;
mod models;
mod needs;
mod notice;
pub mod playground;
pub mod plugins;
pub mod policies;
pub mod profiles;
mod ready;
mod recorder;
mod replay;
mod resume;
mod runs;
mod schema;
mod secrets;
mod session;
mod sickbay;
mod world;

pub use approvals::{
    ApprovalRequest, Approver, CallDecision, CallRequest, Consent, Decision, NobodyApproves, StageApproval,
    StageDecision,
};
pub use clock::{Clock, FixedClock, SystemClock};
pub use connect::{ClusterChoice, LivePlace, PlaygroundPlace};
pub use converse::TurnFlow;
pub use decisions::{PendingKind, PendingPlan};
pub use dispatcher::{Asker, CallOutside, MAX_OBSERVED_BYTES, PluginTerms, RunContext};
pub use doctor::{Check, CheckState};
pub use drive::RunSettings;
pub use error::{Class, Failure};
pub use folders::Folders;
pub use grants::PluginGrants;
pub use listener::{Listener, NobodyListens, SessionEvent};
pub use models::{ListedModel, ListedModels, ModelQuery};
pub use needs::Needs;
pub use notice::{NobodyWatches, Notice, Watcher};
pub use ready::VoiceSettings;
pub use recorder::{
    ComparingRecorder, Difference, ForetoldTool, JournalRecorder, Recorder, ResumingRecorder, Stamp,
};
pub use replay::ReplayEnd;
pub use resume::ResumeRequest;
pub use runs::{RunSource, StoredRun};
pub use secrets::{
    Kept, Keyring, NoKeyring, SecretEntry, SecretPlace, SecretStore, StoredSecret, Variables, forget_secret,
    keep_secret,
};
pub use session::{Existing, Found, Session, SessionHost, SessionRequest};
pub use sickbay::{RunEnd, RunRequest, Sickbay};
pub use sickbay_engine::{Cancel, CancelHandle, Engine, Inspection};
pub use sickbay_gateway::{Completed, GatewayError, Model, ModelCall, ScriptedModel, ScriptedTurn, Trouble};
pub use sickbay_store::RunSummary;
pub use world::{ClusterWorld, RecordedWorld, Surroundings, World};
