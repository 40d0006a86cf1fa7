use proptest::prelude::*;

use super::{LockError, LockedPlugin, LockedTool, PluginLock, is_name, narrow};
use crate::{capability::Capability, digest::Digest, plugin::PluginKind};

fn plugin(name: &str) -> LockedPlugin {
    LockedPlugin {
        name: name.into(),
        version: "1.2.3".into(),
        source: "./rules.wasm".into(),
        digest: Digest::of(name.as_bytes()),
        signer: None,
        interface: "0.1.0".into(),
        kinds: vec![PluginKind::Diagnosis],
        description: "Rules, with a \"quote\" and a\nline break".into(),
        requested: vec![Capability::ClusterRead, Capability::Http("https://a.test".into())],
        grants: vec![Capability::ClusterRead],
        tools: vec![],
    }
}

fn lock_of(names: &[&str]) -> PluginLock {
    let mut lock = PluginLock::default();
    for name in names {
        lock.add(plugin(name)).unwrap();
    }
    lock
}

fn problems_of(text: &str) -> Vec<String> {
    let Err(problems) = PluginLock::parse("plugins.lock", text) else {
        return Vec::new();
    };
    problems
        .iter()
        .map(|problem| match &problem.suggestion {
            Some(hint) => format!("{problem} / {hint}"),
            None => problem.to_string(),
        })
        .collect()
}

#[test]
fn the_text_is_stable_and_read_back() {
    let mut lock = lock_of(&["web", "rules"]);
    let mut tool = plugin("tools");
    tool.kinds = vec![PluginKind::Tool];
    tool.tools = vec![LockedTool { name: "lookup".into(), description: Digest::of(b"Looks up") }];
    tool.signer = Some("sickbay".into());
    lock.add(tool).unwrap();
    let text = lock.to_toml().unwrap();
    insta::assert_snapshot!(text);
    assert_eq!(PluginLock::parse("plugins.lock", &text).unwrap(), lock);
    assert_eq!(lock_of(&["rules", "web"]).to_toml(), lock_of(&["web", "rules"]).to_toml());
    let empty = PluginLock::default();
    assert_eq!(PluginLock::parse("plugins.lock", &empty.to_toml().unwrap()).unwrap(), empty);
}

#[test]
fn a_power_needs_both_keys() {
    let mut lock = lock_of(&["rules"]);
    let error = lock.grant("rules", Capability::Model).unwrap_err();
    assert_eq!(
        error.to_string(),
        "plugin `rules` does not ask for `model`, so that granting it would have no effect"
    );
    assert_eq!(error.hint().unwrap(), "it asks for `cluster:read` and `http:https://a.test`");
    let mut greedy = plugin("greedy");
    greedy.grants = vec![Capability::Kv];
    assert!(matches!(lock.add(greedy), Err(LockError::NotRequested { .. })));
}

#[test]
fn a_request_for_any_origin_is_granted_by_name_alone() {
    let mut prometheus = plugin("prometheus");
    prometheus.requested = vec![Capability::HttpAny];
    prometheus.grants = vec![];
    let mut lock = PluginLock::default();
    lock.add(prometheus.clone()).unwrap();
    let error = lock.grant("prometheus", Capability::HttpAny).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`http:*` can be asked for, but not granted to plugin `prometheus`: a grant names an origin"
    );
    assert_eq!(
        error.hint().unwrap(),
        "name the origin: `sickbay plugin grant prometheus http:https://api.example.com`"
    );
    let (one, other) =
        (Capability::Http("http://a.test:9090".into()), Capability::Http("https://b.test".into()));
    assert_eq!(lock.grant("prometheus", one.clone()), Ok(true));
    assert_eq!(lock.grant("prometheus", other.clone()), Ok(true));
    assert!(lock.grant("prometheus", Capability::Kv).is_err());
    let text = lock.to_toml().unwrap();
    assert_eq!(PluginLock::parse("plugins.lock", &text).unwrap(), lock);
    assert_eq!(
        problems_of(&text.replace("grants = [\"http:http://a.test:9090\"", "grants = [\"http:*\"")),
        [
            "plugins.lock:4:1: `http:*` can be asked for, but not granted to plugin `prometheus`: a grant names an origin / \
             name the origin: `sickbay plugin grant prometheus http:https://api.example.com`"
        ]
    );
    let both = [one, other];
    assert_eq!(lock.explain("prometheus").unwrap().capabilities[0].granted, both);
    assert_eq!(
        narrow(&both, &[Capability::HttpAny]),
        both,
        "a profile that leaves any origin leaves those granted"
    );
    assert_eq!(lock.revoke("prometheus", &Capability::HttpAny), Ok(both.to_vec()));
    prometheus.grants = vec![Capability::HttpAny];
    assert!(matches!(lock.add(prometheus), Err(LockError::NotGrantable { .. })));
}

#[test]
fn grants_can_be_narrower_than_the_request_and_are_taken_back_whole() {
    let mut lock = lock_of(&["rules"]);
    let narrow = Capability::Http("https://a.test/v1".into());
    let wide = Capability::Http("https://a.test".into());
    assert_eq!(lock.grant("rules", narrow.clone()), Ok(true));
    assert_eq!(lock.grant("rules", narrow.clone()), Ok(false));
    let explained = lock.explain("rules").unwrap();
    assert_eq!(explained.capabilities[1].granted, std::slice::from_ref(&narrow));
    assert_eq!(lock.grant("rules", wide.clone()), Ok(true));
    assert_eq!(lock.grant("rules", narrow.clone()), Ok(false), "the wider grant covers it");
    assert_eq!(lock.revoke("rules", &wide), Ok(vec![wide.clone()]));
    let error = lock.revoke("rules", &wide).unwrap_err();
    assert_eq!(error.to_string(), "plugin `rules` does not hold `http:https://a.test`");
    assert_eq!(error.hint().unwrap(), "it holds `cluster:read`");
}

#[test]
fn an_unknown_plugin_is_refused_with_a_suggestion() {
    let mut lock = lock_of(&["rules"]);
    let error = lock.remove("rule").unwrap_err();
    assert_eq!(error.to_string(), "no plugin `rule` is installed");
    assert_eq!(error.hint().unwrap(), "did you mean `rules`?");
    assert!(lock.remove("rules").is_ok());
    assert_eq!(
        lock.explain("rules").unwrap_err().hint().unwrap(),
        "`sickbay plugin list` shows those that are"
    );
}

#[test]
fn names_are_plain() {
    for (name, expect) in [
        ("rules", true),
        ("k8s-logs", true),
        ("9lives", true),
        (&"a".repeat(64), true),
        (&"a".repeat(65), false),
        ("", false),
        ("-a", false),
        ("Rules", false),
        ("a/b", false),
        ("..", false),
        ("a b", false),
        ("é", false),
    ] {
        assert_eq!(is_name(name), expect, "{name}");
    }
}

#[test]
fn a_lock_that_is_not_understood_is_refused() {
    let good = lock_of(&["rules"]).to_toml().unwrap();
    let check = |from: &str, to: &str, expect: &[&str]| {
        assert!(good.contains(from), "{from}\n{good}");
        assert_eq!(problems_of(&good.replace(from, to)), expect, "{to}");
    };
    check(
        "version = 1\n",
        "version = 2\n",
        &[
            "plugins.lock:2:11: the lock has version 2, and this sickbay reads version 1 / update sickbay, or move the \
         file away and install the plugins again",
        ],
    );
    check("version = 1\n", "", &["plugins.lock:1:1: the lock does not begin with `version = 1`"]);
    check(
        "requested =",
        "capabilites =",
        &[
            "plugins.lock:4:1: plugin `rules` does not ask for `cluster:read`, so that granting it would have no effect / \
         it asks for nothing",
            "plugins.lock:14:1: unknown key `capabilites` in `[plugin]` / the keys here are `name`, `version`, `source`, \
         `sha256`, `signer`, `interface`, `kinds`, `description`, `requested`, `grants` and `tool`",
        ],
    );
    check(
        "grants = [\"cluster:read\"]",
        "grants = [\"clusterread\"]",
        &["plugins.lock:15:11: `clusterread` is not a capability / did you mean `cluster:read`?"],
    );
    check(
        "kinds = [\"diagnosis\"]",
        "kinds = [\"diagnose\"]",
        &[
            "plugins.lock:10:10: `diagnose` is not a kind of plugin / a kind is one of `provider`, `tool`, `diagnosis` \
         and `remediation`",
        ],
    );
    check(
        "name = \"rules\"",
        "name = \"../rules\"",
        &[
            "plugins.lock:4:1: `../rules` can not be the name of a plugin / a name has up to 64 lower-case letters, digits \
         and hyphens, and no hyphen first",
            "plugins.lock:5:8: `../rules` can not be the name of a plugin / a name has up to 64 lower-case letters, digits \
         and hyphens, and no hyphen first",
        ],
    );
    check("sha256 = \"", "sha256 = \"AA", &["plugins.lock:8:10: `sha256` takes 64 hex digits in lower case"]);
    let entry = good.split_once("[[plugin]]").unwrap().1;
    assert_eq!(
        problems_of(&format!("{good}\n[[plugin]]{entry}")),
        ["plugins.lock:17:1: there are two entries for plugin `rules`"]
    );
}

#[test]
fn what_is_left_of_grants_is_never_more() {
    let a = Capability::Http("https://a.test".into());
    let a_v1 = Capability::Http("https://a.test/v1".into());
    for (held, allowed, expect) in [
        (vec![a.clone()], vec![a_v1.clone()], vec![a_v1.clone()]),
        (vec![a_v1.clone()], vec![a.clone()], vec![a_v1.clone()]),
        (vec![Capability::WorkspaceRead], vec![Capability::WorkspaceWrite], vec![Capability::WorkspaceRead]),
        (vec![Capability::Kv], vec![Capability::Model], vec![]),
        (vec![], vec![Capability::Model], vec![]),
    ] {
        assert_eq!(narrow(&held, &allowed), expect);
        assert!(narrow(&held, &allowed).iter().all(|left| held.iter().any(|held| held.covers(left))));
    }
}

proptest! {
    #[test]
    fn no_damaged_lock_panics(at in 0_usize..700, cut in 0_usize..20, insert in "[\\[\\]=\"\n\\PC]{0,5}") {
        let mut text = lock_of(&["rules", "web"]).to_toml().unwrap();
        let start = (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let end = (start + cut).min(text.len());
        text.replace_range(start..end, &insert);
        if let Ok(lock) = PluginLock::parse("plugins.lock", &text) {
            prop_assert_eq!(PluginLock::parse("plugins.lock", &lock.to_toml().unwrap()).unwrap(), lock);
        }
    }

    #[test]
    fn any_text_of_a_plugin_is_read_back(version: String, source: String, description: String, tool: String) {
        let mut lock = PluginLock::default();
        let tools = vec![LockedTool { name: tool, description: Digest::of(b"") }];
        lock.add(LockedPlugin { version, source, description, tools, ..plugin("rules") }).unwrap();
        prop_assert_eq!(PluginLock::parse("plugins.lock", &lock.to_toml().unwrap()).unwrap(), lock);
    }
}
