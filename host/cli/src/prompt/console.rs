//! The terminal that a person sits at.

use std::{
    io::{self, BufRead as _, Read as _, Write as _},
    sync::Arc,
};

use async_trait::async_trait;
use tokio::{
    sync::{Mutex, watch},
    task::JoinHandle,
};

use super::editor::edit;

/// Bytes of one line at most. Terminals give less.
const MAX_LINE: u64 = 64 * 1024;

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Typed {
    Line(String),
    /// The end of the input, Ctrl-D.
    Closed,
    /// Ctrl-C.
    Interrupted,
}

/// Somebody to ask.
#[async_trait]
pub(crate) trait Console: Send + Sync {
    fn say(&self, text: &str);

    /// Forgets what was typed before now: it was no answer to what is shown only now.
    fn forget_typed(&self);

    /// Waits for one line, for as long as it takes.
    async fn line(&self) -> Typed;

    /// The text as the person leaves it in an editor, or why that failed; none
    /// where there is no editor.
    async fn edit(&self, _text: &str) -> Option<Result<String, String>> {
        None
    }
}

/// Hands Ctrl-C to whoever waits for it.
#[derive(Debug)]
pub(crate) struct Interrupts {
    sender: watch::Sender<()>,
}

impl Interrupts {
    pub(crate) fn new() -> Self {
        Self { sender: watch::Sender::new(()) }
    }

    /// Tells those who listen now. False where nobody does.
    pub(crate) fn deliver(&self) -> bool {
        self.sender.send(()).is_ok()
    }

    fn listen(&self) -> watch::Receiver<()> {
        self.sender.subscribe()
    }
}

/// Standard input and standard error, which are terminals.
#[derive(Debug)]
pub(crate) struct Terminal {
    interrupts: Arc<Interrupts>,
    /// A read that an interrupt left behind is taken up by the next question.
    reading: Mutex<Option<JoinHandle<io::Result<String>>>>,
    /// A command.
    editor: Option<String>,
}

impl Terminal {
    pub(crate) fn new(interrupts: Arc<Interrupts>, editor: Option<String>) -> Self {
        Self { interrupts, reading: Mutex::new(None), editor }
    }
}

fn read_line() -> io::Result<String> {
    let mut line = Vec::new();
    io::stdin().lock().take(MAX_LINE).read_until(b'\n', &mut line)?;
    Ok(String::from_utf8_lossy(&line).into_owned())
}

#[async_trait]
impl Console for Terminal {
    fn say(&self, text: &str) {
        let mut stderr = io::stderr().lock();
        // A terminal that went away gives no answer either: the plan is left for later.
        let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
    }

    fn forget_typed(&self) {
        // Where it is no terminal after all, nothing can have been typed ahead.
        let _ = rustix::termios::tcflush(io::stdin(), rustix::termios::QueueSelector::IFlush);
        if let Ok(mut reading) = self.reading.try_lock()
            && reading.as_ref().is_some_and(JoinHandle::is_finished)
        {
            *reading = None;
        }
    }

    async fn line(&self) -> Typed {
        let mut interrupted = self.interrupts.listen();
        let mut reading = self.reading.lock().await;
        let handle = reading.get_or_insert_with(|| tokio::task::spawn_blocking(read_line));
        let read = tokio::select! {
            read = handle => read,
            _ = interrupted.changed() => return Typed::Interrupted,
        };
        *reading = None;
        match read {
            Ok(Ok(line)) if !line.is_empty() => Typed::Line(line),
            _ => Typed::Closed,
        }
    }

    async fn edit(&self, text: &str) -> Option<Result<String, String>> {
        let (editor, text) = (self.editor.clone()?, text.to_owned());
        // A read that was left behind would take the editor's keys.
        if self.reading.lock().await.is_some() {
            return None;
        }
        // Ctrl-C is the editor's own while it has the terminal.
        let _listening = self.interrupts.listen();
        let edited = tokio::task::spawn_blocking(move || edit(&editor, &text)).await;
        Some(edited.unwrap_or_else(|error| Err(error.to_string())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_interrupt_goes_to_who_listens_and_to_nobody_else() {
        let interrupts = Interrupts::new();
        assert!(!interrupts.deliver());
        let mut listening = interrupts.listen();
        assert!(interrupts.deliver());
        listening.changed().await.unwrap();
        drop(listening);
        assert!(!interrupts.deliver());
    }
}
