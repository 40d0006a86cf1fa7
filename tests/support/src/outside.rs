//! An outside that answers as a test tells it and remembers what it was asked.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use sickbay_core::{
    capability::Capability,
    error::{CallError, ErrorKind},
    outside::{Answer, Ask, LogLevel},
};
use sickbay_engine::Outside;

/// Answers with what was queued, then with a value of its own where the ask
/// has one, else with a denial.
#[derive(Default)]
pub struct FakeOutside {
    answers: Mutex<VecDeque<Answer>>,
    asked: Mutex<Vec<Ask>>,
    logged: Mutex<Vec<(LogLevel, String, String)>>,
    hangs: bool,
}

impl FakeOutside {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One whose answers never come.
    #[must_use]
    pub fn hanging() -> Self {
        Self { hangs: true, ..Self::default() }
    }

    #[must_use]
    pub fn answering(answers: impl IntoIterator<Item = Answer>) -> Self {
        Self { answers: Mutex::new(answers.into_iter().collect()), ..Self::default() }
    }

    pub fn asked(&self) -> Vec<Ask> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn logged(&self) -> Vec<(LogLevel, String, String)> {
        self.logged.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Outside for FakeOutside {
    async fn ask(&self, ask: Ask) -> Answer {
        let is_config = matches!(ask, Ask::ConfigGet { .. });
        let name = ask.name();
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(ask);
        if self.hangs {
            return std::future::pending().await;
        }
        let queued = self.answers.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        match queued {
            Some(answer) => answer,
            None if is_config => Answer::Config { value: None },
            None => Answer::Failed {
                error: CallError::new(ErrorKind::Denied, "grant-missing", format!("`{name}` is not granted")),
            },
        }
    }

    fn log(&self, level: LogLevel, context: &str, message: &str) {
        self.logged.lock().unwrap_or_else(PoisonError::into_inner).push((
            level,
            context.to_owned(),
            message.to_owned(),
        ));
    }

    fn is_granted(&self, _capability: &Capability) -> bool {
        false
    }
}
