//! `sickbay chat`: a session is opened or taken up again, led, and kept.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use serde_json::json;
use sickbay_core::text::{clean_line, clean_text};
use sickbay_runtime::{Failure, Listener, Session, SessionRequest, Sickbay, TurnFlow, Watcher, profiles};

use super::{cluster, decision, folders, run::settings, sickbay};
use crate::{
    args::ChatArgs,
    chat::{Answers, AsItWas, EventLines, Input, Left, LineEditor, Manner, Screen, Stopping, Talk},
    environment::Environment,
    exit,
    output::Output,
    progress::Progress,
    prompt::{Interrupts, Terminal, TerminalApprover},
};

/// A call waits for a decision.
const WAITS: u8 = 5;
/// Sessions that are looked through for the newest of a profile.
const LOOKED_THROUGH: usize = 500;
/// Lines of the last answer that a person is reminded of.
const REMINDED: usize = 12;

/// The parts that a conversation is shown and stopped by.
struct Face<'a> {
    output: &'a Output,
    screen: Arc<Screen>,
    lines: Option<Arc<EventLines>>,
    stopping: Arc<Stopping>,
    manner: Manner,
}

/// How a session came to be open.
enum Opened {
    New,
    /// With how its last turn ended, where there was one.
    Again(Option<TurnFlow>),
}

pub(super) async fn chat(
    args: ChatArgs,
    environment: &Environment,
    output: &Output,
) -> Result<ExitCode, Failure> {
    let is_person = environment.stdin_is_terminal && environment.stderr_is_terminal && !output.is_json();
    let interrupts = Arc::new(Interrupts::new());
    let progress = Arc::new(Progress::start(output));
    let _as_it_was = is_person.then(AsItWas::keep);
    let face = Face {
        output,
        screen: Arc::new(Screen::new(output, Answers::Stdout).over(&progress)),
        lines: output.is_json().then(|| Arc::new(EventLines::new(output))),
        stopping: Stopping::listen(&interrupts),
        manner: if is_person { Manner::Person } else { Manner::Script },
    };
    let mut sickbay = sickbay(environment)?.watched_by(Arc::clone(&progress) as Arc<dyn Watcher>);
    if is_person {
        let console = Box::new(Terminal::new(interrupts, environment.editor.clone()));
        let approver =
            TerminalApprover::new(console, Arc::clone(&progress), output.error_paint, output.error_width);
        sickbay = sickbay.approved_by(Arc::new(approver));
    }
    let done = Box::pin(face.led(&args, &sickbay, &progress, environment)).await;
    progress.finish();
    match (&face.lines, done) {
        // Each line is one value here.
        (Some(lines), Err(failure)) => {
            lines.failure(&failure);
            output.failure_for_people(&failure);
            Ok(ExitCode::from(exit::code(&failure)))
        }
        (_, done) => done,
    }
}

impl Face<'_> {
    async fn led(
        &self,
        args: &ChatArgs,
        sickbay: &Sickbay,
        progress: &Progress,
        environment: &Environment,
    ) -> Result<ExitCode, Failure> {
        let opened = tokio::select! {
            opened = self.open(args, sickbay, environment) => opened?,
            () = self.stopping.left() => return Err(Failure::failed("interrupted before the session began")),
        };
        let (session, opened) = opened;
        progress.finish();
        self.greet(&session, &opened);
        let input = match self.manner {
            Manner::Person => Input::Editor(Some(Box::new(LineEditor::open(&folders(environment)?)?))),
            Manner::Script => Input::Lines,
        };
        let mut talk = Talk {
            sickbay,
            session,
            input,
            manner: self.manner,
            stopping: Arc::clone(&self.stopping),
            screen: Arc::clone(&self.screen),
            lines: self.lines.clone(),
            output: self.output,
        };
        let left = match opened {
            Opened::Again(Some(TurnFlow::Parked(reason))) => Left::Waits(reason),
            _ => talk.lead(args.prompt.clone()).await?,
        };
        self.leave(talk.session, sickbay, left, &args.profile).await
    }

    fn listener(&self) -> Arc<dyn Listener> {
        match &self.lines {
            Some(lines) => Arc::<EventLines>::clone(lines),
            None => Arc::<Screen>::clone(&self.screen),
        }
    }

    /// A new session, or one that is taken up.
    async fn open(
        &self,
        args: &ChatArgs,
        sickbay: &Sickbay,
        environment: &Environment,
    ) -> Result<(Session, Opened), Failure> {
        let Some(id) = wanted(args, sickbay).await? else {
            let set = settings(args.model.model.as_deref(), &args.set)?;
            let resolved = profiles::load_trusted(&folders(environment)?, &args.profile, &set)?;
            let request = SessionRequest {
                cluster: cluster::choose(&args.cluster, &resolved.profile.cluster, environment)?,
                namespaces: cluster::namespaces(&args.cluster),
                workspace: folder(args.model.workspace.as_deref())?,
                profile: resolved.profile,
            };
            let host = sickbay.sessions(request).await?;
            return Ok((host.open(self.listener()).await?, Opened::New));
        };
        if !args.cluster.namespaces.is_empty() || args.cluster.all_namespaces {
            return Err(Failure::usage("a session goes on in the namespaces that it began with")
                .with_hint("leave out `-n` and `-A`, or begin a new session"));
        }
        let place = cluster::named(&args.cluster, environment)?;
        let (mut session, last) = sickbay.resume_session(&id, place, self.listener()).await?;
        self.screen.end_turn();
        if let Some(model) = &args.model.model
            && model != session.model()
            && !matches!(last, Some(TurnFlow::Parked(_)))
        {
            sickbay.change_model(&mut session, model).await?;
        }
        Ok((session, Opened::Again(last)))
    }

    fn greet(&self, session: &Session, opened: &Opened) {
        if let Some(lines) = &self.lines {
            lines.line(&json!({
                "event": "session",
                "session": session.id(),
                "model": session.model(),
                "cluster": session.place(),
                "turns": session.turns(),
            }));
            return;
        }
        if self.output.is_quiet {
            return;
        }
        let tools = session.tools().len();
        let paint = self.output.error_paint;
        let about = format!(
            "session {} · {} · {} · {tools} tools",
            session.id(),
            clean_line(session.model(), 100),
            clean_line(session.place(), 200)
        );
        self.screen.note(&paint.faint(&about));
        if self.manner == Manner::Person {
            if let Opened::Again(Some(_)) = opened {
                self.remind(session);
            }
            self.screen.note(&paint.faint("/help shows what can be typed; Ctrl-D leaves"));
        }
    }

    /// Where the conversation stood.
    fn remind(&self, session: &Session) {
        let turns = session.turns();
        let paint = self.output.error_paint;
        self.screen.note(&paint.faint(&format!("taken up after turn {turns}; it ended with:")));
        let answer = session.report().answer.unwrap_or_default();
        let answer = clean_text(&answer);
        let lines: Vec<&str> = answer.lines().collect();
        let from = lines.len().saturating_sub(REMINDED);
        for line in lines.get(from..).unwrap_or_default() {
            self.screen.note(&format!("  {line}"));
        }
    }

    /// Keeps the session, and says how it is taken up again.
    async fn leave(
        &self,
        mut session: Session,
        sickbay: &Sickbay,
        left: Left,
        profile: &str,
    ) -> Result<ExitCode, Failure> {
        // A turn that is left in the middle can not tell what it came to.
        if left != Left::InTurn {
            session.park().await?;
        }
        let id = session.id().to_owned();
        drop(session);
        let pending = match left {
            Left::Waits(_) => sickbay.pending(&id).await?,
            _ => None,
        };
        sickbay.close().await?;
        if let Some(lines) = &self.lines {
            lines.line(&json!({"event": "left", "session": id, "waits": pending}));
        }
        let code = match left {
            Left::Ended(code) => code,
            Left::InTurn => 1,
            Left::Waits(reason) => {
                decision::tell_waiting(
                    &id,
                    pending.as_ref(),
                    &reason,
                    super::run::Outlives::Yes,
                    self.output,
                );
                WAITS
            }
        };
        if !self.output.is_quiet {
            let profile = clean_line(profile, 200);
            self.screen.note(&format!(
                "{}: session {id} is kept: `sickbay chat {profile} --resume {id}` goes on with it",
                self.output.error_paint.green("hint")
            ));
        }
        Ok(ExitCode::from(if self.manner == Manner::Person && code != WAITS { 0 } else { code }))
    }
}

/// Which session is to be taken up; none where a new one begins.
async fn wanted(args: &ChatArgs, sickbay: &Sickbay) -> Result<Option<String>, Failure> {
    let name = profiles::name_of(&args.profile);
    let shown = clean_line(&name, 60);
    if args.go_on {
        for run in sickbay.runs(LOOKED_THROUGH).await? {
            if run.profile == name
                && run.outcome.is_none()
                && sickbay.stored_run(&run.run).await?.is_session()
            {
                return Ok(Some(run.run));
            }
        }
        return Err(Failure::usage(format!("there is no session of profile `{shown}` to go on with"))
            .with_hint("`sickbay runs list` shows all that was run; without `--continue` a new one begins"));
    }
    let Some(id) = &args.resume else { return Ok(None) };
    let stored = sickbay.stored_run(id).await?;
    let run = stored.summary.run.clone();
    if !stored.is_session() {
        return Err(Failure::usage(format!("run `{run}` is no session"))
            .with_hint(format!("`sickbay runs show {run}` shows what came of it")));
    }
    if stored.summary.profile != name {
        let its = clean_line(&stored.summary.profile, 60);
        return Err(Failure::usage(format!("session `{run}` is of profile `{its}`, and not of `{shown}`"))
            .with_hint(format!("`sickbay chat {its} --resume {run}`")));
    }
    Ok(Some(run))
}

/// The folder that plugins may be granted, from wherever the session goes on.
pub(super) fn folder(workspace: Option<&Path>) -> Result<Option<PathBuf>, Failure> {
    let Some(path) = workspace else { return Ok(None) };
    if !path.is_dir() {
        return Err(Failure::usage(format!("there is no folder `{}`", path.display()))
            .with_hint("name one that exists with `--workspace`"));
    }
    let absolute = std::path::absolute(path).map_err(|error| {
        Failure::failed(format!("can not find out where `{}` is: {error}", path.display()))
    })?;
    Ok(Some(absolute))
}
