//! What a script can ask about a request.

use std::collections::BTreeMap;

use sickbay_plugin::provider::{Content, Request, Role};

/// A request, as scripts see it.
pub(crate) struct Conversation<'a> {
    pub(crate) model: &'a str,
    pub(crate) system: String,
    /// What the user last said.
    pub(crate) user: String,
    /// The number of the answer that is asked for, since the user last spoke.
    pub(crate) turn: usize,
    /// And since the beginning.
    pub(crate) answer: usize,
    /// Names of the tools that were called since the user last spoke.
    pub(crate) called: Vec<&'a str>,
    /// All results, the newest first.
    pub(crate) results: Vec<Seen<'a>>,
    pub(crate) offered: Vec<&'a str>,
    /// Bytes of everything that was sent.
    pub(crate) bytes: usize,
}

/// The result of a tool.
pub(crate) struct Seen<'a> {
    /// Empty where the call is not in the conversation.
    pub(crate) tool: &'a str,
    pub(crate) text: &'a str,
    pub(crate) is_error: bool,
    /// Whether it came since the user last spoke.
    pub(crate) is_fresh: bool,
}

impl<'a> Conversation<'a> {
    pub(crate) fn of(request: &'a Request) -> Self {
        let mut seen = Self {
            model: &request.model,
            system: String::new(),
            user: String::new(),
            turn: 1,
            answer: 1,
            called: Vec::new(),
            results: Vec::new(),
            offered: request.tools.iter().map(|tool| tool.name.as_str()).collect(),
            bytes: request
                .tools
                .iter()
                .map(|t| t.name.len() + t.description.len() + t.input_schema.len())
                .sum(),
        };
        let mut names: BTreeMap<&str, &str> = BTreeMap::new();
        for message in &request.messages {
            let texts: Vec<&str> = message
                .content
                .iter()
                .filter_map(|content| match content {
                    Content::Text(text) => Some(text.as_str()),
                    _ => None,
                })
                .collect();
            match message.role {
                Role::System => seen.system.push_str(&texts.join("\n")),
                Role::User if !texts.is_empty() => {
                    seen.user = texts.join("\n");
                    seen.turn = 1;
                    seen.called.clear();
                    for result in &mut seen.results {
                        result.is_fresh = false;
                    }
                }
                Role::Assistant => {
                    seen.turn += 1;
                    seen.answer += 1;
                }
                Role::User | Role::Tool => {}
            }
            for content in &message.content {
                seen.bytes += match content {
                    Content::Text(text) | Content::RedactedThinking(text) => text.len(),
                    Content::Thinking(thinking) => thinking.text.len(),
                    Content::Image(image) => image.data.len(),
                    Content::ToolCall(call) => {
                        names.insert(&call.id, &call.name);
                        seen.called.push(&call.name);
                        call.name.len() + call.arguments.len()
                    }
                    Content::ToolResult(result) => {
                        let tool = names.get(result.id.as_str()).copied().unwrap_or_default();
                        seen.results.push(Seen {
                            tool,
                            text: &result.text,
                            is_error: result.is_error,
                            is_fresh: true,
                        });
                        result.text.len()
                    }
                };
            }
        }
        seen.results.reverse();
        seen
    }
}
