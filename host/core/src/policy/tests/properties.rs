//! What holds for any policy and any plan.

use proptest::prelude::*;

use super::*;

fn any_change() -> impl Strategy<Value = (Change, Survey)> {
    let kinds = prop::sample::select(vec![
        ("v1", "Secret"),
        ("v1", "ConfigMap"),
        ("apps/v1", "Deployment"),
        ("rbac.authorization.k8s.io/v1", "Role"),
        ("v1", "Namespace"),
    ]);
    let namespaces = prop::sample::select(vec!["", "shop", "ops", "kube-system"]);
    (kinds, namespaces, "[a-b]", 0_u32..80, any::<[bool; 4]>(), 0_usize..5).prop_map(
        |((api_version, kind), namespace, name, pods, facts, verb)| {
            let object = object(api_version, kind, namespace, &name);
            let survey = Survey {
                object: Some(object.clone()),
                pods,
                stateful: facts[0],
                budgets: if facts[1] { vec!["b".into()] } else { vec![] },
                finalizers: if facts[2] { vec!["f".into()] } else { vec![] },
                managed_by: facts[3].then(|| "Helm".into()),
                ..Survey::default()
            };
            let change = match verb {
                0 => delete(object),
                1 => Change::Scale { object, replicas: 2 },
                2 => Change::Restart { object },
                _ => patch(object),
            };
            (change, survey)
        },
    )
}

/// Rules whose conditions are on one change each.
fn any_rules() -> impl Strategy<Value = String> {
    let condition = prop::sample::select(vec![
        "kinds = [\"Secret\"]",
        "kinds = [\"Deployment\", \"ConfigMap\"]",
        "namespaces = [\"shop\"]",
        "namespaces = [\"kube-*\"]",
        "names = [\"a\"]",
        "verbs = [\"patch\"]",
        "verbs = [\"delete\", \"scale\"]",
        "stateful = false",
        "stateful = true",
        "budgets = false",
        "managed = true",
        "finalizers = false",
    ]);
    let verdict = prop::sample::select(vec!["allow", "ask", "deny"]);
    let default = prop::sample::select(vec!["allow", "ask", "deny"]);
    (default, prop::collection::vec((verdict, condition), 0..6)).prop_map(|(default, rules)| {
        let rules = rules.iter().enumerate().map(|(at, (verdict, condition))| {
            format!("[[rule]]\nname = \"r{at}\"\nverdict = \"{verdict}\"\n{condition}\n")
        });
        format!("default = \"{default}\"\n{}", rules.collect::<String>())
    })
}

proptest! {
    #[test]
    fn a_further_change_never_makes_a_plan_milder(
        text in any_rules(),
        first in prop::collection::vec(any_change(), 1..5),
        more in any_change(),
    ) {
        let policy = policy(&text);
        let verdict = |list: &[(Change, Survey)]| {
            let asked = Asked::of(list.iter().map(|(change, _)| change.clone()).collect())
                .with(|asked| asked.surveys = list.iter().map(|(_, survey)| survey.clone()).collect());
            policy.decide(&asked.question()).verdict
        };
        let before = verdict(&first);
        let mut longer = first.clone();
        longer.push(more);
        prop_assert!(verdict(&longer) >= before, "{text}");
        longer.reverse();
        prop_assert!(verdict(&longer) >= before, "{text}");
    }

    #[test]
    fn what_is_not_known_never_makes_a_plan_milder(text in any_rules(), one in any_change()) {
        let policy = policy(&text);
        let asked = Asked::of(vec![one.0.clone()]).with(|asked| asked.surveys = vec![one.1.clone()]);
        let blind = asked.clone().with(|asked| asked.surveys.clear());
        let allows = policy.decide(&blind.question());
        if allows.verdict == Verdict::Allow && let Some(rule) = allows.rule {
            let traces = policy.explain(&asked.question());
            let trace = traces.iter().find(|trace| trace.rule == rule).unwrap();
            prop_assert!(trace.matched, "{text}");
        }
    }

    #[test]
    fn the_traces_and_the_ruling_agree(text in any_rules(), changes in prop::collection::vec(any_change(), 1..4)) {
        let policy = policy(&text);
        let asked = Asked::of(changes.iter().map(|(change, _)| change.clone()).collect())
            .with(|asked| asked.surveys = changes.iter().map(|(_, survey)| survey.clone()).collect());
        let ruling = policy.decide(&asked.question());
        let traces = policy.explain(&asked.question());
        let mut decided: Vec<usize> = traces.iter().flat_map(|trace| trace.decides.clone()).collect();
        let by_default = changes.len() - decided.len();
        decided.sort_unstable();
        decided.dedup();
        prop_assert_eq!(decided.len() + by_default, changes.len(), "each change is decided once");
        let strictest = traces.iter().filter(|trace| !trace.decides.is_empty()).map(|trace| trace.verdict);
        let strictest = strictest.chain((by_default > 0).then_some(policy.default)).max();
        prop_assert_eq!(Some(ruling.verdict), strictest);
        if let Some(rule) = &ruling.rule {
            let trace = traces.iter().find(|trace| trace.rule == *rule).unwrap();
            prop_assert!(!trace.decides.is_empty());
        }
    }

    #[test]
    fn no_policy_text_panics(text: String) {
        let _ = read(&text);
    }

    #[test]
    fn no_text_made_of_rules_panics(parts in prop::collection::vec(prop::sample::select(vec![
        "[[rule]]\n", "name = ", "verdict = ", "kinds = ", "hours = ", "days = ", "max-pods = ", "labels = ", "\"a\"",
        "\"allow\"", "[\"Pod\"]", "[]", "\"08:00-09:00\"", "[\"mon-fri\"]", "-1", "9999999999999", "true", "\n", "=", "{",
        "utc-offset = ", "\"+01:00\"", "default = ", "rule = ", "[rule]\n",
    ]), 0..40)) {
        let _ = read(&parts.concat());
    }

    #[test]
    fn no_question_panics(
        changes in prop::collection::vec(any_change(), 0..6),
        surveys in 0_usize..6,
        at_ms: i64,
        action: String,
    ) {
        let mut asked = Asked::of(changes.iter().map(|(change, _)| change.clone()).collect());
        asked.surveys = changes.into_iter().map(|(_, survey)| survey).take(surveys).collect();
        asked.at_ms = at_ms;
        asked.action = action;
        let policy = policy("utc-offset = \"+14:00\"\n[[rule]]\nname = \"a\"\nverdict = \"deny\"\nhours = \"08:00-09:00\"\n\
            days = [\"mon\"]\nactions = [\"*/x\"]");
        let _ = (policy.decide(&asked.question()), policy.explain(&asked.question()));
        let _ = Policy::built_in().decide(&asked.question());
    }
}
