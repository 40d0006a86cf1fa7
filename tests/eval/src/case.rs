//! The recorded cases of a fixtures folder: what to read, and what should come
//! out. Each kind of case says it in its own way.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use serde_json::Value;

/// What a case should come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expect {
    /// Nothing above info.
    Healthy,
    Root(Root),
}

/// The root cause that should be found. What is empty is not asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Root {
    /// `Kind/namespace/name`, the name may be `*`.
    pub object: Option<String>,
    pub words: Vec<String>,
    pub action: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub group: &'static str,
    pub name: String,
    pub inputs: Vec<PathBuf>,
    /// What the person asked, where the case says it.
    pub question: Option<String>,
    pub expect: Expect,
}

type Known = BTreeMap<String, BTreeMap<String, Root>>;

/// Every case below the folder; a group that is not there has none.
pub(crate) fn all(fixtures: &Path) -> Result<Vec<Case>, String> {
    let known: Known = toml::from_str(include_str!("../expected.toml")).map_err(|error| error.to_string())?;
    let known = |group: &str, name: &str| known.get(group).and_then(|cases| cases.get(name)).cloned();
    let mut cases = Vec::new();
    for path in children(&fixtures.join("healthy-bundle"), Some("gz")) {
        let name = stem(&path);
        cases.push(Case {
            group: "healthy-bundle",
            name,
            inputs: vec![path],
            question: None,
            expect: Expect::Healthy,
        });
    }
    pods(&fixtures.join("pods"), &mut cases)?;
    for path in children(&fixtures.join("holmesgpt"), None) {
        let Some((own, question)) = holmes(&path) else { continue };
        let name = stem(&path);
        let root = known("holmesgpt", &name).unwrap_or(own);
        cases.push(Case {
            group: "holmesgpt",
            name,
            inputs: vec![path],
            question,
            expect: Expect::Root(root),
        });
    }
    for path in children(&fixtures.join("kubernaut"), Some("json")) {
        let Some(own) = kubernaut(&path) else { continue };
        let name = stem(&path);
        let root = known("kubernaut", &name).unwrap_or(own);
        cases.push(Case {
            group: "kubernaut",
            name,
            inputs: vec![path],
            question: None,
            expect: Expect::Root(root),
        });
    }
    bench(&fixtures.join("k8s-ai-bench"), &known, &mut cases)?;
    Ok(cases)
}

#[expect(clippy::disallowed_methods, reason = "a development tool reads its cases")]
fn children(folder: &Path, extension: Option<&str>) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| match extension {
            None => path.is_dir(),
            Some(wanted) => path.extension().is_some_and(|found| found == wanted),
        })
        .collect();
    paths.sort();
    paths
}

#[expect(clippy::disallowed_methods, reason = "a development tool reads its cases")]
fn read(path: &Path) -> Option<String> {
    std::fs::read_to_string(path).ok()
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn pods(folder: &Path, cases: &mut Vec<Case>) -> Result<(), String> {
    #[derive(Deserialize)]
    struct PodCase {
        case: String,
        inputs: Vec<String>,
        object: PodObject,
        expected_message: String,
    }
    #[derive(Deserialize)]
    struct PodObject {
        kind: String,
        namespace: String,
        name: String,
    }
    let Some(text) = read(&folder.join("expected.json")) else { return Ok(()) };
    let listed: Vec<PodCase> = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    for case in listed {
        let message = case.expected_message.split_once("Message is: ").map_or("", |(_, message)| message);
        // Several messages may be joined: the first sentence has to be there.
        let words = vec![message.split(". ").next().unwrap_or_default().trim_end_matches('.').to_owned()];
        let object = format!("{}/{}/{}", case.object.kind, case.object.namespace, case.object.name);
        cases.push(Case {
            group: "pods",
            name: case.case,
            inputs: case.inputs.iter().map(|input| folder.join(input)).collect(),
            question: None,
            expect: Expect::Root(Root { object: Some(object), words, action: None }),
        });
    }
    Ok(())
}

/// The quoted and the hyphenated words of the expected answer, where no one wrote them down.
fn holmes(folder: &Path) -> Option<(Root, Option<String>)> {
    let case: Value = serde_saphyr::from_str(&read(&folder.join("test_case.yaml"))?).ok()?;
    let expected = match &case["expected_output"] {
        Value::Array(lines) => lines.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n"),
        other => other.as_str()?.to_owned(),
    };
    let quoted = expected.split(['`', '"']).skip(1).step_by(2);
    let words = quoted.filter(|word| !word.trim().is_empty()).map(str::to_owned).collect();
    let question = case["user_prompt"].as_str().map(str::to_owned);
    Some((Root { object: None, words, action: None }, question))
}

/// The object that the recorded incident was put right on.
fn kubernaut(path: &Path) -> Option<Root> {
    let incident: Value = serde_json::from_str(&read(path)?).ok()?;
    let target = &incident["analysis"]["rootCauseAnalysis"]["remediationTarget"];
    let part = |key: &str| target[key].as_str().unwrap_or_default().to_owned();
    let object = format!("{}/{}/{}", part("kind"), part("namespace"), part("name"));
    Some(Root { object: Some(object), words: Vec::new(), action: None })
}

fn bench(
    folder: &Path,
    known: &dyn Fn(&str, &str) -> Option<Root>,
    cases: &mut Vec<Case>,
) -> Result<(), String> {
    #[derive(Deserialize)]
    struct Listed {
        case: String,
        object: String,
    }
    let Some(text) = read(&folder.join("expected.yaml")) else { return Ok(()) };
    let listed: Vec<Listed> = serde_saphyr::from_str(&text).map_err(|error| error.to_string())?;
    for listed in listed {
        let mut root = known("k8s-ai-bench", &listed.case).unwrap_or_default();
        root.object = root.object.or(Some(listed.object));
        cases.push(Case {
            group: "k8s-ai-bench",
            inputs: vec![folder.join(&listed.case)],
            name: listed.case,
            question: None,
            expect: Expect::Root(root),
        });
    }
    Ok(())
}
