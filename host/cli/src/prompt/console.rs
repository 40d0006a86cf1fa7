//! The terminal that a person sits at.

use std::{
    io::{self, BufRead as _, Read as _, Write as _},
    sync::{Arc, Mutex as Lock, PoisonError},
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

    /// From here on Ctrl-C answers the question, shown already or not, as long as this is held. None where there is
    /// nothing to hold.
    fn attend(&self) -> Option<Attention> {
        None
    }

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
    /// How many there were.
    sender: watch::Sender<u64>,
    open: Lock<Open>,
}

/// Questions that a person is about to be asked, or is asked.
#[derive(Debug, Default)]
struct Open {
    questions: usize,
    /// Interrupts before the first of them.
    before: u64,
}

/// Held for as long as a question is open.
#[derive(Debug)]
pub(crate) struct Attention(Arc<Interrupts>);

impl Drop for Attention {
    fn drop(&mut self) {
        self.0.open().questions -= 1;
    }
}

impl Interrupts {
    pub(crate) fn new() -> Self {
        Self { sender: watch::Sender::new(0), open: Lock::default() }
    }

    fn open(&self) -> std::sync::MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells those who listen now, or will for a question that is open. False where nobody does.
    pub(crate) fn deliver(&self) -> bool {
        let open = self.open();
        self.sender.send_modify(|count| *count += 1);
        open.questions > 0 || self.sender.receiver_count() > 0
    }

    fn attend(self: &Arc<Self>) -> Attention {
        let mut open = self.open();
        if open.questions == 0 {
            open.before = *self.sender.borrow();
        }
        open.questions += 1;
        Attention(Arc::clone(self))
    }

    /// Whether one came since the question was opened.
    fn came(&self) -> bool {
        let open = self.open();
        open.questions > 0 && *self.sender.borrow() > open.before
    }

    fn listen(&self) -> watch::Receiver<u64> {
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

    fn attend(&self) -> Option<Attention> {
        Some(self.interrupts.attend())
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
        if self.interrupts.came() {
            return Typed::Interrupted;
        }
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

    #[tokio::test]
    async fn an_interrupt_before_the_question_is_read_answers_it() {
        let interrupts = Arc::new(Interrupts::new());
        assert!(!interrupts.deliver());
        let terminal = Terminal::new(Arc::clone(&interrupts), None);
        let first = terminal.attend();
        assert!(!interrupts.came(), "what came before the question is no answer to it");
        let second = terminal.attend();
        assert!(interrupts.deliver());
        drop(first);
        assert_eq!(terminal.line().await, Typed::Interrupted);
        drop(second);
        assert!(!interrupts.deliver());
        let _next = terminal.attend();
        assert!(!interrupts.came());
    }
}
