//! A server of MCP that does what none should, and what each may: the tests'
//! other side, spoken to over standard streams or HTTP.
#![allow(dead_code, reason = "each of the two programs that have it uses another part")]

use std::collections::BTreeSet;

use serde_json::{Value, json};

pub(crate) const NEWER: &str = "2026-07-28";
pub(crate) const OLDER: &str = "2025-11-25";

/// How it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Era {
    /// Knows `initialize` only, and says so.
    Older,
    /// Knows `initialize` only, and says nothing to what it does not know.
    Silent,
    /// Knows `initialize` only, and ends at any other question.
    Touchy,
    /// Knows `server/discover` only.
    Newer,
    /// Never answers.
    Mute,
}

impl Era {
    pub(crate) fn named(name: &str) -> Self {
        match name {
            "older" => Self::Older,
            "silent" => Self::Silent,
            "touchy" => Self::Touchy,
            "newer" => Self::Newer,
            _ => Self::Mute,
        }
    }
}

/// What the server wants done.
pub(crate) enum Act {
    Say(Value),
    /// Says it over and over, until nobody listens.
    Flood(Value),
    /// Says it after a while.
    Later(u64, Value),
    End,
}

pub(crate) struct Odd {
    era: Era,
    /// How many further tools it lists.
    many: usize,
    changed: bool,
    subscription: Option<Value>,
    cancelled: BTreeSet<String>,
    /// The call that waits for an answer to a question.
    asking: Option<Value>,
}

impl Odd {
    pub(crate) fn new(era: Era, many: usize) -> Self {
        Self { era, many, changed: false, subscription: None, cancelled: BTreeSet::new(), asking: None }
    }

    pub(crate) fn hear(&mut self, message: &Value) -> Vec<Act> {
        let id = message.get("id").cloned();
        let Some(method) = message.get("method").and_then(Value::as_str) else {
            return self.hear_answer(message);
        };
        let Some(id) = id else {
            if method == "notifications/cancelled" {
                self.cancelled.insert(message["params"]["requestId"].to_string());
            }
            return Vec::new();
        };
        let say = |result: Value| vec![Act::Say(json!({"jsonrpc": "2.0", "id": id, "result": result}))];
        let info = json!({"name": "odd\u{1b}[31m", "version": "1"});
        let tools = json!({"tools": {"listChanged": true}});
        match (self.era, method) {
            (Era::Mute, _) => Vec::new(),
            (Era::Newer, "server/discover") => say(json!({
                "resultType": "complete", "supportedVersions": [NEWER], "capabilities": tools,
                "ttlMs": 0, "cacheScope": "private",
                "_meta": {"io.modelcontextprotocol/serverInfo": info},
                "instructions": "Be careful.\u{202e}",
            })),
            (Era::Silent, "server/discover") => Vec::new(),
            (Era::Touchy, "server/discover") => vec![Act::End],
            (Era::Older | Era::Silent | Era::Touchy, "initialize") => say(json!({
                "protocolVersion": OLDER, "capabilities": tools, "serverInfo": info,
                "instructions": "Be careful.\u{202e}",
            })),
            (_, "ping") => say(json!({})),
            (_, "tools/list") => say(self.list(&message["params"])),
            (_, "tools/call") => self.call(&id, &message["params"]),
            (Era::Newer, "subscriptions/listen") => {
                self.subscription = Some(id.clone());
                let told = json!({"_meta": {"io.modelcontextprotocol/subscriptionId": id},
                                  "notifications": {"toolsListChanged": true}});
                vec![Act::Say(note("notifications/subscriptions/acknowledged", &told))]
            }
            _ => vec![Act::Say(json!({
                "jsonrpc": "2.0", "id": id, "error": {"code": -32601, "message": "unknown\u{7} method"},
            }))],
        }
    }

    fn list(&self, params: &Value) -> Value {
        let from: usize = params["cursor"].as_str().and_then(|cursor| cursor.parse().ok()).unwrap_or(0);
        let schema =
            json!({"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]});
        let mut tools = Vec::new();
        if from == 0 {
            for name in
                ["echo", "env", "die", "hang", "slow", "flood", "change", "ask", "cancelled", "big", "refuse"]
            {
                tools.push(json!({"name": name, "description": format!("Does {name}.\u{200b}"), "inputSchema": schema}));
            }
            tools.push(
                json!({"name": "look.at/it", "inputSchema": schema, "annotations": {"readOnlyHint": true}}),
            );
            tools.push(json!({"name": "broken", "inputSchema": "no object"}));
            if self.changed {
                tools.push(json!({"name": "added", "inputSchema": schema}));
            }
        }
        let last = (from + 500).min(self.many);
        tools.extend((from..last).map(|n| json!({"name": format!("many{n}"), "inputSchema": schema})));
        let mut list = json!({"tools": tools, "resultType": "complete", "ttlMs": 0, "cacheScope": "private"});
        if last < self.many {
            list["nextCursor"] = json!(last.to_string());
        }
        list
    }

    fn call(&mut self, id: &Value, params: &Value) -> Vec<Act> {
        let text = |text: &str| text_result(id, text);
        let progress = |n: u64| {
            let told = json!({"progressToken": params["_meta"]["progressToken"], "progress": n});
            note("notifications/progress", &told)
        };
        match params["name"].as_str().unwrap_or_default() {
            "echo" | "look.at/it" => vec![Act::Say(text(params["arguments"]["text"].as_str().unwrap_or("")))],
            "env" => {
                let all: Vec<String> =
                    std::env::vars().map(|(name, value)| format!("{name}={value}")).collect();
                vec![Act::Say(text(&all.join("\n")))]
            }
            "die" => vec![Act::End],
            "slow" => (1..=6)
                .map(|n| Act::Later(150 * n, if n == 6 { text("slow but sure") } else { progress(n) }))
                .collect(),
            "flood" => vec![Act::Flood(note("notifications/tools/list_changed", &json!({})))],
            "change" => {
                self.changed = true;
                let told = match &self.subscription {
                    Some(id) => json!({"_meta": {"io.modelcontextprotocol/subscriptionId": id}}),
                    None => json!({}),
                };
                vec![Act::Say(note("notifications/tools/list_changed", &told)), Act::Say(text("changed"))]
            }
            "ask" => self.ask(id, params),
            "cancelled" => vec![Act::Say(text(&self.cancelled.len().to_string()))],
            "big" => vec![Act::Say(text(&"x".repeat(3 * 1024 * 1024)))],
            "refuse" => vec![Act::Say(json!({
                "jsonrpc": "2.0", "id": id, "error": {"code": -32602, "message": "not with\u{1b}[2J that"},
            }))],
            "added" => vec![Act::Say(text("here"))],
            // `hang`, and what was never listed.
            _ => Vec::new(),
        }
    }

    fn ask(&mut self, id: &Value, params: &Value) -> Vec<Act> {
        let form = json!({"mode": "form", "message": "Who?", "requestedSchema": {
            "type": "object", "properties": {"name": {"type": "string", "default": "Ann"}}, "required": ["name"],
        }});
        if self.era == Era::Newer {
            return vec![Act::Say(match params["inputResponses"].get("q") {
                Some(answer) if params["requestState"] == "s1" => text_result(id, &told(answer)),
                _ => json!({"jsonrpc": "2.0", "id": id, "result": {
                    "resultType": "input_required", "requestState": "s1",
                    "inputRequests": {"q": {"method": "elicitation/create", "params": form}},
                }}),
            })];
        }
        self.asking = Some(id.clone());
        vec![Act::Say(json!({"jsonrpc": "2.0", "id": "q1", "method": "elicitation/create", "params": form}))]
    }

    fn hear_answer(&mut self, message: &Value) -> Vec<Act> {
        match (message["id"].as_str(), self.asking.take()) {
            (Some("q1"), Some(id)) => vec![Act::Say(text_result(&id, &told(&message["result"])))],
            _ => Vec::new(),
        }
    }
}

fn told(answer: &Value) -> String {
    format!("{} {}", answer["action"].as_str().unwrap_or("nothing"), answer["content"])
}

fn note(method: &str, params: &Value) -> Value {
    json!({"jsonrpc": "2.0", "method": method, "params": params})
}

fn text_result(id: &Value, text: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "result": {
        "resultType": "complete", "content": [{"type": "text", "text": text}],
    }})
}
