use super::{Version, inspect, names, version};
use crate::InspectError;

#[test]
fn a_file_that_is_no_component_says_what_it_is() {
    for (bytes, expect) in [
        (&b""[..], InspectError::Empty),
        (b"#!/bin/sh\necho hi\n", InspectError::Text),
        ("(component) ü".as_bytes(), InspectError::Text),
        (b"\x7fELF\x02\x01\x01", InspectError::Native),
        (b"sickbay-native-1....", InspectError::Native),
        (b"\x00\x01\x02\x03", InspectError::NotWasm),
        (b"\0asm\x01\0\0\0", InspectError::CoreModule),
        (b"\0asm\x0d\0\x01\0", InspectError::NoManifest),
    ] {
        let error = inspect(bytes).unwrap_err();
        assert_eq!(error, expect);
        assert!(error.hint().is_some(), "{error}");
    }
}

#[test]
fn a_cut_off_component_is_broken_rather_than_anything_worse() {
    assert!(matches!(inspect(b"\0asm"), Err(InspectError::Broken { .. })));
    assert!(matches!(inspect(b"\0asm\x0d\0\x01\0\x00\xff\xff\xff\x0f"), Err(InspectError::Broken { .. })));
}

#[test]
fn versions_are_taken_within_the_same_minor_while_major_is_0() {
    let parse = |text| version::Version::parse(text).unwrap();
    for (plugin, host, expect) in [
        ("0.1.0", "0.1.0", true),
        ("0.1.0", "0.1.4", true),
        ("0.1.5", "0.1.4", false),
        ("0.2.0", "0.1.0", false),
        ("0.1.0", "0.2.0", false),
        ("1.2.0", "1.4.1", true),
        ("1.5.0", "1.4.1", false),
        ("2.0.0", "1.4.1", false),
    ] {
        assert_eq!(parse(plugin).is_spoken_by(parse(host)), expect, "{plugin} on {host}");
    }
    for text in
        ["", "1", "1.2", "1.2.3.4", "01.2.3", "1.2.x", "1.2.3-rc", "1..3", "99999999999.0.0", "+1.2.3"]
    {
        assert_eq!(Version::parse(text), None, "{text}");
    }
}

#[test]
fn plugin_names_are_lower_case_words() {
    for (name, expect) in [
        ("rules", true),
        ("k8s-logs", true),
        ("Rules", false),
        ("", false),
        ("-a", false),
        ("a-", false),
        ("a--b", false),
        ("a/b", false),
        ("../a", false),
        ("8a", false),
    ] {
        assert_eq!(names::is_plugin_name(name), expect, "{name}");
    }
}
