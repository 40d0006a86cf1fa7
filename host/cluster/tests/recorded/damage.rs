//! What is damaged, endless or hostile costs itself, and nothing else.

use proptest::prelude::*;
use serde_json::json;
use sickbay_cluster::recorded::{ReadLimits, open};
use sickbay_core::error::ErrorKind;

use super::{Recorded, archive, gzip, list, names, pod};

#[test]
fn a_truncated_archive_gives_what_came_before_the_break() {
    let pods: Vec<_> = (0..200).map(|at| pod("ops", &format!("p-{at}"))).collect();
    let large = list("PodList", &pods);
    let tar = archive(&[
        ("cluster-resources/pods/shop.json", list("PodList", &[pod("shop", "api-1")]).as_bytes()),
        ("cluster-resources/pods/ops.json", large.as_bytes()),
    ]);
    for bytes in [gzip(&tar)[..2_000].to_vec(), tar[..large.len() / 2].to_vec()] {
        let recording = Recorded::new().with("bundle.tar.gz", bytes);
        let (cluster, report) = recording.open();
        let names = names(&cluster, "Pod");
        assert!(names.contains(&"shop/api-1".to_owned()), "{report:?}");
        assert!(!report.not_read.is_empty(), "{report:?}");
        assert!(names.len() < 201);
    }
}

#[test]
fn one_broken_document_costs_only_itself() {
    let text = format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: a, namespace: shop\n---\n{}\n",
        pod("shop", "b")
    );
    let (cluster, report) = Recorded::new().with("x.yaml", text).open();
    assert_eq!(names(&cluster, "Pod"), ["shop/b"]);
    assert_eq!(report.not_read.len(), 1, "{report:?}");
    assert_eq!(report.not_read[0].path, "x.yaml");

    let whole = list("PodList", &[pod("shop", "a"), pod("shop", "b"), pod("shop", "c")]);
    let (cluster, _) = Recorded::new().with("x.json", &whole[..whole.len() - 40]).open();
    assert_eq!(names(&cluster, "Pod"), ["shop/a", "shop/b", "shop/c"]);
    let cut = &whole[..whole.len() - 100];
    let (cluster, report) =
        Recorded::new().with("x.json", cut).with("y.json", "{\"kind\":\"Pod\",\"metadata\":{").open();
    assert_eq!(names(&cluster, "Pod"), ["shop/a", "shop/b"]);
    assert_eq!(report.not_read.len(), 2, "{report:?}");

    let bad = whole.replacen("\"phase\":\"Running\"", "\"phase\":Running", 1);
    let (cluster, report) = Recorded::new().with("x.json", bad).open();
    assert_eq!(names(&cluster, "Pod"), ["shop/b", "shop/c"]);
    assert_eq!(report.not_read.len(), 1, "{report:?}");
}

#[test]
fn nothing_readable_is_an_error_that_says_what_is_wanted() {
    for recording in [
        Recorded::new(),
        Recorded::new().with("empty", ""),
        Recorded::new().with("x.json", "{\"a\":1}").with("README.md", "# hello"),
        Recorded::new().with("x.gz", [0x1f, 0x8b, 1, 2, 3]),
    ] {
        let Err(error) = recording.try_open() else { panic!("opened") };
        assert_eq!(
            (error.kind, error.code.as_str()),
            (ErrorKind::InvalidInput, "nothing-recorded"),
            "{error}"
        );
        assert!(error.hint.unwrap().contains("support bundle"));
    }
    let Err(error) = open(&Recorded::new().path().join("none"), ReadLimits::default()) else {
        panic!("opened")
    };
    assert_eq!(error.kind, ErrorKind::NotFound);
}

#[test]
fn limits_hold() {
    let tar = archive(&[
        ("a.json", list("PodList", &[pod("shop", "a")]).as_bytes()),
        ("zero.json", &vec![b' '; 4 << 20]),
        ("b.json", list("PodList", &[pod("shop", "b")]).as_bytes()),
    ]);
    let bomb = Recorded::new().with("bomb.tgz", gzip(&tar));
    let open = |limits| open(bomb.path(), limits).unwrap();

    let (cluster, report) = open(ReadLimits { total_bytes: 1 << 20, ..ReadLimits::default() });
    assert_eq!(names(&cluster, "Pod"), ["shop/a"]);
    assert!(
        report.not_read.iter().any(|left| left.reason.contains("larger than 1048576 bytes")),
        "{report:?}"
    );

    let (cluster, report) = open(ReadLimits { file_bytes: 1 << 20, ..ReadLimits::default() });
    assert_eq!(names(&cluster, "Pod"), ["shop/a", "shop/b"]);
    assert_eq!(report.not_read.len(), 1, "{report:?}");

    let (cluster, report) = open(ReadLimits { files: 1, ..ReadLimits::default() });
    assert_eq!(names(&cluster, "Pod"), ["shop/a"]);
    assert_eq!(report.not_read.len(), 1, "{report:?}");

    let (_, report) = open(ReadLimits { objects: 1, ..ReadLimits::default() });
    assert_eq!((report.objects, report.not_read.len()), (1, 1), "{report:?}");
}

#[test]
fn names_that_lead_out_are_not_followed() {
    let inside = list("PodList", &[pod("shop", "a")]);
    let evil = list("PodList", &[pod("shop", "evil")]);
    let tar = archive(&[
        ("../../evil.json", evil.as_bytes()),
        ("/etc/evil.json", evil.as_bytes()),
        ("x/../../evil.json", evil.as_bytes()),
        ("./ok.json", inside.as_bytes()),
    ]);
    let recording = Recorded::new().with("b.tar", tar);
    let (cluster, report) = recording.open();
    assert_eq!(names(&cluster, "Pod"), ["shop/a"]);
    assert_eq!(report.not_read.len(), 3);
}

#[cfg(unix)]
#[test]
fn links_are_not_followed() {
    let outside = Recorded::new().with("secret.json", list("PodList", &[pod("shop", "evil")]));
    let recording = Recorded::new().with("ok.json", pod("shop", "a").to_string());
    std::os::unix::fs::symlink(outside.path(), recording.path().join("folder")).unwrap();
    std::os::unix::fs::symlink(outside.path().join("secret.json"), recording.path().join("file.json"))
        .unwrap();
    std::os::unix::fs::symlink(recording.path(), recording.path().join("circle")).unwrap();
    assert_eq!(names(&recording.open().0, "Pod"), ["shop/a"]);
}

#[test]
fn depth_and_aliases_are_bounded() {
    let deep = format!(
        "{{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{{\"name\":\"deep\"}},\"spec\":{}{}}}",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    let mut yaml =
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: bomb}\na: &a [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for (one, next) in ["ab", "bc", "cd", "de", "ef", "fg", "gh", "hi"].iter().map(|pair| pair.split_at(1)) {
        yaml += &format!("{next}: &{next} [{}]\n", vec![format!("*{one}"); 10].join(","));
    }
    let (cluster, report) = Recorded::new()
        .with("a.json", deep)
        .with("b.yaml", yaml)
        .with("c.json", pod("shop", "a").to_string())
        .open();
    assert_eq!(names(&cluster, "Pod"), ["shop/a"]);
    assert_eq!(report.not_read.len(), 2, "{report:?}");
}

#[test]
fn bytes_that_are_no_text() {
    let mut text = list("PodList", &[pod("shop", "a")]).replace("nginx", "ng\u{1}inx").into_bytes();
    let at = text.iter().position(|byte| *byte == 1).unwrap();
    // A control character and an invalid byte within a string.
    text[at] = 0xff;
    let (cluster, _) = Recorded::new().with("x.json", text).with("y.bin", [0_u8; 100]).open();
    assert_eq!(names(&cluster, "Pod"), ["shop/a"]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever stands in a file, reading it ends without a panic.
    #[test]
    fn any_text_ends(text in "(Name:  [a-z]{1,3}\n|[ ]{0,6}[A-Za-z ]{1,12}:[ ]{0,3}[a-z<>=:/.\"'é]{0,12}\n|NAME  READY  STATUS  RESTARTS  AGE\n|[a-z0-9/ ()]{0,40}\n|\\{\"kind\":\"[A-Z]\"|\\[|\\]|\\}|- [a-z]: [&*]?[a-z]\n|items:\n|apiVersion: v1\nkind: Pod\n|---\n){0,40}") {
        let _ = Recorded::new().with("x", text).try_open();
    }

    /// Any part of a recording can be cut off anywhere.
    #[test]
    fn any_cut_ends(cut in 0_usize..2_000, flip in 0_usize..2_000, byte in any::<u8>()) {
        let tar = archive(&[
            ("cluster-resources/pods/shop.json", list("PodList", &[pod("shop", "a")]).as_bytes()),
            ("x.yaml", b"apiVersion: v1\nkind: Pod\nmetadata:\n  name: b\n"),
            ("y.json", json!({"tool_name": "kubectl_get", "arguments": {}, "result": "x"}).to_string().as_bytes()),
        ]);
        let mut bytes = tar.clone();
        let at = flip % bytes.len();
        bytes[at] = byte;
        bytes.truncate(cut.max(600));
        let _ = Recorded::new().with("x", bytes).try_open();
    }
}
