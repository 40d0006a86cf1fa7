//! `sickbay policy`: what may be changed, by whose word, and which rule says so.

use std::process::ExitCode;

use sickbay_core::{
    change::Survey,
    cluster::Source,
    object::ObjectRef,
    policy::{Policy, Question, RuleTrace, Ruling, Verdict},
    profile::Approval,
    rbac::{Scope, builtin_kind},
    remediation::{Change, ChangeVerb, PatchType, Propagation, Risk},
    text::{clean_line, did_you_mean},
};
use sickbay_runtime::{
    Clock as _, Failure, SystemClock,
    policies::{self, ReadPolicy},
    profiles,
};

use super::folders;
use crate::{
    args::{ExplainArgs, PolicyCommand, PolicyPlaceArgs, RiskChoice, SourceChoice},
    environment::Environment,
    output::{Output, table},
};

pub(super) fn policy(
    command: PolicyCommand,
    environment: &Environment,
    output: &Output,
) -> Result<ExitCode, Failure> {
    match command {
        PolicyCommand::Explain(args) => explain(&args, environment, output)?,
        PolicyCommand::Check { file } => {
            let read = policies::read(&file)?;
            let ok = serde_json::json!({"policy": file, "ok": true, "default": read.policy.default});
            output.show(&ok, || {
                format!(
                    "policy `{}` is fine; its default is `{}`\n",
                    file.display(),
                    read.policy.default.as_str()
                )
            })?;
        }
        PolicyCommand::Show { place } => {
            let (read, _) = find(&place, environment)?;
            let shown = serde_json::json!({"policy": read.policy.source, "text": read.text});
            output.show(&shown, || read.text.clone())?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The policy that was named, and who approves in the profile that it is of.
fn find(
    place: &PolicyPlaceArgs,
    environment: &Environment,
) -> Result<(ReadPolicy, Option<Approval>), Failure> {
    if let Some(path) = &place.policy {
        return Ok((policies::read(path)?, None));
    }
    let Some(name) = &place.profile else { return Ok((policies::built_in(), None)) };
    let profile = profiles::load_trusted(&folders(environment)?, name, &[])?.profile;
    Ok((policies::of_profile(&profile)?, Some(profile.remediation.approval)))
}

fn explain(args: &ExplainArgs, environment: &Environment, output: &Output) -> Result<(), Failure> {
    let (read, approval) = find(&args.place, environment)?;
    let policy = &read.policy;
    let verb = verb(&args.verb)?;
    let changes: Vec<Change> = (0..args.objects).map(|number| change(verb, args, number)).collect();
    let surveys: Vec<Survey> =
        changes.iter().map(|change| survey(change.object(), args)).collect::<Result<_, _>>()?;
    let question = Question {
        source: match args.source {
            SourceChoice::Live => Source::Live,
            SourceChoice::Playground => Source::Playground,
        },
        plugin: &args.plugin,
        action: args.action.as_deref().unwrap_or(verb.as_str()),
        risk: match args.risk {
            RiskChoice::Low => Risk::Low,
            RiskChoice::Medium => Risk::Medium,
            RiskChoice::High => Risk::High,
        },
        reversible: !args.irreversible,
        changes: &changes,
        surveys: &surveys,
        at_ms: at(args)?,
    };
    let ruling = policy.decide(&question);
    let traces = policy.explain(&question);
    let effect = effect(&ruling, approval);
    let shown = serde_json::json!({
        "policy": policy.source,
        "ruling": ruling,
        "effect": effect,
        "default": policy.default,
        "rules": traces,
    });
    output.show(&shown, || text(policy, &ruling, &traces, &effect))
}

fn verb(word: &str) -> Result<ChangeVerb, Failure> {
    let words = ChangeVerb::WORDS;
    words.iter().find(|(known, _)| *known == word).map(|(_, verb)| *verb).ok_or_else(|| {
        let known = words.map(|(word, _)| word);
        let hint = did_you_mean(word, known).map_or_else(
            || format!("verbs are: {}", known.join(", ")),
            |near| format!("did you mean `{near}`?"),
        );
        Failure::usage(format!("there is no verb `{}`", clean_line(word, 60))).with_hint(hint)
    })
}

fn at(args: &ExplainArgs) -> Result<i64, Failure> {
    let Some(text) = &args.at else { return Ok(SystemClock.now_ms()) };
    let parsed: Result<jiff::Timestamp, _> = text.parse();
    parsed.map(jiff::Timestamp::as_millisecond).map_err(|error| {
        Failure::usage(format!("`{}` is no time: {error}", clean_line(text, 60)))
            .with_hint("write it as `2026-11-21T16:00:00Z`")
    })
}

/// The `number`-th of the objects that are asked about.
fn object(args: &ExplainArgs, number: u32) -> ObjectRef {
    let (group, kind) = match args.kind.rsplit_once('/') {
        Some((api_version, kind)) => (Some(api_version), kind),
        None => (None, args.kind.as_str()),
    };
    let known =
        builtin_kind(group.map(|version| version.split_once('/').map_or("", |(group, _)| group)), kind);
    let api_version = group.map(str::to_owned).unwrap_or_else(|| match known {
        Some(known) if !known.group.is_empty() => format!("{}/v1", known.group),
        _ => "v1".to_owned(),
    });
    let is_namespaced = known.is_none_or(|known| known.scope == Scope::Namespace);
    ObjectRef {
        api_version,
        kind: kind.to_owned(),
        namespace: is_namespaced.then(|| args.namespace.clone().unwrap_or_else(|| "default".to_owned())),
        name: if number == 0 { args.name.clone() } else { format!("{}-{}", args.name, number + 1) },
    }
}

/// A change of that verb. What exactly it writes is nothing that policies look at.
fn change(verb: ChangeVerb, args: &ExplainArgs, number: u32) -> Change {
    let object = object(args, number);
    match verb {
        ChangeVerb::Patch => Change::Patch {
            object,
            patch_type: PatchType::Merge,
            subresource: None,
            body: serde_json::json!({}),
        },
        ChangeVerb::Create => Change::Create {
            manifest: serde_json::json!({
                "apiVersion": object.api_version,
                "kind": object.kind,
                "metadata": {"namespace": object.namespace, "name": object.name},
            }),
        },
        ChangeVerb::Delete => {
            Change::Delete { object, propagation: Propagation::Background, grace_period_seconds: None }
        }
        ChangeVerb::Scale => Change::Scale { object, replicas: 1 },
        ChangeVerb::Evict => Change::Evict { object },
        ChangeVerb::Restart => Change::Restart { object },
        ChangeVerb::RolloutUndo => Change::RolloutUndo { object, to_revision: None },
        ChangeVerb::HttpRequest => Change::HttpRequest {
            method: "POST".to_owned(),
            url: "https://example.com/".to_owned(),
            headers: Vec::new(),
            body: None,
        },
        ChangeVerb::Instruction => Change::Instruction { text: "by hand".to_owned() },
    }
}

fn survey(object: Option<ObjectRef>, args: &ExplainArgs) -> Result<Survey, Failure> {
    let mut survey = Survey {
        object,
        pods: args.pods,
        budgets: args.budgets.clone(),
        stateful: args.stateful,
        finalizers: args.finalizers.clone(),
        managed_by: args.managed_by.clone(),
        ..Survey::default()
    };
    for label in &args.labels {
        let (key, value) = label.split_once('=').ok_or_else(|| {
            Failure::usage(format!("`{}` is no label", clean_line(label, 80)))
                .with_hint("write it as `KEY=VALUE`")
        })?;
        survey.labels.insert(key.to_owned(), value.to_owned());
    }
    Ok(survey)
}

/// What comes of the verdict.
fn effect(ruling: &Ruling, approval: Option<Approval>) -> String {
    match (approval, ruling.verdict) {
        (Some(Approval::Never), _) => "the profile plans only: nothing is applied".to_owned(),
        (_, Verdict::Deny) => "nobody can approve it".to_owned(),
        (_, Verdict::Ask) => "a person is asked, or the run waits for `sickbay runs approve`".to_owned(),
        (Some(Approval::Policy), Verdict::Allow) => "it is applied without asking".to_owned(),
        (_, Verdict::Allow) if ruling.unattended => {
            "a person is asked where one is there; `--yes`, or nobody being there, applies it without"
                .to_owned()
        }
        (_, Verdict::Allow) => {
            "a person is asked; `--yes`, or a profile with `approval = \"policy\"`, applies it without"
                .to_owned()
        }
    }
}

fn text(policy: &Policy, ruling: &Ruling, traces: &[RuleTrace], effect: &str) -> String {
    let by = ruling.rule.as_ref().map_or_else(|| "the default".to_owned(), |rule| format!("rule `{rule}`"));
    let mut text = format!(
        "{}, by {by} of policy {}: {}\n{effect}\n\n",
        ruling.verdict.as_str(),
        policy.source,
        clean_line(&ruling.reason, 500)
    );
    let rows = traces.iter().map(|trace| {
        let why = match (&trace.unmet, trace.decides.is_empty()) {
            (_, false) => "decides".to_owned(),
            (None, true) => "would match, but an earlier rule decides".to_owned(),
            (Some(unmet), true) => clean_line(unmet, 300),
        };
        vec![trace.rule.clone(), trace.verdict.as_str().to_owned(), why]
    });
    let last = vec![
        "(default)".to_owned(),
        policy.default.as_str().to_owned(),
        if ruling.rule.is_none() { "decides".to_owned() } else { String::new() },
    ];
    text.push_str(&table(&["RULE", "VERDICT", "WHY"], rows.chain(std::iter::once(last))));
    text
}
