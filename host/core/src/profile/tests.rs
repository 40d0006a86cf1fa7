use proptest::prelude::*;
use serde_json::json;

use super::{Approval, Layer, LoopKind, Profile, Source, StageKind, resolve};
use crate::{capability::Capability, duration::Span};

mod stages;

/// A profile with every section in it.
pub(crate) const FULL: &str = r#"
description = "Observe, diagnose, remediate and verify one namespace"
loop = "pipeline"

[cluster]
namespaces = ["shop"]
recorded = "./bundle"

[model]
provider = "anthropic"
name = "claude-sonnet-4-5"
endpoint = "https://models.example.com/v1"
key-env = "MODEL_KEY"
fallback = ["openai/gpt-5"]
max-output-tokens = 4096
temperature = 0.2
options = { top_k = 5 }

[diagnosis]
strategies = ["rules", "llm"]
[diagnosis.rules]
ignore = ["Unhealthy"]
[diagnosis.llm]
rounds = 3

[tools]
plugins = ["k8s-read"]

[remediation]
plugins = ["workload"]
approval = "policy"
policy = "./policy.toml"
max-actions = 3
stabilise = "1m30s"

[limits]
wall = "10m"
steps = 50
tool-calls = 10
plugin-calls = 100
tokens = 60000
cost-usd = 0.50
output-bytes = 1000000

[grants]
rules = ["cluster:read"]

[agents.network]
profile = "network-doctor"
description = "Knows services and policies"

[[pipeline.stage]]
name = "look"
kind = "observe"
[[pipeline.stage]]
name = "find"
kind = "diagnose"
strategies = ["rules"]
decisions = { healthy = "end" }
on-failure = "end"
max-visits = 3
[[pipeline.stage]]
name = "ask"
kind = "agent"
agent = "network"
prompt = "Is it the network?"
on-success = "find"
on-failure = "end"
[[pipeline.stage]]
name = "end"
kind = "report"
"#;

/// `line:column: message / suggestion`
fn problems_of(text: &str) -> Vec<String> {
    let Err(problems) = Profile::parse("test", text) else {
        return Vec::new();
    };
    problems
        .iter()
        .map(|problem| {
            let hint = problem.suggestion.as_ref().map(|hint| format!(" / {hint}")).unwrap_or_default();
            format!("{}:{}: {}{hint}", problem.line, problem.column, problem.message)
        })
        .collect()
}

fn check(text: &str, expect: &[&str]) {
    assert_eq!(problems_of(text), expect, "{text}");
}

#[test]
fn a_profile_may_propose_actions_of_any_plugin() {
    let text = "[remediation]\nplugins = [\"quarantine\"]\n[[remediation.propose]]\nreason = \"CrashLoopBackOff\"\nplugin = \"quarantine\"\naction = \"quarantine\"\nparameters = { object = \"$evidence.Pod\", owner = \"$object\", keep = 1 }\n";
    let profile = Profile::parse("test", text).unwrap();
    let reference =
        |kind: &str, name: &str| json!({"apiVersion": "v1", "kind": kind, "namespace": "shop", "name": name});
    let mut finding: crate::diagnosis::Finding = serde_json::from_value(json!({
        "id": "f1", "severity": "critical", "object": reference("Deployment", "api"), "reason": "CrashLoopBackOff",
        "message": "", "confidence": 1.0, "evidence": [
            {"observation": "o1", "object": reference("Pod", "other"), "pointer": "/", "value": 1},
            {"observation": "o1", "object": reference("Pod", "api-1"), "pointer": "/", "value": 1, "verified": true}]
    }))
    .unwrap();
    let proposal = &profile.remediation.propose[0];
    let action = proposal.for_finding(&finding).unwrap();
    assert_eq!(
        action.parameters,
        json!({"object": reference("Pod", "api-1"), "owner": reference("Deployment", "api"), "keep": 1})
    );
    finding.evidence.clear();
    assert_eq!(proposal.for_finding(&finding), None, "no pod is cited");
    check(
        &text.replace("[\"quarantine\"]", "[\"workload\"]"),
        &[
            "5:10: `quarantine` is none of this profile's remediation plugins / add it to `plugins` in `[remediation]`: `\"quarantine\"`",
        ],
    );
}

#[test]
fn what_is_applied_has_to_be_verified() {
    let stages =
        "[remediation]\nplugins = [\"workload\"]\n[[pipeline.stage]]\nname = \"fix\"\nkind = \"remediate\"\n";
    let report = "[[pipeline.stage]]\nname = \"end\"\nkind = \"report\"\n";
    let verify = "[[pipeline.stage]]\nname = \"look\"\nkind = \"verify\"\n";
    let unverified = "3:1: what stage `fix` applies is not verified / let its decision `applied` lead to a stage of kind `verify`";
    check(&format!("{stages}{report}"), &[unverified]);
    check(&format!("{stages}{verify}{report}"), &[]);
}

#[test]
fn an_empty_profile_is_a_triage_with_the_rules() {
    let profile = Profile::parse("triage", "").unwrap();
    assert_eq!(profile.name, "triage");
    assert_eq!(profile.loop_kind, LoopKind::Pipeline);
    assert_eq!(profile.diagnosis.strategies, ["rules"]);
    assert_eq!(profile.limits.wall, Span::from_secs(300));
    let kinds: Vec<StageKind> = profile.stages().iter().map(|stage| stage.kind).collect();
    assert_eq!(kinds, [StageKind::Observe, StageKind::Diagnose, StageKind::Report]);
}

#[test]
fn every_section_is_read() {
    let profile = Profile::parse("full", FULL).unwrap();
    assert_eq!(profile.cluster.recorded.as_deref(), Some("./bundle"));
    assert_eq!(profile.model.fallback, ["openai/gpt-5"]);
    assert_eq!(profile.model.options["top_k"], json!(5));
    assert_eq!(profile.diagnosis.config_of("llm"), json!({"rounds": 3}));
    assert_eq!(profile.diagnosis.config_of("other"), json!({}));
    assert_eq!(profile.remediation.approval, Approval::Policy);
    assert_eq!(profile.remediation.stabilise, Span::from_secs(90));
    assert_eq!(profile.limits.cost_usd, 0.5);
    assert_eq!(profile.grants["rules"], [Capability::ClusterRead]);
    assert_eq!(profile.agents["network"].profile, "network-doctor");
    let stages = profile.stages();
    assert_eq!(stages[0].on_success.as_deref(), Some("find"));
    assert_eq!(stages[1].on_success.as_deref(), Some("ask"));
    assert_eq!(stages[1].max_visits, 3);
}

#[test]
fn stages_follow_from_the_settings() {
    for (text, expect) in [
        ("", "observe diagnose report"),
        ("[remediation]\nplugins = [\"workload\"]", "observe diagnose remediate verify report"),
        (
            "[remediation]\nplugins = [\"workload\"]\napproval = \"never\"",
            "observe diagnose remediate report",
        ),
        ("loop = \"react\"", "model report"),
    ] {
        let profile = Profile::parse("test", text).unwrap();
        let kinds: Vec<&str> = profile.stages().iter().map(|stage| stage.kind.as_str()).collect();
        assert_eq!(kinds.join(" "), expect, "{text}");
    }
}

#[test]
fn unknown_keys_have_a_line_and_a_suggestion() {
    check(
        "loop = \"pipeline\"\n\n[diagnosis]\nstratgies = [\"rules\"]\n",
        &["4:1: unknown key `stratgies` in `[diagnosis]` / did you mean `strategies`?"],
    );
    check("[limit]\nwall = \"5m\"", &["1:2: unknown key `limit` / did you mean `limits`?"]);
    check(
        "[limits]\ntool_calls = 5",
        &["2:1: unknown key `tool_calls` in `[limits]` / did you mean `tool-calls`?"],
    );
    check(
        "namespaces = [\"shop\"]",
        &["1:1: unknown key `namespaces` / `namespaces` belongs into `[cluster]`"],
    );
    check(
        "[tools]\ncolour = 1",
        &[
            "2:1: unknown key `colour` in `[tools]` / the keys here are `plugins`, `approval`, `allow`, `deny`, `unasked` and `result-bytes`",
        ],
    );
    check(
        "\"a\\u001b[31mb\" = 1",
        &[
            "1:1: unknown key `ab` / the keys here are `description`, `loop`, `cluster`, `model`, `diagnosis`, `tools`, `react`, \
         `remediation`, `limits`, `grants`, `agents`, `mcp` and `pipeline`",
        ],
    );
}

#[test]
fn wrong_types_say_what_is_wanted_and_what_was_found() {
    check("description = 5", &["1:15: `description` takes a text, and this is the number 5"]);
    check(
        "[diagnosis]\nstrategies = \"rules\"",
        &[
            "2:14: `diagnosis.strategies` takes a list of texts, and this is the text \"rules\" / write `strategies = [\"rules\"]`",
        ],
    );
    check(
        "[diagnosis]\nstrategies = [\"rules\", 5]",
        &["2:24: `diagnosis.strategies` takes texts in its list, and this is the number 5"],
    );
    check(
        "[limits]\nwall = 300",
        &[
            "2:8: `limits.wall` takes a span of time, and this is the number 300 / write it as in `wall = \"5m\"`",
        ],
    );
    check(
        "[limits]\nwall = \"5 minutes\"",
        &[
            "2:8: `limits.wall` takes a span of time, and this is the text \"5 minutes\" / write it as in `wall = \"5m\"`",
        ],
    );
    check("[limits]\nwall = \"0s\"", &["2:8: `limits.wall` takes 1ms to 30d, and this is 0s"]);
    check(
        "[limits]\nsteps = -1",
        &["2:9: `limits.steps` takes a whole number from 1 to 100000, and this is the number -1"],
    );
    check(
        "[limits]\ncost-usd = \"free\"",
        &["2:12: `limits.cost-usd` takes a number from 0 to 1000000, and this is the text \"free\""],
    );
    check("limits = 5", &["1:10: `limits` takes a table, and this is the number 5"]);
    check("pipeline.stage = 5", &["1:18: `pipeline.stage` takes a list of tables, and this is the number 5"]);
    check("description = 2026-01-01", &["1:15: `description` takes a text, and this is the time 2026-01-01"]);
}

#[test]
fn closed_words_list_what_is_allowed() {
    check(
        "loop = \"pipelin\"",
        &[
            "1:8: `loop` takes one of `pipeline` and `react`, and this is the text \"pipelin\" / did you mean `pipeline`?",
        ],
    );
    check(
        "[remediation]\napproval = \"always\"",
        &[
            "2:12: `remediation.approval` takes one of `ask`, `never` and `policy`, and this is the text \"always\"",
        ],
    );
}

#[test]
fn what_does_not_fit_together_is_found() {
    check(
        "[cluster]\nrecorded = \"a\"\nplayground = \"b\"",
        &["3:14: `cluster.recorded` and `cluster.playground` name two clusters / keep one of them"],
    );
    check(
        "[cluster]\nnamespaces = [\"shop\", \"*\", \"Shop\"]",
        &[
            "2:23: `*` is not the name of a namespace / leave `namespaces` out to read all that can be read",
            "2:28: `Shop` is not the name of a namespace / a namespace has up to 63 lower-case letters, digits and hyphens",
        ],
    );
    check(
        "[remediation]\napproval = \"policy\"",
        &["2:12: `remediation.approval` is `policy`, and no policy is named / add `policy = \"FILE\"`"],
    );
    check(
        "[remediation]\npolicy = \"p.toml\"",
        // Its rules hold for what is asked, too.
        &[],
    );
    check(
        "[diagnosis]\nstrategies = [\"rules\"]\n[diagnosis.rulez]\na = 1",
        &["3:12: `rulez` is not one of the strategies / did you mean `rules`?"],
    );
    check(
        "[diagnosis]\nstrategies = []",
        &["2:14: no strategy is to diagnose / name at least one, as in `strategies = [\"rules\"]`"],
    );
    check(
        "[diagnosis]\nstrategies = [\"rules\", \"rules\", \"../x\"]",
        &[
            "2:24: `rules` is listed twice",
            "2:33: `../x` can not be a name here / a name has up to 64 lower-case letters, digits and hyphens, and no hyphen first",
        ],
    );
    check(
        "[grants]\nrules = [\"cluster:raed\"]",
        &["2:10: `cluster:raed` is not a capability / did you mean `cluster:read`?"],
    );
    check(
        "loop = \"react\"\n[[pipeline.stage]]\nname = \"a\"\nkind = \"report\"",
        &["2:3: the loop `react` has no stages / remove `[pipeline]`, or write `loop = \"pipeline\"`"],
    );
    check(
        "[model]\nendpoint = \"ftp://x\"\nfallback = [\"gpt\"]",
        &[
            "2:12: `ftp://x` is not a URL of http or https",
            "3:13: `gpt` is not a model of the form `PROVIDER/NAME`",
        ],
    );
}

#[test]
fn a_key_in_the_wrong_place_is_not_repeated() {
    let problems = problems_of("[model]\nkey-env = \"sk-ant-secret-0123\"");
    assert_eq!(problems.len(), 1);
    assert!(!problems[0].contains("sk-ant"), "{problems:?}");
}

fn stages(list: &[&str]) -> String {
    list.iter().map(|stage| format!("[[pipeline.stage]]\n{stage}\n")).collect()
}

#[test]
fn graphs_that_can_not_be_walked_are_refused() {
    let report = "name = \"end\"\nkind = \"report\"";
    check(
        &stages(&["name = \"a\"\nkind = \"observe\"\non-success = \"edn\"", report]),
        &["4:14: there is no stage `edn` / did you mean `end`?"],
    );
    check(
        &stages(&["name = \"a\"\nkind = \"observe\""]),
        &[
            "1:1: stage `a` goes nowhere / add `on-success`, or a stage of kind `report` after it",
            "1:1: no stage is of kind `report` / end the pipeline with a stage of kind `report`",
        ],
    );
    check(
        &stages(&[
            "name = \"a\"\nkind = \"observe\"\non-success = \"end\"",
            "name = \"b\"\nkind = \"diagnose\"",
            report,
        ]),
        &["5:1: no stage leads to `b` / name `b` in another stage, or remove it"],
    );
    check(
        &stages(&[
            "name = \"a\"\nkind = \"observe\"",
            "name = \"b\"\nkind = \"diagnose\"\ndecisions = { findings = \"a\" }",
            report,
        ]),
        &["1:1: the stages `a` → `b` → `a` can go round without end / bound one of them with `max-visits`"],
    );
    check(
        &stages(&["name = \"a\"\nkind = \"diagnose\"\non-failure = \"a\"", report]),
        &["1:1: the stages `a` → `a` can go round without end / bound one of them with `max-visits`"],
    );
    check(
        &stages(&["name = \"end\"\nkind = \"report\"\non-success = \"end\""]),
        &["4:14: a report is the end of the run, so that nothing follows it"],
    );
    check(
        &stages(&["name = \"a\"\nkind = \"observe\"", "name = \"a\"\nkind = \"diagnose\"", report]),
        &["4:1: there are two stages `a`"],
    );
    check(
        &stages(&["name = \"a\"", "kind = \"observ\"", report]),
        &[
            "1:1: this stage has no `kind`",
            "3:1: this stage has no `name`",
            "4:8: `pipeline.stage.kind` takes one of `observe`, `diagnose`, `remediate`, `verify`, `model`, `tools`, \
         `agent`, `approve` and `report`, and this is the text \"observ\" / did you mean `observe`?",
        ],
    );
    check(
        &stages(&["name = \"a\"\nkind = \"agent\"\nagent = \"netwrk\"", report]),
        &["4:9: there is no agent `netwrk` / add a section `[agents.netwrk]`"],
    );
    check(
        &stages(&["name = \"a\"\nkind = \"observe\"\nstrategies = [\"rules\"]", report]),
        &["4:14: `strategies` belongs to stages of kind `diagnose`"],
    );
    check(
        &stages(&[
            "name = \"a\"\nkind = \"observe\"\ncalls = []",
            "name = \"b\"\nkind = \"tools\"\nprompt = \"?\"",
            report,
        ]),
        &[
            "4:9: `calls` belongs to stages of kind `tools`",
            "5:1: this stage calls no tool / add `calls = [{ tool = \"PLUGIN__TOOL\", arguments = {} }]`",
            "8:10: `prompt` belongs to stages of kind `model`, `agent` and `approve`",
        ],
    );
    check("pipeline.stage = []", &["1:18: a pipeline has 1 to 100 stages, and this one has 0"]);
}

#[test]
fn a_bounded_cycle_is_allowed() {
    let text = stages(&[
        "name = \"a\"\nkind = \"observe\"",
        "name = \"b\"\nkind = \"diagnose\"\nmax-visits = 2\ndecisions = { findings = \"a\" }",
        "name = \"end\"\nkind = \"report\"",
    ]);
    check(&text, &[]);
}

#[test]
fn later_layers_win_and_each_value_knows_its_source() {
    let layers = [
        Layer {
            source: Source::Embedded,
            text: "description = \"built in\"\n[limits]\nwall = \"1m\"\nsteps = 5\n[cluster]\ncontext = \"prod\"".into(),
        },
        Layer { source: Source::User("~/triage.toml".into()), text: "[limits]\nwall = \"2m\"".into() },
        Layer::flag("cluster.recorded=./bundle").unwrap(),
        Layer::flag("diagnosis.strategies=[\"rules\", \"llm\"]").unwrap(),
    ];
    let resolved = resolve("triage", &layers).unwrap();
    assert_eq!(resolved.profile.limits.wall, Span::from_secs(120));
    assert_eq!(resolved.profile.cluster.context, None, "another cluster was chosen above");
    let shown: Vec<String> = resolved
        .explain()
        .iter()
        .filter(|setting| !setting.key.starts_with("pipeline") && !setting.key.starts_with("remediation"))
        .map(|setting| format!("{} = {} ({})", setting.key, setting.value, setting.source))
        .collect();
    assert_eq!(
        shown,
        [
            "agents = {} (default)",
            "cluster.namespaces = [] (default)",
            "cluster.recorded = \"./bundle\" (command line)",
            "description = \"built in\" (built in)",
            "diagnosis.strategies = [\"rules\",\"llm\"] (command line)",
            "grants = {} (default)",
            "limits.call = \"30s\" (default)",
            "limits.cost-usd = 1.0 (default)",
            "limits.output-bytes = 33554432 (default)",
            "limits.plugin-calls = 500 (default)",
            "limits.steps = 5 (built in)",
            "limits.tokens = 200000 (default)",
            "limits.tool-calls = 50 (default)",
            "limits.wall = \"2m\" (~/triage.toml)",
            "loop = \"pipeline\" (default)",
            "model = {} (default)",
            "react.calls-per-answer = 32 (default)",
            "react.compact-at = 0.8 (default)",
            "react.parallel = 8 (default)",
            "react.repairs = 2 (default)",
            "react.repeats = 3 (default)",
            "tools.approval = \"ask\" (default)",
            "tools.plugins = [] (default)",
            "tools.result-bytes = 16384 (default)",
        ]
    );
}

#[test]
fn a_problem_names_the_layer_that_it_is_in() {
    let layers = [
        Layer { source: Source::User("triage.toml".into()), text: "\n[limits]\nwal = 1".into() },
        Layer::flag("limits.steps=many").unwrap(),
    ];
    let problems: Vec<String> =
        resolve("triage", &layers).unwrap_err().iter().map(ToString::to_string).collect();
    assert_eq!(
        problems,
        [
            "triage.toml:3:1: unknown key `wal` in `[limits]`",
            "command line:1:16: `limits.steps` takes a whole number from 1 to 100000, and this is the text \"many\"",
        ]
    );
}

#[test]
fn a_layer_may_leave_out_a_strategy_whose_section_stands_below() {
    let layers = [
        Layer {
            source: Source::Embedded,
            text: "[diagnosis]\nstrategies = [\"rules\", \"llm\"]\n[diagnosis.llm]\nrounds = 3".into(),
        },
        Layer::flag("diagnosis.strategies=[\"rules\"]").unwrap(),
    ];
    assert_eq!(resolve("triage", &layers).unwrap().profile.diagnosis.strategies, ["rules"]);
}

#[test]
fn flags_are_toml_or_else_text() {
    for (flag, expect) in [
        ("limits.steps=5", "limits.steps = 5"),
        ("limits.wall=5m", "limits.wall = \"5m\""),
        (" a.b = [1, 2] ", "a.b = [1, 2]"),
        ("description=two = words", "description = \"two = words\""),
        ("description=", "description = \"\""),
        ("a=1\nb=2", "a = \"\"\"\n1\nb=2\"\"\""),
    ] {
        assert_eq!(Layer::flag(flag).unwrap().text, expect, "{flag}");
    }
    for flag in ["", "limits", "=5", "a..b=1", "a b=1", "[x]\na=1"] {
        assert!(Layer::flag(flag).is_err(), "{flag}");
    }
}

#[test]
fn grants_are_narrowed_and_never_widened() {
    let profile = Profile::parse(
        "test",
        "[grants]\nrules = [\"cluster:read\", \"model\"]\nweb = [\"http:https://a.test/v1\"]\nnone = []",
    )
    .unwrap();
    let http = |url: &str| Capability::Http(url.into());
    for (plugin, held, expect) in [
        ("rules", vec![Capability::ClusterRead, Capability::Kv], vec![Capability::ClusterRead]),
        ("web", vec![http("https://a.test")], vec![http("https://a.test/v1")]),
        ("web", vec![http("https://a.test/v1/x")], vec![http("https://a.test/v1/x")]),
        ("web", vec![http("https://b.test")], vec![]),
        ("none", vec![Capability::Kv], vec![]),
        ("other", vec![Capability::Kv], vec![Capability::Kv]),
    ] {
        assert_eq!(profile.narrow_grants(plugin, &held), expect, "{plugin} {held:?}");
    }
}

#[test]
fn the_journal_gives_the_profile_back() {
    for text in ["", FULL, "loop = \"react\""] {
        let profile = Profile::parse("test", text).unwrap();
        assert_eq!(Profile::from_json(&profile.to_json()).unwrap(), profile);
    }
    // What an older version wrote lacks what was added since.
    assert!(Profile::from_json(&json!({"name": "old", "limits": {"wall": "1m"}})).is_ok());
}

fn mutated() -> impl Strategy<Value = String> {
    let edit = (
        0..FULL.len(),
        0_usize..12,
        prop::sample::select(vec!["", "[", "=", "\"", "\n", "]]", "x", "-1", "{}", "."]),
    );
    prop::collection::vec(edit, 1..6).prop_map(|edits| {
        let mut bytes = FULL.as_bytes().to_vec();
        for (at, cut, insert) in edits {
            let at = at.min(bytes.len());
            let end = (at + cut).min(bytes.len());
            bytes.splice(at..end, insert.bytes());
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

proptest! {
    #[test]
    fn no_text_panics(text: String) {
        let _ = Profile::parse("test", &text);
        let _ = Layer::flag(&text);
    }

    #[test]
    fn no_damaged_profile_panics(text in mutated()) {
        match Profile::parse("test", &text) {
            Ok(profile) => prop_assert_eq!(Profile::from_json(&profile.to_json()).unwrap(), profile),
            Err(problems) => {
                prop_assert!(!problems.is_empty());
                let lines = u32::try_from(text.lines().count()).unwrap() + 1;
                for problem in problems {
                    prop_assert!(problem.line >= 1 && problem.line <= lines && problem.column >= 1);
                    prop_assert!(!problem.message.contains(['\u{1b}', '\n']), "{}", problem.message);
                }
            }
        }
    }

    #[test]
    fn any_flag_is_one_setting(key in "[a-z]{1,5}(\\.[a-z]{1,5})?", value: String) {
        let layer = Layer::flag(&format!("{key}={value}")).unwrap();
        let table: toml::Table = layer.text.parse().unwrap();
        prop_assert_eq!(table.len(), 1);
    }
}

#[test]
fn what_is_said_of_one_provider_is_not_said_of_another() {
    let own = Layer {
        source: Source::User("p.toml".into()),
        text: "[model]\nprovider = \"anthropic\"\nname = \"big\"\nkey-env = \"THEIRS\"\nendpoint = \"https://a.example\"\n\
               max-output-tokens = 100\n[model.settings]\nx = \"1\"\n[model.options]\ntop_k = 5"
            .into(),
    };
    let with = |settings: &[&str]| {
        let flags = settings.iter().map(|setting| Layer::flag(setting).unwrap());
        let layers: Vec<Layer> = std::iter::once(own.clone()).chain(flags).collect();
        resolve("p", &layers).unwrap().profile.model
    };
    let other = with(&["model.provider=openai", "model.name=small"]);
    assert_eq!((other.provider.as_deref(), other.name.as_deref()), (Some("openai"), Some("small")));
    assert_eq!((other.key_env, other.endpoint, other.max_output_tokens), (None, None, Some(100)));
    assert!(other.settings.is_empty() && other.options.is_empty());
    // The same provider keeps them, and the command line's own settings belong together in any order.
    let same = with(&["model.provider=anthropic", "model.name=small"]);
    assert_eq!((same.name.as_deref(), same.key_env.as_deref()), (Some("small"), Some("THEIRS")));
    let flags = with(&["model.key-env=MINE", "model.provider=openai"]);
    assert_eq!((flags.key_env.as_deref(), flags.endpoint), (Some("MINE"), None));
}
